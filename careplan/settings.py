"""Settings: one frozen value, read from the environment once, at start.

Every setting has a documented default (docs/settings.md). Secrets come from the environment or a file, never from
the command line.
"""

import secrets
import tempfile
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from careplan.interactions.address import check_address

ROOT = Path(__file__).resolve().parent


STORES = ("sqlite", "mongodb", "mongodb+srv")
"""What the address of a store may begin with."""


class Settings(BaseModel):
    """What can be set. Names in the environment are these in capitals with `CAREPLAN_` before them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    store: str = Field(
        "careplan.db", repr=False, description="A SQLite file, or mongodb://host:port/database?replicaSet=name"
    )
    store_file: Path | None = Field(None, description="File that holds the store's address, where that has a password")
    mongo_driver: str = Field("motor", pattern="^(motor|pymongo)$", description="Driver of a MongoDB store")
    profiles: Path = Field(ROOT.parent / "profiles", description="Folder of StructureDefinitions and code systems")
    knowledge: Path = Field(ROOT / "knowledge", description="Folder of measures, facts, targets and plans")
    questionnaires: Path | None = Field(
        None, description="Folder of Questionnaires with the official wording, which replace ours of the same url"
    )
    clinic: str = Field("Organization/clinic-own", description="The practice `careplan targets` asks for as own_gp")
    accessibility_contact: str = Field(
        "Organization/clinic-own",
        pattern="^Organization/[A-Za-z0-9.-]{1,64}$",
        description="Whom the accessibility statement sends people to: an Organization on record",
    )
    base: str = Field("", description="FHIR base URL as others see it; empty: from each request's Host")
    trusted_proxies: str = Field(
        "127.0.0.0/8, ::1", description="Addresses and networks whose Forwarded and X-Forwarded-* count; none: nobody's"
    )
    auth: str = Field("none", pattern="^(none|oidc)$", description="`oidc`: bearer tokens; `none`: this machine alone")
    oidc_issuer: str = Field("", description="Issuer of the access tokens, as their `iss` says")
    oidc_audience: str = Field("", description="What a token's `aud` must hold to be meant for this service")
    oidc_jwks_uri: str = Field("", description="Where the issuer's keys lie; empty: as its discovery document says")
    oidc_leeway: int = Field(60, ge=0, le=300, description="Seconds that the issuer's clock may differ from ours")
    oidc_networks: str = Field(
        "", description="Networks that are not public, and where the issuer may be called all the same"
    )
    oidc_client_id: str = Field("", description="What the issuer calls this service; empty: no sign-in on the pages")
    oidc_client_secret: str = Field("", repr=False, description="Secret shared with the issuer")
    oidc_client_secret_file: Path | None = Field(None, description="File that holds the client's secret")
    oidc_client_key_file: Path | None = Field(None, description="File of the client's private key, as PEM or JWK")
    oidc_scope: str = Field("openid", pattern=r"^(.* )?openid( .*)?$", description="Scopes that the pages ask for")
    oidc_resource: str = Field("", description="`resource` that the pages ask access tokens for; empty: not said")
    oidc_prompt: str = Field(
        "", pattern="^(login|consent|select_account|none)?$", description="`prompt` of the pages' sign-in"
    )
    oidc_levels: str = Field("", description="`acr` that the pages' sign-in asks for, any of these; empty: any at all")
    session_folder: Path | None = Field(
        None, description="Who is signed in on the pages; empty: beside the SQLite file"
    )
    secret: str = Field("", repr=False, description="Signs page links and sessions; empty: new at each start")
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
    audit_folder: Path | None = Field(None, description="Where audit entries lie until the store has them")
    export_hours: float = Field(24.0, gt=0, description="How long the files of a bulk export stay")
    export_settle: float = Field(2.0, ge=0, description="Seconds from a kick-off until a bulk export starts reading")
    emergency_hours: float = Field(4.0, gt=0, le=24, description="How long an emergency access (værdispring) lasts")
    requests_at_work: int = Field(512, ge=1, description="Most FHIR requests that a process works on at once")
    requests_per_second: float = Field(100.0, ge=0, description="Requests of one client or session a second; 0: any")
    requests_burst: int = Field(500, ge=1, description="Requests of one client at once, after a silence")
    sign_ins_per_minute: float = Field(120.0, ge=0, description="Sign-in attempts from one address a minute; 0: any")
    header_limit: int = Field(64 * 1024, ge=1024, description="Largest head of a request, in bytes")
    header_seconds: float = Field(10.0, gt=0, description="How long the head of a request may take to arrive")
    body_seconds: float = Field(30.0, gt=0, description="How long a small body may take to arrive")
    work_seconds: float = Field(60.0, gt=0, description="How long one request may be worked on")
    keep_alive_seconds: int = Field(5, ge=1, description="How long an idle connection is kept")

    @model_validator(mode="before")
    @classmethod
    def _store_of_file(cls, given: Any) -> Any:
        """The address that a file holds, unless one is given. Raises OSError."""
        path = given.get("store_file") if isinstance(given, dict) else None
        if not path or "store" in given:
            return given
        return {**given, "store": Path(path).read_text("utf-8").strip()}

    @field_validator("store")
    @classmethod
    def _known_store(cls, address: str) -> str:
        scheme, there, _ = address.partition("://")
        if there and scheme not in STORES:
            raise ValueError("a store is a SQLite file, or mongodb://host:port/database?replicaSet=name")
        return address

    @field_validator("trusted_proxies", "oidc_networks")
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

    @model_validator(mode="after")
    def _client(self) -> "Settings":
        if not self.oidc_client_id:
            return self
        ways = (self.oidc_client_secret, self.oidc_client_secret_file, self.oidc_client_key_file)
        if sum(bool(one) for one in ways) != 1:
            raise ValueError(
                "oidc_client_id needs one of oidc_client_secret, oidc_client_secret_file and oidc_client_key_file"
            )
        if self.oidc_client_id == self.oidc_audience:
            raise ValueError("oidc_client_id and oidc_audience are two names, or an id_token would open the FHIR API")
        return self

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of trusted proxies."""
        return networks_from_text(self.trusted_proxies)

    def exports(self) -> Path:
        """Where bulk exports lie."""
        return self.export_folder or self._beside("exports")

    def journal(self) -> Path:
        """Where entries of the audit log lie until the store has them."""
        return self.audit_folder or self._beside("audit")

    def sessions(self) -> Path:
        """Where it is written down who is signed in on the pages."""
        return self.session_folder or self._beside("sessions")

    def _beside(self, name: str) -> Path:
        """A folder beside the store. That of a store in memory ends with it, and nobody guesses its name."""
        if self.store == ":memory:":
            return Path(tempfile.gettempdir()) / f"careplan-{name}-{secrets.token_hex(16)}"
        if self.store.startswith("mongodb"):
            return Path(f"careplan-{name}")
        return Path(f"{self.store.removeprefix('sqlite://')}-{name}")

    def client_secret(self) -> str:
        """The secret shared with the issuer; empty where there is a key."""
        if self.oidc_client_secret_file is not None:
            return self.oidc_client_secret_file.read_text("utf-8").strip()
        return self.oidc_client_secret

    def client_key(self) -> bytes:
        """The private key that the client shows who it is by; empty where there is a secret."""
        return self.oidc_client_key_file.read_bytes() if self.oidc_client_key_file is not None else b""

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
