"""Where things stand in a file; tomllib does not say."""

import tomllib

import pytest

from careplan.knowledge.position import positions_in, syntax_fault

TEXT = '''\
# id = "not this"
id = "ldl"
words = [
  "row", # [[row]]
  "[[row]]",
]
long = """
[[row]]
id = "nor this"
"""

[[row]]
id = "A"
when = [ { fact = "x" },
         { fact = "y" } ]
target = { below = 1.4, unit = "mmol/L" }

[[row]]
id = "B"
source.title = "dotted"
[row.inner]
key = 1

[offer]
id = "C"
quoted = 'a # b'
"odd key" = 2
'''

PLACES = {
    ("id",): 2,
    ("words",): 3,
    ("words", 1): 4,
    ("words", 2): 5,
    ("words", 3): 3,
    ("long",): 7,
    ("row", 1): 12,
    ("row", 1, "id"): 13,
    ("row", 1, "when", 1, "fact"): 14,
    ("row", 1, "when", 2, "fact"): 15,
    ("row", 1, "target", "unit"): 16,
    ("row", 1, "absent"): 12,
    ("row", 2): 18,
    ("row", 2, "id"): 19,
    ("row", 2, "source", "title"): 20,
    ("row", 2, "inner", "key"): 22,
    ("offer",): 24,
    ("offer", "id"): 25,
    ("offer", "odd key"): 27,
    ("nowhere",): 1,
    (): 1,
}


def test_the_text_of_these_tests_is_toml() -> None:
    assert len(tomllib.loads(TEXT)["row"]) == 2


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_line_of_a_place(path: tuple[str | int, ...]) -> None:
    assert positions_in(TEXT).line(path) == PLACES[path]


def test_brackets_in_strings_and_comments_leave_nothing_open() -> None:
    text = 'a = "[ {" # [\nb = \'{\'\nc = "\\"["\nd = 1\n'
    assert [positions_in(text).line((key,)) for key in "abcd"] == [1, 2, 3, 4]


def test_long_string_may_open_and_close_on_one_line() -> None:
    assert positions_in('a = """x"""\nb = 1\n').line(("b",)) == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = \nc = 2\n", 2), ('a = "open', 1), ("a = 1\na = 2\n", 2), ("x = [1,\n2,\n", 2), ("", 1)],
)
def test_syntax_fault_has_its_line(text: str, line: int) -> None:
    try:
        tomllib.loads(text)
        error = ValueError("nothing (at end of document)")
    except tomllib.TOMLDecodeError as refused:
        error = refused
    found, message = syntax_fault(error, text)
    assert found == line and "at line" not in message and "end of document" not in message
