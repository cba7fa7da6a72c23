"""cim inspect: told first, nothing written."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from importers.importer import ReadOptions
from importers.inspection import Inspection
from importers.sandbox import open_source
from web.cli.options import AsJson
from web.cli.reading import Crs, Encoding, HeightDatum, Place, Timezone, TrustFile, existing, place_of


def inspect(
    path: Annotated[Path, typer.Argument(help="File or folder to look at.")],
    as_json: AsJson = False,
    crs: Crs = None,
    encoding: Encoding = None,
    height_datum: HeightDatum = None,
    place: Place = None,
    timezone: Timezone = None,
    trust_file: TrustFile = False,
) -> None:
    """Say what a file holds, what would load, what not, and why."""
    options = ReadOptions(crs, encoding, False, trust_file, height_datum, place_of(place), timezone)
    with open_source(existing(path), options) as source:
        inspection = source.inspection
    if as_json:
        typer.echo(inspection.to_json())
    else:
        _print(inspection)
    if not inspection.readable:
        raise typer.Exit(1)


def _print(inspection: Inspection) -> None:
    typer.echo(f"{inspection.driver}")
    document = json.loads(inspection.to_json())
    for layer in document["layers"]:
        typer.echo(f"\n{layer['name']}: {layer['feature_count']} x {layer['geometry_type']}")
        typer.echo(f"  crs       {layer['crs']} ({layer['crs_evidence']})")
        typer.echo(f"  encoding  {layer['encoding']}")
        if layer["height_datum"]:
            typer.echo(f"  heights   {layer['height_datum']}")
        if layer["time_span"]:
            typer.echo(f"  time      {' to '.join(layer['time_span'])}")
        typer.echo(f"  bbox      {layer['bbox']}")
        for field in layer["fields"]:
            typer.echo(f"  field     {field['name']}: {field['type']}")
        if layer["reads_as"]:
            _print_reading(layer["reads_as"])
        for problem in layer["problems"]:
            typer.echo(f"  !         {problem['code']} x {problem['count']}: {problem['message']}")


def _print_reading(found: dict[str, Any]) -> None:
    """What else the table could be imported as, and which of its columns would be what."""
    columns = ", ".join(f"{field} = {column}" for field, column in found["columns"].items())
    typer.echo(f"  reads as  {found['layer']} ({found['form']}), with --layer {found['layer']}: {columns}")
    for one in found.get("wide", ()):
        typer.echo(f"  column    {one['column']}: {one['property']} in {one['unit'] or 'the unit of its datastream'}")
