"""Writes Bundles to a folder, one file each: the only place in this package that touches a disk."""

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from careplan.synthetic.observation import Resource

SURROUNDINGS = "0000-omgivelser.json"


def write_people(out: Path, bundles: Iterable[Resource]) -> int:
    """Write each Bundle as it comes, UTF-8, members in the order they were made; returns how many.

    The surroundings go to `0000-omgivelser.json`, a person to `patient-<id>.json`. Writing again overwrites.
    """
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    for bundle in bundles:
        (out / file_name(bundle)).write_bytes(_ENCODER.encode(bundle).encode())
        count += 1
    return count


def file_name(bundle: Resource) -> str:
    """The name of a Bundle's file, by the Patient it begins with."""
    first = bundle["entry"][0]["resource"]
    return f"patient-{first['id']}.json" if first["resourceType"] == "Patient" else SURROUNDINGS


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_number)
