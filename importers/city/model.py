"""A city model on its way in: its head, and its objects with the vertices they are made of.

Every format is brought to this form, which is CityJSON's: objects hold geometries whose boundaries are places in a list
of vertices, and vertices are whole numbers that the head's scale and translation turn into coordinates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cim.model.city_bodies import listed

Vertices = NDArray[np.int64]
"""Whole numbers of shape (n, 3), in the order of axes the source has."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a city model says of itself as a whole.

    ``scale`` and ``translate`` turn vertices into coordinates, ``reference`` is the declared reference system,
    ``members`` are all other members of the document (metadata, extensions) and ``templates`` its geometry templates,
    whose materials and pictures are in ``appearance``.
    """

    version: str
    scale: tuple[float, float, float]
    translate: tuple[float, float, float]
    reference: str | None
    members: Mapping[str, Any] = field(default_factory=dict)
    templates: Mapping[str, Any] = field(default_factory=dict)
    appearance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pool:
    """The vertices and the appearance that some objects share."""

    vertices: Vertices
    appearance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class CityObject:
    """One object as CityJSON writes it, with the pool its boundaries point into.

    ``refused`` says why it cannot be loaded; ``notes`` are faults met so far that do not keep it from loading.
    """

    id: str
    content: Mapping[str, Any]
    pool: Pool
    refused: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def parents(self) -> list[str]:
        """Ids of the objects it is a part of."""
        return [parent for parent in listed(self.content.get("parents")) if isinstance(parent, str)]


Family = list[CityObject]
"""An object without parents and everything below it; parents come before their children."""


class CitySource(Protocol):
    """A file opened: its head, and its objects family by family."""

    @property
    def head(self) -> Head:
        """What the file says of itself."""

    def families(self) -> Iterator[Family]:
        """All objects, from the start each time."""
