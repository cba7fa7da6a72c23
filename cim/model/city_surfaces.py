"""The surfaces of many city objects as flat arrays, so that measuring and checking take no step for each of them."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.model.city_bodies import listed, mapped

Numbers = NDArray[np.int64]
SOLIDS = frozenset({"Solid", "MultiSolid", "CompositeSolid"})
SURFACES = frozenset({"MultiSurface", "CompositeSurface", *SOLIDS})
WITHOUT_AREA = frozenset({"MultiPoint", "MultiLineString"})


class BrokenGeometry(ValueError):
    """A geometry that cannot be read; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Part:
    """A geometry of an object: the object's place in the batch, its own place in the object, and its LoD."""

    owner: int
    place: int
    lod: str
    kind: str


@dataclass(frozen=True, slots=True)
class Surfaces:
    """Rings of surfaces of shells of geometries of the objects of a batch.

    ``points`` are places in ``vertices`` ring after ring. ``rings`` holds the number of points of each ring,
    ``surface_rings`` the rings of each surface, ``surface_shell`` the shell of each surface and ``shell_part`` the
    geometry of each shell, in ``parts``; ``shell_inner`` says that a shell is the wall of a cavity. ``kinds`` are the
    semantic types of surfaces by number in ``kind_names`` (-1: none).
    """

    parts: list[Part]
    points: Numbers
    rings: Numbers
    surface_rings: Numbers
    surface_shell: Numbers
    shell_part: Numbers
    shell_inner: NDArray[np.bool_]
    shell_closed: NDArray[np.bool_]
    kinds: Numbers
    kind_names: list[str]

    @property
    def surface_part(self) -> Numbers:
        """The geometry of each surface."""
        return self.shell_part[self.surface_shell]

    @property
    def ring_starts(self) -> Numbers:
        """Where each ring begins in ``points``."""
        return starts_of(self.rings)

    @property
    def surface_starts(self) -> Numbers:
        """The first ring of each surface, which is its outer one."""
        return starts_of(self.surface_rings)


def starts_of(counts: Numbers) -> Numbers:
    """Where each group begins, from how many each has."""
    starts = np.zeros(len(counts), np.int64)
    np.cumsum(counts[:-1], out=starts[1:])
    return starts


