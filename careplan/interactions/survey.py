"""The renewals of a clinic, worked out beside the requests that ask for them, so that no page waits for a large clinic.

A survey is a picture of the moment it was begun. It is kept in memory only, a short while, by each process for itself:
what a clinician accepts is checked against what stands then (`acceptance`), so an old picture does no harm.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from careplan.domain.errors import CareplanError
from careplan.fhir.consent import Rule
from careplan.interactions.consent import consents
from careplan.interactions.context import Context
from careplan.interactions.renewal_list import Listed, list_renewals, planned_patients

PATIENCE = 0.8
"""Seconds that a request waits for a survey to end."""

KEPT = timedelta(minutes=10)


@dataclass(slots=True)
class Survey:
    """How far one is: patients seen, of how many; `listed` once it has ended, `failed` where it could not.

    at  the moment it is of
    """

    at: datetime
    done: int = 0
    of: int = 0
    listed: tuple[Listed, ...] | None = None
    failed: CareplanError | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def ended(self) -> bool:
        return self.listed is not None or self.failed is not None

    def tell(self, done: int, of: int) -> None:
        self.done, self.of = done, of


class Surveys:
    """Those of one process, by clinic; whoever is denied something has one of their own."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, tuple[Rule, ...]], Survey] = {}

    async def look(self, context: Context, clinic: str, seconds: float = PATIENCE, *, anew: bool = False) -> Survey:
        """The survey of a clinic, begun if there is none of late; what has ended within `seconds` is not kept.

        anew    begin another, unless one is under way
        Raises  what the survey failed of
        """
        key = clinic, (await consents(context)).denied
        survey = self._kept.get(key)
        if survey is None or (survey.ended and (anew or context.now - survey.at > KEPT)):
            survey = self._kept[key] = Survey(context.now)
            survey.task = asyncio.create_task(_work(context, clinic, survey))
            await asyncio.wait([survey.task], timeout=seconds)
            if survey.ended:
                self._kept.pop(key, None)
        if survey.failed is not None:
            self._kept.pop(key, None)
            raise survey.failed
        return survey

    def leave_out(self, clinic: str, patients: Collection[str]) -> None:
        """Forget what was listed of patients for whom something was done."""
        for (where, _), survey in self._kept.items():
            if where == clinic and survey.listed is not None:
                survey.listed = tuple(one for one in survey.listed if one.patient["id"] not in patients)


async def _work(context: Context, clinic: str, survey: Survey) -> None:
    try:
        patients = await planned_patients(context, clinic)
        survey.of = len(patients)
        survey.listed = await list_renewals(context, patients, survey.tell)
    except CareplanError as error:
        survey.failed = error
