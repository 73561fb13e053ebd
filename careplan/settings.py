"""Settings: one frozen value, read from the environment once, at start.

Every setting has a documented default (docs/settings.md). Secrets come from the environment or a file, never from
the command line.
"""

import secrets
import tempfile
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from careplan.interactions.address import check_address

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
    trusted_proxies: str = Field(
        "127.0.0.0/8, ::1", description="Addresses and networks whose Forwarded and X-Forwarded-* count; none: nobody's"
    )
    auth: str = Field("none", pattern="^(none|oidc)$", description="`oidc`: bearer tokens; `none`: this machine alone")
    oidc_issuer: str = Field("", description="Issuer of the access tokens, as their `iss` says")
    oidc_audience: str = Field("", description="What a token's `aud` must hold to be meant for this service")
    oidc_jwks_uri: str = Field("", description="Where the issuer's keys lie; empty: as its discovery document says")
    oidc_leeway: int = Field(60, ge=0, le=300, description="Seconds that the issuer's clock may differ from ours")
    secret: str = Field("", description="Signs page links and sessions; empty: new at each start")
    secret_file: Path | None = Field(None, description="File that holds the secret")
    page: int = Field(50, ge=1, description="Matches on a page when _count is not given")
    page_maximum: int = Field(1000, ge=1, description="Most matches on a page")
    body_limit: int = Field(64 * 1024 * 1024, ge=1024, description="Largest request body, in bytes")
    json_depth: int = Field(64, ge=16, le=64, description="How deep objects and arrays of a body may nest")
    bundle_entries: int = Field(5000, ge=1, description="Most entries of a batch or transaction")
    bundle_answer: int = Field(
        64 * 1024 * 1024, ge=1024, description="Most bytes that the reads of a batch or transaction answer with"
    )
    search_parameters: int = Field(200, ge=1, le=200, description="Most parameters of one search")
    includes: int = Field(1000, ge=0, description="Most resources that includes add to a page")
    include_depth: int = Field(4, ge=1, le=16, description="Most rounds of an include with :iterate")
    query_seconds: float = Field(10.0, gt=0, description="How long one query of the store may take")
    export_folder: Path | None = Field(None, description="Where bulk exports lie; empty: beside the SQLite file")
    export_resources: int = Field(100_000, ge=1, description="Most resources in one file of a bulk export")
    export_jobs: int = Field(3, ge=1, description="Most bulk exports of one caller under way at once")
    export_hours: float = Field(24.0, gt=0, description="How long the files of a bulk export stay")
    export_settle: float = Field(2.0, ge=0, description="Seconds from a kick-off until a bulk export starts reading")
    requests_at_work: int = Field(512, ge=1, description="Most FHIR requests that a process works on at once")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        networks_from_text(text)
        return text

    @field_validator("oidc_issuer", "oidc_jwks_uri")
    @classmethod
    def _address(cls, uri: str) -> str:
        if uri:
            check_address(uri)
        return uri

    @model_validator(mode="after")
    def _issuer(self) -> "Settings":
        if self.auth == "oidc" and not (self.oidc_issuer and self.oidc_audience):
            raise ValueError("auth oidc needs oidc_issuer and oidc_audience")
        return self

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of trusted proxies."""
        return networks_from_text(self.trusted_proxies)

    def exports(self) -> Path:
        """Where bulk exports lie. Those of a store in memory end with it, in a folder of its own that none guesses."""
        if self.export_folder is not None:
            return self.export_folder
        if self.store == ":memory:":
            return Path(tempfile.gettempdir()) / f"careplan-exports-{secrets.token_hex(16)}"
        if self.store.startswith("mongodb"):
            return Path("careplan-exports")
        return Path(f"{self.store.removeprefix('sqlite://')}-exports")

    def signing_secret(self) -> bytes:
        """The secret's bytes; a fresh one where none is set, so links and sessions end with the process."""
        if self.secret_file is not None:
            return self.secret_file.read_bytes().strip()
        return self.secret.encode() or secrets.token_bytes(32)


def networks_from_text(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks between commas; `none` is none. Raises ValueError."""
    parts = [part.strip() for part in text.split(",")]
    return tuple(ip_network(part, strict=False) for part in parts if part not in ("", "none"))


def settings_from_environment(environment: Mapping[str, str], **given: object) -> Settings:
    """Settings of the environment, with what the command line gives laid over them. Raises pydantic.ValidationError."""
    names = {name: f"CAREPLAN_{name.upper()}" for name in Settings.model_fields}
    found: dict[str, object] = {name: environment[key] for name, key in names.items() if environment.get(key)}
    return Settings.model_validate(found | {name: value for name, value in given.items() if value is not None})
