"""Relations of an IFC file as pairs of places, taken from the index without reading objects."""

from dataclasses import dataclass

import numpy as np

from importers.bim.step_hash import OWNERS
from importers.bim.step_index import Places, StepIndex

RELATING_FIRST = frozenset(
    {
        "IFCRELAGGREGATES",
        "IFCRELDECOMPOSES",
        "IFCRELNESTS",
        "IFCRELVOIDSELEMENT",
        "IFCRELFILLSELEMENT",
        "IFCRELSERVICESBUILDINGS",
    }
)
"""Relations that name the one before the many; all others name it last."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """One relation as equally long arrays: the statement, the one that relates, one that is related."""

    statements: Places
    relating: Places
    related: Places


def pairs_of(index: StepIndex, *names: str) -> Pairs:
    """All pairs of relations of some types; references that lead nowhere, and owners, are left out."""
    found = [_pairs(index, name) for name in names]
    return Pairs(
        np.concatenate([pairs.statements for pairs in found]),
        np.concatenate([pairs.relating for pairs in found]),
        np.concatenate([pairs.related for pairs in found]),
    )


def _pairs(index: StepIndex, name: str) -> Pairs:
    places = index.of(name)
    counts = index.first[places + 1] - index.first[places]
    places, counts = places[counts > 0], counts[counts > 0]
    statements = np.repeat(places, counts)
    offsets = np.arange(len(statements)) - np.repeat(np.cumsum(counts) - counts, counts)
    targets = index.targets[np.repeat(index.first[places], counts) + offsets].astype(np.int64)
    owners = [kind for kind, written in enumerate(index.names) if written in OWNERS]
    good = (targets >= 0) & ~np.isin(index.kinds[targets], owners)
    statements, targets = statements[good], targets[good]
    if not len(statements):
        return Pairs(statements, targets, targets)
    begins = np.flatnonzero(np.concatenate([[True], statements[1:] != statements[:-1]]))
    sizes = np.diff(np.append(begins, len(statements)))
    one = begins if name in RELATING_FIRST else begins + sizes - 1
    relating = np.repeat(targets[one], sizes)
    others = np.ones(len(statements), bool)
    others[one] = False
    return Pairs(statements[others], relating[others], targets[others])
