"""A resource as a patch leaves it. Not here: whether that is valid FHIR, and whether the caller may.

https://hl7.org/fhir/R4/http.html#patch · checklist R4-38..41
"""

import copy
from typing import TypeAlias

from careplan.fhir.patch.failure import PatchFailed
from careplan.fhir.patch.json_patch import JsonPatch, apply_json_patch
from careplan.fhir.patch.path_patch import PathPatch, apply_path_patch
from careplan.fhir.text import DEPTH, Json, Text, TextUnparsable, dump, read_text

Patch: TypeAlias = JsonPatch | PathPatch


def patched(resource: dict[str, Json], patch: Patch, *, depth: int = DEPTH) -> Text:
    """The text of the resource with the patch applied; `resource` itself stays as it is.

    depth   how deep the result may nest
    Raises  PatchFailed; also when the patch would change `id` or `resourceType`
    """
    own = copy.deepcopy(resource)
    made = apply_json_patch(own, patch) if isinstance(patch, JsonPatch) else apply_path_patch(own, patch)
    if not isinstance(made, dict) or any(made.get(name) != resource.get(name) for name in ("id", "resourceType")):
        raise PatchFailed("a patch leaves id and resourceType as they are; nothing was changed")
    try:
        return read_text(dump(made), depth=depth)
    except (TextUnparsable, RecursionError):
        raise PatchFailed("the result is nested too deep; nothing was changed") from None
