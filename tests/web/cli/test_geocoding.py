"""cim geocode: tables in CSV and Excel, where the answers stand, and what is refused before anything is written."""

import csv
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result
from sample_server import SAMPLES
from typer.testing import CliRunner

from cim.errors import BadRequest, NotFound
from cim.store.cluster import Cluster
from web.cli.main import app

ADDRESS = "彭州市天彭街道梨园路105号"
TRUTH = "A510182001"


def cim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder the database's account can reach."""
    folder = Path("/tmp") / f"cims-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def few_addresses(path: Path) -> Path:
    with (SAMPLES / "addresses.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row[2] in ("street", "梨园路")]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.mark.timeout(300)
def test_tables_in_and_out(place: Path) -> None:
    data = place / "city"
    with Cluster(data, durable=False):
        file = few_addresses(place / "addresses.csv")
        done = cim("import", file, "--crs", "EPSG:4490", "--trust-file", "--data", data)
        assert done.exit_code == 0, done.output
        people = place / "people.csv"
        people.write_bytes(f"户号,住址\r\n1,{ADDRESS}\r\n2,\r\n3,犁园路一百零五号\r\n".encode("gb18030"))
        done = cim("geocode", people, "--column", "住址", "--data", data)
        assert done.exit_code == 0, done.output
        assert "exact" in done.output
        assert "3 addresses" in done.output
        with (place / "people.geocoded.csv").open(encoding="utf-8-sig", newline="") as answered:
            header, *rows = csv.reader(answered)
        assert header[:3] == ["户号", "住址", "匹配级别 grade"]
        assert [row[0] for row in rows] == ["1", "2", "3"]
        assert [row[2] for row in rows] == ["门牌 exact", "未匹配 none", "门牌 exact"]
        assert rows[0][5].startswith(TRUTH)
        assert 103 < float(rows[0][7]) < 105

        book = openpyxl.Workbook()
        book.active.append(["编号", "地址"])
        book.active.append([7, ADDRESS])
        book.save(place / "people.xlsx")
        done = cim("geocode", place / "people.xlsx", "--out", place / "out.xlsx", "--data", data)
        assert done.exit_code == 0, done.output
        sheet = openpyxl.load_workbook(place / "out.xlsx").active
        assert sheet is not None
        values = [[cell.value for cell in row] for row in sheet.iter_rows()]
        assert values[1][:3] == ["7", ADDRESS, "门牌 exact"]
        assert values[1][3] == 1

        for arguments, error, word in (
            ((people,), BadRequest, "column"),
            ((people, "--column", "住址"), BadRequest, "overwrite"),
            ((people, "--column", "住址", "--out", place / "a.txt"), BadRequest, "CSV"),
            ((place / "none.csv",), NotFound, "no file"),
            ((people, "--column", "住址", "--overwrite", "--as", "nobody"), NotFound, "layer of addresses"),
        ):
            refused = cim("geocode", *arguments, "--data", data)
            assert isinstance(refused.exception, error), (arguments, refused.output)
            assert word in str(refused.exception)
        assert not (place / "a.txt").exists()
