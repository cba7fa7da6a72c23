"""Hashes of what statements say, with everything they refer to, whatever numbers they have in the file.

The hash of a statement is made of its text without the numbers of its references, by BLAKE2, and of the hashes of the
statements it refers to, in their order. These are joined by 64-bit mixing in two lanes: 128 bits against chance, not
against somebody who wants two to be equal.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from importers.bim.step_index import Places, StepIndex

Hashes = NDArray[np.uint64]
"""Shape (n, 2)."""
OWNERS = frozenset({"IFCOWNERHISTORY"})
"""Types that tell who wrote something and when: all are equal."""
ATTACHED: Mapping[str, int] = {
    "IFCSTYLEDITEM": 0,
    "IFCINDEXEDCOLOURMAP": 0,
    "IFCMATERIALDEFINITIONREPRESENTATION": -1,
    "IFCMATERIALPROPERTIES": -1,
    "IFCSHAPEASPECT": -1,
}
"""Types of statements that add to another: the position of that one among their references."""
_BLOCK = 1 << 15
_BEFORE_FIRST = 3
"""Bytes there may be between a type and its first reference, where that is the first value."""
_STEP, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LANE = np.array([0x243F6A8885A308D3, 0x13198A2E03707344], np.uint64)
_ATTACHED_AT = 1 << 20
_ALL = 2**64 - 1


def mixed(values: Hashes) -> Hashes:
    """Values spread over all 64 bits (the finish of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))


def salted(hashes: Hashes, salt: int) -> Hashes:
    """Hashes as they count in the role or position ``salt``."""
    return mixed(hashes + np.array((salt + 1) * int(_STEP) & _ALL, np.uint64) + _LANE)


def hash_of(text: bytes) -> Hashes:
    """The hash of a text, shape (2,)."""
    return np.frombuffer(hashlib.blake2b(text, digest_size=16).digest(), np.uint64)


def attached_places(index: StepIndex) -> tuple[Places, Places]:
    """Statements that add to another, and the places of those others."""
    adding, others = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for name, position in ATTACHED.items():
        places = index.of(name)
        places = places[index.first[places + 1] > index.first[places]]
        at = index.first[places] if position >= 0 else index.first[places + 1] - 1
        if position >= 0:
            written = index.marks[at] - index.starts[places] <= len(name) + _BEFORE_FIRST
            places, at = places[written], at[written]
        targets = index.targets[at].astype(np.int64)
        adding.append(places[targets >= 0])
        others.append(targets[targets >= 0])
    return np.concatenate(adding), np.concatenate(others)


def content_hashes(index: StepIndex) -> Hashes:
    """The hash of every statement, shape (n, 2)."""
    sources, targets, salts = _edges(index)
    return _joined(_text_hashes(index), sources, targets, salts)


def _edges(index: StepIndex) -> tuple[Places, Places, NDArray[np.uint64]]:
    """Who refers to whom, sorted by the first, and the position; what is added to a statement counts as its own."""
    counts = np.diff(index.first)
    sources = np.repeat(np.arange(len(index)), counts)
    salts = (np.arange(len(index.targets)) - np.repeat(index.first[:-1], counts)).astype(np.uint64)
    targets = index.targets.astype(np.int64)
    adding, others = attached_places(index)
    owner_of = np.full(len(index), -1, np.int64)
    owner_of[adding] = others
    owners = np.isin(index.kinds, [kind for kind, name in enumerate(index.names) if name in OWNERS])
    keep = (targets >= 0) & (owner_of[sources] != targets) & ~owners[sources]
    sources = np.concatenate([sources[keep], others])
    targets = np.concatenate([targets[keep], adding])
    salts = np.concatenate([salts[keep], np.full(len(adding), _ATTACHED_AT, np.uint64)])
    order = np.argsort(sources, kind="stable")
    return sources[order], targets[order], salts[order]


def _joined(texts: Hashes, sources: Places, targets: Places, salts: NDArray[np.uint64]) -> Hashes:
    """Hashes from below upwards; what is in a circle counts by its text."""
    hashes = mixed(texts + _LANE)
    done = np.ones(len(texts), bool)
    done[sources] = False
    while len(sources):
        ready = done[targets]
        bounds = np.flatnonzero(np.concatenate([[True], sources[1:] != sources[:-1]]))
        complete = np.logical_and.reduceat(ready, bounds)
        if not complete.any():
            break
        lengths = np.diff(np.append(bounds, len(sources)))
        chosen = np.repeat(complete, lengths)
        parts = mixed(hashes[targets[chosen]] + (salts[chosen] + np.uint64(1))[:, None] * _STEP + _LANE)
        sums = np.add.reduceat(parts, np.cumsum(np.append(0, lengths[complete][:-1])), axis=0)
        places = sources[bounds[complete]]
        hashes[places] = mixed(hashes[places] + sums)
        done[places] = True
        sources, targets, salts = sources[~chosen], targets[~chosen], salts[~chosen]
    return hashes


def _text_hashes(index: StepIndex) -> Hashes:
    """The hash of each statement's own text without the numbers of its references."""
    out = np.empty((len(index), 2), np.uint64)
    owners = {kind for kind, name in enumerate(index.names) if name in OWNERS}
    for begin in range(0, len(index), _BLOCK):
        end = min(begin + _BLOCK, len(index))
        low, high = int(index.starts[begin]), int(index.ends[end - 1])
        raw = np.frombuffer(index.data, np.uint8)[low:high]
        refs = slice(int(index.first[begin]), int(index.first[end]))
        widths = index.widths[refs].astype(np.int64)
        dropped = np.zeros(len(raw) + 1, np.int8)
        after = index.marks[refs] - low + 1
        np.add.at(dropped, after, 1)
        np.add.at(dropped, after + widths, -1)
        keep = np.cumsum(dropped[:-1], dtype=np.int8) == 0
        kept = raw[keep].tobytes()
        position = np.concatenate([[0], np.cumsum(keep, dtype=np.int64)])
        bounds = position[index.starts[begin:end] - low].tolist(), position[index.ends[begin:end] - low].tolist()
        blake = hashlib.blake2b
        digests = b"".join(
            blake(kept[start:stop], digest_size=16).digest() for start, stop in zip(*bounds, strict=True)
        )
        out[begin:end] = np.frombuffer(digests, np.uint64).reshape(-1, 2)
    for kind in owners:
        out[index.kinds == kind] = _LANE
    return out
