"""How this service is reached from outside: scheme, host and prefix, as a trusted proxy or the request itself says.

https://www.rfc-editor.org/rfc/rfc7239 · checklist R4-80. `Forwarded` goes before `X-Forwarded-*`. Of several hops the
last counts that is not a trusted proxy's own: what stands before it, anybody may have written. Not here: who may call.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

Networks = Sequence[IPv4Network | IPv6Network]

OUTSIDE = "careplan.outside"
"""Where the scope of a request holds what is known of the outside."""

_SENT = "careplan.sent"

_NAMES = frozenset(
    {b"forwarded", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix"}
)
_HOST = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?")
_PAIR = re.compile(r'([A-Za-z-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*)')
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_LONGEST = 1024
"""Of what all hops say together; a longer one is nobody's honest word."""
_HOPS = 16
"""Proxies in a row that are followed back."""
_SOURCES = frozenset({b"forwarded", b"x-forwarded-for"})
_USUAL = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class Outside:
    """How others address this service.

    host    name or address with its port, where that is not the usual one
    prefix  path before ours, as `/gateway`; "" for none
    """

    scheme: str
    host: str
    prefix: str = ""

    @property
    def address(self) -> str:
        """`https://plan.example/gateway`, without a slash at the end."""
        return f"{self.scheme}://{self.host}{self.prefix}"


class Forwarding:
    """Middleware: puts into the scope what a trusted proxy says of the outside; anybody else is not heard."""

    def __init__(self, app: ASGIApp, trusted: Networks) -> None:
        self.app = app
        self.trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._by_proxy(scope):
            found = outside_from_headers(Headers(scope=scope), scope["scheme"], self.trusted)
            scope = {**scope, "scheme": found.scheme, OUTSIDE: found}
        await self.app(scope, receive, send)

    def _by_proxy(self, scope: Scope) -> bool:
        says = not _NAMES.isdisjoint(sent_once(scope))
        return says and bool(scope.get("client")) and is_within(scope["client"][0], self.trusted)


def outside_of(scope: Scope) -> Outside:
    """How the caller of this request addresses the service."""
    found: Outside | None = scope.get(OUTSIDE)
    return found or _outside_as_asked(scope["scheme"], sent_once(scope).get(b"host", b""))


@lru_cache(maxsize=64)
def _outside_as_asked(scheme: str, host: bytes) -> Outside:
    return Outside(scheme, find_host(host.decode("latin-1")) or "localhost")


def sent_once(scope: Scope) -> dict[bytes, bytes]:
    """The headers of a request by name, as they came; of several lines of one name the first. Kept in the scope."""
    found: dict[bytes, bytes] | None = scope.get(_SENT)
    if found is None:
        found = scope[_SENT] = dict(reversed(scope["headers"]))
    return found


def outside_from_headers(headers: Headers, scheme: str, trusted: Networks) -> Outside:
    """What `Forwarded`, else `X-Forwarded-*`, says; what it leaves out, or says wrongly, is as the request has it."""
    said = _hop(headers, trusted)
    outer = said.get("proto", "").lower()
    outer = outer if outer in _USUAL else scheme
    host = find_host(said.get("host", "")) or find_host(headers.get("host", "")) or "localhost"
    prefix = said.get("prefix", "")
    return Outside(outer, _with_port(host, said.get("port", ""), outer), _prefix(prefix))


def find_host(text: str) -> str | None:
    """A host with its port as it stands; None for what is no host, so that nothing else gets into an address."""
    found = _HOST.fullmatch(text)
    if found is None or int(found["port"] or 1) not in range(1, 65536):
        return None
    return text


def forwarded_for(headers: Headers) -> str | None:
    """The address that the nearest proxy says it forwards for, without a port; None where none says so."""
    elements = _elements(headers)
    if elements and "for" in elements[-1]:
        return _address(elements[-1]["for"])
    listed = ",".join(headers.getlist("x-forwarded-for"))
    return _address(listed.rpartition(",")[2]) if listed else None


def source_of(scope: Scope, trusted: Networks) -> str:
    """The address that a request comes from: the sender's own, or the last one that trusted proxies say, not theirs.

    Empty where the server does not know it, as on a socket of the file system.
    """
    source = scope["client"][0] if scope.get("client") else ""
    if _SOURCES.isdisjoint(sent_once(scope)) or not is_within(source, trusted):
        return source
    hops = _sources(Headers(scope=scope))
    while hops and is_within(source, trusted):
        source = hops.pop()
    return source


def _sources(headers: Headers) -> list[str]:
    """Whom each hop says that it forwards for, nearest last; nothing from where something else than an address is."""
    said = [element.get("for", "") for element in _elements(headers)]
    listed = ",".join(headers.getlist("x-forwarded-for"))
    found = [_address(one) for one in said or listed.split(",") if one]
    known = [one for one in found[-_HOPS:] if _is_address(one)]
    return known if len(known) == len(found[-_HOPS:]) else []


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def is_within(address: str, networks: Networks) -> bool:
    """Whether an address lies in one of the networks; what is no address does not."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def _hop(headers: Headers, trusted: Networks) -> Mapping[str, str]:
    """What was said at the outermost hop that is still a trusted proxy's word."""
    elements = _elements(headers)
    while len(elements) > 1 and is_within(_address(elements[-1].get("for", "")), trusted):
        elements.pop()
    said = {name: _last(headers, name) for name in ("proto", "host", "port", "prefix")}
    standard = elements[-1] if elements else {}
    return said | ({"port": ""} if "host" in standard else {}) | standard


def _elements(headers: Headers) -> list[dict[str, str]]:
    """`Forwarded` hop by hop, nearest last; names in small letters, quotes taken away."""
    listed = ",".join(headers.getlist("forwarded"))
    if len(listed) > _LONGEST:
        return []
    return [
        {name.lower(): _unquoted(value) for name, value in _PAIR.findall(one)}
        for one in _ELEMENT.findall(listed)
        if one.strip()
    ]


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _last(headers: Headers, name: str) -> str:
    return ",".join(headers.getlist(f"x-forwarded-{name}")).rpartition(",")[2].strip()


def _address(text: str) -> str:
    """`192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80` or `2001:db8::1`, without its port."""
    text = text.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _with_port(host: str, port: str, scheme: str) -> str:
    """The host with the port that was said, or its own; the usual port of the scheme is left out."""
    found = _HOST.fullmatch(host)
    name, own = (found["name"], found["port"]) if found else (host, None)
    port = port if find_host(f"{name}:{port}") else own or ""
    return name if port in ("", _USUAL[scheme]) else f"{name}:{port}"


def _prefix(text: str) -> str:
    return text.rstrip("/") if _PREFIX.fullmatch(text) else ""
