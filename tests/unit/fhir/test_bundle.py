"""Bundles as bytes: bodies untouched, links, totals, outcomes; and resources with some of their elements."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from careplan.domain.errors import Fault
from careplan.fhir.bundle import Answer, collection, history_bundle, response_bundle, searchset, status_line
from careplan.fhir.query import Query
from careplan.fhir.summary import reduced

BASE = "https://us.example/fhir"
AT = datetime(2026, 11, 22, 9, 3, 0, 417000, tzinfo=UTC)
BODY = (
    b'{"resourceType":"Observation","id":"o1","meta":{"versionId":"1"},\n "status":"final"'
    b',"valueQuantity":{"value":7.10}}'
)


@dataclass(frozen=True)
class Kept:
    type: str
    id: str
    number: int
    at: datetime
    body: bytes | None
    method: str = "PUT"


def kept(id="o1", number=1, body=BODY, method="PUT"):
    return Kept("Observation", id, number, AT, body, method)


def test_a_searchset_holds_the_stored_bytes():
    raw = searchset(Query("Observation"), [kept()], base=BASE)
    assert BODY in raw
    bundle = json.loads(raw)
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 1)
    (entry,) = bundle["entry"]
    assert (entry["fullUrl"], entry["search"]) == (f"{BASE}/Observation/o1", {"mode": "match"})


def test_no_match_is_total_zero_and_no_entry():
    bundle = json.loads(searchset(Query("Observation"), [], base=BASE))
    assert bundle["total"] == 0
    assert "entry" not in bundle


def test_a_page_links_to_itself_and_to_the_next():
    query = Query("Observation", used=(("code", "a|b"),))
    bundle = json.loads(searchset(query, [kept()], base=BASE, page="t1", next="t2"))
    links = {link["relation"]: link["url"] for link in bundle["link"]}
    assert links == {
        "self": f"{BASE}/Observation?code=a%7Cb&_page=t1",
        "next": f"{BASE}/Observation?code=a%7Cb&_page=t2",
    }
    assert "total" not in bundle


@pytest.mark.parametrize(("page", "next"), [("t", None), (None, "t")])
def test_a_total_of_several_pages_is_said_only_when_counted(page, next):
    assert "total" not in json.loads(searchset(Query("Observation"), [kept()], base=BASE, page=page, next=next))
    assert json.loads(searchset(Query("Observation"), [kept()], base=BASE, page=page, next=next, total=9))["total"] == 9


def test_a_search_for_the_number_alone_shows_no_entries():
    query = Query("Observation", count=0, total=True)
    bundle = json.loads(searchset(query, [], base=BASE, total=9, next="t"))
    assert bundle["total"] == 9
    assert "entry" not in bundle
    assert [link["relation"] for link in bundle["link"]] == ["self"]


def test_includes_and_outcomes_stand_after_the_matches_and_are_not_counted():
    query = Query("Observation", elements=("status",), ignored=("foo",))
    bundle = json.loads(
        searchset(
            query,
            [kept()],
            base=BASE,
            included=[kept("o2")],
            faults=[Fault("", "too-costly", "bar", "warning")],
        )
    )
    assert [entry["search"]["mode"] for entry in bundle["entry"]] == ["match", "include", "outcome"]
    assert bundle["total"] == 1
    assert "valueQuantity" not in bundle["entry"][0]["resource"]
    assert "valueQuantity" in bundle["entry"][1]["resource"]
    issues = bundle["entry"][2]["resource"]["issue"]
    assert [(issue["severity"], issue["code"]) for issue in issues] == [
        ("warning", "not-supported"),
        ("warning", "too-costly"),
    ]
    assert "Observation: foo" in issues[0]["diagnostics"]
    assert all(":" in entry["fullUrl"] for entry in bundle["entry"])


def test_what_is_left_out_of_a_search_of_several_types_is_said_of_none_of_them():
    """R4-64."""
    query = Query("", used=(("_type", "Goal,Task"),), ignored=("_sort=foo",))
    (entry,) = json.loads(searchset(query, [], base=BASE, path=""))["entry"]
    assert entry["resource"]["issue"][0]["diagnostics"].startswith("_sort=foo is not supported")


def test_history_names_the_request_of_every_version():
    """R4-48: the methods that made the versions; a PUT may have made the resource."""
    versions = [kept(number=3, method="PATCH"), kept(number=2, body=None, method="DELETE"), kept(method="POST")]
    bundle = json.loads(history_bundle(versions, base=BASE, total=5, url="u", next_url="n"))
    assert (bundle["type"], bundle["total"]) == ("history", 5)
    assert [(one["request"]["method"], one["request"]["url"]) for one in bundle["entry"]] == [
        ("PATCH", "Observation/o1"),
        ("DELETE", "Observation/o1"),
        ("POST", "Observation"),
    ]
    (put,) = json.loads(history_bundle([kept()], base=BASE, total=1, url="u"))["entry"]
    assert (put["request"]["method"], put["request"]["url"]) == ("PUT", "Observation/o1")
    assert put["response"]["status"] == "201 Created"
    assert [one["response"]["status"] for one in bundle["entry"]] == ["200 OK", "204 No Content", "201 Created"]
    assert bundle["entry"][0]["response"]["etag"] == 'W/"3"'
    assert bundle["entry"][0]["response"]["lastModified"] == "2026-11-22T09:03:00.417Z"
    assert ["resource" in one for one in bundle["entry"]] == [True, False, True]
    assert [link["relation"] for link in bundle["link"]] == ["self", "next"]
    assert len(json.loads(history_bundle([], base=BASE, total=0, url="u"))["link"]) == 1


def test_a_response_says_what_became_of_every_entry():
    answers = [
        Answer(201, location="Observation/o1/_history/1", number=1, at=AT, full_url=f"{BASE}/Observation/o1"),
        Answer(200, body=BODY),
        Answer(404, outcome={"resourceType": "OperationOutcome", "issue": []}),
    ]
    bundle = json.loads(response_bundle("batch-response", answers, base=BASE))
    first, second, third = bundle["entry"]
    assert first["response"] == {
        "status": "201 Created",
        "etag": 'W/"1"',
        "lastModified": "2026-11-22T09:03:00.417Z",
        "location": f"{BASE}/Observation/o1/_history/1",
    }
    assert second["resource"]["id"] == "o1"
    assert third["response"]["status"] == "404 Not Found"
    assert third["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert "total" not in bundle


def test_a_collection_holds_resources_side_by_side():
    bundle = json.loads(collection([("urn:uuid:1", BODY), (None, BODY)]))
    assert (bundle["type"], len(bundle["entry"]), "link" in bundle) == ("collection", 2, False)
    assert ["fullUrl" in entry for entry in bundle["entry"]] == [True, False]
    assert json.loads(collection([]))["type"] == "collection"


def test_a_status_line_has_its_phrase():
    assert status_line(412) == "412 Precondition Failed"


FULL = json.dumps(
    {
        "resourceType": "Observation",
        "id": "o1",
        "meta": {"versionId": "1", "tag": [{"code": "kept"}]},
        "text": {"status": "generated", "div": "<div/>"},
        "status": "final",
        "_status": {"id": "s"},
        "code": {"text": "HbA1c"},
        "note": [{"text": "n"}],
        "valueQuantity": {"value": 7},
    }
).encode()


@pytest.mark.parametrize(
    ("summary", "elements", "names"),
    [
        ("false", [], None),
        ("count", [], None),
        ("data", [], ["status", "_status", "code", "note", "valueQuantity"]),
        ("text", [], ["text", "status", "_status", "code"]),
        ("true", [], ["status", "_status", "code", "valueQuantity"]),
        ("false", ["note"], ["status", "_status", "code", "note"]),
        ("false", ["value"], ["status", "_status", "code", "valueQuantity"]),
        ("false", ["Observation.note.text"], ["status", "_status", "code", "note"]),
        ("false", ["unknown"], ["status", "_status", "code"]),
    ],
)
def test_a_reduced_resource_keeps_what_is_asked_and_what_is_mandatory(summary, elements, names):
    raw = reduced(FULL, "Observation", summary, elements)
    if names is None:
        assert raw == FULL
        return
    value = json.loads(raw)
    assert list(value) == ["resourceType", "id", "meta", *names]
    assert [tag["code"] for tag in value["meta"]["tag"]] == ["kept", "SUBSETTED"]
    assert value["meta"]["versionId"] == "1"


def test_what_stays_keeps_its_digits_and_is_tagged_once():
    raw = reduced(BODY, "Observation", "data")
    assert b"7.10" in raw
    assert reduced(raw, "Observation", "data") == raw


def test_a_resource_without_meta_gets_the_tag():
    assert json.loads(reduced(b'{"resourceType":"Foo","id":"1","a":1}', "Foo", "true")) == {
        "resourceType": "Foo",
        "id": "1",
        "meta": {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]},
    }
