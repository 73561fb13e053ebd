"""A page as bytes: template, texts, headers. The one place that makes HTML responses.

No script and no style stands in a page itself, so the policy can forbid both. https://www.w3.org/TR/CSP3/
"""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from careplan.views import wording
from careplan.views.catalogue import LANGUAGES, SOURCE, Catalogue, keys_of, read_catalogue
from careplan.views.glossary import WORDS, Word, words_on

HERE = Path(__file__).parent
STATIC = HERE / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

SMALL = 1400
"""Bytes that fit in one packet: not worth packing."""

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every page says. Other sites learn nothing from `same-origin`; with `no-referrer` browsers would send our own
forms as coming from nowhere (`Origin: null`), which is refused. https://fetch.spec.whatwg.org/#append-a-request-origin-header
"""
ONLY_HTTPS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file: its bytes, and a name of its content for caches."""

    body: bytes
    kind: str
    mark: str


@cache
def assets() -> Mapping[str, Asset]:
    """Every static file, read once."""
    found = {path.name: path for path in sorted(STATIC.iterdir()) if path.suffix in TYPES}
    return {name: _asset(path) for name, path in found.items()}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:16])


def hardened(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A handler whose every answer, a file or a redirect too, has the headers of a page, and says so over https."""

    async def answer(request: Request) -> Response:
        response = await handler(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.scope["scheme"] == "https":
            response.headers.setdefault(*ONLY_HTTPS)
        return response

    return answer


async def static(request: Request) -> Response:
    """A static file; for a year where the address names its content."""
    asset = assets().get(request.path_params["name"])
    if asset is None:
        return Response(status_code=404, headers=dict(HEADERS))
    kept = request.query_params.get("v") == asset.mark
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if kept else "public, no-cache",
        "ETag": f'"{asset.mark}"',
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == f'"{asset.mark}"':
        return Response(status_code=304, headers=headers)
    return Response(asset.body, media_type=asset.kind, headers=headers)


# ── templates ────────────────────────────────────────────────────────────────────────────────────


@cache
def catalogue(language: str = SOURCE) -> Catalogue:
    """The texts of a language, read once. Raises TextMissing."""
    return read_catalogue(language)


@cache
def environment() -> Environment:
    """The templates, each searched for texts that are missing, as every language is. Raises TextMissing."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"asset": _address, "glossary": WORDS, "words_on": _words_on}
    made.filters |= {"day": _day, "svg": Markup, "paragraphs": _paragraphs, "together": _together, "danish": _danish}
    for name in made.list_templates(extensions=["html"]):
        catalogue().check(keys_in(made, name))
    for language in LANGUAGES.values():
        catalogue(language.code).check(keys_of(language, catalogue()))
    return made


def keys_in(made: Environment, template: str) -> list[str]:
    """The literal keys a template gives to `t`."""
    assert made.loader is not None
    source = made.loader.get_source(made, template)[0]
    calls = made.parse(source).find_all(nodes.Call)
    named = [call for call in calls if isinstance(call.node, nodes.Name) and call.node.name == "t" and call.args]
    return [str(call.args[0].value) for call in named if isinstance(call.args[0], nodes.Const)]


def _address(name: str) -> str:
    return f"/static/{name}?v={assets()[name].mark}"


def _day(on: date | None) -> str:
    return "" if on is None else wording.danish_date(on)


@pass_context
def _danish(page: Context, text: str) -> str:
    """Words of the record or of the rules: marked as Danish on a page in another language."""
    t: Catalogue = page["t"]
    return t.danish(text)


def _words_on(page: str, t: Catalogue) -> tuple[Word, ...]:
    return words_on(page, t, catalogue())


def _together(text: str) -> str:
    """Words that stay on one line, a phone number."""
    return text.replace(" ", "\u00a0")


def _paragraphs(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def packed(request: Request, response: Response) -> Response:
    """A page as fewer bytes, for browsers that take it so: drawings shrink to a fifth."""
    takes = "gzip" in request.headers.get("accept-encoding", "")
    kind = response.headers.get("content-type", "")
    if not takes or not kind.startswith("text/html") or len(response.body) < SMALL:
        return response
    body = gzip.compress(bytes(response.body), 6, mtime=0)
    names = ("content-length", "vary")
    headers = [(name, value) for name, value in response.raw_headers if name.decode() not in names]
    small = Response(body, response.status_code)
    small.raw_headers = [
        *headers,
        (b"content-length", str(len(body)).encode()),
        (b"content-encoding", b"gzip"),
        (b"vary", b"Accept-Encoding"),
    ]
    return small


def html(template: str, status: int = 200, *, t: Catalogue, size: int = 100, **values: object) -> Response:
    """A page of a template in one language, with the headers of every page. `size`: of its text, in per cent."""
    text = environment().get_template(template).render(t=t, size=size, **values)
    return HTMLResponse(text, status, headers=dict(HEADERS))
