"""Against a certified OpenID provider: GP systems of two clinics get tokens, and see their own patients."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from issuing import AUDIENCE

from careplan.app import create_app, open_house, system_context
from careplan.fhir.text import dump, parse
from careplan.settings import Settings
from careplan.sync.folder import files_in, load

INSTALLED = Path(sys.prefix) / "clients"
HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parents[1] / "fixtures"
BASE = "https://careplan.test/fhir/"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    node = shutil.which("node")
    if node is None or not (INSTALLED / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("Node or the packages of tests/clients/package.json are not installed")
    command = [node, str(HERE / "provider.mjs"), AUDIENCE]
    environment = {**os.environ, "CLIENTS": str(INSTALLED)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as one:
        assert one.stdout is not None
        yield one.stdout.readline().strip()
        one.terminate()


def token(provider: str, client: str, scope: str) -> str:
    """What the provider gives a system that says its secret."""
    secret = f"{client}-secret-that-is-long-enough-for-a-test"
    asked = {"grant_type": "client_credentials", "scope": scope}
    answer = httpx.post(f"{provider}/token", data=asked, auth=(client, secret))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def test_a_system_of_a_clinic_writes_and_reads_values_of_its_own_patients_alone(
    provider: str, tmp_path: Path
) -> None:
    """R4-119: client_credentials with a token that is bound to a clinic."""
    store = str(tmp_path / "clinics.db")
    async with open_house(Settings(store=store)) as house:
        await load(system_context(house, "test", datetime.now(UTC)), files_in([FIXTURES]), lambda done, of: None)
    app = create_app(Settings(store=store, auth="oidc", oidc_issuer=provider, oidc_audience=AUDIENCE))
    north = token(provider, "lps-nord", "system/Observation.crus system/Patient.rs")
    south = token(provider, "lps-syd", "system/Observation.crus system/Patient.rs")
    narrow = token(provider, "lps-nord", "system/Patient.rs")
    value = parse((FIXTURES / "Observation.json").read_bytes())
    body = dump({name: part for name, part in value.items() if name not in ("id", "identifier")})
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=BASE) as client:

        async def asked(method: str, path: str, with_token: str, content: bytes | None = None) -> httpx.Response:
            headers = {"authorization": f"Bearer {with_token}", "content-type": "application/fhir+json"}
            return await client.request(method, path, headers=headers, content=content)

        assert (await asked("POST", "Observation", north, body)).status_code == 201
        assert (await asked("POST", "Observation", south, body)).status_code == 403
        assert (await asked("POST", "Observation", narrow, body)).status_code == 403
        found = {
            name: (await asked("GET", "Observation?_summary=count", one)).json()
            for name, one in (("north", north), ("south", south))
        }
        assert found["north"]["total"] >= 2
        assert found["south"]["total"] == 0
        assert (await asked("GET", "Patient/inger-test", north)).status_code == 200
        assert (await asked("GET", "Patient/inger-test", south)).status_code == 403
        assert (await asked("GET", "Condition", north)).status_code == 403
