"""A narrative is well-formed, safe and not empty."""

import pytest

from careplan.fhir.xhtml import faults, narrative_faults


def narrative(inside: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'


@pytest.mark.parametrize(
    "inside",
    [
        "<p>Hej <b>Inger</b> æøå</p>",
        '<table class="grid"><tr><td colspan="2">1</td></tr></table>',
        '<a href="https://sundhed.dk">x</a> <a href="#del">x</a> <a href="Patient/1">x</a> <a name="a">x</a>',
        '<a href="urn:uuid:0f7e7b1c-6a0d-4f3a-9b0e-3c1f5a9d2e11">x</a> <a href="mailto:a@b">x</a>',
        '<img src="#figur" alt="kurve"/>',
        '<img src="data:image/png;base64,AAAA" alt="x"/>',
        '<p style="color: red; font-weight: bold">x</p>',
        "<!-- note -->x &lt;script&gt;",
    ],
)
def test_formatting_is_allowed(inside: str) -> None:
    assert narrative_faults(narrative(inside)) == []


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        ("<script>alert(1)</script>x", "txt-1: an element"),
        ("<iframe src='#x'/>x", "txt-1: an element"),
        ("<form>x</form>", "txt-1: an element"),
        ("<input/>x", "txt-1: an element"),
        ("<object>x</object>", "txt-1: an element"),
        ("<style>p {}</style>x", "txt-1: an element"),
        ("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>x", "txt-1: an element"),
        ("<p onclick='x'>x</p>", "txt-1: an attribute"),
        ("<p xlink:href='x' xmlns:xlink='http://www.w3.org/1999/xlink'>x</p>", "txt-1: an attribute"),
        ("<a href='javascript:x'>x</a>", "a link in href"),
        ("<a href=' JaVa&#10;Script:x'>x</a>", "a link in href"),
        ("<a href='data:text/html,x'>x</a>", "a link in href"),
        ("<a href='//evil.example'>x</a>", "a link in href"),
        ("<img src='https://evil.example/pixel.png' alt=''/>", "a link in src"),
        ("<img src='data:image/svg+xml;base64,AAAA' alt=''/>", "a link in src"),
        ("<p style='background: url(x)'>x</p>", "a style"),
        ("<p style='width: expression(x)'>x</p>", "a style"),
        ("<p style='background: u\\72l(x)'>x</p>", "a style"),
        ("<p>x", "not well-formed XML at line 1"),
        ("&nbsp;x", "not well-formed XML at line 1"),
        ("\x01", "not well-formed XML"),
        ("", "txt-2"),
        ("  <p> </p> ", "txt-2"),
        ("<?php x?>y", "no document type"),
    ],
)
def test_all_else_is_refused(inside: str, says: str) -> None:
    found = narrative_faults(narrative(inside))
    assert len(found) == 1
    assert found[0].startswith(says)


def test_entities_are_never_resolved() -> None:
    bomb = '<!DOCTYPE div [<!ENTITY a "b"><!ENTITY f SYSTEM "file:///etc/hostname">]>' + narrative("&f;")
    assert narrative_faults(bomb) == ["no document type and no processing instruction"]


def test_the_root_is_a_div_of_xhtml() -> None:
    assert narrative_faults("<div>x</div>")[0].startswith("the root is a div")
    assert narrative_faults('<p xmlns="http://www.w3.org/1999/xhtml">x</p>')[0].startswith("the root is a div")


def test_narratives_of_contained_resources_are_checked_too() -> None:
    resource = {
        "resourceType": "Patient",
        "text": {"status": "generated", "div": narrative("<script/>x")},
        "contained": [{"resourceType": "Organization", "text": {"div": narrative("")}}],
    }
    assert sorted(fault.expression for fault in faults(resource)) == [
        "Patient.contained[0].text.div",
        "Patient.text.div",
    ]
    assert {fault.code for fault in faults(resource)} == {"xhtml-unsafe"}
