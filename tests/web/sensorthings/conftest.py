"""A served application without layers, and entities made over HTTP."""

from collections.abc import AsyncIterator

import pytest
from entities import Service
from serving import Served, serving

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from layers.catalog import Catalog


@pytest.fixture
async def served(urls: DatabaseUrls, catalog: Catalog, files: FileStore) -> AsyncIterator[Served]:
    """The application over an empty database, and a client for every role."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    async with serving(database, catalog, files) as application:
        yield application


@pytest.fixture
def service(served: Served) -> Service:
    """The service as a technician uses it."""
    return Service(served.technician)
