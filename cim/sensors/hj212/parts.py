"""Messages that come in numbered parts (PNUM, PNO), put together."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from cim.errors import FrameRefused
from cim.sensors.hj212.segment import Message

MOST_SETS = 8
MOST_PARTS = 64
"""A connection holds so many unfinished messages of so many parts; the oldest gives way."""


@dataclass(slots=True)
class _Set:
    first_time: str | None = None
    parts: dict[int, Message] = field(default_factory=dict)


class PartsJoiner:
    """The parts of one connection.

    Parts without an answer wanted (Flag 6, 10) are collected and given when all are there. A station that wants an
    answer to each part (Flag 7, 11) sends the next only after it, so each is given at once; a later one without a
    DataTime of its own belongs to that of the first.
    """

    def __init__(self) -> None:
        self._sets: OrderedDict[Hashable, _Set] = OrderedDict()
        self._lost: list[Message] = []

    def joined(self, message: Message) -> list[Message] | None:
        """The messages to read now, each with its DataTime; None while parts are missing."""
        if message.part is None:
            return [message]
        number, count = message.part
        if count > MOST_PARTS:
            raise FrameRefused("parts", f"a message in {count} parts, {MOST_PARTS} are allowed", where="PNUM")
        return self._at_once(message, number, count) if message.flag.answer else self._later(message, number, count)

    def lost(self, *, at_end: bool = False) -> list[Message]:
        """Parts that gave way since this was last asked; ``at_end`` those too that still wait for others."""
        if at_end:
            self._lost += [part for held in self._sets.values() for part in held.parts.values()]
            self._sets.clear()
        told, self._lost = self._lost, []
        return told

    def _at_once(self, message: Message, number: int, count: int) -> list[Message]:
        held = self._set(message, count)
        own = message.plain("DataTime")
        if number == 1:
            held.first_time = own
        if own is None and held.first_time is not None:
            message = _with_time(message, held.first_time)
        if number == count:
            self._sets.pop(_key(message, count), None)
        return [message]

    def _later(self, message: Message, number: int, count: int) -> list[Message] | None:
        held = self._set(message, count)
        held.parts[number] = message
        if len(held.parts) < count:
            return None
        del self._sets[_key(message, count)]
        first = held.parts[1].plain("DataTime")
        whole = [held.parts[place] for place in range(1, count + 1)]
        return [one if first is None or one.plain("DataTime") else _with_time(one, first) for one in whole]

    def _set(self, message: Message, count: int) -> _Set:
        key = _key(message, count)
        held = self._sets.setdefault(key, _Set())
        self._sets.move_to_end(key)
        while len(self._sets) > MOST_SETS:
            self._lost += self._sets.popitem(last=False)[1].parts.values()
        return held


def _key(message: Message, count: int) -> Hashable:
    return message.mn, message.st, message.cn, message.flag, count


def _with_time(message: Message, time: str) -> Message:
    return replace(message, groups=({"DataTime": time}, *message.groups))
