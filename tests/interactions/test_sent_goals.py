"""A Goal written by PUT, POST, a patch or a transaction: no way round the reason for an individual target."""

import base64
import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from careplan.domain.errors import CareplanError
from careplan.fhir import systems
from careplan.fhir.goal import achievement_of, find_deviation, find_entry, find_target
from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.patch.json_patch import json_patch_from_list
from careplan.fhir.patch.path_patch import path_patch_from_parameters
from careplan.fhir.text import dump, parse, parse_list
from careplan.interactions.deviation import DeviationNeedsAuthor, DeviationNeedsReason, NeedsDoctor
from careplan.interactions.patch import patch

from .conftest import Json, Town, concept, hba1c, patient

Send = Callable[..., Awaitable[Any]]
UNTIL = "2027-11-22"


@pytest.fixture
async def planned(town: Town) -> Town:
    base = {"resourceType": "PractitionerRole", "organization": {"reference": "Organization/north"}}
    for id, code in (("doctor", "7170"), ("nurse", "5166")):
        await town.put({**base, "id": id, "code": [concept(systems.PROFESSION, code)]})
    await town.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/diabetes")
    return town


async def goal_of(town: Town) -> Json:
    return copy.deepcopy((await town.goals())["HbA1c"])


def agreed(goal: Json) -> Json:
    entry = find_entry(goal, "agreed")
    assert entry is not None
    return entry


def recommended(goal: Json) -> Json:
    entry = find_entry(goal, "recommended")
    assert entry is not None
    return entry


def looser(goal: Json, high: float = 70) -> Json:
    agreed(goal)["detailQuantity"]["value"] = high
    return goal


def deviating(goal: Json, high: float = 70, **more: Any) -> Json:
    """With another target and everything that it takes, but for what `more` takes away or changes."""
    said: Json = {
        "reason": {"coding": [{"system": systems.DEVIATION_REASON, "code": "frailty"}]},
        "author": {"reference": "PractitionerRole/doctor"},
        "validUntil": UNTIL,
    } | more
    members = {
        "reason": "valueCodeableConcept",
        "author": "valueReference",
        "validUntil": "valueDate",
        "text": "valueString",
    }
    parts = [{"url": name, members[name]: value} for name, value in said.items() if value is not None]
    return looser(goal, high) | {"extension": [{"url": systems.EXT_DEVIATION, "extension": parts}]}


# ── by whichever way ─────────────────────────────────────────────────────────────────────────────


async def put(town: Town, goal: Json, who: str = "doctor") -> None:
    await town.put(goal, who=who)


async def json_patch(town: Town, goal: Json, who: str = "doctor") -> None:
    members = [name for name in ("target", "extension", "achievementStatus") if name in goal]
    steps = [{"op": "add", "path": f"/{name}", "value": goal[name]} for name in members]
    stored = await town.get(f"Goal/{goal['id']}")
    steps += [
        {"op": "remove", "path": f"/{n}"} for n in ("extension", "achievementStatus") if n in stored and n not in goal
    ]
    await patch(town.as_(who), "Goal", goal["id"], json_patch_from_list(parse_list(dump(steps), depth=100)))


async def path_patch(town: Town, goal: Json, who: str = "doctor") -> None:
    """Of the agreed number alone, as FHIRPath Patch would have it."""
    value = {"name": "value", "valueDecimal": agreed(goal)["detailQuantity"]["value"]}
    path = "Goal.target[0].detail.value"
    parts = [{"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": path}, value]
    body = parse(dump({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}))
    await patch(town.as_(who), "Goal", goal["id"], path_patch_from_parameters(body, "Parameters"))


async def transaction(town: Town, goal: Json, who: str = "doctor") -> None:
    await town.bundle({"resource": goal, "request": {"method": "PUT", "url": f"Goal/{goal['id']}"}}, who=who)


async def transaction_patch(town: Town, goal: Json, who: str = "doctor") -> None:
    steps = dump([{"op": "replace", "path": "/target", "value": goal["target"]}])
    data = base64.b64encode(steps).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    await town.bundle({"resource": binary, "request": {"method": "PATCH", "url": f"Goal/{goal['id']}"}}, who=who)


