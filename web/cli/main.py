"""The console script ``cim``: one file per verb; exit 0 done, 1 refused or partly loaded, 2 wrong use."""

import sys
from collections.abc import Callable
from typing import Any

import typer

from cim.errors import BadRequest, CimError, NotFound
from cim.garbage import collect_seldom
from web.cli import (
    analysing,
    backing_up,
    doctor,
    exporting,
    gathering,
    geocoding,
    importing,
    inspecting,
    keys,
    layer_list,
    publishing,
    reporting,
    scenarios,
    seeding,
    serving,
    sheets,
    up,
    users,
    versions,
    working,
)

app = typer.Typer(
    name="cim",
    help="OneMap CIM: one city, one map. 城市信息模型平台 · 一张图",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
WRONG_USE = (BadRequest, NotFound)

_VERBS: dict[str, Callable[..., Any]] = {
    "up": up.up,
    "import": importing.import_files,
    "inspect": inspecting.inspect,
    "report": reporting.report,
    "layers": layer_list.layers,
    "history": versions.history,
    "diff": versions.diff,
    "rollback": versions.rollback,
    "prune": versions.prune,
    "lineage": versions.lineage,
    "publish": publishing.publish,
    "export": exporting.export,
    "analyse": analysing.analyse,
    "sheet": sheets.sheet,
    "geocode": geocoding.geocode,
    "seed": seeding.seed_tiles,
    "backup": backing_up.backup,
    "restore": backing_up.restore,
    "worker": working.worker,
    "doctor": doctor.doctor,
}
for _name, _verb in _VERBS.items():
    app.command(_name)(_verb)
app.add_typer(scenarios.app, name="scenarios")
app.command("serve", hidden=True)(serving.serve)
app.command("gather", hidden=True)(gathering.gather)
app.add_typer(users.app, name="user")
app.add_typer(keys.app, name="key")


def main() -> None:
    """Run the command line; an error on purpose is one line on standard error and an exit code."""
    collect_seldom()
    try:
        app()
    except CimError as error:
        sys.stderr.write(f"cim: {error}\n")
        sys.exit(2 if isinstance(error, WRONG_USE) else 1)


if __name__ == "__main__":
    main()
