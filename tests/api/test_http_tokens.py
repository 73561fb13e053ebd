"""Bearer tokens over HTTP: which count, which are refused and why, and what happens when the issuer's keys change."""

import hashlib
import hmac
import json
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from issuing import AUDIENCE, EC, OTHER, RSA, Issuer, issuing
from joserfc.jwk import RSAKey

from careplan.api.door import Door
from careplan.app import create_app
from careplan.fhir.text import dump
from careplan.identity import key
from careplan.identity.bearer import caller_of
from careplan.interactions.context import House
from careplan.settings import Settings


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@pytest.fixture
async def client(issuer: Issuer, house: House) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(store=":memory:", auth="oidc", oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
    app = create_app(settings)
    app.state.door = Door(house, caller_of, "", 256 * 1024)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://careplan.test/fhir") as found:
        yield found


async def asked(client: httpx.AsyncClient, token: str | None, path: str = "Organization") -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return await client.get(f"{client.base_url}{path}", headers=headers)


def part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("signed_by", [RSA, EC], ids=["RS256", "ES256"])
async def test_a_token_that_the_issuer_signed_for_us_counts(
    client: httpx.AsyncClient, issuer: Issuer, signed_by: Any
) -> None:
    """R4-119"""
    issuer.keys = [RSA, EC]
    assert (await asked(client, issuer.token(signed_by))).status_code == 200


async def test_without_a_token_nothing_but_the_conformance_is_answered(client: httpx.AsyncClient) -> None:
    """R4-119: 401 with WWW-Authenticate; the metadata need no token."""
    answer = await asked(client, None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="careplan"'
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await asked(client, None, "metadata")).status_code == 200


@pytest.fixture
async def started(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    """The application as it starts by its settings."""
    settings = Settings(store=":memory:", auth="oidc", oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="https://careplan.test/fhir") as found,
    ):
        yield found


async def test_the_metadata_say_where_to_sign_in_and_nothing_of_loopback(
    started: httpx.AsyncClient, issuer: Issuer
) -> None:
    """R4-120"""
    issuer.more = {"authorization_endpoint": f"{issuer.url}/a", "token_endpoint": f"{issuer.url}/t"}
    security = (await asked(started, None, "metadata")).json()["rest"][0]["security"]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    (addresses,) = security["extension"]
    told = {one["url"]: one["valueUri"] for one in addresses["extension"]}
    assert told == {"authorize": f"{issuer.url}/a", "token": f"{issuer.url}/t"}
    assert "loopback" not in security["description"]


async def test_the_metadata_are_answered_where_the_issuer_is_not_there(
    started: httpx.AsyncClient, issuer: Issuer
) -> None:
    issuer.down = True
    security = (await asked(started, None, "metadata")).json()["rest"][0]["security"]
    assert "extension" not in security and security["service"]


async def test_the_description_names_the_token_and_what_needs_none(started: httpx.AsyncClient) -> None:
    told = (await asked(started, None, "openapi.json")).json()
    assert told["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert told["security"] == [{"token": []}]
    assert told["paths"]["/metadata"]["get"]["security"] == []
    assert "security" not in told["paths"]["/Patient/{id}"]["get"]


NOW = int(time.time())
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": NOW - 120}, "expired"),
    "not yet": ({"nbf": NOW + 600}, "yet"),
    "from the future": ({"iat": NOW + 600, "nbf": None}, "future"),
    "for ever": ({"exp": None}, "until when"),
    "another audience": ({"aud": "https://elsewhere.example"}, "another service"),
    "no audience": ({"aud": None}, "another service"),
    "another issuer": ({"iss": "https://elsewhere.example"}, "another issuer"),
    "about nobody": ({"sub": None}, "whom it is about"),
    "a role of its own": ({"role": "system"}, "role"),
    "no role": ({"role": None}, "role"),
    "a clinic of nowhere": ({"organization": None}, "organization"),
    "an organisation that is a person": ({"organization": "Patient/1"}, "organization"),
    "a patient that is a path": ({"patient": "../1"}, "patient"),
    "a role that is a list": ({"role": ["clinic"]}, "role"),
    "a patient without a record": ({"role": "patient", "fhirUser": None, "organization": None}, "patient"),
    "a clinic of another server": (
        {"organization": "https://elsewhere.example/fhir/Organization/laegehuset-test"},
        "organization",
    ),
    "a doctor of another server": (
        {"fhirUser": "https://elsewhere.example/fhir/PractitionerRole/karen-test-laege"},
        "fhirUser",
    ),
    "a clinic at the end of a path": ({"organization": "Patient/1/Organization/laegehuset-test"}, "organization"),
    "a doctor in the role of a patient": (
        {"role": "patient", "patient": "inger-test", "fhirUser": "Practitioner/karen-test", "organization": None},
        "fhirUser",
    ),
    "the end of time": ({"exp": 10**400}, "signature"),
    "two patients": (
        {"role": "patient", "fhirUser": "Patient/a", "patient": "b", "organization": None},
        "two people",
    ),
}


@pytest.mark.parametrize(("claims", "why"), REFUSED.values(), ids=REFUSED)
async def test_a_token_that_does_not_hold_for_us_and_now_is_refused(
    client: httpx.AsyncClient, issuer: Issuer, claims: dict[str, Any], why: str
) -> None:
    answer = await asked(client, issuer.token(**claims))
    assert answer.status_code == 401
    assert why in answer.json()["issue"][0]["diagnostics"]
    assert answer.headers["www-authenticate"].startswith('Bearer realm="careplan", error="invalid_token"')


async def test_a_relative_signs_in_and_sees_nobody_without_a_power_of_attorney(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    """Whom a relative acts for, a patient's Consent says, and no token."""
    for patient in (None, "inger-test"):
        claims = {"role": "patient", "fhirUser": "RelatedPerson/mads-test", "organization": None, "patient": patient}
        token = issuer.token(**claims, scope="patient/*.rs")
        assert (await asked(client, token, "Patient?_total=accurate")).json()["total"] == 0
        assert (await asked(client, token, "Patient/inger-test")).status_code == 403


async def test_clocks_may_differ_by_the_leeway_and_others_may_be_meant_too(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    now = int(time.time())
    for claims in ({"exp": now - 30}, {"nbf": now + 30}, {"aud": [AUDIENCE, "https://elsewhere.example"]}):
        assert (await asked(client, issuer.token(**claims))).status_code == 200


async def test_signatures_that_are_not_the_issuers_are_refused(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """`none`, the public key taken for a shared secret, another key of the same name, and a changed payload."""
    good = issuer.token()
    head, body, signature = good.split(".")
    secret = RSA.as_pem(private=False)
    forged = f"{part({'alg': 'HS256', 'kid': RSA.kid, 'typ': 'at+jwt'})}.{body}"
    mac = urlsafe_b64encode(hmac.new(secret, forged.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    changed = part(issuer.claims(role="lps"))
    tokens = [
        f"{part({'alg': 'none'})}.{body}.",
        f"{part({'alg': 'NoNe', 'kid': RSA.kid})}.{body}.{signature}",
        f"{forged}.{mac}",
        f"{head}.{changed}.{signature}",
        f"{head}.{body}.",
        issuer.token(OTHER),
        issuer.token(header={"typ": "logout+jwt"}),
        f"{part({'alg': 'RS256', 'kid': RSA.kid, 'crit': ['x'], 'x': 1})}.{body}.{signature}",
        issuer.token(OTHER, header={"jwk": OTHER.as_dict(private=False)}),
        "x" * 9000,
        "a.b",
        "a.b.c",
        "æ.ø.å",
        f"{part({'alg': 'RS256', 'kid': [1]})}.{body}.{signature}",
        f"{part({'alg': 'RS256', 'kid': RSA.kid, 'crit': []})}.{body}.{signature}",
    ]
    for token in tokens:
        answer = await client.get(
            f"{client.base_url}Organization", headers={b"authorization": f"Bearer {token}".encode()}
        )
        assert answer.status_code == 401, token[:40]


async def test_two_authorization_headers_are_refused(client: httpx.AsyncClient, issuer: Issuer) -> None:
    headers = [("authorization", f"Bearer {issuer.token()}"), ("authorization", "Bearer other")]
    assert (await client.get(f"{client.base_url}Organization", headers=headers)).status_code == 401


async def test_a_key_the_issuer_changed_to_counts_at_once_and_the_old_one_no_more(
    client: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key, "AGAIN", 0.0)
    old = issuer.token()
    assert (await asked(client, old)).status_code == 200
    second = RSAKey.generate_key(2048, {"kid": "second", "use": "sig", "alg": "RS256"})
    issuer.keys = [second]
    assert (await asked(client, issuer.token(second))).status_code == 200
    assert (await asked(client, issuer.token(jti="new"))).status_code == 401


async def test_tokens_of_unknown_keys_do_not_make_us_ask_the_issuer_each_time(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    await asked(client, issuer.token())
    for number in range(20):
        stranger = {"kid": f"unknown-{number}"}
        assert (await asked(client, issuer.token(header=stranger))).status_code == 401
    assert issuer.asked == 1


async def test_an_issuer_that_is_down_is_said_so_and_keys_that_were_good_go_on(
    client: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key, "AGAIN", 0.0)
    issuer.down = True
    answer = await asked(client, issuer.token())
    assert (answer.status_code, answer.json()["resourceType"]) == (503, "OperationOutcome")
    issuer.down = False
    assert (await asked(client, issuer.token())).status_code == 200
    issuer.down = True
    monkeypatch.setattr(key, "FRESH", 0.0)
    assert (await asked(client, issuer.token(jti="another"))).status_code == 200


async def test_apps_are_told_where_to_sign_in_without_a_token(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """R4-120: the addresses are the issuer's, and a capability stands there only where it is true."""
    issuer.more = {
        "authorization_endpoint": f"{issuer.url}/auth",
        "token_endpoint": f"{issuer.url}/token",
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"],
        "code_challenge_methods_supported": ["S256"],
        "userinfo_endpoint": f"{issuer.url}/me",
    }
    for address in ("https://careplan.test/fhir", "https://careplan.test"):
        answer = await client.get(f"{address}/.well-known/smart-configuration")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        found = answer.json()
        assert found["token_endpoint"] == f"{issuer.url}/token"
        assert "userinfo_endpoint" not in found
        assert "client-confidential-asymmetric" in found["capabilities"]
        assert not {"client-public", "launch-ehr", "permission-offline"} & set(found["capabilities"])


async def test_an_issuer_that_is_down_is_said_where_apps_ask_for_it(client: httpx.AsyncClient, issuer: Issuer) -> None:
    issuer.down = True
    answer = await client.get("https://careplan.test/.well-known/smart-configuration")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


@pytest.mark.filterwarnings("ignore:Key size")
async def test_a_key_that_cannot_be_used_takes_none_of_the_others_away(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    """RFC 7517 §5: a key of an unknown curve, one without a kind, and one that is too short are passed over."""
    short = RSAKey.generate_key(1024, {"kid": "short", "use": "sig", "alg": "RS256"})
    issuer.keys = [RSA, short]
    issuer.raw = [{"kty": "EC", "crv": "brainpoolP256r1", "x": "AA", "y": "AA", "kid": "b"}, {"kid": "nothing"}, 7]
    assert (await asked(client, issuer.token())).status_code == 200
    assert (await asked(client, issuer.token(short))).status_code == 401


async def test_a_token_without_a_key_id_counts_by_the_key_that_fits(client: httpx.AsyncClient, issuer: Issuer) -> None:
    issuer.keys = [EC, RSA]
    for key_of in (RSA, EC):
        assert (await asked(client, issuer.token(key_of, header={"kid": None}))).status_code == 200


async def test_nobody_waits_for_an_issuer_that_hangs_while_its_keys_are_known(
    client: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asked(client, issuer.token())
    monkeypatch.setattr(key, "FRESH", 0.0)
    monkeypatch.setattr(key, "AGAIN", 0.0)
    issuer.slow = 3.0
    begun = time.monotonic()
    for number in range(5):
        assert (await asked(client, issuer.token(jti=str(number)))).status_code == 200
    assert time.monotonic() - begun < 2.0


async def test_apps_that_ask_where_to_sign_in_cannot_make_us_call_the_issuer_each_time(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    issuer.down = True
    for _ in range(10):
        assert (await client.get("https://careplan.test/.well-known/smart-configuration")).status_code == 503
    assert issuer.calls == 1


@pytest.mark.parametrize("uri", ["https://x:abc/", "https://☃.example/j", "ftp://x/y", "https://x/\x00"])
async def test_an_issuer_that_publishes_nonsense_is_unavailable_and_no_fault_of_ours(
    client: httpx.AsyncClient, issuer: Issuer, uri: str
) -> None:
    issuer.more = {"jwks_uri": uri, "token_endpoint_auth_methods_supported": [{}, None]}
    assert (await asked(client, issuer.token())).status_code == 503
    assert (await client.get("https://careplan.test/.well-known/smart-configuration")).status_code == 200


async def test_too_little_scope_is_403_and_says_so_to_the_client(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """R4-119: too little scope → 403."""
    answer = await asked(client, issuer.token(scope="user/Patient.rs"))
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_scopes_of_level_patient_are_about_the_patient_in_context(
    client: httpx.AsyncClient, issuer: Issuer, house: House
) -> None:
    listed = {"generalPractitioner": [{"reference": "Organization/laegehuset-test"}]}
    first, second = (str(uuid.uuid4()) for _ in range(2))
    for id in (first, second):
        body = dump({"resourceType": "Patient", "id": id, "identifier": [{"system": "urn:x", "value": id}]} | listed)
        everything = issuer.token(scope="user/*.cruds")
        headers = {"authorization": f"Bearer {everything}", "content-type": "application/fhir+json"}
        assert (await client.put(f"{client.base_url}Patient/{id}", content=body, headers=headers)).status_code == 201
    one = issuer.token(scope="patient/*.cruds", patient=first)
    assert (await asked(client, one, f"Patient/{first}")).status_code == 200
    assert (await asked(client, one, f"Patient/{second}")).status_code == 403
    assert (await asked(client, one, "Patient?_summary=count")).json()["total"] == 1
    assert (await asked(client, one, "Patient/_history")).json()["total"] == 1
    assert (await asked(client, issuer.token(scope="patient/*.cruds"), f"Patient/{first}")).status_code == 403
    assert (await asked(client, issuer.token(scope="system/*.cruds"), f"Patient/{first}")).status_code == 403
