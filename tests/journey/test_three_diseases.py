"""The årskontrol of a 78-year-old with diabetes, heart disease and KOL, through the app: every target explained."""

import re
from datetime import date, timedelta
from typing import Any

from visitor import Browser

from careplan.fhir import systems
from careplan.fhir.goal import RECOMMENDED, find_entry
from careplan.fhir.text import dump

TODAY = date.today()
RECENT = TODAY - timedelta(days=14)
ELLA = "e11a0000-0000-4000-8000-00000000e11a"
"""An id that nobody can guess: a person may put a new patient under no other."""
PAGE = "/patient/{id}/aarskontrol"
LABORATORY = {
    "NPU27300": (56, "mmol/mol", "mmol/mol"),
    "NPU01568": (1.9, "mmol/L", "mmol/L"),
    "DNK35302": (52, "mL/min/1.73 m2", "mL/min/{1.73_m2}"),
    "NPU19661": (40, "mg/g", "mg/g"),
    "NPU03230": (4.2, "mmol/L", "mmol/L"),
    "NPU27281": (27.4, "kg/m2", "kg/m2"),
}
MEDCOM = {"MCS88017": (0.61, "ratio", "{ratio}"), "MCS88184": (55, "%", "%")}
SCORES = {
    (systems.MCS, "MCS88021"): 3,
    (systems.MCS, "MCS88137"): 14,
    (systems.MCS, "MCS88022"): 1,
    (systems.FACT, "clinical-frailty-scale"): 4,
}


def years_ago(years: int) -> str:
    return date(TODAY.year - years, TODAY.month, min(TODAY.day, 28)).isoformat()


def record() -> dict[str, Any]:
    """Everything the clinic has before the control, as one transaction."""
    subject = {"reference": f"Patient/{ELLA}"}
    patient = {
        "resourceType": "Patient",
        "id": ELLA,
        "gender": "female",
        "birthDate": years_ago(78),
        "name": [{"use": "official", "family": "Lund", "given": ["Ella", "Test"]}],
        "generalPractitioner": [{"reference": "Organization/clinic-own"}],
    }
    resources: list[dict[str, Any]] = [patient]
    for code, since in (("T90", 12), ("K76", 3), ("R95", 6)):
        resources.append(
            {
                "resourceType": "Condition",
                "clinicalStatus": {"coding": [{"system": systems.CONDITION_CLINICAL, "code": "active"}]},
                "code": {"coding": [{"system": systems.ICPC2, "code": code}]},
                "subject": subject,
                "onsetDateTime": years_ago(since),
            }
        )
    found = [(systems.NPU, code, one) for code, one in LABORATORY.items()]
    found += [(systems.MCS, code, one) for code, one in MEDCOM.items()]
    for system, code, (value, unit, ucum) in found:
        quantity = {"value": value, "unit": unit, "system": systems.UCUM, "code": ucum}
        resources.append(observation(system, code, valueQuantity=quantity))
    resources += [observation(system, code, valueInteger=value) for (system, code), value in SCORES.items()]
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in ({"id": f"ella-{nth}", **one} for nth, one in enumerate(resources))
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def observation(system: str, code: str, **value: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": f"Patient/{ELLA}"},
        "effectiveDateTime": RECENT.isoformat(),
        **value,
    }


def rows(html: str) -> dict[str, str]:
    """The grid by measure; two rows for one measure fail."""
    found: dict[str, str] = {}
    for part in html.split("<tbody>")[1:]:
        name = re.search(r'<th scope="row">([^<]+)<', part)
        if name is not None and 'class="values"' in part:
            assert name[1] not in found, f"two rows for {name[1]}"
            found[name[1]] = part.split("</tbody>")[0]
    return found


def said(extension: Any, url: str) -> list[Any]:
    parts = [part for part in extension["extension"] if part["url"] == url]
    return [value for part in parts for member, value in part.items() if member != "url"]


