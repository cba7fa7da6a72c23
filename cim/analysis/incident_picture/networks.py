"""Pipelines, roads, waters and flash-flood zones: how much of them lies in each band."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cim.analysis.context import Features
from cim.analysis.incident_picture.reader import Reader
from cim.analysis.incident_picture.zones import Zones, areas_m2, lengths_m
from cim.analysis.overlay import Floats, Shapes
from cim.analysis.reaching import taken
from cim.model.analysis import Title

LEAST = {"m": 0.01, "m2": 0.01}


@dataclass(frozen=True, slots=True)
class Network:
    """A layer that is measured: by which fields it is summed, what is measured, and the fields of each feature."""

    layer: str
    title: Title
    by: tuple[str, ...]
    unit: str
    more: tuple[str, ...] = ()


NETWORKS = (
    Network("pipelines", Title("管线", "Pipelines"), ("class", "owner"), "m"),
    Network("roads", Title("道路", "Roads"), ("class",), "m", ("name",)),
    Network("water", Title("水系", "Waters"), ("class", "name"), "m2"),
    Network("flash_flood_zones", Title("山洪危险区", "Flash-flood zones"), ("name", "level", "people"), "m2"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """The features of a network in the zones, and how much of each lies in each band."""

    network: Network
    features: Features
    inside: Floats
    known: bool

    def total(self, band: int | None = None) -> float | None:
        """How much lies in a band, or in all of them; None where that is not known."""
        if not self.known:
            return None
        return float(self.inside.sum() if band is None else self.inside[:, band].sum())

    def groups(self) -> list[tuple[tuple[Any, ...], Floats, int]]:
        """For each group of the fields: its values, how much lies in each band, and how many features, most first."""
        columns = [self.features.columns[name] for name in self.network.by]
        found: dict[tuple[Any, ...], list[int]] = {}
        for number, values in enumerate(zip(*columns, strict=True)):
            found.setdefault(values, []).append(number)
        rows = [(values, self.inside[numbers].sum(axis=0), len(numbers)) for values, numbers in found.items()]
        return sorted(rows, key=lambda row: -float(row[1].sum()))


async def networks(reader: Reader) -> Sequence[Measured]:
    """Every network, cut by the zones."""
    read = [(network, await reader.near(network.layer, (*network.by, *network.more))) for network in NETWORKS]
    cut = await asyncio.to_thread(_cut, reader.zones, read)
    return [
        Measured(network, features, inside, not reader.lacking(network.layer))
        for (network, _), (features, inside) in zip(read, cut, strict=True)
    ]


def _cut(zones: Zones, read: Sequence[tuple[Network, Features]]) -> list[tuple[Features, Floats]]:
    measures: dict[str, Callable[[Shapes], Floats]] = {"m": lengths_m, "m2": areas_m2}
    found = []
    for network, features in read:
        inside = zones.shares(zones.on_plane(features.shapes), measures[network.unit])
        kept = np.flatnonzero(inside.sum(axis=1) > LEAST[network.unit])
        found.append((taken(features, kept), inside[kept]))
    return found
