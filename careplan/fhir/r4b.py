"""What R4B (4.3.0) has otherwise than R4 (4.0.1), as far as it concerns our types: fhir.resources has R4B.

Compared with HL7's definitions of R4 element by element. Not here: what fhir.resources checks more loosely or more
narrowly than either (`models`). https://hl7.org/fhir/R4B/diff.html
"""

NEW_TYPES = frozenset(
    (
        *("AdministrableProductDefinition", "Citation", "ClinicalUseDefinition", "CodeableReference"),
        *("EvidenceReport", "Ingredient", "ManufacturedItemDefinition", "MedicinalProductDefinition"),
        *("NutritionProduct", "PackagedProductDefinition", "RatioRange", "RegulatedAuthorization"),
        *("SubscriptionStatus", "SubscriptionTopic", "SubstanceDefinition"),
        *("Evidence", "EvidenceVariable"),  # written anew in R4B under their old names
    )
)
"""Resource types and data types that R4 does not have."""

NEW_ELEMENTS = frozenset(
    (
        ("PlanDefinition", "subjectCanonical"),
        ("PlanDefinitionAction", "subjectCanonical"),
        ("ActivityDefinition", "subjectCanonical"),
        ("FHIRAbstractModel", "fhir_comments"),
    )
)
"""Elements that R4 does not have, by shape and name."""

TARGETS = {
    **dict.fromkeys(
        (("Observation", "subject"), ("DiagnosticReport", "subject")),
        frozenset(("Patient", "Group", "Device", "Location")),
    ),
    ("GroupMember", "entity"): frozenset(
        ("Patient", "Practitioner", "PractitionerRole", "Device", "Medication", "Substance", "Group")
    ),
    ("MeasureReport", "subject"): frozenset(
        (
            *("Patient", "Practitioner", "PractitionerRole", "Location", "Device", "RelatedPerson"),
            *("Organization", "CareTeam", "HealthcareService", "Group"),
        )
    ),
}
"""Where a reference may lead in R4, by shape and element, when that is not what R4B says."""
