"""The forløbsplan service: chronic-care plans of Danish general practice, stored and served as FHIR R4."""

__version__ = "0.1.0"
__dated__ = "2026-11-22"
"""The day of this version, as in CHANGELOG.md."""
