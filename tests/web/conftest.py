"""A served application over the test's own database, with a small catalogue of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from clones import Clones
from serving import Served, serving
from squares import serving_squares, squares_apart, squares_catalog

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from importers.sandbox import network_isolation
from layers.catalog import Catalog, load_catalog
from web.settings import ServerSettings

UNDULATION_M = -39.5


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Layers ``squares`` (public, its height internal) and ``hidden`` (restricted)."""
    return squares_catalog(tmp_path / "layers")


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
    async with serving_squares(database, catalog, files) as application:
        yield application


@pytest.fixture
async def following(urls: DatabaseUrls, catalog: Catalog, files: FileStore) -> AsyncIterator[Served]:
    """A server like ``served`` that keeps the content of low zooms up to date by itself."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    async with serving_squares(database, catalog, files, follows=True) as application:
        yield application


@pytest.fixture(scope="session")
async def shared(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A server like ``served`` for all tests that change nothing: its three squares stay what they are."""
    async with squares_apart(clones, tmp_path_factory.mktemp("shared")) as application:
        yield application
