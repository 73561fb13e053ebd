"""What of the pages' sign-in is refused before anything is served."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from careplan.settings import settings_from_environment

GIVEN = {
    "CAREPLAN_AUTH": "oidc",
    "CAREPLAN_OIDC_ISSUER": "https://issuer.test",
    "CAREPLAN_OIDC_AUDIENCE": "https://careplan.example",
    "CAREPLAN_OIDC_CLIENT_ID": "pages",
}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"CAREPLAN_OIDC_CLIENT_SECRET": "x", "CAREPLAN_OIDC_CLIENT_KEY_FILE": "key.pem"},
        {"CAREPLAN_OIDC_CLIENT_SECRET": "x", "CAREPLAN_OIDC_CLIENT_SECRET_FILE": "secret"},
        {"CAREPLAN_OIDC_CLIENT_SECRET": "x", "CAREPLAN_OIDC_AUDIENCE": "pages"},
        {"CAREPLAN_OIDC_CLIENT_SECRET": "x", "CAREPLAN_OIDC_PROMPT": "perhaps"},
        {"CAREPLAN_OIDC_CLIENT_SECRET": "x", "CAREPLAN_OIDC_SCOPE": "profile openidx"},
    ],
)
def test_a_client_that_cannot_sign_anybody_in_is_refused_at_start(more: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        settings_from_environment(GIVEN | more)
    assert "oidc" in str(refused.value)


def test_the_secret_comes_from_a_file_without_its_line_end_and_is_shown_to_nobody(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("hush\n")
    settings = settings_from_environment(GIVEN | {"CAREPLAN_OIDC_CLIENT_SECRET_FILE": str(path)})
    assert settings.client_secret() == "hush" and settings.client_key() == b""
    shown = settings_from_environment(GIVEN | {"CAREPLAN_OIDC_CLIENT_SECRET": "hush", "CAREPLAN_SECRET": "hush"})
    assert "hush" not in repr(shown) and shown.client_secret() == "hush"
