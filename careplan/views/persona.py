"""Who can be chosen at the demo's sign-in: the table of staff, and how a patient is added to it.

Invented people only. Patients come from whoever set up the demo, through `View.personas`.
"""

from dataclasses import dataclass

from careplan.interactions.caller import Caller


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody one can sign in as; `key` goes into the cookie, `label` stands on the button."""

    key: str
    caller: Caller
    label: str


CLINIC, MUNICIPALITY = "clinic-own", "kommune-nord"

PERSONAS: tuple[Persona, ...] = (
    Persona(
        "nurse",
        Caller(
            "clinic",
            "Lars Test Krogh",
            organization=CLINIC,
            reference="PractitionerRole/sygeplejerske-own",
        ),
        "Lars Test Krogh, sygeplejerske i Lægehuset Nord",
    ),
    Persona(
        "doctor",
        Caller(
            "clinic",
            "Mette Test Holm",
            organization=CLINIC,
            reference="PractitionerRole/laege-own",
        ),
        "Mette Test Holm, læge i Lægehuset Nord",
    ),
    Persona(
        "visitator",
        Caller(
            "municipality",
            "Sanne Test Bach",
            organization=MUNICIPALITY,
            reference="PractitionerRole/visitator-nord",
        ),
        "Sanne Test Bach, visitator i Nordby Kommune",
    ),
)
"""Staff of the invented clinic and municipality."""


def patient_persona(patient: str, name: str) -> Persona:
    """A patient who signs in to see their own plan."""
    caller = Caller("patient", name, patient=patient, reference=f"Patient/{patient}")
    return Persona(f"patient-{patient}", caller, name)
