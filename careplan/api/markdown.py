"""Text in GitHub-flavored Markdown that stays text: what comes from data is shown as it is and becomes no markup.

https://github.github.com/gfm/#backslash-escapes · #autolinks-extension-
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

_MARKUP = re.compile(r"[\\`*_\[\]~|@!#]|:(?=//)|(?<=[wW]{3})\.")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e]+")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def plain(text: str) -> str:
    """Text of data on one line of Markdown: no emphasis, link, image, table, HTML or address that links itself."""
    line = one_line(text)
    for sign, entity in _ENTITIES.items():
        line = line.replace(sign, entity)
    return _MARKUP.sub(lambda found: f"\\{found[0]}", line)


def one_line(text: str) -> str:
    """Without line breaks, control characters and signs that turn the direction of writing."""
    return _SPACE.sub(" ", text).strip()


def linked(text: str, url: str) -> str:
    """A link with a text of data."""
    return f"[{plain(text)}]({quote(url, safe=_SAFE)})"


_SAFE = "/:?&=%#~;,+@!$'*"
"""What an address keeps; a space, a parenthesis or a bracket would end the link."""


def listed(lines: Iterable[str]) -> str:
    """A list, a line each; the lines are Markdown already."""
    return "\n".join(f"- {line}" for line in lines)
