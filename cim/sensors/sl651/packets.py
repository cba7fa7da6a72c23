"""Reports of mode M3 that come in numbered packets, put together."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from cim.errors import FrameRefused
from cim.sensors.sl651.frames import Control, Frame

MOST_SETS = 4
MOST_BYTES = 262_144
MOST_ASKED = 2
"""How often a missing packet is asked for (6.3.1.2)."""


@dataclass(slots=True)
class _Set:
    packets: dict[int, Frame] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)
    ended: bool = False

    @property
    def size(self) -> int:
        return sum(len(packet.body) for packet in self.packets.values())


@dataclass(frozen=True, slots=True)
class Joined:
    """What a packet led to: the whole report, the number of a packet to ask for, or neither while more are coming."""

    whole: Frame | None = None
    missing: int | None = None


class PacketJoiner:
    """The packets of one connection; bounded, the oldest unfinished report gives way."""

    def __init__(self) -> None:
        self._sets: OrderedDict[tuple[str, int, int], _Set] = OrderedDict()

    def joined(self, frame: Frame) -> Joined:
        """What a packet completes; FrameRefused when the report grows too large."""
        if frame.packet is None:
            return Joined(frame)
        number, count = frame.packet
        key = (frame.station, frame.function, count)
        held = self._sets.setdefault(key, _Set())
        self._sets.move_to_end(key)
        while len(self._sets) > MOST_SETS:
            self._sets.popitem(last=False)
        held.packets[number] = frame
        if held.size > MOST_BYTES:
            del self._sets[key]
            raise FrameRefused("too-long", f"a report of more than {MOST_BYTES} bytes")
        held.ended |= frame.end == Control.ETX
        if len(held.packets) == count:
            del self._sets[key]
            return Joined(_whole(held, count))
        return Joined(missing=self._ask(key, held, count)) if held.ended else Joined()

    def _ask(self, key: tuple[str, int, int], held: _Set, count: int) -> int:
        """The first missing packet; a report is given up when one was asked for too often.

        They are asked for one after the other, as the station sends each again by itself.
        """
        missing = next(place for place in range(1, count + 1) if place not in held.packets)
        held.asked[missing] = held.asked.get(missing, 0) + 1
        if held.asked[missing] > MOST_ASKED:
            del self._sets[key]
            raise FrameRefused("packets", f"packet {missing} of {count} did not come")
        return missing


def _whole(held: _Set, count: int) -> Frame:
    last = held.packets[count]
    body = b"".join(held.packets[place].body for place in range(1, count + 1))
    return replace(last, body=body)
