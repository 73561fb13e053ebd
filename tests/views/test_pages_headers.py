"""What every page tells the browser: nothing inline, nothing framed, nothing kept, nothing told to others."""

import pytest
from page_house import Browser, World

POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "script-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/arbejdsliste", 200), ("/patient/birthe/aarskontrol", 200), ("/print/Patient/birthe/plan.pdf", 200)),
        *(("/", 303), ("/plan", 403), ("/hjaelp", 200), ("/static/none.css", 404), ("/log-ind/svar?code=x", 303)),
    ],
)
async def test_every_answer_of_the_pages_is_hardened_and_kept_by_nobody(nurse: Browser, path: str, status: int) -> None:
    answer = await nurse.get(path)
    assert answer.status_code == status
    said = answer.headers
    assert dict(part.split(" ", 1) for part in said["content-security-policy"].split("; ")) == POLICY
    assert said["cache-control"] == "no-store"
    assert said["x-content-type-options"] == "nosniff" and said["x-frame-options"] == "DENY"
    assert said["referrer-policy"] == "same-origin"
    assert said["cross-origin-opener-policy"] == said["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in said["permissions-policy"] and "geolocation=()" in said["permissions-policy"]
    assert "strict-transport-security" not in said


async def test_static_files_are_kept_and_hardened_too(browser: Browser) -> None:
    answer = await browser.get("/static/plan.css")
    assert answer.headers["cache-control"] == "public, no-cache"
    assert "content-security-policy" in answer.headers and answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/static/plan.css", "/arbejdsliste"])
async def test_over_https_browsers_are_told_to_stay_there(world: World, path: str) -> None:
    answer = await Browser(world, "https://test").get(path)
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