def explanations(bundle: Any) -> dict[str, Any]:
    """Of every proposed Goal its explanation, by measure."""
    found = {}
    for goal in (one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Goal"):
        entry = find_entry(goal, RECOMMENDED)
        assert entry is not None
        (found[entry["measure"]["text"]],) = [
            one for one in entry["extension"] if one["url"] == systems.EXT_EXPLANATION
        ]
    return found


def check_explained(html: str, bundle: Any) -> None:
    """Each measure that the rules speak of stands once on the page, with the row, the version and the facts of FHIR."""
    grid, found = rows(html), explanations(bundle)
    assert {"HbA1c", "LDL-kolesterol", "Systolisk blodtryk", "BMI", "Rygning"} <= set(found) & set(grid)
    for name, one in found.items():
        if name not in grid:
            assert name == "Interval til næste kontrol", name
            continue
        why = grid[name].split('<div class="why">')[1]
        (row,), (knowledge,) = said(one, "row"), said(one, "knowledge")
        assert f"Regel {row} ({knowledge.replace('|', ' ')}):" in why, name
        for fact in (part for part in one["extension"] if part["url"] == "fact" and said(part, "decided")):
            assert said(fact, "display")[0] in why, (name, fact)
            day = said(fact, "date")
            assert not day or date.fromisoformat(day[0]).strftime("%d.%m.%Y") in why, (name, fact)
        for passed in (part for part in one["extension"] if part["url"] == "considered"):
            assert f"{said(passed, 'row')[0]}: {said(passed, 'says')[0]}" in why, (name, passed)
        assert 'Kilde: <a href="https://' in why, name


def test_an_aarskontrol_with_three_plans_where_every_target_is_explained(service: str) -> None:
    with Browser(service, "nurse") as nurse:
        answer = nurse.client.post("/fhir", content=dump(record()), headers={"content-type": "application/fhir+json"})
        assert answer.status_code == 200, answer.text

        # one plan of three diseases: nothing twice
        preview = nurse.send(f"/patient/{ELLA}/opret-plan", trin="forhaandsvis", plan=["diabetes", "kol", "hjerte"])
        kept, shown = (re.findall(rf'name="{name}" value="([^"]+)"', preview) for name in ("med", "vist"))
        assert len(kept) == len(set(kept))
        nurse.send(
            f"/patient/{ELLA}/opret-plan", trin="opret", plan=["diabetes", "kol", "hjerte"], med=kept, vist=shown
        )
        assert nurse.resource(f"CarePlan?patient={ELLA}&status=active&_summary=count")["total"] == 3

        # every target explained, on the page as in FHIR
        page = PAGE.format(id=ELLA)
        control = nurse.open(page)
        check_explained(control, nurse.resource(f"Patient/{ELLA}/$recommended-targets"))
        assert "3 planer: " in control and "Én blodprøve dækker " in control
        ldl = rows(control)["LDL-kolesterol"]
        assert "under 1,4" in ldl and "Type 2-diabetes" in ldl and "Hjertesygdom" in ldl
        assert "CFS (Clinical Frailty Scale) 4" in ldl  # why the rows for the frail were passed

        # laboratory values stand there already, and nothing asks for them again
        before = nurse.resource(f"Observation?patient={ELLA}&_summary=count")["total"]
        assert "1,9\u2009mmol/L" in ldl and re.search(r'name="vaerdi-ldl" value=""', ldl)

        # an individual target with a reason
        goals = [entry["resource"] for entry in nurse.resource(f"Goal?patient={ELLA}&lifecycle-status=active")["entry"]]
        hba1c = next(one for one in goals if one["description"]["text"].startswith("HbA1c"))
        assert len([one for one in goals if one["description"]["text"].startswith("HbA1c")]) == 1
        form = f"/patient/{ELLA}/maal/{hba1c['id']}"
        until = re.search(r'name="gaelder" value="([0-9.]+)"', nurse.open(form))
        assert until is not None
        wanted = {"fra": "53", "til": "64", "graense": "med", "aarsag": "hypoglycaemia", "gaelder": until[1]}
        wanted["tekst"] = "Lavt blodsukker om natten"
        nurse.send(form, trin="vis", **wanted)
        after = nurse.send(form, trin="gem", **wanted)
        assert "mellem 53 og 64" in rows(after)["HbA1c"] and "Hypoglykæmi" in rows(after)["HbA1c"]
        assert "To mål passer ikke sammen" not in after

        # what was measured today is typed once; what differs is answered, the rest at once, and the control approved
        values = {"vaerdi-sbp": "138", "vaerdi-dbp": "76", "vaerdi-weight": "71,5"}
        answered = {"tjek-rehabilitering": "not-relevant", "tjek-oejne": "postponed"}
        seen = re.findall(r'name="set" value="([^"]+)"', after)
        filled = nurse.send(page, handling="resten", set=seen, **answered, **values)
        checks = dict(re.findall(r'name="(tjek-[\w-]+)" value="([\w-]+)" checked', filled))
        assert len(checks) == 13 and checks.items() >= answered.items()
        assert len(answered) + len(("resten", "godkend")) <= 12  # clicks
        more = {"hvorfor-rehabilitering": "Har lige været der", "udsat-oejne": f"{TODAY + timedelta(days=30):%d.%m.%Y}"}
        done = nurse.send(page, handling="godkend", set=seen, **checks, **more, **values)
        assert "Årskontrollen er gemt og delt med patienten." in done
        assert nurse.resource(f"Observation?patient={ELLA}&_summary=count")["total"] == before + 2

        # still one row a measure, each explained, the individual target kept
        check_explained(done, nurse.resource(f"Patient/{ELLA}/$recommended-targets"))
        assert "mellem 53 og 64" in rows(done)["HbA1c"] and "138" in rows(done)["Systolisk blodtryk"]
        today = nurse.resource(f"Patient/{ELLA}/$recommended-targets")
        assert all(said(one, "row") for one in explanations(today).values())
