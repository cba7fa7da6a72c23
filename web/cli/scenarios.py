"""cim scenarios: what there are, what each holds, and letting one go; `cim import --scenario` fills them."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cim.model.scenarios import Scenario
from cim.store import audits
from cim.store.database import run
from cim.store.scenarios import all_scenarios, drop_scenario, the_scenario
from web.cli.opening import ROLE, opened, operator
from web.cli.options import AsJson, DataDir
from web.documents import scenario_document

app = typer.Typer(help="Scenarios: named changes over layers as they are published.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the scenario.")]


@app.command("list")
def list_scenarios(data: DataDir = None, as_json: AsJson = False) -> None:
    """List the scenarios with what each does to its layers."""

    async def work() -> list[Scenario]:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            return await all_scenarios(connection)

    _print(run(work()), as_json=as_json)


@app.command("show")
def show(name: Name, data: DataDir = None, as_json: AsJson = False) -> None:
    """Show one scenario."""

    async def work() -> Scenario:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            return await the_scenario(connection, name)

    _print([run(work())], as_json=as_json)


@app.command("drop")
def drop(name: Name, data: DataDir = None) -> None:
    """Remove a scenario with all it holds; published layers stay as they are."""

    async def work() -> Scenario:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            dropped = await drop_scenario(connection, name)
            detail = {"layers": sorted(dropped.layers)}
            await audits.record(
                connection, actor=operator(), role=ROLE, action="drop scenario", subject=name, detail=detail
            )
            return dropped

    dropped = run(work())
    typer.echo(f"{dropped.name}: dropped, it changed {', '.join(dropped.layers) or 'no layer'}")


def _print(scenarios: list[Scenario], *, as_json: bool) -> None:
    if as_json:
        documents = [scenario_document(scenario, scenario.layers.values()) for scenario in scenarios]
        typer.echo(json.dumps(documents, ensure_ascii=False, indent=1))
        return
    table = Table("scenario", "layer", "over", "added", "changed", "removed", "filled")
    for scenario in scenarios:
        for layer in scenario.layers.values():
            table.add_row(
                scenario.name,
                layer.layer,
                f"version {layer.version}" if layer.version else "current",
                str(layer.change.added),
                str(layer.change.changed),
                str(layer.change.removed),
                layer.updated_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            )
    Console().print(table)
