"""A stored text as a value, in a quarter of the time: it was read strictly when it came in, and stands as it was.

For reading many resources; what comes from outside is read by `careplan.fhir.text`, which refuses what is wrong.
"""

import json

from careplan.fhir.digits import Digits, Json

_LONG_INTEGER = 400


def value_from_stored(body: bytes) -> dict[str, Json]:
    """The object in a text that the store gave back, as `careplan.fhir.text.parse` gives it."""
    value: dict[str, Json] = _KNOWN_GOOD.decode(body.decode().removeprefix("\ufeff"))
    return value


def _integer(text: str) -> int | Digits:
    return Digits(text) if text == "-0" or len(text) > _LONG_INTEGER else int(text)


_KNOWN_GOOD = json.JSONDecoder(parse_float=Digits, parse_int=_integer)
