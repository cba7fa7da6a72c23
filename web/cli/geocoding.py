"""cim geocode: a table of addresses to a table with their places and how well each was found."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cim.errors import BadRequest, NotFound
from cim.model.geocoding import Answer, MatchGrade
from cim.policy.policy import readable
from cim.store.collections import all_collections
from cim.store.database import run
from cim.store.identities import principal_for_role
from web.cli.opening import ROLE, opened, the_catalog
from web.cli.options import DataDir
from web.geocoding import MOST_ADDRESSES, Geocoder
from web.geocoding_answers import COLUMNS, GRADES, cells, csv_text, summary
from web.geocoding_tables import AddressTable, plain_cell, table_of_csv, table_of_workbook
from web.settings import ServerSettings

WORKBOOK = ".xlsx"


def geocode(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX with a header row.")],
    column: Annotated[str | None, typer.Option(help="Column of the addresses; address or 地址 when left out.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV or XLSX to write; FILE.geocoded.csv when left out.")
    ] = None,
    role: Annotated[str, typer.Option("--as", help="The role whose view is searched.")] = ROLE,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    data: DataDir = None,
) -> None:
    """Find the addresses of a table: grade, score, matched address and position behind its own columns."""
    if not source.is_file():
        raise NotFound(f"there is no file {source}", where="FILE", remedy="name a CSV or XLSX file")
    table = _read(source, column)
    if not table.rows:
        raise BadRequest("the table has no rows", where=source.name, remedy="add a row for each address")
    target = out or source.with_name(f"{source.stem}.geocoded.csv")
    _check_target(target, overwrite=overwrite)
    answers = run(_find(table.texts, role, data))
    _write(target, table, answers)
    typer.echo(str(target))
    _print(answers)


def _check_target(target: Path, *, overwrite: bool) -> None:
    if target.suffix.lower() not in {".csv", WORKBOOK}:
        raise BadRequest(
            f"{target.name} is neither CSV nor XLSX", where="--out", remedy="end its name in .csv or .xlsx"
        )
    if target.exists() and not overwrite:
        raise BadRequest(f"{target} is there already", where="--out", remedy="give --overwrite, or another name")


def _read(source: Path, column: str | None) -> AddressTable:
    if source.suffix.lower() == WORKBOOK:
        return table_of_workbook(source, column)
    return table_of_csv(source.read_bytes(), column, where=source.name)


async def _find(texts: list[str], role: str, data: Path | None) -> list[Answer]:
    catalog = the_catalog(ServerSettings())
    async with opened(data) as (_, database):
        async with database.writing("cli") as connection:
            principal = await principal_for_role(connection, role)
            decisions = readable(principal, (await all_collections(connection)).values())
        geocoder = Geocoder(database, catalog)
        answers: list[Answer] = []
        for at in range(0, len(texts), MOST_ADDRESSES):
            answers += await geocoder.find(principal, decisions, texts[at : at + MOST_ADDRESSES], "geocode")
        return answers


def _write(target: Path, table: AddressTable, answers: list[Answer]) -> None:
    if target.suffix.lower() != WORKBOOK:
        target.write_text(csv_text(table.header, table.rows, answers), "utf-8", newline="")
        return
    import openpyxl  # noqa: PLC0415 - for workbooks only

    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet("geocoded")
    sheet.append([plain_cell(name) for name in (*table.header, *COLUMNS.values())])
    for row, answer in zip(table.rows, answers, strict=True):
        sheet.append([plain_cell(value) for value in (*row, *cells(answer))])
    book.save(target)


def _print(answers: list[Answer]) -> None:
    told = summary(answers)
    table = Table("匹配级别 grade", "", "addresses", "share")
    for grade in MatchGrade:
        count = told["grades"][str(grade)]
        table.add_row(str(grade), GRADES[grade], str(count), f"{count / told['count']:.1%}")
    Console().print(table)
    typer.echo(f"{told['count']} addresses, {told['ambiguous']} of them with equals 多解")
