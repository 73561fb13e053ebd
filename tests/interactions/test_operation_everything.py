"""$everything: the patient's whole compartment in pages, each resource once, and no more than the caller may see."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.registry import ROWS
from careplan.interactions.access import Forbidden
from careplan.interactions.operations.asked import ParameterFaulty
from careplan.interactions.operations.everything import CARE_DATES, MOST_KNOWN
from careplan.store.protocol import Deleted, NotFound

from .conftest import BASE, Json, Town, condition, hba1c, patient, referral

DOCTOR = {"reference": "Practitioner/doctor"}


@pytest.fixture
async def record(town: Town) -> Town:
    """Anna with twelve values, a referral and staff; Birthe with one value."""
    await town.put({"resourceType": "Practitioner", "id": "doctor"}, {"resourceType": "Practitioner", "id": "unnamed"})
    for month in range(1, 13):
        await town.put(hba1c(50, f"2025-{month:02d}-10", id=f"v{month:02d}", performer=[DOCTOR]))
    await town.put(hba1c(60, id="birthes", of="birthe"), referral("r1"))
    return town


async def asked(town: Town, who: str = "doctor", id: str = "anna", **parameters: Any) -> Json:
    return await town.call("Patient/$everything", id, who, **parameters)


def names(bundle: Json, mode: str = "match") -> list[str]:
    entries = [one for one in bundle.get("entry", ()) if one["search"]["mode"] == mode]
    assert all(one["fullUrl"].startswith(BASE) for one in entries)
    return [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in entries]


def link(bundle: Json, relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


async def follow(town: Town, bundle: Json, who: str = "doctor", between: Callable[[], Any] | None = None) -> list[Json]:
    """This page and all that follow it."""
    pages = [bundle]
    while (address := link(pages[-1], "next")) is not None:
        if between is not None:
            await between()
        parts = urlsplit(address)
        assert f"{BASE}/Patient/anna/$everything" == f"{parts.scheme}://{parts.netloc}{parts.path}"
        pages.append(await asked(town, who, **dict(parse_qsl(parts.query))))
        assert len(pages) < 50
    return pages


async def test_everything_of_one_patient_and_nothing_of_another(record: Town) -> None:
    """R4-110: the patient first, then the compartment; what it names outside comes once, as include."""
    bundle = await asked(record)
    assert bundle["type"] == "searchset" and link(bundle, "self") == f"{BASE}/Patient/anna/$everything"
    values = [f"Observation/v{month:02d}" for month in range(1, 13)]
    found = names(bundle)
    assert found[0] == "Patient/anna"
    assert {one for one in found if not one.startswith("Provenance/")} == {
        "Patient/anna",
        *values,
        *("Condition/anna-t2d", "Condition/anna-ihd", "ServiceRequest/r1"),
    }
    assert any(one.startswith("Provenance/") for one in found)
    assert sorted(names(bundle, "include")) == ["Organization/north", "Organization/town", "Practitioner/doctor"]
    assert bundle["total"] == len(found) == len(set(found))


@pytest.mark.parametrize("count", [1, 2, 5, 7])
async def test_pages_hold_everything_once_while_others_write(record: Town, count: int) -> None:
    """R4-110: pages are followable to the end; nothing twice, includes neither; the last page has no next."""
    whole = await asked(record)
    written = 0

    async def write() -> None:
        nonlocal written
        written += 1
        await record.put(hba1c(70, "2020-01-01", id=f"birthes-{written}", of="birthe"))

    pages = await follow(record, await asked(record, _count=count), between=write)
    assert all(len(names(page)) == count for page in pages[:-1]) and 0 < len(names(pages[-1])) <= count
    assert [one for page in pages for one in names(page)] == names(whole)
    assert sorted(one for page in pages for one in names(page, "include")) == sorted(names(whole, "include"))
    assert len(pages) == -(-len(names(whole)) // count) and written == len(pages) - 1


async def test_what_is_written_to_the_record_meanwhile_takes_nothing_off_later_pages(record: Town) -> None:
    """R4-110."""
    before = names(await asked(record, _type="Observation"))
    first = await asked(record, _type="Observation", _count=4)

    async def write() -> None:
        await record.put(hba1c(70, "2026-01-01", id="a-new-one"))
        await record.delete("Observation/v01")

    pages = await follow(record, first, between=write)
    found = [one for page in pages for one in names(page)]
    assert len(found) == len(set(found)) and set(before) <= set(found)


async def test_a_page_reads_no_more_of_the_record_than_it_shows(record: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """R4-110: a long record costs a short page nothing."""
    read: list[int] = []
    search = type(record.house.store).search

    async def counted(self: Any, query: Any) -> Any:
        page = await search(self, query)
        read.append(len(page.matches))
        return page

    monkeypatch.setattr(type(record.house.store), "search", counted)
    await asked(record, _type="Observation", _count=3)
    assert sum(read) == 3


async def test_page_links_are_signed_and_belong_to_their_request(record: Town) -> None:
    page = await asked(record, _count=2)
    token = dict(parse_qsl(urlsplit(link(page, "next") or "").query))["_page"]
    for parameters in (
        {"_count": 2, "_page": token[:-2] + "xx"},
        {"_count": 3, "_page": token},
        {"_count": 2, "_page": "made-up"},
    ):
        with pytest.raises(ParameterInvalid):
            await asked(record, **parameters)
    with pytest.raises(ParameterInvalid):
        await asked(record, id="birthe", _count=2, _page=token)


async def test_types_are_chosen(record: Town) -> None:
    """R4-110: `_type`, several in one or one by one; of what is brought along too."""
    assert names(await asked(record, _type="Condition,Patient")) == [
        "Patient/anna",
        "Condition/anna-ihd",
        "Condition/anna-t2d",
    ]
    assert names(await asked(record, _type=["Condition", "ServiceRequest"]))[-1] == "ServiceRequest/r1"
    only = await asked(record, _type="Observation,Practitioner")
    assert len(names(only)) == 12 and names(only, "include") == ["Practitioner/doctor"]
    assert names(await asked(record, _type="Practitioner")) == []
    with pytest.raises(ParameterFaulty):
        await asked(record, _type="Foo")


async def test_only_what_changed_since(record: Town) -> None:
    """R4-110: `_since`."""
    record.later(hours=1)
    since = record.now.isoformat()
    assert names(await asked(record, _since=since)) == []
    await record.put(hba1c(51, "2025-03-10", id="v03", performer=[DOCTOR]))
    changed = await asked(record, _since=since)
    assert [one for one in names(changed) if "Provenance" not in one] == ["Observation/v03"]
    assert names(changed, "include") == []
    await record.put({"resourceType": "Practitioner", "id": "doctor", "active": True})
    assert names(await asked(record, _since=since), "include") == ["Practitioner/doctor"]
    with pytest.raises(ParameterFaulty):
        await asked(record, _since="yesterday")


async def test_only_care_between_two_dates(record: Town) -> None:
    """R4-110: `start` and `end` look at the date of care; what is undated belongs to every time."""
    values = await asked(record, _type="Observation", start="2025-03-10", end="2025-05")
    assert names(values) == ["Observation/v03", "Observation/v04", "Observation/v05"]
    assert len(names(await asked(record, _type="Observation", start="2025-11"))) == 2
    assert len(names(await asked(record, _type="Observation", end="2025-02-09"))) == 1
    undated = {**hba1c(50, id="undated"), "effectiveDateTime": None, "issued": None, "status": "registered"}
    await record.put({name: part for name, part in undated.items() if part is not None and name != "valueQuantity"})
    assert "Observation/undated" in names(await asked(record, _type="Observation", start="2025-11"))
    for odd in ({"start": "soon"}, {"end": "2025,2026"}, {"start": "ge2025"}):
        with pytest.raises(ParameterFaulty):
            await asked(record, **odd)


async def test_an_illness_lasts_until_it_is_over(record: Town) -> None:
    """R4-110: begun before `end` and not over before `start`."""
    over = {**condition("over", "R05", "2021-01-01"), "abatementDateTime": "2021-02-01"}
    await record.put(
        {**over, "clinicalStatus": {"coding": [{**over["clinicalStatus"]["coding"][0], "code": "resolved"}]}}
    )
    assert set(names(await asked(record, _type="Condition", start="2021-01-15", end="2021-03"))) == {
        "Condition/anna-t2d",
        "Condition/over",
    }
    assert names(await asked(record, _type="Condition", start="2022", end="2023")) == ["Condition/anna-t2d"]
    paged = await follow(record, await asked(record, _type="Condition", start="2021", end="2025", _count=1))
    assert [len(names(page)) for page in paged] == [1, 1, 1]


def test_every_dated_type_of_the_compartment_is_dated() -> None:
    """A parameter that is not there would be a fault of ours at the first call with a date."""
    rows = {row.name: row for row in ROWS if row.compartment}
    for name, dates in CARE_DATES.items():
        if name in rows:
            assert all(rows[name].parameters[one].kind == "date" for one in dates if one)
    undated = set(rows) - set(CARE_DATES)
    assert undated <= {"Patient", "RelatedPerson", "Group", "Device", "AuditEvent"}, undated


async def test_count_of_nothing_tells_how_many(record: Town) -> None:
    bundle = await asked(record, _count=0)
    assert "entry" not in bundle and link(bundle, "next") is None
    assert bundle["total"] == len(names(await asked(record)))


async def test_a_municipality_sees_its_slice_and_strangers_nothing(record: Town) -> None:
    """R4-110, design §7."""
    seen = names(await asked(record, "visitator"))
    assert {one.partition("/")[0] for one in seen} == {"Patient", "Observation", "ServiceRequest"}
    paged = await follow(record, await asked(record, "visitator", _count=3), "visitator")
    assert [one for page in paged for one in names(page)] == seen
    assert names(await asked(record, "visitator", _type="Condition")) == []
    assert names(await asked(record, "anna"))[0] == "Patient/anna"
    for who in ("stranger", "birthe", "statistics"):
        with pytest.raises(Forbidden):
            await asked(record, who)
    with pytest.raises(Forbidden):
        await asked(record, "visitator", "birthe")


async def test_there_is_nothing_of_nobody(record: Town) -> None:
    with pytest.raises(NotFound):
        await asked(record, "system", "nobody")
    await record.put(patient("gone"))
    await record.delete("Patient/gone")
    with pytest.raises(Deleted):
        await asked(record, "system", "gone")


async def test_references_in_words_and_to_elsewhere_bring_nothing(record: Town) -> None:
    odd = hba1c(50, "2025-12-24", id="odd", note=[{"text": 'see "reference": "Practitioner/unnamed"'}])
    away = [{"reference": "https://other.example/fhir/Practitioner/unnamed"}, {"reference": "Practitioner/nobody"}]
    await record.put({**odd, "performer": away})
    assert "Practitioner/unnamed" not in names(await asked(record), "include")
    await record.put({**odd, "performer": [{"reference": f"{BASE}/Practitioner/unnamed"}]})
    assert "Practitioner/unnamed" in names(await asked(record), "include")


async def test_what_comes_along_ends_where_a_link_would_grow_too_long(record: Town) -> None:
    for number in range(MOST_KNOWN + 20):
        await record.put({"resourceType": "Practitioner", "id": f"p{number}"})
    performers = [{"reference": f"Practitioner/p{number}"} for number in range(MOST_KNOWN + 20)]
    await record.put(hba1c(50, "2025-12-24", id="busy", performer=performers))
    pages = await follow(record, await asked(record, _count=9))
    brought = [one for page in pages for one in names(page, "include")]
    assert len(brought) == len(set(brought)) == MOST_KNOWN
    assert all(len(link(page, "next") or "") < 4000 for page in pages)
