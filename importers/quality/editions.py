"""Which of several editions of a classification the codes of a whole layer are of."""

from collections.abc import Mapping
from dataclasses import dataclass

from layers.codes import CodeList


@dataclass(frozen=True, slots=True)
class Edition:
    """The edition a layer is read in: what to note of it, and why each value outside it is wrong."""

    name: str
    note: str
    foreign: Mapping[str, str]


def best_edition(lists: Mapping[str, CodeList], counts: Mapping[str | None, int]) -> Edition:
    """The list that explains most rows; of equals, the one named first.

    ``lists`` are by name, ``counts`` the rows by value; rows without a value speak for no list.
    """
    values = {value: count for value, count in counts.items() if value is not None}
    known = {name: frozenset(codes.names()) for name, codes in lists.items()}
    explained = {name: sum(n for value, n in values.items() if value in known[name]) for name in lists}
    best = max(lists, key=lambda name: explained[name])
    note = f"read as {_called(best, lists[best])}: {explained[best]} of {sum(values.values())} values are of it"
    foreign = {}
    for value in sorted(values.keys() - known[best]):
        others = [_called(name, lists[name]) for name in lists if value in known[name]]
        elsewhere = f"it is of {' and '.join(others)}" if others else "nor does another edition of the rule"
        foreign[value] = f"which {_called(best, lists[best])} does not have; {elsewhere}"
    return Edition(best, note, foreign)


def _called(name: str, codes: CodeList) -> str:
    return f"{name} ({codes.edition}{'' if codes.complete else ', incomplete list'})"
