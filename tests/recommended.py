"""What a Goal's recommended target says of where it came from, as a reader of the extension finds it."""

from typing import Any

from careplan.fhir.goal import RECOMMENDED, find_entry
from careplan.fhir.systems import EXT_RECOMMENDATION


def said(goal: dict[str, Any], name: str) -> list[Any]:
    """The values of its parts of that name: row, knowledge, computedAt, basis, missing, provisional."""
    entry = find_entry(goal, RECOMMENDED) or {}
    extensions = [one for one in entry.get("extension", ()) if one["url"] == EXT_RECOMMENDATION]
    parts = [part for one in extensions for part in one["extension"] if part["url"] == name]
    return [value for part in parts for member, value in part.items() if member != "url"]
