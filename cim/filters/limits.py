"""Length and nesting, counted before any parser sees a filter."""

import re

from cim.errors import BadRequest
from cim.filters.nodes import MOST_NESTING, too_deep

MOST_BYTES = 16_384
MOST_JSON_NESTING = 2 * MOST_NESTING + 6
"""An operator of CQL2 JSON is two levels, an object and its array; a geometry has up to six of its own."""
_TEXT_BRACKETS = re.compile(r"'(?:''|\\'|\\(?!')|[^'\\])*'|\"(?:\"\"|[^\"])*\"|[()]")
_JSON_BRACKETS = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}]', re.DOTALL)


def check_length(text: str) -> None:
    """Refuse a filter that is empty, longer than 16 kB in UTF-8, or holds what no text in the database can."""
    if not text.strip():
        raise BadRequest("the filter is empty", where="filter", remedy="leave it out, or write a condition")
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise BadRequest(
            f"the filter is longer than {MOST_BYTES} bytes", where="filter", remedy="write it shorter, or in parts"
        )


def check_text_nesting(text: str) -> None:
    """Refuse CQL2 text with more than 50 levels of parentheses; those inside quotes do not count."""
    _check(_TEXT_BRACKETS, text, "(", ")", MOST_NESTING)


def check_json_nesting(text: str) -> None:
    """Refuse JSON with more levels of brackets than a filter of 50 operators needs."""
    _check(_JSON_BRACKETS, text, "[{", "]}", MOST_JSON_NESTING)


def _check(brackets: re.Pattern[str], text: str, opening: str, closing: str, most: int) -> None:
    depth = 0
    for found in brackets.finditer(text):
        mark = found[0]
        if mark in opening:
            depth += 1
            if depth > most:
                raise too_deep()
        elif mark in closing:
            depth -= 1
