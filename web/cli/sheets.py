"""cim sheet: a map sheet as a PDF or PNG file."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cim.errors import BadRequest
from cim.store.database import run
from cim.store.deployment import Deployment, open_deployment
from tiles.sheet_job import Language, SheetForm
from tiles.sheet_scale import ZONES
from tiles.sheet_words import DEFAULT_DPI, SheetOrder
from web.cli.opening import ROLE
from web.cli.options import DataDir
from web.cli.reading import existing
from web.cli.seeding import role_principal, server_state
from web.parameters import parse_crs
from web.sheets import given_box, ordered_sheet, the_template
from web.state import Caller

FORMS: dict[str, SheetForm] = {".pdf": "pdf", ".png": "png"}
LANGUAGES: dict[str, Language] = {"zh": "zh", "en": "en"}


def sheet(
    template: Annotated[str, typer.Argument(help="Id of a template, for example land-status.")],
    bbox: Annotated[str, typer.Option("--bbox", help="west,south,east,north in degrees; its middle is the sheet's.")],
    target: Annotated[Path, typer.Option("--out", help="File to write, .pdf or .png.")],
    scale: Annotated[int | None, typer.Option(help="Denominator; else the largest standard scale that fits.")] = None,
    crs: Annotated[str | None, typer.Option(help="CGCS2000 three-degree zone, for example EPSG:4544.")] = None,
    title: Annotated[str, typer.Option(help="Title in place of the template's.")] = "",
    text: Annotated[list[str] | None, typer.Option("--text", help="NAME=TEXT of the template's values.")] = None,
    overlay: Annotated[Path | None, typer.Option(help="GeoJSON file drawn on top, a red line for example.")] = None,
    dpi: Annotated[int, typer.Option(help="Points to the inch of a PNG.")] = DEFAULT_DPI,
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    role: Annotated[str, typer.Option("--as", help="Role whose view is drawn.")] = ROLE,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    data: DataDir = None,
) -> None:
    """Draw a map sheet of layers, with title, legend, scale bar, coordinates and editions."""
    form = _form(target, overwrite)
    if language not in LANGUAGES:
        raise BadRequest(f"{language!r} is not offered", where="--language", remedy="zh or en")
    box = given_box(bbox, "--bbox")
    zone = parse_crs(crs, frozenset(ZONES), "--crs") if crs else None
    texts, shapes = _texts(text or []), _shapes(overlay)

    async def work(deployment: Deployment) -> bytes:
        async with server_state(deployment, cached=False) as state:
            who = Caller(state, await role_principal(state.database, role), "cli", "")
            chosen = the_template(who, template)
            order = SheetOrder(chosen, box, scale, zone, title, texts, shapes, form, dpi, LANGUAGES[language])
            return await ordered_sheet(who, order)

    with open_deployment(data) as deployment:
        deployment.migrate()
        content = run(work(deployment))
    target.write_bytes(content)
    typer.echo(f"{target}: {len(content) / 1e6:.1f} MB")


def _form(target: Path, overwrite: bool) -> SheetForm:
    form = FORMS.get(target.suffix.lower())
    if form is None:
        raise BadRequest(f"{target.name} is neither .pdf nor .png", where="--out", remedy="name the file so")
    if target.exists() and not overwrite:
        raise BadRequest("the file is there already", where=str(target), remedy="name another, or use --overwrite")
    if not target.parent.is_dir():
        raise BadRequest("the folder does not exist", where=str(target.parent), remedy="make it first")
    return form


def _texts(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for name, equals, _ in pairs:
        if not equals:
            raise BadRequest(f"{name[:60]!r} is no NAME=TEXT", where="--text", remedy='for example "unit=规划局"')
    return {name: text for name, _, text in pairs}


def _shapes(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(existing(path).read_text("utf-8"))
    except (ValueError, OSError):
        raise BadRequest(
            "this is no GeoJSON file", where=path.name, remedy="give one in longitude and latitude"
        ) from None
