"""A served application over the test's own database, with a small catalogue of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from clones import Clones
from publishing import publish_rows, schema, square
from serving import Served, serving

from cim.model.access import Grade
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from importers.sandbox import network_isolation
from layers.catalog import Catalog, load_catalog
from layers.search_index import index_behind
from web.settings import ServerSettings

UNDULATION_M = -39.5
DEFINITION = """
id = "{id}"
title = {{ zh = "方块", en = "Squares" }}
category = "spatio-temporal-base"
theme = "base"
grade = "{grade}"
geometry = "Polygon"
key = "code"
title_field = "code"
search = ["code"]
kind = {{ zh = "方块", en = "square" }}
attribution = "合成数据"
[tiles]
fields = ["code", "height_m"]
[[fields]]
name = "code"
type = "text"
title = {{ zh = "编码", en = "Code" }}
[[fields]]
name = "height_m"
type = "double"
title = {{ zh = "高度", en = "Height" }}
unit = "m"
{secret}
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Layers ``squares`` (public, its height internal) and ``hidden`` (restricted)."""
    folder = tmp_path / "layers"
    (folder / "definitions").mkdir(parents=True)
    (folder / "themes.toml").write_text(
        '[[theme]]\nid = "base"\ntitle = { zh = "基础", en = "Base" }\norder = 1\n', "utf-8"
    )
    for name, grade, secret in (("squares", "public", 'grade = "internal"'), ("hidden", "restricted", "")):
        text = DEFINITION.format(id=name, grade=grade, secret=secret)
        (folder / "definitions" / f"{name}.toml").write_text(text, "utf-8")
    return load_catalog([folder])


@pytest.fixture
async def city(clones: Clones, tmp_path: Path) -> AsyncIterator[Served]:
    """A server that knows its undulation, over an empty database and a folder for files of its own."""
    (tmp_path / "files").mkdir()
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        settings = ServerSettings(undulation_m=UNDULATION_M)
        async with serving(database, load_catalog(), FileStore(tmp_path / "files"), settings) as application:
            yield application


@pytest.fixture(scope="session")
def uploads_work() -> None:
    """Skip where strangers' files cannot be read, as nothing keeps their reader from the network."""
    if not network_isolation().isolated:
        pytest.skip("no network namespace here: uploads are refused on this machine, which another test asserts")


@pytest.fixture
async def served(urls: DatabaseUrls, catalog: Catalog, files: FileStore) -> AsyncIterator[Served]:
    """The application with two layers of three features each, and a client for every role."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    await fill(database)
    await index_behind(database, catalog)
    async with serving(database, catalog, files) as application:
        yield application


async def fill(database: Database) -> None:
    """Two layers with the same three squares around the seat."""
    rows = [(f"{name}栋", 10.0 * n, square(103.95 + n / 100, 30.98)) for n, name in enumerate("甲乙丙", 1)]
    graded = schema("squares")
    fields = (graded.fields[0], type(graded.fields[1])("height_m", "double", Grade.INTERNAL))
    graded = type(graded)("squares", "Polygon", 4490, fields, "code")
    await publish_rows(database, rows, layer=graded, grade=Grade.PUBLIC)
    await publish_rows(database, rows, layer=schema("hidden"), grade=Grade.RESTRICTED)
