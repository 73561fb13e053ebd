"""Indexing a store again that an older release has written: what `fhir` extracts today, for all it holds.

Done where a store is opened for work, before anything is read from it. Not here: how the store walks and notes where
it is (`store/edition.py`), and when the edition has to change (`fhir/index.py`).
"""

import logging
from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.fhir.index import edition, extract
from careplan.fhir.text import parse
from careplan.fhir.value import SearchValues
from careplan.interactions.audit.record import TYPE as AUDIT
from careplan.interactions.kept_form import TYPE as KEPT
from careplan.store.protocol import Extract, Store, Version

log = logging.getLogger("careplan.indexing")

_OFTEN = 5000


async def index_again(store: Store, base: str | None) -> None:
    """Have the store's search values brought to today's edition; at once when they are of it.

    base    this server's FHIR base as it is set; None where it is taken from each request. Then references to this
            server that are written out in full count as references elsewhere
    Raises  StoreUnavailable
    """
    await store.reindex(_extraction(base), edition(), _Progress())


def _extraction(base: str | None) -> Extract:
    def values(version: Version) -> SearchValues | None:
        assert version.body is not None
        if version.type in (AUDIT, KEPT):
            return None  # the log and kept forms are read whole, not searched
        try:
            return extract(parse(version.body), base)
        except CareplanError as error:
            log.warning("%s stays as it was indexed: %s", version.reference, error.code)
            return None

    return values


@dataclass(slots=True)
class _Progress:
    """Says now and then how far it is; as a warning, for that is shown where nobody has set up a log."""

    said: int | None = None

    def __call__(self, done: int, of: int) -> None:
        if self.said is None or done >= self.said + _OFTEN or done == of:
            self.said = done
            log.warning("indexing again: %s of %s", f"{done:,}", f"{of:,}")
