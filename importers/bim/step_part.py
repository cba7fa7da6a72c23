"""A part of a STEP file as a file of its own: some statements with all they refer to, and relations cut to fit.

Lists of a relation are cut to what is in the part, so that one element can be read without the thousands it shares a
relation with.
"""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from importers.bim.step_hash import attached_places
from importers.bim.step_index import Places, StepIndex

HEAD = (
    "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('','',(''),(''),'','','');\n"
    "FILE_SCHEMA(('{}'));\nENDSEC;\nDATA;\n"
)
TAIL = b"\nENDSEC;\nEND-ISO-10303-21;\n"
_LIST = re.compile(rb"\(\s*#\d+(?:\s*,\s*#\d+)*\s*\)")
_REFERENCE = re.compile(rb"#(\d+)")


class Parts:
    """Writes parts of one file. ``always`` are places that belong to every part, such as the project."""

    def __init__(self, index: StepIndex, always: Iterable[int]) -> None:
        self._index = index
        adding, others = attached_places(index)
        order = np.argsort(others, kind="stable")
        self._adding, self._others = adding[order], others[order]
        self._always = np.fromiter(always, np.int64)

    def write(self, places: Collection[int], relations: Collection[int], path: Path) -> int:
        """Write the statements, all they refer to, and relations cut to these; returns the bytes.

        Of a relation only the one that relates is followed: its other references must be among ``places``.
        """
        index = self._index
        whole = self.closure(np.fromiter(places, np.int64, len(places)))
        cut = np.fromiter(relations, np.int64, len(relations))
        cut = cut[~whole[cut]]
        known = set(index.ids[whole].tolist())
        chosen = whole.copy()
        chosen[cut] = True
        lines = []
        is_cut = np.zeros(len(index), bool)
        is_cut[cut] = True
        data, ids, starts, ends = index.data, index.ids, index.starts, index.ends
        for place in np.flatnonzero(chosen).tolist():
            text = data[starts[place] : ends[place]]
            if is_cut[place]:
                text = _LIST.sub(lambda found: _shortened(found[0], known), text)
            lines.append(b"#%d=%b;" % (ids[place], text))
        body = HEAD.format(index.schema).encode() + b"\n".join(lines) + TAIL
        path.write_bytes(body)
        return len(body)

    def closure(self, places: Places) -> NDArray[np.bool_]:
        """Which statements are among these and those always needed, or are referred to, or add to one of these."""
        index = self._index
        inside = np.zeros(len(index), bool)
        frontier = np.unique(np.concatenate([places, self._always]))
        while len(frontier):
            inside[frontier] = True
            reached = np.concatenate([self._referred(frontier), self._added(frontier)])
            reached = np.unique(reached)
            frontier = reached[~inside[reached]] if len(reached) else reached
        return inside

    def _referred(self, places: Places) -> Places:
        first = self._index.first
        counts = first[places + 1] - first[places]
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        targets = self._index.targets[np.repeat(first[places], counts) + offsets].astype(np.int64)
        known: Places = targets[targets >= 0]
        return known

    def _added(self, places: Places) -> Places:
        low = np.searchsorted(self._others, places, "left")
        counts = np.searchsorted(self._others, places, "right") - low
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        added: Places = self._adding[np.repeat(low, counts) + offsets]
        return added


def _shortened(found: bytes, known: set[int]) -> bytes:
    return b"(" + b",".join(b"#" + number for number in _REFERENCE.findall(found) if int(number) in known) + b")"
