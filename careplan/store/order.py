"""The order a search answers in, made total; the same for every store.

https://hl7.org/fhir/R4/search.html#sort · checklist R4-75, R4-78
"""

from dataclasses import replace

from careplan.fhir.query import Order, Query
from careplan.store.protocol import Guard


def effective_orders(query: Query) -> tuple[Order, ...]:
    """The orders without repetitions, ending with `_id`, which makes them total."""
    orders: list[Order] = []
    for order in query.orders:
        if all(order.parameter != earlier.parameter for earlier in orders):
            orders.append(order)
        if order.parameter == "_id":
            return tuple(orders)
    return (*orders, Order("_id", "id"))


def sort_type(order: Order) -> type:
    """What the sort values of an order are in memory: instants are int, all else str."""
    return int if order.parameter == "_lastUpdated" or order.kind == "date" else str


def guarding(guard: Guard) -> Query:
    """The guard's search, no longer than needed to see a match that is not allowed."""
    return replace(guard.query, orders=(), after=None, count=len(guard.allowed) + 1, total=False)
