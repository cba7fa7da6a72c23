"""cim layers: what layers there are."""

import json

import typer
from rich.console import Console
from rich.table import Table

from cim.store.collections import all_collections, all_models
from cim.store.database import run
from web.cli.opening import opened, the_catalog
from web.cli.options import AsJson, DataDir
from web.settings import ServerSettings


def layers(data: DataDir = None, as_json: AsJson = False) -> None:
    """List the layers: version, features, grade."""
    run(_layers(data, as_json))


async def _layers(data: DataDir, as_json: bool) -> None:
    catalog = the_catalog(ServerSettings())
    async with opened(data) as (_, database), database.writing("cli") as connection:
        found = {**await all_collections(connection), **await all_models(connection)}
    rows = [
        {
            "layer": c.id,
            "title": catalog.layers[c.id].title.zh if c.id in catalog.layers else "",
            "version": c.version,
            "features": c.feature_count,
            "geometry": c.schema.geometry,
            "crs": f"EPSG:{c.schema.srid}",
            "grade": str(c.grade),
        }
        for c in found.values()
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table(*("layer", "title", "version", "features", "geometry", "crs", "grade"))
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)
