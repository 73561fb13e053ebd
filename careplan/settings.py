"""Settings: one frozen value, read from the environment once, at start.

Every setting has a documented default (docs/settings.md). Secrets come from the environment or a file, never from
the command line.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

ROOT = Path(__file__).resolve().parent


class Settings(BaseModel):
    """What can be set. Names in the environment are these in capitals with `CAREPLAN_` before them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str = Field("careplan.db", description="A SQLite file, or mongodb://host:port/database?replicaSet=name")
    mongo_driver: str = Field("motor", pattern="^(motor|pymongo)$", description="Driver of a MongoDB store")
    profiles: Path = Field(ROOT.parent / "profiles", description="Folder of StructureDefinitions and code systems")
    knowledge: Path = Field(ROOT / "knowledge", description="Folder of measures, facts, targets and plans")
    clinic: str = Field("Organization/clinic-own", description="The practice `careplan targets` asks for as own_gp")
    base: str = Field("", description="FHIR base URL as others see it; empty: from each request's Host")
    secret: str = Field("", description="Signs page links and sessions; empty: new at each start")
    secret_file: Path | None = Field(None, description="File that holds the secret")
    page: int = Field(50, ge=1, description="Matches on a page when _count is not given")
    page_maximum: int = Field(1000, ge=1, description="Most matches on a page")
    body_limit: int = Field(64 * 1024 * 1024, ge=1024, description="Largest request body, in bytes")
    bundle_entries: int = Field(5000, ge=1, description="Most entries of a batch or transaction")

    def signing_secret(self) -> bytes:
        """The secret's bytes; a fresh one where none is set, so links and sessions end with the process."""
        if self.secret_file is not None:
            return self.secret_file.read_bytes().strip()
        return self.secret.encode() or secrets.token_bytes(32)


def settings_from_environment(environment: Mapping[str, str], **given: object) -> Settings:
    """Settings of the environment, with what the command line gives laid over them. Raises pydantic.ValidationError."""
    names = {name: f"CAREPLAN_{name.upper()}" for name in Settings.model_fields}
    found: dict[str, object] = {name: environment[key] for name, key in names.items() if environment.get(key)}
    return Settings.model_validate(found | {name: value for name, value in given.items() if value is not None})
