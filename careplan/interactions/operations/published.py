"""What this service publishes, found by canonical URL; code systems by any of their names.

Not here: what is done with it (`expand`, `lookup`). https://hl7.org/fhir/R4/references.html#canonical
"""

from careplan.fhir.query import Criterion, Query, UriIs
from careplan.fhir.systems import names_of_system
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context
from careplan.interactions.search import search


async def find_value_set(context: Context, canonical: str, version: str = "") -> Json | None:
    """The ValueSet of a URL, of the version behind `|` or given, else the one published last."""
    url, _, named = canonical.partition("|")
    return await _find(context, "ValueSet", (url,), version or named)


async def find_code_system(context: Context, url: str, version: str = "") -> Json | None:
    """The CodeSystem of a URL or of another name for the same system."""
    return await _find(context, "CodeSystem", names_of_system(url), version)


async def _find(context: Context, type_name: str, urls: tuple[str, ...], version: str) -> Json | None:
    criterion = Criterion("url", "uri", tuple(UriIs("exact", url) for url in urls))
    page = (await search(context, Query(type_name, (criterion,), count=context.house.limits.page_maximum))).page
    found = [parse(one.body or b"") for one in page.matches]
    fitting = [one for one in found if version in ("", one.get("version", ""))]
    return max(fitting, key=lambda one: (str(one.get("date", "")), str(one.get("version", ""))), default=None)
