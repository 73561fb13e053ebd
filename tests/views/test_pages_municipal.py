"""B6 «Mit forløb i kommunen»: the stations that were really passed, how it ended, and of each receiver what it sees."""

import re
from datetime import timedelta

import pytest
from page_house import NOW, ON, Browser, World, text_of

from careplan.domain.referral import Case
from careplan.fhir.case import Draft, task_with_case
from careplan.fhir.text import Json
from careplan.interactions.casework import move
from careplan.interactions.handover import refer
from careplan.views.frame import catalogue
from careplan.views.station import stations

from .test_pages_inbox import visitator as visitator
from .test_pages_replies import closed

PAGE = "/plan/kommune"


def task(status: str, phase: str, reason: str = "", **more: object) -> Json:
    return {**task_with_case({}, Case(status, phase, "Organization/x", reason), NOW), **more}


@pytest.fixture
async def carl(world: World) -> Browser:
    browser = Browser(world)
    await browser.sign_in("patient-carl")
    return browser


def stages(browser: Browser, nth: int = 0) -> list[str]:
    shown = re.findall(r'<ol class="stages">(.*?)</ol>', browser.html, re.S)[nth]
    return [text_of(one) for one in re.findall(r"<li.*?</li>", shown, re.S)]


# ── the stations ─────────────────────────────────────────────────────────────────────────────────

T = catalogue()


@pytest.mark.parametrize(
    ("phases", "says"),
    [
        ([("requested", "received"), ("rejected", "returned")], ["Sendt", "Modtaget", "Sendt tilbage"]),
        ([("requested", "received"), ("cancelled", "withdrawn")], ["Sendt", "Trukket tilbage"]),
        ([("received", "triage"), ("rejected", "forwarded")], ["Sendt", "Modtaget", "Sendt tilbage"]),
        ([("accepted", "booked"), ("cancelled", "withdrawn")], ["Sendt", "Modtaget", "Tid aftalt", "Trukket tilbage"]),
        ([("completed", "closed")], ["Sendt", "Modtaget", "I gang", "Afsluttet"]),
        ([("failed", "closed")], ["Sendt", "Modtaget", "Afsluttet"]),
        ([("accepted", "booked"), ("failed", "closed")], ["Sendt", "Modtaget", "Tid aftalt", "Afsluttet"]),
    ],
)
def test_of_what_ended_only_the_stations_that_were_passed_are_ticked(
    phases: list[tuple[str, str]], says: list[str]
) -> None:
    found = stations([task(*one) for one in phases], "closed", phases[-1][1], T)
    assert [name for name, _, _ in found] == says
    assert [(now, behind) for _, now, behind in found] == [(False, True)] * (len(says) - 1) + [(True, False)]


def test_what_goes_on_leaves_out_a_station_it_came_without_and_shows_those_to_come() -> None:
    assert [name for name, _, _ in stations([task("in-progress", "active")], "active", "", T)] == [
        "Sendt",
        "Modtaget",
        "I gang",
        "Afsluttet",
    ]
    assert [(name, behind) for name, _, behind in stations([task("requested", "received")], "sent", "", T)] == [
        ("Sendt", False),
        ("Modtaget", False),
        ("Tid aftalt", False),
        ("I gang", False),
        ("Afsluttet", False),
    ]


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


async def ended(world: World, *steps: str, reason: str = "missing-information") -> Browser:
    """Birthe, whose referral took these steps, at the page of it."""
    draft = Draft("kommune-nord", "Afklarende samtale", until=ON + timedelta(days=90))
    task = (await refer(world.context("nurse"), "birthe", draft, agreed=True)).task
    for step in steps:
        await move(world.context("nurse" if step == "withdraw" else "visitator"), task, step, None, reason=reason)
    birthe = Browser(world)
    await birthe.sign_in("patient-birthe")
    await birthe.get(PAGE)
    return birthe


async def test_sent_back_the_patient_is_told_so_and_whom_to_ring(world: World) -> None:
    birthe = await ended(world, "take", "return")
    assert stages(birthe) == ["✓ Sendt", "✓ Modtaget", "● Sendt tilbage"]
    assert "Kommunen har sendt henvisningen tilbage til din læge. Ring til klinikken." in birthe.text
    assert "Dit forløb er slut" not in birthe.text and "De kan ikke længere se din plan." in birthe.text


async def test_taken_back_by_the_clinic_the_patient_is_told_so(world: World) -> None:
    birthe = await ended(world, "withdraw", reason="not-needed")
    assert "Klinikken har trukket henvisningen tilbage." in birthe.text
    assert stages(birthe) == ["✓ Sendt", "● Trukket tilbage"]


async def test_a_course_that_was_held_has_ended(carl: Browser, visitator: Browser, world: World) -> None:
    await closed(world, visitator)
    await carl.get(PAGE)
    assert stages(carl) == ["✓ Sendt", "✓ Modtaget", "✓ I gang", "● Afsluttet"]
    assert "Det skrev kommunen til dig: Godt gået." in carl.text


async def referred_to_hospital(world: World) -> None:
    draft = Draft("laboratorium-nord", "Lungefunktion", until=ON + timedelta(days=90))
    await refer(world.context("nurse"), "carl", draft, agreed=True)


async def test_each_open_referral_has_its_own_list_and_its_own_stop(carl: Browser, world: World) -> None:
    await referred_to_hospital(world)
    await carl.get(PAGE)
    cards = carl.html.split('<section class="card">')[1:]
    stops = [re.findall(r'href="(/plan/adgang/henvisning/[^"]+)"', card) for card in cards]
    assert [len(one) for one in stops] == [1, 1] and stops[0] != stops[1]
    assert all(card.count('class="slice-parts"') == 1 for card in cards)
    assert "Lungefunktion" in cards[0].split('class="slice-parts"')[1]
    assert "Lungefunktion" not in cards[1]
    ids = re.findall(r'\sid="([^"]+)"', carl.html)
    assert len(ids) == len(set(ids))
    named = re.findall(r'aria-labelledby="([^"]+)"', carl.html)
    assert {name for one in named for name in one.split()} <= set(ids)


async def test_what_is_not_the_municipalitys_says_so(carl: Browser, world: World) -> None:
    await carl.get(PAGE)
    assert "går ikke til kommunen" not in carl.text
    await referred_to_hospital(world)
    await carl.get(PAGE)
    assert "Denne henvisning går ikke til kommunen. Den går til Nordby Sygehus, Klinisk Biokemi." in carl.text
