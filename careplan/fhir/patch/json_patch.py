"""JSON Patch: operations on the JSON of a resource, all of them or none.

The only import of jsonpatch. What it leaves open is closed here: copies cannot grow without end, and no message
repeats what the resource holds. Not here: whether the result is valid FHIR.
https://www.rfc-editor.org/rfc/rfc6902 · https://hl7.org/fhir/R4/http.html#patch · checklist R4-38..40
"""

from dataclasses import dataclass

import jsonpatch

from careplan.fhir.digits import Json
from careplan.fhir.patch.failure import OPERATIONS, failure

COPIED = 100_000
"""How many values all `copy` operations of a patch may copy together."""

_WORDS = {
    jsonpatch.JsonPatchTestFailed: "its test does not hold",
    jsonpatch.JsonPatchPathNotFound: "there is nothing at its path",
    jsonpatch.JsonPatchConflict: "it does not fit what stands",
    jsonpatch.InvalidJsonPatch: "it is no operation of JSON Patch: op, path, and value or from",
    jsonpatch.JsonPointerException: "its path, or from, leads nowhere",
    RecursionError: "it nests too deep",
}


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """The operations as they came in, in their order."""

    operations: tuple[Json, ...]


def json_patch_from_list(operations: Json) -> JsonPatch:
    """Of the array that came in. Raises PatchFailed when it is none, or holds too many."""
    if not isinstance(operations, list) or len(operations) > OPERATIONS:
        raise failure(f"a JSON Patch is an array of at most {OPERATIONS} operations")
    return JsonPatch(tuple(operations))


def apply_json_patch(value: Json, patch: JsonPatch) -> Json:
    """What the operations make of a value of the caller's own, which they change. Raises PatchFailed."""
    left = COPIED
    for number, operation in enumerate(patch.operations):
        try:
            left -= _copied(value, operation, left)
            value = jsonpatch.JsonPatch([operation]).apply(value, in_place=True)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, RecursionError) as error:
            why = next(words for kind, words in _WORDS.items() if isinstance(error, kind))
            raise failure(f"operation [{number}] cannot be done: {why}; nothing was changed") from None
    return value


def _copied(value: Json, operation: Json, limit: int) -> int:
    """How many values an operation copies. Raises PatchFailed above the limit."""
    if not isinstance(operation, dict) or operation.get("op") != "copy" or not isinstance(operation.get("from"), str):
        return 0
    count, level = 0, [jsonpatch.JsonPointer(operation["from"]).resolve(value)]
    while level:
        count += len(level)
        if count > limit:
            raise failure(f"the copies of a patch hold at most {COPIED} values together")
        parts = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [item for part in parts for item in part]
    return count