async def post_again(town: Town, goal: Json, who: str = "doctor") -> None:
    await town.delete(f"Goal/{goal['id']}")
    await town.post({name: part for name, part in goal.items() if name != "id"}, who)


async def refused(town: Town, work: Awaitable[None], *errors: type[CareplanError]) -> CareplanError:
    """What it was refused for; nothing was stored."""
    before = await town.goals()
    with pytest.raises(errors or (ResourceInvalid,)) as caught:
        await work
    assert await town.goals() == before
    return caught.value


@pytest.mark.parametrize("send", [put, json_patch, path_patch, transaction, transaction_patch])
async def test_a_goal_that_deviates_without_a_reason_is_refused_however_it_comes(planned: Town, send: Send) -> None:
    error = await refused(planned, send(planned, looser(await goal_of(planned))))
    assert "fp-goal-deviation" in error.message


@pytest.mark.parametrize("send", [put, json_patch, transaction])
async def test_a_goal_that_deviates_with_a_reason_is_kept_as_it_came(planned: Town, send: Send) -> None:
    await send(planned, deviating(await goal_of(planned)))
    goal = await goal_of(planned)
    deviation, target = find_deviation(goal), find_target(goal, "agreed")
    assert deviation is not None and target is not None
    assert (deviation.reason, deviation.author, str(deviation.valid_until)) == (
        "frailty",
        "PractitionerRole/doctor",
        UNTIL,
    )
    assert target.high == 70


@pytest.mark.parametrize("send", [put, json_patch, transaction, transaction_patch])
async def test_the_recommended_target_is_not_dropped_so_that_nothing_deviates(planned: Town, send: Send) -> None:
    goal = looser(await goal_of(planned))
    goal["target"] = [agreed(goal)]
    error = await refused(planned, send(planned, goal))
    assert [fault.code for fault in error.faults] == ["recommendation-altered"]


@pytest.mark.parametrize("send", [put, json_patch, transaction, transaction_patch])
async def test_the_recommended_target_is_not_moved_along(planned: Town, send: Send) -> None:
    goal = looser(await goal_of(planned))
    recommended(goal)["detailQuantity"]["value"] = 70
    error = await refused(planned, send(planned, goal))
    assert [fault.code for fault in error.faults] == ["recommendation-altered"]


async def test_the_way_over_a_deletion_is_closed(planned: Town) -> None:
    goal = looser(await goal_of(planned))
    goal["target"] = [agreed(goal)]
    with pytest.raises(DeviationNeedsReason, match="extension deviation says why"):
        await post_again(planned, goal)
    assert "HbA1c" not in await planned.goals()


async def test_faults_in_a_transaction_name_the_entry(planned: Town) -> None:
    goal = await goal_of(planned)
    goal["target"] = [agreed(goal)]
    error = await refused(planned, transaction(planned, goal))
    assert [fault.expression for fault in error.faults] == ["Bundle.entry[0].resource.target"]


# ── what a profile sees ──────────────────────────────────────────────────────────────────────────


def _without_profile(goal: Json) -> Json:
    return {**looser(goal), "meta": {}}


def _without_kind(goal: Json) -> Json:
    looser(goal)["target"][0].pop("extension")
    return goal


def _without_any_kind(goal: Json) -> Json:
    goal["target"] = [looser(goal)["target"][0]]
    return _without_kind(goal) | {"meta": {}}


def _other_kind(goal: Json) -> Json:
    looser(goal)["target"][0]["extension"][0]["valueCode"] = "hoped-for"
    return goal


def _both_kinds(goal: Json) -> Json:
    looser(goal)["target"][0]["extension"].append({"url": systems.EXT_TARGET_KIND, "valueCode": "recommended"})
    return goal


def _kind_as_string(goal: Json) -> Json:
    looser(goal)["target"][0]["extension"] = [{"url": systems.EXT_TARGET_KIND, "valueString": "agreed"}]
    return goal


def _two_agreed(goal: Json) -> Json:
    goal["target"].append(copy.deepcopy(looser(goal)["target"][0]))
    return goal


def _another_unit(goal: Json) -> Json:
    agreed(deviating(goal))["detailQuantity"] |= {"value": 7, "unit": "%", "code": "%"}
    return deviating(goal, 7)


