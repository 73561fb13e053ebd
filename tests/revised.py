"""Knowledge folders that differ from the one in use as a new guideline would make them differ."""

import shutil
from pathlib import Path

from careplan.knowledge.load import KNOWLEDGE

FOLDERS = ("measures", "facts", "targets", "plans", "questionnaires", "courses")


def copied(folder: Path) -> Path:
    """The knowledge in use, in a folder of its own."""
    for name in FOLDERS:
        shutil.copytree(KNOWLEDGE / name, folder / name)
    return folder


def edited(folder: Path, file: str, before: str, after: str, row: str = "") -> Path:
    """The first such text of a file replaced; with `row`, all such texts of that row."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    if row:
        start = text.index(f'id = "{row}"')
        end = text.find("[[", start)
        own = text[start:end]
        assert before in own
        text = text[:start] + own.replace(before, after) + text[end:]
    else:
        assert before in text
        text = text.replace(before, after, 1)
    path.write_text(text, encoding="utf-8")
    return folder


def stricter_ldl(folder: Path, version: str = "2026.2") -> Path:
    """LDL-04, for ischaemic heart disease, under 1.2 instead of under 1.4."""
    copied(folder)
    edited(folder, "targets/ldl.toml", "below = 1.4", "below = 1.2", "LDL-04")
    edited(folder, "targets/ldl.toml", "1,4", "1,2", "LDL-04")
    return edited(folder, "targets/ldl.toml", 'version = "2026.1"', f'version = "{version}"')
