"""Calendar arithmetic as clinicians count: months, and years by anniversary (design §3)."""

from datetime import date
from decimal import Decimal


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the month's last day; at most the first or last day there is."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        return date.min if year < date.min.year else date.max
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has a 28th")


def years_between(start: date, on: date) -> Decimal:
    """Calendar years: completed anniversaries plus the share of the current year; 5.0 exactly on the anniversary."""
    years = on.year - start.year
    if add_months(start, 12 * years) > on:
        years -= 1
    last, following = add_months(start, 12 * years), add_months(start, 12 * (years + 1))
    return years + Decimal((on - last).days) / Decimal((following - last).days or 1)