class Collector:
    """Gathers geometries one after another; a broken one leaves nothing behind."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._points, self._rings, self._surface_rings = array("q"), array("q"), array("q")
        self._surface_shell, self._kinds = array("q"), array("q")
        self._shell_part, self._shell_inner, self._shell_closed = array("q"), array("b"), array("b")
        self._kind_names: dict[str, int] = {}
        self._offsets: list[tuple[int, int]] = []

    def add(self, owner: int, geometries: Sequence[Any], vertices: int, offset: int) -> None:
        """Take the geometries of an object as CityJSON writes them; BrokenGeometry leaves it out whole.

        They point to ``vertices`` vertices, which begin at ``offset`` among those of the batch.
        """
        mark = self._mark()
        try:
            for place, geometry in enumerate(geometries):
                self._add(owner, place, mapped(geometry))
            check_missing(self._points[mark[0] :], vertices)
        except BrokenGeometry:
            self._forget(mark)
            raise
        except (TypeError, OverflowError, AttributeError, KeyError, ValueError) as error:
            self._forget(mark)
            raise BrokenGeometry("the geometry's boundaries are not nested as its type asks") from error
        self._offsets.append((len(self._points) - mark[0], offset))

    def done(self) -> Surfaces:
        """What was gathered."""
        counts, offsets = zip(*self._offsets, strict=True) if self._offsets else ((), ())
        shift = np.repeat(np.array(offsets, np.int64), np.array(counts, np.int64))
        return Surfaces(
            self._parts,
            _numbers(self._points) + shift,
            _numbers(self._rings),
            _numbers(self._surface_rings),
            _numbers(self._surface_shell),
            _numbers(self._shell_part),
            np.frombuffer(self._shell_inner, np.int8).astype(np.bool_),
            np.frombuffer(self._shell_closed, np.int8).astype(np.bool_),
            _numbers(self._kinds),
            list(self._kind_names),
        )

    def _add(self, owner: int, place: int, geometry: Mapping[str, Any]) -> None:
        kind, boundaries = geometry.get("type"), geometry.get("boundaries")
        if not isinstance(kind, str) or not isinstance(boundaries, list):
            raise BrokenGeometry("a geometry has no type or no boundaries")
        self._parts.append(Part(owner, place, lod_of(geometry), kind))
        if kind not in SURFACES:
            check_places(kind, boundaries)
            return
        values = flat_values(mapped(geometry.get("semantics")), kind)
        names = [surface_kind(surface) for surface in listed(mapped(geometry.get("semantics")).get("surfaces"))]
        first = len(self._surface_rings)
        for shell, inner in shells_of(kind, boundaries):
            self._add_shell(shell, inner=inner, closed=kind in SOLIDS)
        count = len(self._surface_rings) - first
        if values is not None and len(values) != count:
            raise BrokenGeometry(f"there are {len(values)} semantic values for {count} surfaces")
        numbers = [self._kind_names.setdefault(name, len(self._kind_names)) for name in names]
        for value in values if values is not None else [None] * count:
            if value is not None and not 0 <= value < len(numbers):
                raise BrokenGeometry(f"semantic surface {value} is missing: there are {len(numbers)}")
            self._kinds.append(-1 if value is None else numbers[value])

    def _add_shell(self, shell: Sequence[Any], *, inner: bool, closed: bool) -> None:
        number = len(self._shell_part)
        self._shell_part.append(len(self._parts) - 1)
        self._shell_inner.append(inner)
        self._shell_closed.append(closed)
        for surface in shell:
            for ring in surface:
                self._points.extend(ring)
                self._rings.append(len(ring))
            if not surface:
                raise BrokenGeometry("a surface has no ring")
            self._surface_rings.append(len(surface))
            self._surface_shell.append(number)

    def _mark(self) -> tuple[int, ...]:
        return tuple(len(held) for held in self._held())

    def _forget(self, mark: tuple[int, ...]) -> None:
        for held, length in zip(self._held(), mark, strict=True):
            del held[length:]

    def _held(self) -> tuple[Any, ...]:
        return (
            self._points,
            self._rings,
            self._surface_rings,
            self._surface_shell,
            self._kinds,
            self._shell_part,
            self._shell_inner,
            self._shell_closed,
            self._parts,
        )


def shells_of(kind: str, boundaries: Sequence[Any]) -> Iterable[tuple[Sequence[Any], bool]]:
    """The shells of a geometry, each a list of surfaces, and whether it is the wall of a cavity."""
    if kind == "Solid":
        return ((shell, place > 0) for place, shell in enumerate(boundaries))
    if kind in SOLIDS:
        return ((shell, place > 0) for solid in boundaries for place, shell in enumerate(solid))
    return ((boundaries, False),)


def flat_values(semantics: Mapping[str, Any], kind: str) -> list[int | None] | None:
    """The semantic value of each surface; None where the geometry has no semantics."""
    values = semantics.get("values")
    if not isinstance(values, list):
        return None
    depth = {"Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}.get(kind, 0)
    for _ in range(depth):
        values = list(chain.from_iterable(values))
    return values


def surface_kind(surface: object) -> str:
    """The type of a semantic surface."""
    return str(mapped(surface).get("type", ""))


def lod_of(geometry: Mapping[str, Any]) -> str:
    """The level of detail as text: 1, 2, 2.2; CityJSON 1.0 wrote numbers."""
    lod = geometry.get("lod", "")
    return f"{lod:g}" if isinstance(lod, int | float) else str(lod)[:8]


def level_of(lod: str) -> float:
    """A level of detail as a number; what is none counts as 0."""
    try:
        return max(0.0, min(float(lod), 9.0))
    except ValueError:
        return 0.0


def check_places(kind: str, boundaries: Sequence[Any]) -> None:
    """Raise BrokenGeometry when points, lines or an instance have anything but whole numbers as places."""
    if kind not in WITHOUT_AREA and kind != "GeometryInstance":
        raise BrokenGeometry(f"{kind[:40]} is no type of geometry")
    flat = chain.from_iterable(boundaries) if kind == "MultiLineString" else boundaries
    if not all(type(place) is int for place in flat):
        raise BrokenGeometry("the geometry's boundaries are not nested as its type asks")


def check_missing(points: "array[int]", count: int) -> None:
    """Raise BrokenGeometry when a place is not one of ``count`` vertices."""
    if points and (min(points) < 0 or max(points) >= count):
        wrong = next(place for place in points if not 0 <= place < count)
        raise BrokenGeometry(f"vertex {wrong} is missing: there are {count}")


def _numbers(values: "array[int]") -> Numbers:
    return np.frombuffer(values, np.int64).copy() if len(values) else np.empty(0, np.int64)
