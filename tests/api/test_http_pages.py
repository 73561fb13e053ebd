"""What a search answers: pages, links, totals, order, includes, parts of resources (checklist I, J, L)."""

from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

import pytest

from careplan.fhir.text import dump

STRICT = {"prefer": "handling=strict"}


def ids(bundle, mode="match"):
    return [one["resource"]["id"] for one in bundle.get("entry", []) if one["search"]["mode"] == mode]


def link(bundle, relation):
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


@pytest.fixture
async def people(put, example):
    """25 Patients p00…p24; five family names, so that there are ties; every third without birth date."""
    for number in range(25):
        name = [{"family": f"Familie{number % 5}", "given": [f"Person{number:02d}"]}]
        birth = None if number % 3 == 0 else f"19{50 + number}-03-12"
        await put(example("Patient", id=f"p{number:02d}", name=name, birthDate=birth))


async def walk(client, url):
    """Every page from here to the end."""
    found = []
    while url:
        answer = await client.get(url)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        url = link(found[-1], "next")
        assert len(found) < 100, "next goes on for ever"
    return found


# ── pages ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("count", [1, 2, 7, 24, 25, 26])
@pytest.mark.parametrize(
    "order", ["", "_sort=family&", "_sort=-family&", "_sort=birthdate&", "_sort=-birthdate,family&"]
)
async def test_following_next_gives_every_match_once(client, people, count, order):
    """R4-75: with ties and missing values in the sort key."""
    pages = await walk(client, f"/Patient?{order}_count={count}")
    found = [id for page in pages for id in ids(page)]
    assert sorted(found) == [f"p{number:02d}" for number in range(25)]
    assert [len(ids(page)) for page in pages] == [count] * (25 // count) + ([25 % count] if 25 % count else [])


async def test_pages_hold_while_others_write_and_delete(client, people, put, example):
    """R4-75."""
    page = (await client.get("/Patient?_sort=family&_count=5")).json()
    seen = ids(page)
    for step in range(4):
        await put(example("Patient", id=f"new{step}", name=[{"family": "Familie0"}]))
        await client.delete(f"/Patient/{seen[step]}")
        page = (await client.get(link(page, "next"))).json()
        seen += ids(page)
    old = [id for id in seen if id.startswith("p")]
    assert sorted(old) == [f"p{number:02d}" for number in range(25)]
    assert len(seen) == len(set(seen))


async def test_order_has_several_keys_and_puts_missing_values_last(client, people):
    """R4-78."""
    for sign in ("", "-"):
        found = (await client.get(f"/Patient?_sort={sign}birthdate,_id&_count=100")).json()
        dates = [one["resource"].get("birthDate") for one in found["entry"]]
        there = [date for date in dates if date]
        assert there == sorted(there, reverse=sign == "-")
        assert dates[len(there) :] == [None] * 9
        assert ids(found)[len(there) :] == sorted(ids(found)[len(there) :])
    by_two = (await client.get("/Patient?_sort=family,-given&_count=100")).json()
    keys = [(one["resource"]["name"][0]["family"], one["resource"]["name"][0]["given"][0]) for one in by_two["entry"]]
    assert all(a[0] < b[0] or (a[0] == b[0] and a[1] > b[1]) for a, b in pairwise(keys))


async def test_unknown_sort_key_is_refused_or_left_out(client, people, refused):
    """R4-78."""
    refused(await client.get("/Patient?_sort=shoe-size", headers=STRICT), 400, "parameter-unsupported")
    lenient = (await client.get("/Patient?_sort=shoe-size,family&_count=100")).json()
    assert link(lenient, "self") == "http://test/fhir/Patient?_sort=family&_count=100"


@pytest.mark.parametrize("change", ["x", "", "é", "%00", "A" * 5000])
async def test_tampered_page_link_is_refused(client, people, refused, change):
    """R4-76."""
    url = link((await client.get("/Patient?_count=5")).json(), "next")
    token = dict(parse_qsl(urlsplit(url).query))["_page"]
    for changed in (token + change if change else token[:-1], change + token if change else token[1:], change or "0"):
        refused(await client.get("/Patient", params={"_count": 5, "_page": changed}), 400, "parameter-invalid")


async def test_page_link_of_another_search_is_refused(client, people, refused):
    """R4-76."""
    token = dict(parse_qsl(urlsplit(link((await client.get("/Patient?_count=5")).json(), "next")).query))["_page"]
    for address in (
        "/Patient?_count=6",
        "/Patient?_count=5&gender=male",
        "/Observation?_count=5",
        "/Patient/p01/_history?_count=5",
    ):
        refused(await client.get(f"{address}&_page={token}"), 400, "parameter-invalid")


async def test_history_pages_give_every_version_once(client, put, example, refused):
    """R4-50, R4-49."""
    for number in range(12):
        await put(example("Patient", language=f"x{number}"))
    pages = await walk(client, "/Patient/inger-test/_history?_count=5")
    numbers = [one["resource"]["meta"]["versionId"] for page in pages for one in page["entry"]]
    assert numbers == [str(number) for number in range(12, 0, -1)]
    assert {page["total"] for page in pages} == {12}
    since = pages[0]["entry"][2]["resource"]["meta"]["lastUpdated"]
    late = (await client.get("/Patient/inger-test/_history", params={"_since": since})).json()
    assert [one["resource"]["meta"]["versionId"] for one in late["entry"]] == ["12", "11", "10"]
    future = (await client.get("/Patient/inger-test/_history?_since=2099-01-01T00:00:00Z")).json()
    assert (future["total"], future.get("entry")) == (0, None)
    none = (await client.get("/Patient/inger-test/_history?_count=0")).json()
    assert (none["total"], none.get("entry"), link(none, "next")) == (12, None, None)
    most = (await client.get("/Patient/inger-test/_history?_count=99999999999")).json()
    assert (len(most["entry"]), link(most, "self").rpartition("=")[2]) == (12, "1000")
    for wrong in ("_since=soon", "_count=-1", "_count=x", "_count=1.5", "_page=x", "_since=2026-13-01"):
        refused(await client.get(f"/Patient/inger-test/_history?{wrong}"), 400, "parameter-invalid")


@pytest.mark.parametrize(
    "since", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "9999", "0001-01-01T00:00:00"]
)
async def test_since_at_the_ends_of_time_breaks_nothing(client, put, example, since):
    await put(example("Patient"))
    answer = await client.get(f"/Patient/inger-test/_history?_since={since}")
    assert answer.status_code in (200, 400), answer.text


