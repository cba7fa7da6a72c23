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
_SET_OF_SETS = b"IFCPROPERTYSETDEFINITIONSET"


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
    if name == "IFCRELDEFINESBYPROPERTIES":
        return _with_sets(index, _by_position(name, statements, targets))
    return _by_position(name, statements, targets)


def _by_position(name: str, statements: Places, targets: Places) -> Pairs:
    begins = np.flatnonzero(np.concatenate([[True], statements[1:] != statements[:-1]]))
    sizes = np.diff(np.append(begins, len(statements)))
    one = begins if name in RELATING_FIRST else begins + sizes - 1
    relating = np.repeat(targets[one], sizes)
    others = np.ones(len(statements), bool)
    others[one] = False
    return Pairs(statements[others], relating[others], targets[others])


def _with_sets(index: StepIndex, pairs: Pairs) -> Pairs:
    """Pairs with every set of a set of sets (IFC4), where the plain rule takes all but the last for related."""
    if index.data.find(_SET_OF_SETS) < 0:
        return pairs
    odd = np.array([place for place in set(pairs.statements.tolist()) if _SET_OF_SETS in index.text(place)], np.int64)
    statements, relating, related = [], [], []
    for place in odd.tolist():
        refs = index.refs(place)
        written = index.marks[index.first[place] : index.first[place + 1]]
        inside = written > index.starts[place] + index.text(place).index(_SET_OF_SETS)
        objects = frozenset(pairs.related[pairs.statements == place].tolist())
        for one in refs[inside & (refs >= 0)].tolist():
            for many in refs[~inside & (refs >= 0)].tolist():
                if many in objects:
                    statements.append(place)
                    relating.append(one)
                    related.append(many)
    plain = ~np.isin(pairs.statements, odd)
    return Pairs(
        np.concatenate([pairs.statements[plain], np.array(statements, np.int64)]),
        np.concatenate([pairs.relating[plain], np.array(relating, np.int64)]),
        np.concatenate([pairs.related[plain], np.array(related, np.int64)]),
    )
