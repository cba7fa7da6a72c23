"""Options of the verbs that read files, and what they mean for the importers."""

from pathlib import Path
from typing import Annotated

import typer

from cim.errors import BadRequest

Crs = Annotated[str | None, typer.Option("--crs", help="Coordinate system of the file, for example EPSG:4523.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Text encoding of the file, for example GB18030.")]
HeightDatum = Annotated[
    str | None, typer.Option("--height-datum", help="Height system: 1985, egm96, ellipsoidal, local or EPSG:CODE.")
]
TrustFile = Annotated[
    bool,
    typer.Option("--trust-file", help="Read the file although this machine cannot cut the reader off the network."),
]


def existing(path: Path) -> Path:
    """The path, when there is something at it; BadRequest (exit 2) otherwise."""
    if not path.exists():
        raise BadRequest("there is no such file or folder", where=str(path), remedy="check the path")
    return path
