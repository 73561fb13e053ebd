"""What CDS Hooks 2.0 asks of a service, as checks of our own: no kept package validates it.

https://cds-hooks.hl7.org/2.0/#discovery · #cds-service-response
"""

import re
from typing import Any
from urllib.parse import urlsplit

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TOKEN = re.compile(r"{{(.*?)}}")
CARD = {
    "uuid",
    "summary",
    "detail",
    "indicator",
    "source",
    "suggestions",
    "selectionBehavior",
    "overrideReasons",
    "links",
}
TOKENS = {"context.patientId", "context.userId", "context.encounterId"}

Json = Any


def check_discovery(body: Json) -> None:
    """Every service has a hook, a description and an id of its own; prefetch knows the tokens of `patient-view`."""
    assert set(body) == {"services"}
    for one in body["services"]:
        assert set(one) <= {"hook", "title", "description", "id", "prefetch", "usageRequirements", "extension"}
        assert one["hook"] and one["description"] and re.fullmatch(r"[A-Za-z0-9\-.~]+", one["id"])
        for key, template in one.get("prefetch", {}).items():
            assert key and isinstance(template, str)
            assert set(TOKEN.findall(template)) <= TOKENS
    assert len({one["id"] for one in body["services"]}) == len(body["services"])


def check_cards(body: Json) -> list[Json]:
    """The cards of a response that is as the specification has it."""
    assert set(body) <= {"cards", "systemActions", "extension"}
    for card in body["cards"]:
        check_card(card)
    uuids = [card["uuid"] for card in body["cards"]]
    assert len(set(uuids)) == len(uuids)
    cards: list[Json] = body["cards"]
    return cards


def check_card(card: Json) -> None:
    assert set(card) <= CARD | {"extension"}
    assert UUID.fullmatch(card["uuid"])
    assert 0 < len(card["summary"]) < 140 and "\n" not in card["summary"]
    assert card["indicator"] in ("info", "warning", "critical")
    assert card["source"]["label"]
    if "url" in card["source"]:
        assert is_absolute(card["source"]["url"])
    if "topic" in card["source"]:
        check_coding(card["source"]["topic"])
    for reason in card.get("overrideReasons", ()):
        check_coding(reason)
    if card.get("suggestions"):
        assert card["selectionBehavior"] in ("at-most-one", "any")
    for link in card.get("links", ()):
        assert link["label"] and is_absolute(link["url"])
        assert link["type"] in ("absolute", "smart")
        assert link["type"] == "smart" or "appContext" not in link


def check_coding(coding: Json) -> None:
    assert coding["code"] and coding["display"] and is_absolute(coding["system"])


def is_absolute(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not re.search(r"\s", url)
