"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option("--data", envvar="CIM_DATA", help="Data folder; not used with CIM_DATABASE_URL.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
LayerId = Annotated[str, typer.Argument(help="Layer id, see `cim layers`.")]
