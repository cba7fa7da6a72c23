"""An incident at a moment: its entries up to then, put together."""

from collections.abc import Iterable
from datetime import datetime

from cim.errors import NotFound
from cim.model.incidents import Change, Entry, Incident, Mark, State, Step, Task


def fold(entries: Iterable[Entry]) -> State:
    """The state that some entries of one incident, in order and from its first on, leave behind.

    Raises NotFound where there are none: the incident did not exist yet.
    """
    held: dict[str, dict[int, Change]] = {"incident": {}, "task": {}, "mark": {}, "step": {}}
    kept = tuple(entries)
    for entry in kept:
        for change in entry.changes:
            held[change.of][change.number] = change
    if not held["incident"]:
        raise NotFound("the incident did not exist at that moment", where="at", remedy="ask for a later moment")
    parts = {of: [made[number].after for number in sorted(made)] for of, made in held.items()}
    marks = tuple(Mark.model_validate(one) for one in parts["mark"])
    return State(
        incident=Incident.model_validate(parts["incident"][0]),
        tasks=tuple(Task.model_validate(one) for one in parts["task"]),
        marks=tuple(mark for mark in marks if not mark.removed),
        steps=tuple(Step.model_validate(one) for one in parts["step"]),
        entries=kept,
    )


def at_moment(entries: Iterable[Entry], moment: datetime) -> State:
    """The state at a moment, what happened at that very moment included."""
    return fold(entry for entry in entries if entry.at <= moment)
