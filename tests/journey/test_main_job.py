"""The main job from end to end on each store: the real `careplan demo`, its pages and its FHIR API, over HTTP."""

import re
from typing import Any

from visitor import Browser


def _target(goal: Any, kind: str) -> Any:
    return next(t for t in goal["target"] if t["extension"][0]["valueCode"] == kind)


def test_an_aarskontrol_from_finding_the_patient_to_the_printed_plan(service: str) -> None:
    with Browser(service, "nurse") as nurse:
        # find an eligible patient without a plan (story 6)
        assert "Anna Test Jensen" in nurse.open("/arbejdsliste?fane=egnet")
        new = nurse.resource("Patient/$eligible?clinic=Organization/clinic-own&state=new&plan-type=hjerte")
        assert "anna" in [entry["resource"]["id"] for entry in new["entry"]]

        # make the plan (story 7); nothing is stored by the preview
        nurse.open("/patient/anna/opret-plan")
        preview = nurse.send("/patient/anna/opret-plan", plan="hjerte", trin="forhaandsvis")
        assert "LDL-kolesterol" in preview and "under 1,4" in preview
        assert nurse.resource("CarePlan?patient=anna&_summary=count")["total"] == 0
        kept, shown = (re.findall(rf'name="{name}" value="([^"]+)"', preview) for name in ("med", "vist"))
        nurse.send("/patient/anna/opret-plan", plan="hjerte", trin="opret", med=kept, vist=shown)
        plans = nurse.resource("CarePlan?patient=anna&status=active")
        assert [entry["resource"]["category"][0]["coding"][0]["code"] for entry in plans["entry"]] == ["hjerte"]

        # see why LDL is under 1,4 (story 4)
        control = nurse.open("/patient/anna/aarskontrol")
        assert "Regel LDL-04" in control and "LDL-01" in control and "NBV" in control

        # a new value moves the goal's achievement in the same commit (story 3)
        ldl = next(
            entry["resource"]
            for entry in nurse.resource("Goal?patient=anna")["entry"]
            if "LDL" in entry["resource"]["description"]["text"]
        )
        nurse.open("/patient/anna/aarskontrol")
        nurse.send("/patient/anna/aarskontrol", handling="gem", **{"vaerdi-ldl": "1,2"})
        moved = nurse.resource(f"Goal/{ldl['id']}")
        assert moved["achievementStatus"]["coding"][0]["code"] == "achieved"

        # an individual HbA1c target with a reason (story 5)
        goals = nurse.resource("Goal?patient=fatima")["entry"]
        hba1c = next(e["resource"] for e in goals if e["resource"]["description"]["text"].startswith("HbA1c"))
        recommended = _target(hba1c, "recommended")["detailQuantity"]
        form = f"/patient/fatima/maal/{hba1c['id']}"
        until = re.search(r'name="gaelder" value="([0-9.]+)"', nurse.open(form))
        assert until is not None
        wanted = {
            "fra": "53",
            "til": "60",
            "graense": "med",
            "aarsag": "hypoglycaemia",
            "tekst": "",
            "gaelder": until[1],
        }
        nurse.send(form, trin="vis", **wanted)
        nurse.send(form, trin="gem", **wanted)
        changed = nurse.resource(f"Goal/{hba1c['id']}")
        agreed = _target(changed, "agreed")["detailRange"]
        assert (agreed["low"]["value"], agreed["high"]["value"]) == (53, 60)
        assert _target(changed, "recommended")["detailQuantity"] == recommended
        assert nurse.resource(f"Provenance?target=Goal/{hba1c['id']}")["total"] >= 1

    # the patient sees it (story 1), and prints it (story 8)
    with Browser(service, "patient-fatima") as patient:
        plan = patient.open("/plan")
        assert "mellem 53 og 60" in plan and "lavt blodsukker" in plan.lower()
        sheet = patient.client.get("/print/Patient/fatima/plan.pdf?edition=short")
        assert sheet.headers["content-type"] == "application/pdf" and sheet.content.startswith(b"%PDF-")
        assert patient.client.get("/patient/fatima/aarskontrol").status_code == 403
        assert patient.client.get("/fhir/Patient/anna").status_code == 403

    # the municipality sees the slice that a referral opens, and nothing else (story 9)
    with Browser(service, "visitator") as visitator:
        assert "Du ser et udsnit" in visitator.open("/borger/carl")
        assert visitator.client.get("/borger/fatima").status_code in (403, 404)
        assert visitator.client.get("/fhir/Patient/fatima").status_code == 403
