"""Hashes of what makes up an object and its shape, for all objects of a model at once.

The hash of an object covers its own statement with all it refers to, the sets, types, materials, classifications and
openings that relations give it, where it is in the tree, the placement of the model and the version of the reader.
The key of a shape covers what its mesh is made of and nothing of where it stands.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from cim.model.bim import Placement
from importers.bim.ifc_relations import Pairs, pairs_of
from importers.bim.ifc_tree import Tree
from importers.bim.reader_version import READER_VERSION
from importers.bim.step_hash import Hashes, mixed, salted
from importers.bim.step_index import Places, StepIndex

HASH_BYTES = 16
_PROPERTIES, _TYPE, _MATERIAL, _CODE, _OPENING, _SHAPE, _PLACE, _WHOLE = range(8)
_ASSOCIATED = (
    (_PROPERTIES, ("IFCRELDEFINESBYPROPERTIES",)),
    (_MATERIAL, ("IFCRELASSOCIATESMATERIAL",)),
    (_CODE, ("IFCRELASSOCIATESCLASSIFICATION",)),
)
_SHAPES = ("IFCPRODUCTDEFINITIONSHAPE", "IFCPRODUCTREPRESENTATION")
_PLACEMENTS = ("IFCLOCALPLACEMENT", "IFCLINEARPLACEMENT", "IFCGRIDPLACEMENT")
_ROUND = frozenset(
    {
        "IFCCIRCLE",
        "IFCELLIPSE",
        "IFCCIRCLEPROFILEDEF",
        "IFCCIRCLEHOLLOWPROFILEDEF",
        "IFCELLIPSEPROFILEDEF",
        "IFCROUNDEDRECTANGLEPROFILEDEF",
        "IFCRECTANGLEHOLLOWPROFILEDEF",
        "IFCISHAPEPROFILEDEF",
        "IFCLSHAPEPROFILEDEF",
        "IFCTSHAPEPROFILEDEF",
        "IFCUSHAPEPROFILEDEF",
        "IFCCSHAPEPROFILEDEF",
        "IFCZSHAPEPROFILEDEF",
        "IFCASYMMETRICISHAPEPROFILEDEF",
        "IFCREVOLVEDAREASOLID",
        "IFCREVOLVEDAREASOLIDTAPERED",
        "IFCSWEPTDISKSOLID",
        "IFCSWEPTDISKSOLIDPOLYGONAL",
        "IFCSPHERE",
        "IFCRIGHTCIRCULARCYLINDER",
        "IFCRIGHTCIRCULARCONE",
        "IFCCYLINDRICALSURFACE",
        "IFCSURFACEOFREVOLUTION",
        "IFCBSPLINECURVEWITHKNOTS",
        "IFCRATIONALBSPLINECURVEWITHKNOTS",
        "IFCBSPLINESURFACEWITHKNOTS",
        "IFCRATIONALBSPLINESURFACEWITHKNOTS",
        "IFCBEZIERCURVE",
        "IFCSECTIONEDSOLIDHORIZONTAL",
    }
)
"""Types the sure kernel divides by their radius, the fast one by a fixed number."""
NO_SHAPE = np.zeros(2, np.uint64)


def model_salt(placement: Placement) -> bytes:
    """What all objects of a model share: where it lies, and what reads it."""
    return json.dumps([READER_VERSION, asdict(placement)], sort_keys=True).encode()


def source_hashes(index: StepIndex, hashes: Hashes, tree: Tree) -> Hashes:
    """The hash by place of what each object is made of, without the tree above it; shape (n, 2)."""
    total = hashes.copy()
    for role, names in _ASSOCIATED:
        _add(total, pairs_of(index, *names), hashes, role)
    types = total.copy()
    _add(total, pairs_of(index, "IFCRELDEFINESBYTYPE"), types, _TYPE)
    _add(total, _turned(pairs_of(index, "IFCRELVOIDSELEMENT")), hashes, _OPENING)
    _add_openings_above(total, index, hashes, tree)
    return mixed(total)


def element_hash(base: NDArray[np.uint64], salt: bytes, about: Iterable[object]) -> bytes:
    """The hash of one object: its own, that of the model, and where it is in the tree."""
    digest = hashlib.blake2b(salt, digest_size=HASH_BYTES)
    digest.update(base.tobytes())
    digest.update(repr(tuple(about)).encode("utf-8", "replace"))
    return digest.digest()


def shape_keys(index: StepIndex, hashes: Hashes, tree: Tree) -> Hashes:
    """The key by place of the shape of each object; zero where it has none. Shape (n, 2)."""
    shapes, placements = _reference(index, _SHAPES), _reference(index, _PLACEMENTS)
    keys = np.zeros_like(hashes)
    shaped = shapes >= 0
    keys[shaped] = salted(hashes[shapes[shaped]], _SHAPE)
    linear = shaped & (placements >= 0)
    linear[linear] = index.kinds[placements[linear]] != _kind(index, "IFCLOCALPLACEMENT")
    keys[linear] += salted(hashes[np.flatnonzero(linear)], _WHOLE)
    _add(keys, pairs_of(index, "IFCRELASSOCIATESMATERIAL"), hashes, _MATERIAL)
    materials = np.zeros_like(hashes)
    _add(materials, pairs_of(index, "IFCRELASSOCIATESMATERIAL"), hashes, _MATERIAL)
    _add(keys, pairs_of(index, "IFCRELDEFINESBYTYPE"), materials, _TYPE)
    for opening, host in tree.hosts.items():
        for part in (host, *_parts_below(tree, host)):
            keys[part] += _opening_key(index, hashes, opening, part, shapes, placements)
    keys[~shaped] = NO_SHAPE
    return keys


def curved(index: StepIndex, tree: Tree) -> NDArray[np.bool_]:
    """Which statements have round shapes somewhere below, openings counted with what they cut; by place."""
    found = np.isin(index.kinds, [kind for kind, name in enumerate(index.names) if name in _ROUND])
    for place in index.of("IFCINDEXEDPOLYCURVE").tolist():
        found[place] |= b"IFCARCINDEX" in index.text(place).upper()
    sources = np.repeat(np.arange(len(index)), np.diff(index.first))
    good = index.targets >= 0
    sources, targets = sources[good], index.targets[good]
    while True:
        reached = found[targets] & ~found[sources]
        if not reached.any():
            break
        found[sources[reached]] = True
    for opening, host in tree.hosts.items():
        found[[host, *_parts_below(tree, host)]] |= found[opening]
    return found


def _opening_key(
    index: StepIndex, hashes: Hashes, opening: int, host: int, shapes: Places, placements: Places
) -> NDArray[np.uint64]:
    """An opening as it cuts its host: by its place relative to the host where it is given so."""
    if shapes[opening] < 0 or placements[opening] < 0 or placements[host] < 0:
        return salted(hashes[opening], _OPENING)
    references = index.refs(int(placements[opening])).tolist()
    shape = hashes[shapes[opening]]
    if len(references) == 2 and references[0] == placements[host] and references[1] >= 0:
        return salted(shape + salted(hashes[references[1]], _PLACE), _OPENING)
    both = salted(hashes[placements[opening]], _PLACE) + salted(hashes[placements[host]], _WHOLE)
    return salted(shape + both, _OPENING)


def _parts_below(tree: Tree, host: int) -> list[int]:
    """The parts that an opening of the whole cuts too."""
    return tree.parts.get(host, [])


def _add_openings_above(total: Hashes, index: StepIndex, hashes: Hashes, tree: Tree) -> None:
    for opening, host in tree.hosts.items():
        for part in _parts_below(tree, host):
            total[part] += salted(hashes[opening], _OPENING)


def _add(total: Hashes, pairs: Pairs, hashes: Hashes, role: int) -> None:
    if len(pairs.related):
        np.add.at(total, pairs.related, salted(hashes[pairs.relating], role))


def _turned(pairs: Pairs) -> Pairs:
    return Pairs(pairs.statements, pairs.related, pairs.relating)


def _reference(index: StepIndex, names: tuple[str, ...]) -> Places:
    """The first reference of each statement to one of some types; -1 where there is none."""
    wanted = np.isin(index.kinds, [kind for kind, name in enumerate(index.names) if name in names])
    good = (index.targets >= 0) & wanted[index.targets]
    sources = np.repeat(np.arange(len(index)), np.diff(index.first))[good]
    found = np.full(len(index), -1, np.int64)
    found[sources[::-1]] = index.targets[good][::-1]
    return found


def _kind(index: StepIndex, name: str) -> int:
    return index.names.index(name) if name in index.names else -1
