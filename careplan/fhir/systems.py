"""Canonical URIs, each once: code systems, identifier systems, our own profiles and extensions.

Danish systems go by several names; `normal_system` gives the one we write and index. The record
itself keeps the name it came with. Nothing here says which codes a system holds.
Sources: dk-core and MedCom terminology, https://hl7.dk/fhir/core, https://hl7.org/fhir/R4/terminologies-systems.html.
"""

# Code systems
NPU = "http://npu-terminology.org"
MCS = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-observation-codes"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
ICPC2 = "urn:oid:1.2.208.176.2.31"
SKS = "urn:oid:1.2.208.176.2.4"
SKS_D = "urn:oid:1.2.208.176.2.4.12"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ATC = "http://www.whocc.no/atc"
MUNICIPALITY = "http://hl7.dk/fhir/core/CodeSystem/dk-core-municipality-codes"
PROFESSION = "http://hl7.dk/fhir/core/CodeSystem/DkCoreProfessionGroupCodes"

OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CONDITION_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CONDITION_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CONDITION_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
GOAL_CATEGORY = "http://terminology.hl7.org/CodeSystem/goal-category"
GOAL_ACHIEVEMENT = "http://terminology.hl7.org/CodeSystem/goal-achievement"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
PARTICIPATION_TYPE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
RESOURCE_TYPES = "http://hl7.org/fhir/resource-types"
AUDIT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
AUDIT_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
DATA_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
ACTION_TYPE = "http://terminology.hl7.org/CodeSystem/action-type"
PLAN_DEFINITION_TYPE = "http://terminology.hl7.org/CodeSystem/plan-definition-type"

# Identifier systems
CPR = "urn:oid:1.2.208.176.1.2"
X_ECPR = "urn:oid:1.2.208.176.1.6.1.1"
D_ECPR = "urn:oid:1.2.208.176.1.6.1.3"
SOR = "urn:oid:1.2.208.176.1.1"
YDERNUMMER = "urn:oid:1.2.208.176.1.4"
GLN = "http://www.gs1.org/gln"
CVR = "http://cvr.dk"
FK_ORG = "https://kombit.dk/sts/organisation"
URI = "urn:ietf:rfc:3986"

# Ours
CANONICAL = "https://careplan.example/fhir"
PLAN_TYPE = f"{CANONICAL}/CodeSystem/plan-type"
FACT = f"{CANONICAL}/CodeSystem/fact"
DEVIATION_REASON = f"{CANONICAL}/CodeSystem/deviation-reason"
EXCLUSION_REASON = f"{CANONICAL}/CodeSystem/exclusion-reason"
MEASURE = f"{CANONICAL}/CodeSystem/measure"
ACTIVITY = f"{CANONICAL}/CodeSystem/activity"
ADVICE = f"{CANONICAL}/CodeSystem/advice"
CHECK = f"{CANONICAL}/CodeSystem/check"
MESSAGE_TOPIC = f"{CANONICAL}/CodeSystem/message-topic"
REFERRAL_PHASE = f"{CANONICAL}/CodeSystem/referral-phase"
REFERRAL_REASON = f"{CANONICAL}/CodeSystem/referral-reason"
SPECIAL_NEED = f"{CANONICAL}/CodeSystem/special-need"
CONTACT = f"{CANONICAL}/CodeSystem/contact"
CALLER_ROLE = f"{CANONICAL}/CodeSystem/caller-role"
ACCESS = f"{CANONICAL}/CodeSystem/access"

PROFILE_CAREPLAN = f"{CANONICAL}/StructureDefinition/forloebsplan-careplan"
PROFILE_GOAL = f"{CANONICAL}/StructureDefinition/forloebsplan-goal"
PROFILE_OBSERVATION = f"{CANONICAL}/StructureDefinition/forloebsplan-observation"

EXT_TARGET_KIND = f"{CANONICAL}/StructureDefinition/target-kind"
EXT_HIGH_EXCLUSIVE = f"{CANONICAL}/StructureDefinition/high-exclusive"
EXT_RECOMMENDATION = f"{CANONICAL}/StructureDefinition/recommendation"
EXT_EXPLANATION = f"{CANONICAL}/StructureDefinition/explanation"
EXT_DEVIATION = f"{CANONICAL}/StructureDefinition/deviation"
EXT_LAST_REVIEWED = f"{CANONICAL}/StructureDefinition/last-reviewed"
EXT_EMERGENCY_REASON = f"{CANONICAL}/StructureDefinition/emergency-reason"
EXT_VALUE_CONFIRMED = f"{CANONICAL}/StructureDefinition/value-confirmed"
EXT_ELIGIBILITY = f"{CANONICAL}/StructureDefinition/eligibility"
EXT_OWN_WORDING = f"{CANONICAL}/StructureDefinition/own-wording"

ALIASES = {
    "urn:oid:1.2.208.176.2.1": NPU,
    "urn:oid:1.2.208.176.9.1": NPU,
    "urn:oid:1.2.208.184.100.8": MCS,
    "urn:oid:1.2.208.184.100.1": MCS,
    "http://hl7.org/fhir/sid/icpc-2": ICPC2,
    "https://kiap.dk/koder/icpc-2-dk": ICPC2,
    SKS: SKS_D,
    "http://hl7.org/fhir/sid/atc": ATC,
    "http://www.cpr.dk/cpr-systemet": CPR,
    "urn:oid.1.2.208.176.1.4": YDERNUMMER,
    "https://www.gs1.org/gln": GLN,
    "urn:oid:1.3.198": CVR,
    "urn:oid:1.3.184": CVR,
}
"""Other names of a system to the one we index. The SKS root stands for its diagnoses, as FUT and KL use it."""


def normal_system(uri: str) -> str:
    """The one name we index a system by. Unknown systems keep their own."""
    return ALIASES.get(uri, uri)


def names_of_system(uri: str) -> tuple[str, ...]:
    """Every name of the system that goes by this one, the one we index by first."""
    normal = normal_system(uri)
    return tuple(dict.fromkeys((normal, uri, *(alias for alias, one in ALIASES.items() if one == normal))))


def normal_code(system: str, code: str) -> tuple[str, str]:
    """System and code in the form we index and compare.

    Diagnoses are upper case without dots, and ICD-10 becomes SKS by a leading D: `e11.9` → `DE119`.
    """
    normal = normal_system(system)
    if normal == ICD10:
        return SKS_D, sks_from_icd10(code)
    if normal in (ICPC2, SKS_D, ATC):
        return normal, plain_code(code)
    return normal, code


def plain_code(code: str) -> str:
    """A diagnosis code in upper case, without dots and spaces."""
    return code.upper().replace(".", "").replace(" ", "")


def sks_from_icd10(code: str) -> str:
    """The SKS diagnosis of an ICD-10 code: `E11.9` → `DE119`."""
    return "D" + plain_code(code)