def _no_unit(goal: Json) -> Json:
    agreed(deviating(goal))["detailQuantity"].pop("code")
    return deviating(goal)


def _another_measure(goal: Json) -> Json:
    agreed(goal)["measure"] = concept(systems.NPU, "NPU01568")
    return deviating(goal)


def _two_measures(goal: Json) -> Json:
    agreed(goal)["measure"]["coding"].append({"system": systems.NPU, "code": "NPU01568"})
    return deviating(goal)


def _no_measure(goal: Json) -> Json:
    agreed(goal).pop("measure")
    return deviating(goal)


def _end_with_comparator(goal: Json) -> Json:
    quantity = agreed(goal).pop("detailQuantity")
    end = {name: part for name, part in quantity.items() if name != "comparator"}
    agreed(goal)["detailRange"] = {"low": {**end, "value": 50}, "high": {**end, "value": 58, "comparator": ">"}}
    extension = deviating({**goal, "target": [{**agreed(goal), "detailQuantity": {}}]})["extension"]
    return {**goal, "extension": extension}


def _nothing_in_between(goal: Json) -> Json:
    quantity = agreed(goal).pop("detailQuantity")
    end = {name: part for name, part in quantity.items() if name != "comparator"}
    agreed(goal)["extension"].append({"url": systems.EXT_HIGH_EXCLUSIVE, "valueBoolean": True})
    agreed(goal)["detailRange"] = {"low": end, "high": end}
    extension = deviating({**goal, "target": [{**agreed(goal), "detailQuantity": {}}]})["extension"]
    return {**goal, "extension": extension}


def _needless(goal: Json) -> Json:
    return deviating(goal, 58)


def _without_agreed(goal: Json) -> Json:
    goal = deviating(goal)
    return {**goal, "target": [recommended(goal)]}


def _two_deviations(goal: Json) -> Json:
    goal = deviating(goal)
    return {**goal, "extension": goal["extension"] * 2}


