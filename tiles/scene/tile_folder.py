"""The folder that a whole tileset is written to."""

from dataclasses import dataclass
from pathlib import Path

from tiles.compression import compressed


@dataclass(frozen=True, slots=True)
class TileFolder:
    """Tiles by zoom, column and row below ``path``; ``gzipped`` ones are for servers that say so of them."""

    path: Path
    gzipped: bool

    def put(self, place: tuple[int, int, int], glb: bytes) -> int:
        """Write one tile; how many bytes it takes."""
        z, x, y = place
        column = self.path / str(z) / str(x)
        column.mkdir(parents=True, exist_ok=True)
        return (column / f"{y}.glb").write_bytes(compressed(glb) if self.gzipped else glb)
