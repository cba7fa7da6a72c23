"""Where a set stands: where its own coordinates say, or where ``--place`` puts them, and what its heights are above."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.errors import HeightsUnknown
from cim.model.ellipsoidal_heights import ELLIPSOIDAL, LEVELLED, height_way
from cim.model.tilesets import Stand
from cim.model.undulation import Undulation
from importers.city.frames import VERTICAL_NAMES
from importers.importer import ReadOptions
from importers.inspection import Problem
from importers.tilesets.walking import Walked

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a set is placed, and what is wrong with that."""

    stand: Stand
    problems: tuple[Problem, ...]


def stand_of(options: ReadOptions) -> Stand:
    """How the options place a set: geocentric sets have ellipsoidal heights unless told otherwise, others levelled."""
    given = options.height_datum
    datum = VERTICAL_NAMES.get(given.lower(), given) if given else None
    return Stand(datum or (LEVELLED if options.place else ELLIPSOIDAL), options.place)


def standing_of(walked: Walked, options: ReadOptions) -> Standing:
    """The stand of a set, and whether it fits its volumes."""
    stand = stand_of(options)
    return Standing(stand, tuple(_problems(walked, stand)))


def _problems(walked: Walked, stand: Stand) -> list[Problem]:
    found = []
    try:
        height_way(stand.height_datum, Undulation.constant(0.0))
    except HeightsUnknown as error:
        found.append(Problem("height-datum", 1, error.what, refuses=True))
    if stand.place is not None and walked.regions:
        told = "volumes of the set are regions, which say themselves where they are; leave --place out"
        found.append(Problem("tileset-place", 1, told, refuses=True))
    if stand.place is None and not walked.faults and not (walked.root and walked.root.on_earth):
        told = "the set is in coordinates of its own; give its place with --place LON,LAT,HEIGHT"
        found.append(Problem("tileset-place", 1, told, refuses=True))
    return found
