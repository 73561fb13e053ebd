"""Conditions, sources and reviews as knowledge files write them; they stand in several kinds of file.

The words of conditions are those of `careplan.domain.condition`; nothing here knows an expression.
"""

from careplan.domain.condition import NUMBER_WORDS, WORDS, Condition, Group, Term
from careplan.domain.guideline import Review
from careplan.domain.source import Source
from careplan.knowledge.entry import NO_DAY, Entry
from careplan.knowledge.position import Path


def terms_from_entry(entry: Entry, key: str, *, required: bool = True, nests: bool = True) -> tuple[Term, ...]:
    """The conditions under a key: `[ { fact = "t2d" }, { fact = "age", at-least = 80 } ]`.

    nests  whether an element may itself be one list, `{ all = [ … ] }` or `{ any = [ … ] }`
    """
    found = (_term(one, nests) for one in entry.entries(key, required=required))
    return tuple(term for term in found if term is not None)


def source_from_entry(entry: Entry, *, required: bool = True) -> Source | None:
    """The table under `source`: title, publisher and address, with year and section where the page states them."""
    found = entry.entry("source", required=required)
    if found is None:
        return None
    year = found.whole("year", 0)
    if year and not 1990 <= year <= 2100:
        found.refuse(f"`year` cannot be {year}; write four digits, or leave it out when the page states none", "year")
    address = _address(found, found.text("url"), ("url",))
    source = Source(found.text("title"), found.text("publisher"), address, year or None, found.text("section", ""))
    found.close()
    return source


def also_from_entry(entry: Entry) -> tuple[str, ...]:
    """Further addresses that say the same."""
    return tuple(_address(entry, one, ("also", n)) for n, one in enumerate(entry.texts("also"), 1))


def review_from_entry(entry: Entry) -> Review:
    """Who wrote the file, who checked it, and the day of the next review."""
    found = entry.entry("review", required=True)
    if found is None:
        return Review("", "", NO_DAY)
    review = Review(found.text("author"), found.text("checked_by"), found.day("next"))
    found.close()
    return review


def _address(entry: Entry, url: str, place: Path) -> str:
    if url and not url.startswith(("https://", "http://")):
        entry.file.refuse(f"`{url}` is no address; it begins with https://", (*entry.path, *place))
    return url


def _term(entry: Entry, nests: bool) -> Term | None:
    needs = [word for word in ("all", "any") if entry.has(word)]
    if not needs:
        return _condition(entry)
    if len(needs) > 1:
        entry.refuse("a list is either `all` or `any`; nest the other in it")
    if not nests:
        entry.refuse("lists nest once only; make the inner list a fact of its own and name it here")
    terms = terms_from_entry(entry, needs[0], nests=False)
    entry.close()
    return Group(needs[0], terms)


def _condition(entry: Entry) -> Condition | None:
    fact = entry.text("fact")
    or_unknown = entry.flag("or-unknown", False)
    words = [word for word in WORDS if entry.has(word)]
    entry.close()
    if len(words) > 1:
        entry.refuse(f"one condition asks one thing; write {' and '.join(words)} as two conditions")
    if not words:
        return Condition(fact, or_unknown=or_unknown)
    limit = entry.fact_value(words[0])
    if words[0] in NUMBER_WORDS and (isinstance(limit, bool | str)):
        entry.refuse(f"`{words[0]}` compares numbers; `{limit}` is none", words[0])
    return Condition(fact, words[0], limit, or_unknown)
