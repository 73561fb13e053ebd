"""What is asked here is found in the store beside other Questionnaires, in the wording that the installation has."""

from pathlib import Path

import pytest

from careplan.app import open_house, prepare_store
from careplan.fhir.questionnaire import QuestionnaireFaulty
from careplan.fhir.text import dump, parse
from careplan.settings import Settings

from .conftest import PROFILES, Json


def licensed(folder: Path, **more: object) -> Path:
    """A folder with the official wording of MRC."""
    one: Json = parse((PROFILES / "Questionnaire-mrc.json").read_bytes())
    del one["extension"]
    one["item"][0]["text"] = "Officiel ordlyd"
    folder.mkdir()
    (folder / "mrc.json").write_bytes(dump({**one, **more}))
    return folder


async def stored(settings: Settings) -> tuple[int, Json]:
    async with open_house(settings) as house:
        version = await house.store.read("Questionnaire", "mrc")
        assert version is not None and version.body is not None
        return version.number, parse(version.body)


async def test_starting_again_makes_no_version_and_another_wording_makes_one(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path / "careplan.db"))
    await prepare_store(settings)
    await prepare_store(settings)
    assert (await stored(settings))[0] == 1
    official = settings.model_copy(update={"questionnaires": licensed(tmp_path / "licensed")})
    await prepare_store(official)
    number, found = await stored(official)
    assert (number, found["item"][0]["text"]) == (2, "Officiel ordlyd")


async def test_the_pages_ask_in_the_official_wording(tmp_path: Path) -> None:
    settings = Settings(store=":memory:", questionnaires=licensed(tmp_path / "licensed"))
    async with open_house(settings) as house:
        form = house.questionnaires["https://careplan.example/fhir/Questionnaire/mrc"]
        assert form.questions[0].says == "Officiel ordlyd" and not form.own


async def test_a_wording_that_counts_otherwise_stops_the_start(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path / "careplan.db"), questionnaires=licensed(tmp_path / "licensed", item=[]))
    with pytest.raises(QuestionnaireFaulty):
        await prepare_store(settings)
    assert not (tmp_path / "careplan.db").exists()