WAYS: list[Callable[[Json], Json]] = [
    _without_profile,
    _without_kind,
    _without_any_kind,
    _other_kind,
    _both_kinds,
    _kind_as_string,
    _two_agreed,
    _another_unit,
    _no_unit,
    _another_measure,
    _two_measures,
    _no_measure,
    _end_with_comparator,
    _nothing_in_between,
    _needless,
    _without_agreed,
    _two_deviations,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", ["doctor", "system"])
async def test_a_way_round_the_profile_is_closed_to_everybody(
    planned: Town, way: Callable[[Json], Json], who: str
) -> None:
    await refused(planned, put(planned, way(await goal_of(planned)), who))


OURS = {"system": systems.DEVIATION_REASON}


@pytest.mark.parametrize(
    "said",
    [
        {"reason": None},
        {"reason": {}},
        {"reason": {"text": "frailty"}},
        {"reason": {"coding": [{"system": systems.DEVIATION_REASON}]}},
        {"reason": {"coding": [OURS | {"code": "whim"}]}},
        {"reason": {"coding": [{"system": "http://example.org", "code": "frailty"}]}},
        {"reason": {"coding": [OURS | {"code": "frailty"}, OURS | {"code": "pregnancy"}]}},
        {"reason": {"coding": [OURS | {"code": "other"}]}},
        {"reason": {"coding": [OURS | {"code": "other"}]}, "text": " \t"},
        {"author": None},
        {"author": {"display": "Mette Holm"}},
        {"author": {"identifier": {"value": "1"}}},
        {"author": {"reference": "#me"}},
        {"author": {"reference": "Patient/anna"}},
        {"validUntil": None},
        {"validUntil": "2027"},
        {"validUntil": "2027-11"},
    ],
)
@pytest.mark.parametrize("who", ["doctor", "system"])
async def test_a_deviation_that_does_not_say_why_who_and_until_when_is_refused(
    planned: Town, said: Json, who: str
) -> None:
    await refused(planned, put(planned, deviating(await goal_of(planned), **said), who))


async def test_a_coding_of_others_beside_the_reason_is_no_other_reason(planned: Town) -> None:
    codings = [{"system": "http://example.org", "code": "whim"}, OURS | {"code": "frailty"}]
    await put(planned, deviating(await goal_of(planned), reason={"coding": codings}))
    deviation = find_deviation(await goal_of(planned))
    assert deviation is not None and deviation.reason == "frailty"


async def test_two_ends_that_say_what_one_says_are_another_target(planned: Town) -> None:
    """From 58 to 58 is not «at most 58»: a value below would warn."""
    goal = await goal_of(planned)
    quantity = agreed(goal).pop("detailQuantity")
    end = {name: part for name, part in quantity.items() if name != "comparator"}
    agreed(goal)["detailRange"] = {"low": end, "high": end}
    error = await refused(planned, put(planned, goal))
    assert "fp-goal-deviation" in error.message


async def test_digits_and_display_are_no_deviation(planned: Town) -> None:
    goal = parse(dump(await goal_of(planned)).replace(b'"value":58', b'"value":58.0', 1))
    agreed(goal)["measure"]["coding"][0]["display"] = "Langtidsblodsukker"
    await put(planned, goal)
    assert find_deviation(await goal_of(planned)) is None


# ── what takes the record ────────────────────────────────────────────────────────────────────────


async def test_what_recommended_targets_says_may_be_sent(planned: Town) -> None:
    """The recommendation of today comes in place of an older one, whoever agreed on what."""
    await planned.delete("Condition/anna-ihd")
    answer = await planned.call("Patient/$recommended-targets", "anna")
    said = [entry["resource"] for entry in answer["entry"] if entry["resource"]["resourceType"] == "Goal"]
    (fresh,) = [recommended(one) for one in said if recommended(one)["measure"]["text"] == "HbA1c"]
    planned.later(minutes=5)
    goal = await goal_of(planned)
    goal["target"] = [{**agreed(goal), **{"detailQuantity": fresh["detailQuantity"]}}, fresh]
    await put(planned, goal)
    target = find_target(await goal_of(planned), "agreed")
    assert target is not None and target.high == 53


async def test_what_the_rules_no_longer_say_is_not_sent_anew(planned: Town) -> None:
    old = await goal_of(planned)
    await planned.delete("Condition/anna-ihd")
    await planned.delete(f"Goal/{old['id']}")
    with pytest.raises(ResourceInvalid, match="recommended-targets"):
        await planned.post({name: part for name, part in old.items() if name != "id"})
    await planned.post({name: part for name, part in old.items() if name != "id"}, "system")


async def test_the_recommendation_of_somebody_else_is_not_moved_to_another_patient(planned: Town) -> None:
    goal = await goal_of(planned) | {"subject": {"reference": "Patient/birthe"}}
    error = await refused(planned, put(planned, goal))
    assert [fault.code for fault in error.faults] == ["patient-altered"]


@pytest.mark.parametrize("send", [put, json_patch, transaction])
async def test_outside_the_safety_span_a_plain_write_takes_a_doctor_too(planned: Town, send: Send) -> None:
    author = {"reference": "PractitionerRole/nurse"}
    goal = deviating(await goal_of(planned), 80, author=author)
    await refused(planned, send(planned, goal, "nurse"), NeedsDoctor)
    await send(planned, deviating(await goal_of(planned), 80))
    # what the doctor agreed on may be sent back by the nurse, and other members changed
    await put(planned, await goal_of(planned) | {"note": [{"text": "Talt om det."}]}, "nurse")


async def test_no_target_at_all_takes_a_doctor_where_one_is_recommended(planned: Town) -> None:
    goal = deviating(await goal_of(planned), author={"reference": "PractitionerRole/nurse"})
    agreed(goal).pop("detailQuantity")
    agreed(goal)["detailString"] = "Intet tal"
    await refused(planned, put(planned, goal, "nurse"), NeedsDoctor)


async def test_nobody_is_made_the_author_of_what_another_sends(planned: Town) -> None:
    goal = deviating(await goal_of(planned))
    await refused(planned, put(planned, goal, "nurse"), DeviationNeedsAuthor)
    await put(planned, goal, "doctor")
    # another number under the reason and name of the doctor
    await refused(planned, put(planned, looser(await goal_of(planned), 72), "nurse"), DeviationNeedsAuthor)


async def test_a_deviation_that_is_over_when_it_comes_is_refused(planned: Town) -> None:
    goal = deviating(await goal_of(planned), validUntil="2026-11-22")
    await refused(planned, put(planned, goal), DeviationNeedsReason)
    await put(planned, goal, "system")  # history
    await put(planned, await goal_of(planned) | {"note": [{"text": "Set."}]}, "nurse")


# ── achievementStatus ────────────────────────────────────────────────────────────────────────────


def status(code: str) -> Json:
    return {"achievementStatus": concept(systems.GOAL_ACHIEVEMENT, code)}


@pytest.mark.parametrize("send", [put, json_patch, transaction])
async def test_a_status_that_the_newest_value_contradicts_is_refused(planned: Town, send: Send) -> None:
    await planned.post(hba1c(66))
    goal = deviating(await goal_of(planned))
    assert achievement_of(goal) == "not-achieved"
    error = await refused(planned, send(planned, goal))
    assert [(fault.code, fault.expression.rpartition(".")[2]) for fault in error.faults] == [
        ("achievement-wrong", "achievementStatus")
    ]
    assert "makes it achieved" in error.message
    await send(planned, goal | status("achieved"))
    assert achievement_of(await goal_of(planned)) == "achieved"


async def test_a_status_may_be_left_out_or_sent_back(planned: Town) -> None:
    await planned.post(hba1c(66))
    goal = await goal_of(planned)
    await put(planned, goal | {"note": [{"text": "Talt om det."}]})
    bare = {name: part for name, part in deviating(goal).items() if name != "achievementStatus"}
    await put(planned, bare)
    assert achievement_of(await goal_of(planned)) is None
    await planned.post(hba1c(67, "2026-11-20"))
    assert achievement_of(await goal_of(planned)) == "achieved"


@pytest.mark.parametrize("code", ["achieved", "not-achieved", "improving"])
async def test_a_status_without_a_value_to_judge_by_is_refused(planned: Town, code: str) -> None:
    await refused(planned, put(planned, await goal_of(planned) | status(code)))


# ── who is let through ───────────────────────────────────────────────────────────────────────────


async def test_history_of_a_system_needs_no_rule_of_today(planned: Town) -> None:
    goal = deviating(await goal_of(planned), 90)
    recommended(goal)["detailQuantity"]["value"] = 50
    await put(planned, goal, "system")
    target = find_target(await goal_of(planned), "recommended")
    assert target is not None and target.high == 50


async def test_goals_about_something_else_are_nobody_s_deviation(planned: Town) -> None:
    base = {"resourceType": "Goal", "lifecycleStatus": "active", "subject": {"reference": "Patient/anna"}}
    for target in ([], [{"measure": concept("http://example.org", "steps"), "detailString": "flere"}]):
        goal = base | {"description": {"text": "Gå ture"}} | ({"target": target} if target else {})
        await planned.post(goal, "doctor")


async def test_a_goal_of_a_patient_who_comes_with_it_is_held_against_no_rules(planned: Town) -> None:
    goal = {name: part for name, part in (await goal_of(planned)).items() if name != "id"}
    goal = {**goal, "subject": {"reference": "urn:uuid:6f0f0c1e-6f6d-5d3c-9f0b-0d0a5a0c7e11"}, "target": [agreed(goal)]}
    someone = {
        "fullUrl": "urn:uuid:6f0f0c1e-6f6d-5d3c-9f0b-0d0a5a0c7e11",
        "resource": {name: part for name, part in patient("x").items() if name != "id"},
        "request": {"method": "POST", "url": "Patient"},
    }
    entry = {"resource": goal, "request": {"method": "POST", "url": "Goal"}}
    performed = await planned.bundle(someone, entry)
    assert [one.status for one in performed.results] == [201, 201]


async def test_validate_says_the_same_as_a_write(planned: Town) -> None:
    goal = looser(await goal_of(planned))
    goal["target"] = [agreed(goal)]
    answer = await planned.call("Goal/$validate", goal["id"], resource=goal, mode="update")
    assert [one["details"]["text"] for one in answer["issue"]] == ["recommendation-altered"]
