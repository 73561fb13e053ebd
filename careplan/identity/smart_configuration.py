"""`.well-known/smart-configuration`: where a SMART app signs in for this service, and what it may count on.

Addresses and methods are the issuer's own, as its discovery document says now; a capability stands here when the issuer
or this service has it, and not otherwise. Answered without a token.
https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html · R4-120
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from careplan.identity.key import Keys
from careplan.interactions.caller import IssuerUnavailable

_PASSED_ON = (
    "issuer",
    "jwks_uri",
    "authorization_endpoint",
    "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "introspection_endpoint",
    "revocation_endpoint",
    "grant_types_supported",
    "response_types_supported",
    "code_challenge_methods_supported",
    "scopes_supported",
)
_CLIENTS = {
    "none": "client-public",
    "client_secret_basic": "client-confidential-symmetric",
    "client_secret_post": "client-confidential-symmetric",
    "private_key_jwt": "client-confidential-asymmetric",
}
_ADDRESSES = {
    "authorize": "authorization_endpoint",
    "token": "token_endpoint",
    "introspect": "introspection_endpoint",
    "revoke": "revocation_endpoint",
}
"""What a CapabilityStatement calls the issuer's addresses."""
_OURS = ("permission-patient", "permission-user", "permission-v1", "permission-v2")
"""What this service does with scopes, whoever issued them."""


def smart_routes(keys: Keys, base: str) -> list[Route]:
    """The document at the FHIR base and at the root, by its two customary addresses."""

    async def answer(request: Request) -> Response:
        try:
            found = configuration(await keys.document())
        except IssuerUnavailable as error:
            return JSONResponse({"error": error.message}, 503, {"retry-after": "10"})
        return JSONResponse(found, headers={"access-control-allow-origin": "*", "cache-control": "max-age=300"})

    path = "/.well-known/smart-configuration"
    return [Route(f"{before}{path}", answer, methods=["GET"]) for before in (base, "")]


def configuration(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document, from what the issuer says of itself."""
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    listed = methods if isinstance(methods, list) else []
    clients = dict.fromkeys(_CLIENTS[one] for one in listed if isinstance(one, str) and one in _CLIENTS)
    signs_in = ("sso-openid-connect",) if "authorization_endpoint" in document else ()
    found = {name: document[name] for name in _PASSED_ON if name in document}
    return found | {"capabilities": [*signs_in, *clients, *_OURS]}


def addresses(document: Mapping[str, Any]) -> dict[str, str]:
    """Where apps sign in, for the CapabilityStatement, from what the issuer says of itself."""
    found = {name: document.get(key) for name, key in _ADDRESSES.items()}
    return {name: uri for name, uri in found.items() if isinstance(uri, str)}