# ── totals and parts ─────────────────────────────────────────────────────────────────────────────


async def test_total_is_there_when_asked_and_the_same_on_every_page(client, people):
    """R4-74."""
    pages = await walk(client, "/Patient?_count=10&_total=accurate&_include=Patient:general-practitioner")
    assert {page["total"] for page in pages} == {25}
    assert "total" not in (await client.get("/Patient?_count=10")).json()
    assert (await client.get("/Patient?_count=100")).json()["total"] == 25


@pytest.mark.parametrize("ask", ["_count=0", "_summary=count"])
async def test_count_only_shows_no_entries(client, people, ask):
    """R4-77."""
    found = (await client.get(f"/Patient?{ask}&_include=Patient:general-practitioner")).json()
    assert (found["total"], found.get("entry"), link(found, "next")) == (25, None, None)


async def test_no_match_has_a_total_and_no_entries(client):
    """R4-62, R4-71."""
    for ask in ("name=nobody", "general-practitioner=Organization/none", "_tag=x|y"):
        found = (await client.get(f"/Patient?{ask}")).json()
        assert (found["type"], found["total"], "entry" in found) == ("searchset", 0, False)


async def test_count_over_the_maximum_becomes_the_maximum(client, people):
    """R4-77."""
    for ask in ("1001", "99999999999999999999"):
        found = (await client.get(f"/Patient?_count={ask}")).json()
        assert link(found, "self") == "http://test/fhir/Patient?_count=1000"


async def test_self_link_holds_what_was_used_and_gives_the_same_again(client, people):
    """R4-64, R4-72."""
    answer = await client.get(
        "/Patient",
        params={"name": "familie1,familie2", "shoe-size": "46", "_sort": "-given", "given:exact": "Person01"},
    )
    found = answer.json()
    assert link(found, "self") == "http://test/fhir/Patient?name=familie1,familie2&_sort=-given&given:exact=Person01"
    assert ids(found) == ["p01"]
    outcome = found["entry"][-1]
    assert outcome["search"]["mode"] == "outcome"
    assert "shoe-size" in outcome["resource"]["issue"][0]["diagnostics"]
    assert found["total"] == 1
    assert ids((await client.get(link(found, "self"))).json()) == ["p01"]


async def test_elements_and_summaries_are_as_specified(client, people):
    """R4-79."""
    one = (await client.get("/Patient?_id=p01&_elements=birthDate")).json()["entry"][0]["resource"]
    assert set(one) == {"resourceType", "id", "meta", "birthDate"}
    assert one["meta"]["tag"] == [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    ]
    text = (await client.get("/Patient?_id=p01&_summary=text")).json()["entry"][0]["resource"]
    assert set(text) == {"resourceType", "id", "meta", "text"}
    data = (await client.get("/Patient?_id=p01&_summary=data")).json()["entry"][0]["resource"]
    assert "text" not in data
    assert data["contact"]
    true = (await client.get("/Patient?_id=p01&_summary=true")).json()["entry"][0]["resource"]
    assert "contact" not in true
    assert true["name"]
    false = (await client.get("/Patient?_id=p01&_summary=false")).json()["entry"][0]["resource"]
    assert "tag" not in false["meta"]


UNREADABLE = (
    "_count=-1 _count=x _count=1.5 _count=² _summary=some _total=lots birthdate=abc birthdate=2024-01-01T10 "
    "birthdate=2024-13 name:below=x gender:in=x _id:not=x birthdate:exact=2024 name:missing=perhaps %FF=1 name=%FF "
    "general-practitioner:Patient=1 _sort:x=family _lastUpdated=soon identifier=a|b|c name=%C3%28"
).split()


