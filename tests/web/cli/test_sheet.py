"""cim sheet writes a sheet as the role sees it, and refuses before it draws."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sheet_letters import letters
from typer.testing import CliRunner

from cim.errors import CimError
from cim.store.cluster import Cluster
from web.cli.main import app

BOX = ("--bbox", "103.94,30.97,103.97,31.0")


def cim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def city() -> Iterator[Path]:
    """A data folder with towns, which are public."""
    folder = Path("/tmp") / f"cims-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    source = Path(__file__).parents[3] / "data_samples" / "small" / "admin_town.geojson"
    with Cluster(folder / "city", durable=False):
        done = cim("import", source, "--layer", "admin_town", "--trust-file", "--data", folder / "city")
        assert done.exit_code == 0, done.output
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_sheet_is_written_and_not_overwritten(city: Path) -> None:
    target, line = city / "plan.pdf", city / "line.geojson"
    ring = [[103.95, 30.98], [103.96, 30.98], [103.96, 30.99], [103.95, 30.98]]
    line.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}), "utf-8")
    order = ("sheet", "plan", *BOX, "--out", target, "--title", "红线图", "--text", "unit=某局", "--overlay", line)
    order = (*order, "--as", "anonymous", "--data", city / "city")
    done = cim(*order)
    assert done.exit_code == 0, done.output
    assert set("红线图某局乡镇级界未绘出详细规划地块项目用地") <= set(letters(target.read_bytes()))
    again = cim(*order)
    assert isinstance(again.exception, CimError)
    assert again.exception.where == str(target)
    assert cim(*order, "--overwrite", "--scale", "25000").exit_code == 0


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("plan", *BOX, "--out", "a.jpg"), "--out"),
        (("plan", *BOX, "--out", "/absent/a.pdf"), "/absent"),
        (("plan", "--bbox", "1,2", "--out", "a.pdf"), "--bbox"),
        (("plan", *BOX, "--out", "a.pdf", "--text", "unit"), "--text"),
        (("plan", *BOX, "--out", "a.pdf", "--overlay", "/absent.json"), "/absent.json"),
        (("plan", *BOX, "--out", "a.pdf", "--crs", "EPSG:3857"), "--crs"),
        (("plan", *BOX, "--out", "a.pdf", "--language", "fr"), "--language"),
        (("nothing", *BOX, "--out", "a.pdf"), "template"),
        (("land-status", *BOX, "--out", "a.pdf", "--text", "nothing=x"), "texts"),
        (("land-status", *BOX, "--out", "a.pdf", "--as", "king"), "--as"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_nothing_is_written(
    city: Path, words: tuple[str, ...], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(city)
    done = cim("sheet", *words, "--data", city / "city")
    assert isinstance(done.exception, CimError), done.output
    assert done.exception.where == where
    assert not list(city.glob("a.*"))
