"""The ground a set covers: that of its finest tiles, or of coarser ones where these are too many."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import shapely

from importers.tilesets.volumes import Volume, footprint, heights_of

MOST_VOLUMES = 4_000


@dataclass(slots=True)
class Outlining:
    """Volumes of tiles by depth, as long as a depth has no more than can be drawn; leaves apart."""

    by_depth: dict[int, list[Volume]] = field(default_factory=dict)
    leaves: dict[int, list[Volume]] = field(default_factory=dict)
    overfull: int = 1_000_000

    def take(self, depth: int, volume: Volume, *, leaf: bool) -> None:
        """Add the volume of a tile."""
        if depth >= self.overfull:
            return
        held = self.by_depth.setdefault(depth, [])
        if len(held) >= MOST_VOLUMES:
            self.overfull = depth
            return
        held.append(volume)
        if leaf:
            self.leaves.setdefault(depth, []).append(volume)

    def outline(self) -> shapely.MultiPolygon | None:
        """The ground in degrees; None where no tile lies on the Earth."""
        parts: list[Any] = [footprint(volume) for volume in self._chosen() if volume.on_earth]
        whole = shapely.union_all([part for part in parts if part.geom_type == "Polygon"])
        polygons = [part for part in shapely.get_parts(shapely.make_valid(whole)) if part.geom_type == "Polygon"]
        return shapely.MultiPolygon(polygons) if polygons else None

    def height_range(self) -> tuple[float, float] | None:
        """The lowest and highest height of those tiles, in metres as the set counts them."""
        ranges = [heights_of(volume) for volume in self._chosen() if volume.on_earth]
        return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None

    def _chosen(self) -> Iterator[Volume]:
        depths = [depth for depth in self.by_depth if depth < self.overfull]
        if not depths:
            return
        deepest = max(depths)
        yield from self.by_depth[deepest]
        for depth in depths:
            if depth < deepest:
                yield from self.leaves.get(depth, [])
