"""FHIRPath Patch: the five operations, the paths they take, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir.patch.failure import PatchFailed
from careplan.fhir.patch.path import read_path, select
from careplan.fhir.patch.path_patch import path_patch_from_parameters
from careplan.fhir.patch.result import patched
from careplan.fhir.patch.spot import Item, Spot
from careplan.fhir.text import dump, parse

PATIENT = """{"resourceType":"Patient","id":"p1","active":true,
 "identifier":[{"system":"s1","value":"1"},{"system":"s2","value":"2","use":"old"}],
 "name":[{"use":"official","family":"Test","given":["Inger","Marie"],"_given":[null,{"id":"g"}]},{"use":"nickname","text":"Ib"}],
 "birthDate":"1958-03-12","_birthDate":{"extension":[{"url":"urn:x:time","valueDateTime":"1958-03-12T10:00:00Z"}]},
 "contact":[{"gender":"male"}],"maritalStatus":{"text":"gift"},
 "multipleBirthInteger":2,
 "extension":[{"url":"urn:x:a","valueDecimal":7.10},{"url":"urn:x:b","valueString":"b"}],
 "contained":[{"resourceType":"Organization","id":"c","name":"Inden i"}]}"""


def operation(kind, path, **parts):
    """One operation; a part is {"valueString": …} and so on, a text or a number for the simple ones."""
    simple = {"name": "valueString", "index": "valueInteger", "source": "valueInteger", "destination": "valueInteger"}
    listed = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    for name, given_part in parts.items():
        value = given_part if isinstance(given_part, dict) else {simple[name]: given_part}
        listed.append({"name": name, **value})
    return {"name": "operation", "part": listed}


def changed(*operations, of=PATIENT):
    patch = path_patch_from_parameters({"resourceType": "Parameters", "parameter": list(operations)})
    return patched(parse(of.encode()), patch).value


def text(value):
    return {"valueString": value}


# ── add ──────────────────────────────────────────────────────────────────────────────────────────


def test_add_appends_to_a_list_and_makes_one_that_is_not_there():
    """R4-41."""
    done = changed(
        operation("add", "Patient", name="identifier", value={"valueIdentifier": {"system": "s3"}}),
        operation("add", "Patient", name="telecom", value={"valueContactPoint": {"system": "phone"}}),
    )
    assert [one["system"] for one in done["identifier"]] == ["s1", "s2", "s3"]
    assert done["telecom"] == [{"system": "phone"}]


def test_add_sets_what_does_not_repeat_once():
    done = changed(operation("add", "Patient", name="gender", value={"valueCode": "female"}))
    assert done["gender"] == "female"
    with pytest.raises(PatchFailed, match="does not repeat, and is there already"):
        changed(operation("add", "Patient", name="active", value={"valueBoolean": False}))


def test_add_of_a_choice_takes_its_type_from_the_value():
    done = changed(operation("add", "Patient", name="deceased", value={"valueDateTime": "2026"}))
    assert done["deceasedDateTime"] == "2026"
    with pytest.raises(PatchFailed, match="is there already"):
        changed(operation("add", "Patient", name="multipleBirth", value={"valueBoolean": True}))


def test_add_builds_what_has_no_type_of_its_own_from_parts():
    contact = {
        "part": [
            {"name": "name", "valueHumanName": {"text": "Bo"}},
            {"name": "telecom", "valueContactPoint": {"system": "phone"}},
            {"name": "telecom", "valueContactPoint": {"system": "email"}},
            {"name": "gender", "valueCode": "male"},
        ]
    }
    assert changed(operation("add", "Patient", name="contact", value=contact))["contact"][1] == {
        "name": {"text": "Bo"},
        "telecom": [{"system": "phone"}, {"system": "email"}],
        "gender": "male",
    }


def test_add_puts_an_extension_on_a_primitive():
    mark = {"valueExtension": {"url": "urn:x:m", "valueBoolean": True}}
    done = changed(
        operation("add", "Patient.active", name="extension", value=mark),
        operation("add", "Patient.name[0].given[0]", name="extension", value=mark),
    )
    assert done["_active"] == {"extension": [mark["valueExtension"]]}
    assert done["name"][0]["_given"] == [{"extension": [mark["valueExtension"]]}, {"id": "g"}]


def test_a_value_goes_in_digit_for_digit():
    """R4-24, R4-41."""
    parameters = (
        b'{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},'
        b'{"name":"path","valueString":"Patient.extension(\'urn:x:b\').value"},{"name":"value","valueDecimal":6.50}]}]}'
    )
    made = patched(parse(PATIENT.encode()), path_patch_from_parameters(parse(parameters))).text
    assert '"valueDecimal":6.50' in made
    assert '"valueDecimal":7.10' in made


# ── insert, delete, replace, move ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("index", "expected"), [(0, ["s", "s1", "s2"]), (1, ["s1", "s", "s2"]), (2, ["s1", "s2", "s"])]
)
def test_insert_puts_into_a_list_at_an_index(index, expected):
    """R4-41."""
    done = changed(operation("insert", "Patient.identifier", index=index, value={"valueIdentifier": {"system": "s"}}))
    assert [one["system"] for one in done["identifier"]] == expected


def test_insert_into_a_list_of_primitives_keeps_their_extensions_beside_them():
    done = changed(operation("insert", "Patient.name[0].given", index=0, value=text("Åse")))["name"][0]
    assert done["given"] == ["Åse", "Inger", "Marie"]
    assert done["_given"] == [None, None, {"id": "g"}]


def test_insert_starts_a_list_that_is_not_there():
    done = changed(operation("insert", "Patient.telecom", index=0, value={"valueContactPoint": {"system": "sms"}}))
    assert done["telecom"] == [{"system": "sms"}]


def test_delete_takes_out_one_element_and_nothing_is_no_fault():
    """R4-41."""
    done = changed(
        operation("delete", "Patient.identifier.where(system = 's1')"),
        operation("delete", "Patient.telecom[3]"),
        operation("delete", "Patient.photo"),
        operation("delete", "Patient.birthDate"),
        operation("delete", "Patient.name[0].given[0]"),
    )
    assert [one["system"] for one in done["identifier"]] == ["s2"]
    assert "birthDate" not in done
    assert "_birthDate" not in done
    assert done["name"][0]["given"] == ["Marie"]
    assert done["name"][0]["_given"] == [{"id": "g"}]


def test_delete_leaves_nothing_empty_behind():
    """R4-25: no empty array or object is left."""
    done = changed(
        operation("delete", "Patient.maritalStatus.text"),
        operation("delete", "Patient.contact[0].gender"),
        operation("delete", "Patient.birthDate.extension[0]"),
        operation("delete", "Patient.name[0].given[1].id"),
    )
    assert not {"maritalStatus", "contact", "_birthDate"} & set(done)
    assert done["birthDate"] == "1958-03-12"
    assert done["name"][0]["given"] == ["Inger", "Marie"]
    assert "_given" not in done["name"][0]


def test_replace_puts_another_value_in_the_same_place():
    """R4-41."""
    done = changed(
        operation("replace", "Patient.identifier[0].value", value=text("9")),
        operation("replace", "Patient.name.where(use = 'nickname')", value={"valueHumanName": {"text": "Ibber"}}),
        operation("replace", "Patient.birthDate", value={"valueDate": "1958"}),
        operation("replace", "name.given[1]", value=text("Mette")),
    )
    assert done["identifier"][0] == {"system": "s1", "value": "9"}
    assert done["name"][1] == {"text": "Ibber"}
    assert done["birthDate"] == "1958"
    assert "_birthDate" not in done
    assert done["name"][0]["given"] == ["Inger", "Mette"]
    assert "_given" not in done["name"][0]


def test_replace_of_a_choice_may_change_its_type():
    done = changed(operation("replace", "Patient.multipleBirth", value={"valueBoolean": True}))
    assert done["multipleBirthBoolean"] is True
    assert "multipleBirthInteger" not in done


@pytest.mark.parametrize(
    ("source", "destination", "expected"), [(0, 2, "bca"), (2, 0, "cab"), (1, 1, "abc"), (0, 1, "bac")]
)
def test_move_takes_an_element_to_another_place_in_its_list(source, destination, expected):
    """R4-41."""
    listed = '{"resourceType":"Patient","id":"p1","name":[{"given":["a","b","c"],"_given":[{"id":"a"},null,null]}]}'
    done = changed(operation("move", "Patient.name.given", source=source, destination=destination), of=listed)
    assert "".join(done["name"][0]["given"]) == expected
    assert done["name"][0]["_given"][expected.index("a")] == {"id": "a"}


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────

PHONE = {"valueContactPoint": {"system": "phone"}}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (operation("delete", "Patient.identifier"), "selects 2 elements"),
        (operation("delete", "Patient.name.given"), "selects 2 elements"),
        (operation("replace", "Patient.identifier.value", value=text("x")), "selects 2 elements"),
        (operation("add", "Patient.identifier", name="value", value=text("x")), "selects 2 elements"),
        (operation("insert", "Patient.identifier.extension", index=0, value=text("x")), "selects 2 elements"),
        (operation("replace", "Patient.telecom", value=PHONE), "selects no elements"),
        (operation("replace", "Patient.gender", value={"valueCode": "male"}), "selects no elements"),
        (operation("replace", "Observation.status", value={"valueCode": "final"}), "selects no elements"),
        (operation("add", "Patient.photo", name="url", value=text("x")), "selects no elements"),
        (operation("delete", "Patient"), "the resource itself"),
        (operation("replace", "Patient", value=text("x")), "the resource itself"),
        (operation("add", "Patient", name="shoeSize", value={"valueInteger": 46}), "no element there"),
        (operation("add", "Patient", name="deceased", value={"valueQuantity": {}}), "no deceased of this type"),
        (operation("add", "Patient", name="multipleBirthInteger", value={"valueInteger": 2}), "no element there"),
        (operation("insert", "Patient.telecom", index=1, value=PHONE), "past the end"),
        (operation("insert", "Patient.identifier[0]", index=0, value=PHONE), "ends with the name of a list"),
        (operation("insert", "Patient.gender", index=0, value={"valueCode": "male"}), "past the end"),
        (operation("insert", "Patient.telecom", value=PHONE), "needs the part index"),
        (operation("insert", "Patient.telecom", index=-1, value=PHONE), "0 or more"),
        (operation("insert", "Patient.telecom", index={"valueBoolean": True}, value=PHONE), "0 or more"),
        (operation("insert", "Patient.telecom", index=0), "needs the part value"),
        (operation("move", "Patient.identifier", source=0, destination=2), "places in the list"),
        (operation("move", "Patient.identifier", source=2, destination=0), "places in the list"),
        (operation("move", "Patient.maritalStatus", source=0, destination=0), "names a list"),
        (operation("move", "Patient.identifier", source=0), "needs the part destination"),
        (operation("add", "Patient", value=PHONE), "needs the part name"),
        (operation("add", "Patient", name="telecom"), "needs the part value"),
        (operation("add", "Patient", name="gender", value={}), "holds something"),
        (operation("delete", "Patient.name.exists()"), "not understood"),
        (operation("erase", "Patient.gender"), "has a type of add, insert, delete, replace, move"),
        ({"name": "operation"}, "an operation with its parts"),
        ({"name": "operation", "part": [7]}, "an operation with its parts"),
        ({"name": "patch", "part": []}, "an operation with its parts"),
        ({"name": "operation", "part": [{"name": "type", "valueCode": "delete"}]}, "and a path"),
        (operation("add", "Patient", name="contact", value={"part": [{"valueCode": "x"}]}), "has a name"),
        (7, "an operation with its parts"),
    ],
)
def test_what_cannot_be_done_names_its_operation_and_changes_nothing(bad, says):
    """R4-39, R4-41."""
    with pytest.raises(PatchFailed, match=says) as refused:
        changed(operation("delete", "Patient.active"), bad)
    assert [fault.expression for fault in refused.value.faults] == ["Parameters.parameter[1]"]
    assert refused.value.faults[0].code == "patch-failed"


@pytest.mark.parametrize(
    "one",
    [
        operation("replace", "Patient.id", value=text("p2")),
        operation("delete", "Patient.id"),
    ],
)
def test_the_id_stays(one):
    """R4-40."""
    with pytest.raises(PatchFailed, match="id and resourceType"):
        changed(one)


@pytest.mark.parametrize("value", [{"resourceType": "Patient"}, {"resourceType": "Parameters", "parameter": 7}])
def test_other_resources_are_no_patch(value):
    with pytest.raises(PatchFailed, match="FHIRPath Patch is a Parameters"):
        path_patch_from_parameters(value)


def test_nothing_is_put_into_what_an_operation_before_has_spoilt():
    spoilt = operation("replace", "Patient.maritalStatus", value=text("gift"))
    with pytest.raises(PatchFailed, match="holds nothing that could be changed"):
        changed(spoilt, operation("add", "Patient.maritalStatus", name="text", value=text("gift")))
    odd = operation("replace", "Patient.contained[0]", value={"resource": {"resourceType": "X", "name": "y"}})
    with pytest.raises(PatchFailed, match="selects no elements"):
        changed(odd, operation("replace", "Patient.contained.name", value=text("z")))


def test_no_operations_change_nothing():
    assert changed() == parse(PATIENT.encode())


# ── paths ────────────────────────────────────────────────────────────────────────────────────────


def selected(path):
    return [spot.item.value for spot in select(Spot(Item(parse(PATIENT.encode()))), read_path(path))]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Patient.name.given", ["Inger", "Marie"]),
        ("name.given", ["Inger", "Marie"]),
        (" Patient . name [ 0 ] . family ", ["Test"]),
        ("Patient.name[1].text", ["Ib"]),
        ("Patient.name[7]", []),
        ("Patient.name.first().use", ["official"]),
        ("Patient.name.last().use", ["nickname"]),
        ("Patient.name.given[1]", ["Marie"]),
        ("Patient.name.where(use = 'official').family", ["Test"]),
        ("Patient.identifier.where(system='s2' and use='old').value", ["2"]),
        ("Patient.identifier.where(system='s1' and use='old').value", []),
        ("Patient.name.where(given[0] = 'Inger').use", ["official"]),
        ("Patient.name.where(given = 'Inger').use", []),
        ("Patient.name.given.where($this = 'Marie')", ["Marie"]),
        ("Patient.where(active = true).birthDate", ["1958-03-12"]),
        ("Patient.where(multipleBirth = 2).birthDate", ["1958-03-12"]),
        ("Patient.where(active = 1).birthDate", []),
        ("Patient.extension('urn:x:b').value", ["b"]),
        ("Patient.extension.where(value = 7.1).url", ["urn:x:a"]),
        ("Patient.extension.value.ofType(string)", ["b"]),
        ("Patient.extension.value.as(FHIR.string)", ["b"]),
        ("Patient.multipleBirth", [2]),
        ("Patient.multipleBirthInteger", []),
        ("Patient.birthDate.extension('urn:x:time').value", ["1958-03-12T10:00:00Z"]),
        ("Patient.contained.ofType(Organization).name", ["Inden i"]),
        ("Patient.`name`.`family`", ["Test"]),
        ("Patient.name.where(text = 'I\\u0062').use", ["nickname"]),
        ("Patient.resourceType", []),
        ("Patient.birthDate.year", []),
    ],
)
def test_a_path_selects_elements_where_they_stand(path, expected):
    assert selected(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "Patient.",
        "Patient..name",
        "Patient.name[",
        "Patient.name[x]",
        "Patient.name[1.5]",
        "Patient.name | Patient.contact",
        "Patient.name.where(use)",
        "Patient.name.where(use = )",
        "Patient.name.where(use = 'a' or use = 'b')",
        "Patient.name.where(use != 'a')",
        "Patient.name.where(use = family)",
        "Patient.name.exists()",
        "Patient.generalPractitioner.resolve().name",
        "Patient.name.select(given)",
        "Patient.name.first(1)",
        "$this",
        "%resource.name",
        "Patient.name 'x'",
        "Patient.name.where(use = 'a",
        "@2020",
        "(Patient.deceased as dateTime)",
        "Patient." + "a." * 1000 + "a",
        "where(" * 300,
        "a.where(" * 20 + "b = 1" + ")" * 20,
    ],
)
def test_other_paths_are_not_understood(path):
    with pytest.raises(PatchFailed, match=r"a path is at most|the path is not understood"):
        read_path(path)


@given(st.text(alphabet="Patientname.[]()0' =and$thisofwhere`\\", max_size=60))
def test_any_text_is_a_path_or_refused(path):
    try:
        select(Spot(Item(parse(PATIENT.encode()))), read_path(path))
    except PatchFailed as refused:
        assert refused.code == "patch-failed"


paths = st.sampled_from(
    "Patient Patient.name Patient.name[0] Patient.name.given Patient.name[0].given Patient.identifier Patient.active "
    "Patient.birthDate Patient.birthDate.extension Patient.contact Patient.maritalStatus Patient.multipleBirth "
    "Patient.extension[0].value Patient.contained Patient.contained.name Patient.meta Patient.telecom".split()
)
values = st.sampled_from(
    [
        text("x"),
        {"valueBoolean": True},
        {"valueInteger": 1},
        {"valueHumanName": {"text": "x"}},
        {"valueString": {}},
        {"valueIdentifier": []},
        {"_valueString": {"id": "x"}},
        {"valueString": None},
        {"part": []},
        {"part": [{"name": "gender", "valueCode": "male"}]},
        {"resource": {"resourceType": "X"}},
    ]
)
names = st.sampled_from(["name", "given", "active", "extension", "multipleBirth", "contact", "contained", "id", "meta"])
whole = st.integers(0, 3)
operations = st.builds(
    operation,
    st.sampled_from(["add", "insert", "delete", "replace", "move"]),
    paths,
    value=values,
    name=names,
    index=whole,
    source=whole,
    destination=whole,
)


@given(st.lists(operations, max_size=5))
def test_any_operations_are_done_or_refused(listed):
    """A value of the wrong kind may go in, for the result is validated; nothing else than a refusal comes out."""
    try:
        dump(changed(*listed))
    except PatchFailed as refused:
        assert refused.code == "patch-failed"
