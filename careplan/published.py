"""What this service publishes of itself: profiles, the knowledge as resources, what may be searched, called and asked.

Read from `profiles/` and the knowledge at start, and what a resource that comes in is held against. Not here: which
store it is kept in (`app`), and how a resource is checked (`careplan.fhir.models`, `profile`).
https://hl7.org/fhir/R4/conformance-module.html
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from careplan import __version__
from careplan.domain.errors import Fault
from careplan.domain.guideline import Knowledge
from careplan.fhir import bindings, models, profile, questionnaire_response, registry, xhtml
from careplan.fhir.definition_of_operation import operation_definitions
from careplan.fhir.definition_of_parameter import search_parameters
from careplan.fhir.definition_of_plan import activity_definitions, plan_definition
from careplan.fhir.index import extract
from careplan.fhir.instant import instant_text
from careplan.fhir.profile import Definitions
from careplan.fhir.questionnaire import Form, forms_from_resources, with_wording
from careplan.fhir.text import Json, dump, parse, read_text, stamp
from careplan.fhir.vocabulary import code_systems
from careplan.interactions.context import Validator
from careplan.interactions.precondition import same_content
from careplan.settings import Settings
from careplan.store.protocol import Store, VersionConflict, Write

PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)
"""The instant of every conformance resource: they change with the release, not while it runs."""


def read_published(settings: Settings, knowledge: Knowledge) -> tuple[tuple[Json, ...], Mapping[str, Form]]:
    """The conformance resources, and the Questionnaires among them. Raises QuestionnaireFaulty."""
    licensed = read_profiles(settings.questionnaires) if settings.questionnaires is not None else []
    published = with_wording(read_profiles(settings.profiles), licensed)
    return published, forms_from_resources(published, knowledge.instruments.values())


def read_profiles(folder: Path) -> list[Json]:
    """The conformance resources of a folder, in order of name."""
    return [parse(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


async def fill_catalogue(store: Store, profiles: Iterable[Json], knowledge: Knowledge) -> None:
    """Keep in an empty store what we publish: profiles, the knowledge, and what may be searched and called."""
    plans = [plan_definition(plan, knowledge) for plan in knowledge.plans.values()]
    activities = [one for plan in knowledge.plans.values() for one in activity_definitions(plan, knowledge)]
    definitions = (*search_parameters(__version__), *operation_definitions(__version__))
    resources = (*profiles, *plans, *activities, *code_systems(knowledge), *definitions)
    await store.commit([_published(resource) for resource in resources])


def _published(resource: Json) -> Write:
    instant = instant_text(PUBLISHED)
    body, _ = stamp(read_text(dump(resource)), id=resource["id"], version_id="1", last_updated=instant)
    return Write(resource["resourceType"], resource["id"], 0, PUBLISHED, None, body, extract(parse(body)))


async def publish_questionnaires(store: Store, published: Iterable[Json], at: datetime) -> None:
    """Keep what is asked here in the store, so that it is found beside the Questionnaires that others write.

    What stands there already makes no version; another process may do the same at the same time.
    """
    for resource in published:
        if resource["resourceType"] != "Questionnaire":
            continue
        source, previous = read_text(dump(resource)), await store.read("Questionnaire", resource["id"])
        if previous is not None and same_content(source, previous):
            continue
        number = 0 if previous is None else previous.number
        body, place = stamp(source, id=resource["id"], version_id=str(number + 1), last_updated=instant_text(at))
        with suppress(VersionConflict):
            write = Write("Questionnaire", resource["id"], number, at, None, body, extract(resource), place=place)
            await store.commit([write])


def validator(definitions: Definitions, forms: Mapping[str, Form] | None = None) -> Validator:
    """Every fault of a resource at once: structure, required bindings, narrative, profiles, and the questionnaire."""

    for type_name in registry.TYPES:
        models.faults({"resourceType": type_name})  # the models load on first use; not in somebody's first request
    bindings.bindings()

    def validate(resource: Json, profiles: Sequence[str] = ()) -> list[Fault]:
        found, noted = models.survey(resource)
        found += bindings.faults(resource, noted)
        found += xhtml.faults(resource, noted)
        found += profile.validate(resource, definitions, profiles)
        if forms and not found and resource.get("resourceType") == "QuestionnaireResponse":
            found += questionnaire_response.faults(resource, forms)
        return found

    return validate
