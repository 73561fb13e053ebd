"""The SQL of what a resource must fulfil: criteria, links to other resources, restrictions of access.

A filter looks at one row of table `resource` under the name it is given, and at nothing but that resource's own
values and what they lead to. Not here: how such a row is come by (`sqlite_query.py`).
https://sqlite.org/lang_expr.html#the_exists_operator
"""

from collections.abc import Iterator, Mapping, Sequence

from careplan.fhir.query import Criterion, Link, Query, Without
from careplan.store.condition import RESOURCE, Comparison, Comparisons, Condition, conditions_of, none_of, presence_of
from careplan.store.protocol import TooCostly
from careplan.store.sqlite_statement import Numbers, Sql, all_of, any_of, joined, list_of

LISTED = (
    "SELECT g.id FROM reference v INDEXED BY reference_id CROSS JOIN resource g ON g.key = v.key"
    " WHERE v.parameter = ? AND v.id = ? AND v.type = 'Organization'"
)
"""The patients listed with an organisation."""

_IS_LISTED = (
    "EXISTS (SELECT 1 FROM resource g INDEXED BY resource_id CROSS JOIN reference v ON v.key = g.key"
    " WHERE g.type = 'Patient' AND g.id = {} AND v.parameter = ? AND v.id = ? AND v.type = 'Organization')"
)

_DEEPEST = 4
"""Links in links that a statement looks through; SQLite's parser bears one or two more."""

Done = Criterion | Link | str | None
"""What is answered already: a criterion, a link, or `patients` or `listed_with`."""


Known = Mapping[tuple[str, Link], tuple[Sql, ...]]
"""What links of a type lead to, where it is few: for each of a link's queries the ids, as a SELECT of `json_each`."""


def filters(numbers: Numbers, known: Known, query: Query, done: Done = None, row: str = "r") -> list[Sql]:
    """What the query asks of the resource in `row`, besides its type and what is done.

    Raises TooCostly for links deeper in each other than SQLite bears, where what they lead to is not known.
    """
    found = [_criterion(numbers, query.type, criterion, row) for criterion in query.criteria if criterion != done]
    if query.patient is not None:
        found.append(Sql(f"{row}.patient = ?", (query.patient,)))
    if query.patients is not None and done != "patients":
        found.append(Sql(f"{row}.patient IN (SELECT value FROM json_each(?))", (list_of(query.patients),)))
    if query.listed_with is not None and done != "listed_with":
        listed = is_listed(numbers, query.listed_with, Sql(f"{row}.patient"))
        found.append(any_of([listed, among(f"{row}.patient", query.besides)]) if query.besides else listed)
    found += [_without(numbers, query.type, one, row) for one in query.without]
    found += [_either(numbers, query.type, query.either, row)] if query.either else []
    return found + [_link(numbers, known, query.type, link, row) for link in query.links if link != done]


def among(column: str, texts: frozenset[str]) -> Sql:
    """Whether a column holds one of these texts; what holds none is not among them."""
    return Sql(f"(ifnull({column}, '') IN (SELECT value FROM json_each(?)))", (list_of(texts),))


def _without(numbers: Numbers, type: str, one: Without, row: str) -> Sql:
    """Not of these patients, or not such as is left out."""
    criteria = [_criterion(numbers, type, criterion, row) for criterion in one.criteria]
    left_out = all_of([among(f"{row}.patient", one.patients), *criteria])
    return Sql(f"NOT {left_out.text}", left_out.values)


def _either(numbers: Numbers, type: str, several: Sequence[Sequence[Criterion]], row: str) -> Sql:
    """All criteria of one of these."""
    return any_of([all_of([_criterion(numbers, type, criterion, row) for criterion in one]) for one in several])


def is_listed(numbers: Numbers, organization: str, patient: Sql) -> Sql:
    """Whether a patient is listed with the organisation."""
    return Sql(_IS_LISTED.format(patient.text), (*patient.values, practitioner(numbers), organization))


def practitioner(numbers: Numbers) -> int:
    """The number of the parameter that says with whom a patient is listed."""
    return numbers.of("Patient", "general-practitioner")


def values_of(numbers: Numbers, type: str, condition: Condition, where: Comparisons) -> list[Sql]:
    """The value `v` stands under the condition's parameter, and fulfils all of `where`."""
    if condition.kind == RESOURCE:
        return [Sql("v.type = ?", (type,)), *(_compared("v", comparison) for comparison in where)]
    of = Sql("v.parameter = ?", (numbers.of(type, condition.parameter),))
    return [of, *(_compared("v", comparison) for comparison in where)]


# ── criteria ─────────────────────────────────────────────────────────────────────────────────────


def _criterion(numbers: Numbers, type: str, criterion: Criterion, row: str) -> Sql:
    if criterion.missing is not None:
        present = _condition(numbers, type, presence_of(criterion, type), row)
        return Sql(f"NOT {present.text}", present.values) if criterion.missing else present
    conditions = conditions_of(criterion, type)
    if _one_look(conditions):
        found = _exists_any(numbers, type, conditions, row)
    else:
        found = any_of([_condition(numbers, type, condition, row) for condition in conditions])
    return Sql(f"NOT {found.text}", found.values) if criterion.negated else found


def _one_look(conditions: Sequence[Condition]) -> bool:
    """Whether several conditions ask about the same values of a resource, each of one value alone."""
    plain = all(one.where and not one.unless and not one.parts and one.kind != RESOURCE for one in conditions)
    return len(conditions) > 1 and plain and len({(one.kind, one.parameter) for one in conditions}) == 1


