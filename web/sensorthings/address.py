"""Addresses below the service root: ``Things(1)/Datastreams(2)/Observations``, properties, ``$value`` and ``$ref``."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from cim.errors import BadRequest, NotFound
from cim.model.sensing_entities import BY_PLURAL, ENTITIES, Entity
from cim.store.observations import microseconds, moment

ROOT = "/sensorthings/v1.1"
MOST_BYTES, MOST_STEPS = 2_000, 12
MOST_ID = 2**31 - 1
Key = tuple[int, datetime | None]
"""What tells an entity: its number, and for an Observation the number of its Datastream and its time."""
_STEP = re.compile(r"^([A-Za-z]+)(?:\((.*)\))?$", re.DOTALL)
_OBSERVATION = re.compile(r"^'?([0-9]{1,10})-(-?[0-9]{1,17})'?$", re.ASCII)
_NUMBER = re.compile(r"^[0-9]{1,10}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Step:
    """One part of an address: the entity, by which link of the part before it was reached, and of which key."""

    entity: Entity
    link: str | None
    key: Key | None
    many: bool


@dataclass(frozen=True, slots=True)
class Address:
    """Where an address leads: through ``steps`` to entities, or to a property of one.

    ``inner`` are the names that lead into a property; ``value`` asks for it bare, ``ref`` for addresses alone.
    """

    steps: tuple[Step, ...]
    inner: tuple[str, ...] = ()
    value: bool = False
    ref: bool = False

    @property
    def last(self) -> Step:
        """The part that says what is asked for."""
        return self.steps[-1]

    @property
    def is_set(self) -> bool:
        """Whether the address is that of a set of entities, not of one."""
        return self.last.many and self.last.key is None


def parse_address(path: str) -> Address:
    """The address a path below the service root stands for.

    Raises NotFound for names that are not there, BadRequest for an address too long or ids that are none.
    """
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if len(path) > MOST_BYTES or len(parts) > MOST_STEPS:
        raise BadRequest("the address is too long", where="path", remedy=f"use at most {MOST_STEPS} parts")
    steps: list[Step] = []
    for place, part in enumerate(parts):
        step = _step(part, steps[-1] if steps else None)
        if step is None:
            return _rest(tuple(steps), parts[place:])
        steps.append(step)
    return Address(tuple(steps))


def _step(part: str, before: Step | None) -> Step | None:
    """A part that leads to entities; None where it is something else."""
    found = _STEP.match(part)
    if found is None:
        return None
    name, key = found[1], found[2]
    if before is None:
        entity = BY_PLURAL.get(name)
        if entity is None:
            raise NotFound(
                f"there is no set {name[:60]!r} of entities", where="path", remedy=f"there are {', '.join(BY_PLURAL)}"
            )
        return Step(entity, None, key_of(entity, key) if key is not None else None, many=True)
    if before.many and before.key is None:
        return None
    link = before.entity.links.get(name)
    if link is None:
        return None
    entity = ENTITIES[link.target]
    if key is not None and not link.many:
        raise NotFound(f"{name} is one and has no key", where="path", remedy="leave out the brackets")
    return Step(entity, name, key_of(entity, key) if key is not None else None, link.many)


def _rest(steps: tuple[Step, ...], parts: list[str]) -> Address:
    if not steps:
        raise NotFound("there is nothing at this address", where="path", remedy=f"{ROOT} lists the sets")
    address = Address(steps)
    if parts == ["$ref"]:
        return Address(steps, ref=True)
    if address.is_set or (parts[0] not in steps[-1].entity.properties and parts[0] not in ("id", "@iot.id")):
        known = ", ".join([*steps[-1].entity.properties, *steps[-1].entity.links])
        raise NotFound(
            f"{steps[-1].entity.plural} lead to nothing called {parts[0][:60]!r}",
            where="path",
            remedy=f"one of them leads to {known}",
        )
    if parts[-1] == "$value":
        return Address(steps, tuple(parts[:-1]), value=True)
    return Address(steps, tuple(parts))


def key_of(entity: Entity, text: object) -> Key:
    """The key an id stands for; NotFound where none of this kind could be one."""
    written = str(text) if isinstance(text, str | int) and not isinstance(text, bool) else ""
    if entity.name == "Observation":
        found = _OBSERVATION.match(written)
        if found and int(found[1]) <= MOST_ID:
            try:
                return int(found[1]), moment(int(found[2]))
            except OverflowError:
                pass
    elif _NUMBER.match(written) and int(written) <= MOST_ID:
        return int(written), None
    raise NotFound(f"there is no {entity.name} {written[:40]!r}", where="@iot.id", remedy=f"see {ROOT}/{entity.plural}")


def id_of(key: Key) -> int | str:
    """The id an entity goes by in answers."""
    number, at = key
    return number if at is None else f"{number}-{microseconds(at)}"


def link_to(entity: Entity, key: Key) -> str:
    """The address of an entity below the service root."""
    number, at = key
    return f"{entity.plural}({number})" if at is None else f"{entity.plural}('{number}-{microseconds(at)}')"
