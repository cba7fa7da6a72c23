"""The values of elements of CAP 1.2: texts, words, moments, numbers; every fault with its place."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from lxml import etree

from cim.errors import BadRequest
from cim.model.warning_elements import CAP, check_children, local_name, place
from cim.model.warnings import Named

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", re.ASCII)
_NO_SEPARATORS = re.compile(r"[^\s,<&]+")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,20})?", re.ASCII)
_MOMENT_REMEDY = "write it as 2026-07-04T12:30:00+08:00; a zone without hours is -00:00, not Z"
Element = etree._Element  # noqa: SLF001 - lxml names its type so
Value = TypeVar("Value")


def named_in(one: Element, name: str) -> tuple[Named, ...]:
    """The pairs of valueName and value in the elements of a name."""
    pairs = []
    for found in all_in(one, name):
        check_children(found)
        pairs.append((required_in(found, "valueName", text_of), text_in(found, "value")))
    return tuple(pairs)


def all_in(parent: Element, name: str, most: int = 10_000) -> Sequence[Element]:
    """The elements of a name in a parent; BadRequest where there are more than so many."""
    found = parent.findall(f"{{{CAP}}}{name}")
    if len(found) > most:
        raise fault(found[most], f"there are more than {most} of {name}", "send several messages")
    return found


def optional_in(parent: Element, name: str, read: Callable[[Element], Value]) -> Value | None:
    """The first element of a name as ``read`` reads it; None where there is none."""
    found = all_in(parent, name)
    return read(found[0]) if found else None


def required_in(parent: Element, name: str, read: Callable[[Element], Value]) -> Value:
    """The first element of a name as ``read`` reads it; BadRequest where there is none, or nothing in it."""
    found = all_in(parent, name)
    if not found:
        raise fault(parent, f"the element {local_name(parent)} has no {name}", f"add the element {name}")
    value = read(found[0])
    if value == "":
        raise fault(found[0], f"the element {name} is empty", "write something into it")
    return value


def token_in(root: Element, name: str) -> str:
    """A word without blanks, commas, < and &, as CAP asks of identifiers."""
    text = required_in(root, name, text_of)
    if not _NO_SEPARATORS.fullmatch(text) or len(text) > 200:
        raise fault(
            all_in(root, name)[0],
            f"the element {name} holds blanks, commas, < or &, or is too long",
            "write one word without them",
        )
    return text


def word_in(parent: Element, name: str, words: Sequence[str]) -> str:
    """One of some words."""
    text = required_in(parent, name, text_of)
    return _one_of(all_in(parent, name)[0], text, words)


def words_in(parent: Element, name: str, words: Sequence[str]) -> tuple[str, ...]:
    """All elements of a name, each one of some words."""
    found = all_in(parent, name)
    if not found and name == "category":
        raise fault(parent, "the element info has no category", "add the element category")
    return tuple(_one_of(one, text_of(one), words) for one in found)


def _one_of(one: Element, text: str, words: Sequence[str]) -> str:
    if text not in words:
        raise fault(one, f"the element {local_name(one)} cannot be {text[:40]!r}", f"write one of {', '.join(words)}")
    return text


def text_in(parent: Element, name: str) -> str:
    """The text of the first element of a name, empty where there is none."""
    return optional_in(parent, name, text_of) or ""


def text_of(one: Element) -> str:
    """The text of an element; BadRequest where it holds elements."""
    if len(one):
        raise fault(one, f"the element {local_name(one)} holds elements where text belongs", "write text only")
    return (one.text or "").strip()


def moment_of(one: Element) -> datetime:
    """The moment that an element holds."""
    return parsed_moment(one, text_of(one))


def parsed_moment(one: Element, text: str) -> datetime:
    """A moment with its zone, as CAP writes it."""
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise fault(one, f"{text[:40]!r} is no moment", _MOMENT_REMEDY)


def number_of(one: Element) -> float:
    """The number that an element holds."""
    return parsed_number(one, text_of(one))


def parsed_number(one: Element, text: str) -> float:
    """A finite number without exponent."""
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    raise fault(one, f"{text[:40]!r} is no number", "write a decimal number with a point")


def fault(one: Element, what: str, remedy: str) -> BadRequest:
    """What is wrong with an element, with its place."""
    return BadRequest(what, where=place(one), remedy=remedy)
