"""Calling out: where it may lead, what is followed, how much is read. Real sockets; only names are made up."""

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from careplan.identity.answer import LARGEST, read_answer
from careplan.identity.key import Keys
from careplan.identity.outward import AddressRefused, Outward, outward_client
from careplan.interactions.caller import IssuerUnavailable
from careplan.settings import networks_from_text

HERE = networks_from_text("127.0.0.0/8")
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A real one on a port of 127.0.0.1; `asked`: the Host header of each request."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.headers["host"])
                answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is told of who asked."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(answer)
    if context is not None:
        server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    server.thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    server.thread.join()


def says(value: object, status: int = 200, **headers: str) -> Answer:
    def answer(asked: BaseHTTPRequestHandler) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        asked.send_response(status)
        for name, text in headers.items():
            asked.send_header(name.replace("_", "-"), text)
        asked.send_header("content-length", str(len(body)))
        asked.end_headers()
        asked.wfile.write(body)

    return answer


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Sequence[str]]:
    """What names resolve to, in place of the network's; every other name is not known."""
    known: dict[str, Sequence[str]] = {}

    def getaddrinfo(host: str, port: int, *args: object, **given: object) -> list[object]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


INSIDE = (
    "10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 127.0.0.1 0.0.0.0 224.0.0.1 255.255.255.255 ::1 "
    "fd00::1 fe80::1%eth0 ::ffff:10.0.0.1 ::ffff:127.0.0.1 64:ff9b::a01:203 2002:a01:203:: ff02::1 ::"
).split()


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_inside_is_not_called(names: dict[str, Sequence[str]], address: str) -> None:
    names["issuer.example"] = [address]
    async with httpx.AsyncClient(transport=Outward(loopback=True)) as client:
        with pytest.raises(AddressRefused):
            await client.get("https://issuer.example/jwks")


async def test_one_address_inside_among_public_ones_is_enough_to_refuse(names: dict[str, Sequence[str]]) -> None:
    names["issuer.example"] = ["93.184.215.14", "10.0.0.1"]
    async with httpx.AsyncClient(transport=Outward()) as client:
        with pytest.raises(AddressRefused):
            await client.get("https://issuer.example/jwks")


async def test_loopback_is_called_for_an_issuer_on_this_machine_alone() -> None:
    with serving(says({"keys": []})) as server:
        uri = f"http://127.0.0.1:{server.port}/jwks"
        async with outward_client((), uri) as near:
            assert (await near.get(uri)).status_code == 200
        async with Outward() as transport, httpx.AsyncClient(transport=transport) as far:
            with pytest.raises(AddressRefused):
                await far.get(uri)
        assert len(server.asked) == 1


async def test_a_network_that_the_settings_name_is_called_under_the_name_it_has(
    names: dict[str, Sequence[str]],
) -> None:
    """One look at the name: what is connected to is what was looked at."""
    with serving(says({"issuer": "x"})) as server:
        names["issuer.example"] = ["127.0.0.1"]
        async with httpx.AsyncClient(transport=Outward(HERE)) as client:
            assert (await client.get(f"http://issuer.example:{server.port}/")).json() == {"issuer": "x"}
        assert server.asked == [f"issuer.example:{server.port}"]


async def test_a_certificate_is_held_against_the_name_and_not_the_address(
    names: dict[str, Sequence[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names["issuer.example"] = names["other.example"] = ["127.0.0.1"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, "issuer.example"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "issuer.example.pem"))
    with serving(says({"issuer": "x"}), context) as server:
        async with httpx.AsyncClient(transport=Outward(HERE)) as client:
            assert (await client.get(f"https://issuer.example:{server.port}/")).status_code == 200
            for name in ("other.example", "127.0.0.1"):
                names["127.0.0.1"] = ["127.0.0.1"]
                with pytest.raises(httpx.ConnectError, match=r"certificate|CERTIFICATE"):
                    await client.get(f"https://{name}:{server.port}/")


def certificate(folder: Path, name: str) -> str:
    """A self-signed one with its key, as a file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / f"{name}.pem"
    path.write_bytes(text + made.public_bytes(serialization.Encoding.PEM))
    return str(path)


# ── what is answered ─────────────────────────────────────────────────────────────────────────────


def keys_of(uri: str) -> Keys:
    return Keys("https://issuer.example", uri, lambda: outward_client((), uri), time.monotonic)


async def test_a_redirect_is_not_followed() -> None:
    with serving(says({"keys": []})) as inside:
        to = f"http://127.0.0.1:{inside.port}/secret"
        for status in (301, 302, 303, 307, 308):
            with serving(says(b"", status, location=to)) as server, pytest.raises(IssuerUnavailable):
                await keys_of(f"http://127.0.0.1:{server.port}/jwks").holding(None)
        assert inside.asked == []


async def test_an_answer_that_does_not_end_is_not_read_to_its_end() -> None:
    sent: list[int] = []

    def endless(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.end_headers()
        try:
            while len(sent) < 100_000:
                asked.wfile.write(b" " * 65536)
                sent.append(65536)
        except OSError:
            pass

    with serving(endless) as server, pytest.raises(IssuerUnavailable):
        await keys_of(f"http://127.0.0.1:{server.port}/jwks").holding(None)
    assert sum(sent) < 100 * LARGEST


async def test_a_compressed_answer_is_refused_before_it_grows() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    with serving(says(bomb, content_encoding="gzip")) as server:
        async with outward_client((), "http://127.0.0.1") as client:
            with pytest.raises(ValueError, match="compressed"):
                await read_answer(client, "GET", f"http://127.0.0.1:{server.port}/")


async def test_what_an_issuer_publishes_does_not_lead_elsewhere_than_https() -> None:
    """Its keys by http, but on the issuer's own machine."""
    for uri in ("http://10.0.0.1/jwks", "ftp://issuer.example/jwks", "http://metadata/jwks", "https://u:p@x/jwks"):
        document = discovery(uri)
        with serving(document) as server, pytest.raises(IssuerUnavailable):
            issuer = f"http://127.0.0.1:{server.port}"
            await Keys(issuer, "", lambda issuer=issuer: outward_client((), issuer), time.monotonic).holding(None)  # type: ignore[misc]


def discovery(jwks_uri: str) -> Answer:
    """A document of whoever is asked."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        says({"issuer": f"http://{asked.headers['host']}", "jwks_uri": jwks_uri})(asked)

    return answer
