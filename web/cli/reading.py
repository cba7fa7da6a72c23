"""Options of the verbs that read files, and what they mean for the importers."""

import math
from pathlib import Path
from typing import Annotated

import typer

from cim.errors import BadRequest

Crs = Annotated[str | None, typer.Option("--crs", help="Coordinate system of the file, for example EPSG:4523.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Text encoding of the file, for example GB18030.")]
HeightDatum = Annotated[
    str | None, typer.Option("--height-datum", help="Height system: 1985, egm96, ellipsoidal, local or EPSG:CODE.")
]
Place = Annotated[
    str | None,
    typer.Option("--place", "--at", help="Where a mesh (GLB, OBJ, 3D Tiles) stands: LON,LAT[,HEIGHT[,HEADING]]."),
]
Timezone = Annotated[
    str | None, typer.Option("--timezone", help="Of moments in a series without one: +08:00 or Asia/Shanghai.")
]
TrustFile = Annotated[
    bool,
    typer.Option("--trust-file", help="Read the file although this machine cannot cut the reader off the network."),
]


def place_of(text: str | None) -> tuple[float, float, float, float] | None:
    """Longitude, latitude, height and heading; BadRequest when the text is none of it."""
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    lon, lat, height_m, heading_deg = [*numbers, *[0.0] * 4][:4]
    if not 2 <= len(numbers) <= 4 or not (abs(lon) <= 180 and abs(lat) < 90 and math.isfinite(height_m + heading_deg)):
        raise BadRequest(
            f"{text!r} is no place", where="--place", remedy="write LON,LAT,HEIGHT,HEADING: 103.95,30.98,560,0"
        )
    return lon, lat, height_m, heading_deg


def existing(path: Path) -> Path:
    """The path, when there is something at it; BadRequest (exit 2) otherwise."""
    if not path.exists():
        raise BadRequest("there is no such file or folder", where=str(path), remedy="check the path")
    return path
