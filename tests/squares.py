"""A small catalogue of two layers, ``squares`` and ``hidden``, and a server with three features of each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from clones import Clones
from publishing import publish_rows, schema, square
from serving import Served, serving

from cim.model.access import Grade
from cim.store.database import Database
from cim.store.files import FileStore
from layers.catalog import Catalog, load_catalog
from layers.search_index import index_behind

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


def squares_catalog(folder: Path) -> Catalog:
    """Layers ``squares`` (public, its height internal) and ``hidden`` (restricted), written to a folder."""
    (folder / "definitions").mkdir(parents=True)
    (folder / "themes.toml").write_text(
        '[[theme]]\nid = "base"\ntitle = { zh = "基础", en = "Base" }\norder = 1\n', "utf-8"
    )
    for name, grade, secret in (("squares", "public", 'grade = "internal"'), ("hidden", "restricted", "")):
        text = DEFINITION.format(id=name, grade=grade, secret=secret)
        (folder / "definitions" / f"{name}.toml").write_text(text, "utf-8")
    return load_catalog([folder])


async def publish_squares(database: Database) -> None:
    """Two layers with the same three squares around the seat."""
    rows = [(f"{name}栋", 10.0 * n, square(103.95 + n / 100, 30.98)) for n, name in enumerate("甲乙丙", 1)]
    graded = schema("squares")
    fields = (graded.fields[0], type(graded.fields[1])("height_m", "double", Grade.INTERNAL))
    graded = type(graded)("squares", "Polygon", 4490, fields, "code")
    await publish_rows(database, rows, layer=graded, grade=Grade.PUBLIC)
    await publish_rows(database, rows, layer=schema("hidden"), grade=Grade.RESTRICTED)


@asynccontextmanager
async def serving_squares(
    database: Database, catalog: Catalog, files: FileStore, *, follows: bool = False
) -> AsyncIterator[Served]:
    """The application with the two layers, found by search, and a client for every role."""
    await publish_squares(database)
    await index_behind(database, catalog)
    async with serving(database, catalog, files, follows=follows) as application:
        yield application


@asynccontextmanager
async def squares_apart(clones: Clones, folder: Path) -> AsyncIterator[Served]:
    """``serving_squares`` over a database of its own, in a folder of its own, for several tests."""
    (folder / "files").mkdir()
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        catalog = squares_catalog(folder / "layers")
        async with serving_squares(database, catalog, FileStore(folder / "files")) as application:
            yield application
