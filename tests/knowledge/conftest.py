"""The knowledge that comes with the service, read once, and a copy of its files to be spoilt."""

import shutil
from pathlib import Path

import pytest

from careplan.domain.guideline import Knowledge
from careplan.knowledge.load import KNOWLEDGE, load_knowledge


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the folders, free to be changed."""
    for name in ("measures", "facts", "targets", "plans", "questionnaires", "courses"):
        shutil.copytree(KNOWLEDGE / name, tmp_path / name)
    return tmp_path
