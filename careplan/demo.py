"""The demo's data: an invented clinic from a seed, loaded into a store of its own."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from careplan.app import open_house, recommender, system_context
from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.text import dump, read_text
from careplan.interactions.trail import Trail
from careplan.interactions.transaction import perform
from careplan.published import publish_questionnaires, read_published
from careplan.settings import Settings
from careplan.synthetic.people import clinic
from careplan.synthetic.situation import IDS

FOLDER = Path("demo")
FILE = "careplan-demo.db"


def prepare_demo(
    settings: Settings, store: str | None, patients: int, seed: int, on: date, tell: Callable[..., None]
) -> Settings:
    """Settings of a store that holds the invented clinic; a SQLite file of the demo's own is made anew."""
    if store is None:
        FOLDER.mkdir(exist_ok=True)
        for leftover in FOLDER.glob(FILE + "*"):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        settings = settings.model_copy(update={"store": str(FOLDER / FILE)})
    asyncio.run(_fill(settings, patients, seed, on, tell))
    return settings


async def _fill(settings: Settings, patients: int, seed: int, on: date, tell: Callable[..., None]) -> None:
    async with open_house(settings) as house:
        at = datetime(on.year, on.month, on.day, 6, tzinfo=COPENHAGEN)
        context = system_context(house, "demo", min(at, datetime.now(UTC)))
        made = clinic(seed, patients, on=on, recommend=recommender(house.knowledge, at), states=True)
        total = max(patients, 8) + len(IDS)
        for count, bundle in enumerate(made):
            await perform(replace(context, trail=Trail("load")), read_text(dump(bundle)))
            if count % 10 == 0:
                tell(f"\rloading invented patients: {count} of {total}", end="")
        await publish_questionnaires(house.store, read_published(settings, house.knowledge)[0], datetime.now(UTC))
        tell(f"\rloading invented patients: {total} of {total}")
