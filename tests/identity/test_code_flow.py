"""An issuer that answers wrongly: which tokens sign somebody in on the pages, and which do not."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from issuing import AUDIENCE, EC, OTHER, RSA
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from careplan.identity.client import Client, ClientKeyFaulty, key_from_text
from careplan.identity.flow import CodeFlow
from careplan.identity.key import Keys
from careplan.identity.seal import Errand, Seal
from careplan.identity.token import Trust
from careplan.interactions.caller import IssuerUnavailable
from careplan.interactions.signin import SignedIn, SignInExpired, SignInRefused, SignInUnfit

URL = "https://issuer.test"
BACK = "https://careplan.test/log-ind/svar"
CLIENT = "pages"


def _part(text: bytes) -> bytes:
    return base64.urlsafe_b64encode(text).rstrip(b"=")


class Wrong:
    """An issuer in process that hands out whatever it is told to."""

    def __init__(self) -> None:
        self.now = time.time()
        self.endpoints = {
            "authorization_endpoint": f"{URL}/auth",
            "token_endpoint": f"{URL}/token",
            "end_session_endpoint": f"{URL}/end?x=1",
        }
        self.answer: Callable[[str], Response] = self.tokens
        self.changed: dict[str, Any] = {}
        self.key: Any = RSA
        self.header: dict[str, Any] = {}
        self.access = "opaque"
        self.asked: list[Mapping[str, list[str]]] = []
        self.shown: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.document),
                Route("/jwks", self.keys),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app))

    async def document(self, request: Request) -> Response:
        return JSONResponse({"issuer": URL, "jwks_uri": f"{URL}/jwks", **self.endpoints})

    async def keys(self, request: Request) -> Response:
        return JSONResponse(KeySet([RSA, EC]).as_dict(private=False))

    async def token(self, request: Request) -> Response:
        sent = parse_qs((await request.body()).decode())
        self.asked.append(sent)
        self.shown.append(request.headers.get("authorization", ""))
        return self.answer(sent["code"][0])

    def tokens(self, nonce: str) -> Response:
        """What is handed out; the code of these tests is the nonce."""
        return JSONResponse({"access_token": self.access, "token_type": "Bearer", "id_token": self.id_token(nonce)})

    def id_token(self, nonce: str) -> str:
        now = int(self.now)
        said = {"iss": URL, "aud": CLIENT, "sub": "karen", "iat": now, "exp": now + 300, "nonce": nonce}
        said |= {"name": "Karen Test Lund", "role": "clinic", "organization": "Organization/clinic-own"} | self.changed
        return self.signed(said)

    def signed(self, said: Mapping[str, Any]) -> str:
        header = {"alg": "ES256" if isinstance(self.key, ECKey) else "RS256", "kid": self.key.kid} | self.header
        kept = {name: value for name, value in said.items() if value is not None}
        if header["alg"] in ("none", "HS256"):
            text = b".".join(_part(json.dumps(one).encode()) for one in (header, kept))
            public = RSA.as_pem(private=False)
            return (
                text + b"." + (_part(hmac.digest(public, text, "sha256")) if header["alg"] != "none" else b"")
            ).decode()
        return jwt.encode(header, kept, self.key, algorithms=[header["alg"]])


@pytest.fixture
def issuer() -> Wrong:
    return Wrong()


def flow_at(issuer: Wrong, **client: Any) -> CodeFlow:
    def clock() -> float:
        return issuer.now

    known = Client(id=CLIENT, **({"secret": "a secret/ of two"} | client))
    trust, seal = Trust(URL, AUDIENCE), Seal(b"a secret of the tests")
    return CodeFlow(Keys(URL, "", issuer.http, clock), trust, known, seal, issuer.http, clock)


async def signed_in(issuer: Wrong, **client: Any) -> SignedIn:
    flow = flow_at(issuer, **client)
    begun = await flow.begin(BACK, "/plan")
    asked = parse_qs(urlsplit(begun.address).query)
    return await flow.complete([("code", asked["nonce"][0]), ("state", asked["state"][0])], begun.kept)


async def test_a_right_answer_signs_in_without_any_clients_scopes(issuer: Wrong) -> None:
    found = await signed_in(issuer)
    assert (found.back, found.caller.role, found.caller.organization) == ("/plan", "clinic", "clinic-own")
    assert (found.caller.name, found.caller.scopes, found.caller.client) == ("Karen Test Lund", None, CLIENT)
    issuer.key = EC
    assert (await signed_in(issuer)).caller.subject == "karen"


async def test_the_code_is_fetched_with_the_secret_in_the_header_and_the_verifier_of_this_errand(issuer: Wrong) -> None:
    flow = flow_at(issuer, resource=AUDIENCE)
    begun = await flow.begin(BACK, "/plan")
    asked = parse_qs(urlsplit(begun.address).query)
    await flow.complete([("code", asked["nonce"][0]), ("state", asked["state"][0])], begun.kept)
    sent = issuer.asked[0]
    digest = sha256(sent["code_verifier"][0].encode()).digest()
    assert asked["code_challenge"] == [_part(digest).decode()]
    assert sent["grant_type"] == ["authorization_code"] and sent["redirect_uri"] == [BACK]
    assert len(sent["code_verifier"][0]) >= 43 and sent["resource"] == asked["resource"] == [AUDIENCE]
    assert "client_secret" not in sent
    assert base64.b64decode(issuer.shown[0].removeprefix("Basic ")) == b"pages:a%20secret%2F%20of%20two"


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
async def test_a_client_with_a_key_signs_who_it_is(issuer: Wrong, key: Any) -> None:
    await signed_in(issuer, secret="", key=key)
    sent = issuer.asked[0]
    assert issuer.shown == [""] and sent["client_assertion_type"][0].endswith("jwt-bearer")
    said = jwt.decode(sent["client_assertion"][0], key).claims
    assert (said["iss"], said["sub"], said["aud"]) == (CLIENT, CLIENT, URL)
    assert said["jti"] and said["exp"] > said["iat"]


@pytest.mark.parametrize(
    ("changed", "header", "key"),
    [
        pytest.param({"nonce": "another"}, {}, RSA, id="nonce of another sign-in"),
        pytest.param({"nonce": None}, {}, RSA, id="no nonce"),
        pytest.param({"aud": "other"}, {}, RSA, id="for another client"),
        pytest.param({"aud": AUDIENCE}, {}, RSA, id="for the FHIR API"),
        pytest.param({"aud": [CLIENT, "other"]}, {}, RSA, id="for two clients and nobody says whose"),
        pytest.param({"aud": [CLIENT, "other"], "azp": "other"}, {}, RSA, id="for two clients, of the other"),
        pytest.param({"azp": "other"}, {}, RSA, id="fetched by another client"),
        pytest.param({"iss": "https://evil.test"}, {}, RSA, id="of another issuer"),
        pytest.param({"exp": 1}, {}, RSA, id="expired"),
        pytest.param({"exp": None}, {}, RSA, id="without an end"),
        pytest.param({"iat": None}, {}, RSA, id="without a beginning"),
        pytest.param({"iat": 99999999999}, {}, RSA, id="from the future"),
        pytest.param({"sub": None}, {}, RSA, id="of nobody"),
        pytest.param({"at_hash": "c29tZXRoaW5nIGVsc2U"}, {}, RSA, id="of another access token"),
        pytest.param({}, {"typ": "at+jwt"}, RSA, id="an access token"),
        pytest.param({}, {"typ": "logout+jwt"}, RSA, id="a logout token"),
        pytest.param({}, {"alg": "none"}, RSA, id="unsigned"),
        pytest.param({}, {"alg": "HS256"}, RSA, id="signed with the public key as a secret"),
        pytest.param({}, {}, OTHER, id="signed by another under our key's name"),
    ],
)
async def test_an_id_token_that_does_not_fit_signs_nobody_in(
    issuer: Wrong, changed: dict[str, Any], header: dict[str, Any], key: Any
) -> None:
    issuer.changed, issuer.header, issuer.key = changed, header, key
    with pytest.raises(SignInRefused) as refused:
        await signed_in(issuer)
    assert "karen" not in str(refused.value).lower()


@pytest.mark.parametrize(
    "body", [{}, {"access_token": "x"}, {"id_token": "x.y.z", "access_token": "x"}, {"id_token": 1, "access_token": 2}]
)
async def test_an_answer_without_good_tokens_signs_nobody_in(issuer: Wrong, body: dict[str, Any]) -> None:
    issuer.answer = lambda code: JSONResponse(body)
    with pytest.raises(SignInRefused):
        await signed_in(issuer)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (JSONResponse({"error": "invalid_grant"}, 400), SignInRefused),
        (JSONResponse({"error": "invalid_client"}, 401), SignInRefused),
        (JSONResponse({}, 500), IssuerUnavailable),
        (Response(b"<html>", 200), IssuerUnavailable),
        (JSONResponse(["x"]), IssuerUnavailable),
        (Response(b'"' + b"x" * 300_000 + b'"'), IssuerUnavailable),
        (RedirectResponse("https://evil.test/token"), IssuerUnavailable),
    ],
)
async def test_a_token_endpoint_that_fails_signs_nobody_in(issuer: Wrong, answer: Response, error: type) -> None:
    issuer.answer = lambda code: answer
    with pytest.raises(error):
        await signed_in(issuer)


@pytest.mark.parametrize("place", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize("uri", ["http://issuer.test/x", "ftp://issuer.test/x", "https://", "file:///etc/passwd", ""])
async def test_an_issuer_with_addresses_that_can_be_listened_to_is_not_asked(
    issuer: Wrong, place: str, uri: str
) -> None:
    issuer.endpoints[place] = uri
    with pytest.raises(IssuerUnavailable):
        await signed_in(issuer)
    assert issuer.asked == []


async def test_an_errand_lasts_ten_minutes(issuer: Wrong) -> None:
    flow = flow_at(issuer)
    begun = await flow.begin(BACK, "")
    asked = parse_qs(urlsplit(begun.address).query)
    issuer.now += 601
    with pytest.raises(SignInExpired):
        await flow.complete([("code", asked["nonce"][0]), ("state", asked["state"][0])], begun.kept)


async def test_signing_out_at_the_issuer_keeps_what_its_address_already_asks(issuer: Wrong) -> None:
    flow = flow_at(issuer)
    there = "https://issuer.test/end?x=1&client_id=pages&post_logout_redirect_uri=https%3A%2F%2Fcareplan.test%2F"
    assert await flow.leaving("https://careplan.test/") == there
    del issuer.endpoints["end_session_endpoint"]
    assert await flow_at(issuer).leaving("https://careplan.test/") is None


# ── what the caller may be ───────────────────────────────────────────────────────────────────────


def access_token(issuer: Wrong, **changed: Any) -> str:
    now = int(issuer.now)
    said = {"iss": URL, "aud": AUDIENCE, "sub": "karen", "iat": now, "exp": now + 60, "role": "patient"}
    return issuer.signed({**said, "patient": "birthe", "scope": "patient/Goal.r", **changed})


async def test_claims_come_from_the_access_token_where_the_id_token_gives_no_role(issuer: Wrong) -> None:
    issuer.changed, issuer.access = {"role": None, "organization": None}, access_token(issuer)
    found = (await signed_in(issuer)).caller
    assert (found.role, found.patient, found.name, found.scopes) == ("patient", "birthe", "Karen Test Lund", None)


@pytest.mark.parametrize("changed", [{"sub": "ole"}, {"aud": "another"}, {"exp": 1}, {"iss": "https://evil.test"}])
async def test_an_access_token_that_does_not_fit_gives_no_role(issuer: Wrong, changed: dict[str, Any]) -> None:
    issuer.changed, issuer.access = {"role": None}, access_token(issuer, **changed)
    with pytest.raises(SignInRefused):
        await signed_in(issuer)


@pytest.mark.parametrize(
    "changed", [{"role": None}, {"role": "system"}, {"role": "clinic", "organization": None}, {"role": ["clinic"]}]
)
async def test_whoever_has_no_role_that_makes_sense_is_nobody_here(issuer: Wrong, changed: dict[str, Any]) -> None:
    issuer.changed = changed
    with pytest.raises(SignInUnfit):
        await signed_in(issuer)


async def test_a_weaker_sign_in_than_is_asked_for_is_refused(issuer: Wrong) -> None:
    levels = ("substantial", "high")
    flow = flow_at(issuer, levels=levels)
    assert "acr_values=substantial+high" in (await flow.begin(BACK, "")).address.replace("%20", "+")
    for acr in (None, "low"):
        issuer.changed = {"acr": acr}
        with pytest.raises(SignInUnfit):
            await signed_in(issuer, levels=levels)
    issuer.changed = {"acr": "high"}
    assert (await signed_in(issuer, levels=levels)).caller.level == "high"


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────


def test_an_errand_is_neither_read_nor_changed_on_its_way() -> None:
    errand = Errand("state", "nonce", "verifier", BACK, "/patient/birthe", 1)
    seal = Seal(b"a secret")
    text = seal.close(errand)
    assert seal.open(text) == errand and seal.close(errand) != text
    assert all(b"birthe" not in base64.urlsafe_b64decode(part + "==") for part in text.split("."))
    assert Seal(b"another secret").open(text) is None
    for changed in (text[:-1] + ("A" if text[-1] != "A" else "B"), text[1:], "", "a.b.c", "....", text + "x" * 3000):
        assert seal.open(changed) is None


def test_a_client_tells_its_secret_to_no_log() -> None:
    assert "hush" not in repr(Client("pages", "hush")) and '"d"' not in repr(Client("pages", key=EC))


@pytest.mark.parametrize("key", [RSA, EC], ids=["RSA", "EC"])
def test_a_key_is_read_as_pem_and_as_jwk(key: Any) -> None:
    for text in (key.as_pem(private=True), json.dumps(key.as_dict(private=True)).encode()):
        assert key_from_text(text).thumbprint() == key.thumbprint()


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"x", b"{", b"{}", b'{"kty":"oct","k":"YWJjZGVmZ2hpamtsbW5vcA"}'),
        *(EC.as_pem(private=False), ECKey.generate_key("P-384").as_pem(private=True)),
    ],
)
def test_what_is_no_private_key_of_ours_stops_the_start(text: bytes) -> None:
    with pytest.raises(ClientKeyFaulty):
        key_from_text(text)