def _exists_any(numbers: Numbers, type: str, conditions: Sequence[Condition], row: str) -> Sql:
    """One look at the resource's own values for all alternatives, instead of one look each."""
    of = numbers.of(type, conditions[0].parameter)
    alike: dict[tuple[str, str, Comparisons], list[str | int]] = {}
    for condition in conditions:
        first, *others = condition.where
        alike.setdefault((first.column, first.operator, tuple(others)), []).append(first.value)
    wanted = any_of([one for some, values in alike.items() for one in _alike(*some, values)])
    text = f"EXISTS (SELECT 1 FROM {conditions[0].kind} v WHERE v.key = {row}.key AND v.parameter = ?"
    return Sql(f"{text} AND {wanted.text})", (of, *wanted.values))


def _alike(column: str, operator: str, others: Comparisons, values: Sequence[str | int]) -> Iterator[Sql]:
    """Comparisons that differ in one value alone: where they are many texts to be equal to, as one list."""
    rest = [_own(one) for one in others]
    texts = [value for value in values if isinstance(value, str)]
    if operator == "=" and len(texts) == len(values) > _FEW:
        listed = Sql(f"+v.{column} IN (SELECT value FROM json_each(?))", (list_of(texts),))
        yield joined(" AND ", [listed, *rest], around=True)
        return
    for value in values:
        yield joined(" AND ", [_own(Comparison(column, operator, value)), *rest], around=True)


_FEW = 8
"""So many texts are compared one by one; of more, SQLite looks each value up in a list."""


def _own(comparison: Comparison) -> Sql:
    """`+` keeps SQLite from looking through all values of the parameter instead of this resource's own."""
    compared = _compared("v", comparison)
    return Sql(f"+{compared.text}", compared.values)


def _condition(numbers: Numbers, type: str, condition: Condition, row: str) -> Sql:
    found = _exists(numbers, type, condition, condition.where, row)
    if condition.unless:
        unless = _exists(numbers, type, condition, condition.unless, row)
        found = all_of([found, Sql(f"NOT {unless.text}", unless.values)])
    if not condition.parts:
        return found
    parts = [_condition(numbers, type, part, row) for part in condition.parts]
    return any_of([found, all_of([_none_kept(numbers, type, condition.parameter, row), *parts])])


def _none_kept(numbers: Numbers, type: str, composite: str, row: str) -> Sql:
    """Of the composite no pair is kept, nor that there is none."""
    return Sql(
        f"NOT EXISTS (SELECT 1 FROM composite v WHERE v.key = {row}.key AND v.parameter IN (?, ?))",
        (numbers.of(type, composite), numbers.of(type, none_of(composite))),
    )


def _exists(numbers: Numbers, type: str, condition: Condition, where: Comparisons, row: str) -> Sql:
    if condition.kind == RESOURCE:
        return all_of([_compared(row, comparison) for comparison in where])
    of, *_ = values_of(numbers, type, condition, ())
    inner = joined(" AND ", [of, *map(_own, where)])
    return Sql(f"EXISTS (SELECT 1 FROM {condition.kind} v WHERE v.key = {row}.key AND {inner.text})", inner.values)


def _compared(table: str, comparison: Comparison) -> Sql:
    if comparison.operator == "contains":
        return Sql(f"instr({table}.{comparison.column}, ?) > 0", (comparison.value,))
    return Sql(f"{table}.{comparison.column} {comparison.operator} ?", (comparison.value,))


# ── links ────────────────────────────────────────────────────────────────────────────────────────


def _link(numbers: Numbers, known: Known, type: str, link: Link, row: str) -> Sql:
    """Another resource is there that one of the link's queries describes; its row is named after this one's."""
    if (type, link) in known:
        return _known(numbers.of(type, link.parameter), link, known[type, link], row)
    if len(row) > _DEEPEST:
        raise TooCostly("links within links that lead to so many resources are not followed so deep; ask for less")
    tied = _tied_backward if link.reverse else _tied_forward
    found = []
    for query in link.queries:
        other = filters(numbers, known, query, row=f"{row}_")
        inner = joined(" AND ", [tied(numbers, type, link, query, row), *other])
        found.append(Sql(f"EXISTS (SELECT 1 FROM {inner.text})", inner.values))
    return any_of(found)


def _known(parameter: int, link: Link, ids: tuple[Sql, ...], row: str) -> Sql:
    """The + keeps SQLite from looking for each of the ids among the resource's few references."""
    if link.reverse:
        return any_of([Sql(f"{row}.id IN ({some.text})", some.values) for some in ids])
    text = f"EXISTS (SELECT 1 FROM reference l WHERE l.key = {row}.key AND l.parameter = ? AND l.type = ?"
    return any_of(
        [
            Sql(f"{text} AND +l.id IN ({some.text}))", (parameter, query.type, *some.values))
            for query, some in zip(link.queries, ids, strict=True)
        ]
    )


def _tied_forward(numbers: Numbers, type: str, link: Link, query: Query, row: str) -> Sql:
    return Sql(
        f"reference l CROSS JOIN resource {row}_ INDEXED BY resource_id ON {row}_.type = l.type AND {row}_.id = l.id"
        f" WHERE l.key = {row}.key AND l.parameter = ? AND l.type = ?",
        (numbers.of(type, link.parameter), query.type),
    )


def _tied_backward(numbers: Numbers, type: str, link: Link, query: Query, row: str) -> Sql:
    return Sql(
        f"reference l INDEXED BY reference_id CROSS JOIN resource {row}_ ON {row}_.key = l.key"
        f" WHERE l.id = {row}.id AND l.parameter = ? AND l.type = ?",
        (numbers.of(query.type, link.parameter), type),
    )