@pytest.mark.parametrize("ask", UNREADABLE)
async def test_what_cannot_be_read_is_a_bad_request(client, refused, ask):
    """R4-65, R4-66: also when lenient."""
    refused(await client.get(f"/Patient?{ask}"), 400)
    form = {"content-type": "application/x-www-form-urlencoded"}
    refused(await client.post("/Patient/_search", content=ask, headers=form), 400)


async def test_raw_utf8_and_percent_encoded_names_find_the_same(client, put, example):
    """R4-63, R4-86."""
    await put(example("Patient"))
    form = {"content-type": "application/x-www-form-urlencoded"}
    for ask in ("name=%C3%86r%C3%B8", "name=aeroe", "name=%C3%A6R%C3%98SKOV"):
        assert ids((await client.get(f"/Patient?{ask}")).json()) == ["inger-test"], ask
    for content in ("name=Ærø".encode(), b"name=%C3%86r%C3%B8"):
        found = await client.post("/Patient/_search", content=content, headers=form)
        assert ids(found.json()) == ["inger-test"], content


async def test_form_and_address_are_taken_together(client, people):
    """R4-63, R4-67."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    found = await client.post("/Patient/_search?family=familie1", content="given=person01,person06", headers=form)
    assert ids(found.json()) == ["p01", "p06"]
    again = link(found.json(), "self")
    assert again is not None and "familie1" not in again and "person01" not in again
    assert ids((await client.get(again)).json()) == ["p01", "p06"]


async def test_escapes_and_spaces_are_read_once(client, put, example):
    """R4-68, R4-69."""
    await put(example("Patient", id="a", name=[{"family": "Beck, Olsen"}], birthDate="1958-03-12"))
    await put(example("Patient", id="b", name=[{"family": "Beck"}]))
    assert ids((await client.get("/Patient?family=Beck%5C%2C+Olsen")).json()) == ["a"]
    assert ids((await client.get("/Patient?family:exact=Nobody%2CBeck")).json()) == ["b"]
    assert (await client.get("/Patient?family=&_total=accurate")).json()["total"] == 2
    assert (await client.get("/Patient?_lastUpdated=ge2026-01-01T00:00:00%2B01:00")).json()["total"] == 2


# ── includes ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def record(put, example):
    for name in ("Organization", "Patient", "Goal", "Condition", "CarePlan", "Observation"):
        await put(example(name))


async def test_includes_come_once_and_do_not_count(client, record, people):
    """R4-103, R4-106."""
    found = (await client.get("/Patient?_include=Patient:general-practitioner&_count=3")).json()
    assert len(ids(found)) == 3
    assert ids(found, "include") == ["laegehuset-test"]
    assert all(one["fullUrl"].startswith("http://test/fhir/") for one in found["entry"])


async def test_reverse_includes_bring_what_points_here(client, record):
    """R4-103."""
    found = (
        await client.get(
            "/Patient?_id=inger-test&_revinclude=Observation:patient&_revinclude=Goal:subject&_total=accurate"
        )
    ).json()
    assert found["total"] == 1
    assert sorted(ids(found, "include")) == ["inger-test-hba1c", "inger-test-hba1c"]
    assert {one["resource"]["resourceType"] for one in found["entry"]} == {"Patient", "Observation", "Goal"}


async def test_missing_and_deleted_targets_are_left_out_quietly(client, record):
    """R4-103."""
    await client.delete("/Organization/laegehuset-test")
    found = await client.get("/Patient?_include=Patient:general-practitioner")
    assert (found.status_code, ids(found.json(), "include")) == (200, [])


async def test_include_of_everything_and_of_one_type_only(client, record, refused):
    """R4-104, R4-105."""
    every = (await client.get("/CarePlan?_include=*")).json()
    types = {one["resource"]["resourceType"] for one in every["entry"] if one["search"]["mode"] == "include"}
    assert {"Patient", "Goal", "Condition"} <= types
    only = (await client.get("/CarePlan?_include=CarePlan:subject:Patient")).json()
    assert ids(only, "include") == ["inger-test"]
    refused(await client.get("/CarePlan?_include=CarePlan:subject:Observation", headers=STRICT), 400)
    assert (await client.get("/CarePlan?_revinclude=*")).status_code == 200


async def test_bundle_bodies_are_the_stored_bytes(client, put):
    """R4-24."""
    body = b'{"resourceType":"Patient","id":"spaced", "gender" : "female","name":[ {"family":"\\u00c6"} ]}'
    await client.put("/Patient/spaced", content=body)
    read = (await client.get("/Patient/spaced")).content
    assert b'"resource":' + read in (await client.get("/Patient")).content
    assert b'"resource":' + read in (await client.get("/Patient/spaced/_history")).content
    page = await client.post(
        "",
        content=dump(
            {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Patient"}}]}
        ),
    )
    assert b'"resource":' + read in page.content
