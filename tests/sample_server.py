"""A real server on a port of its own with some layers of the sample city, for programs that read it from outside."""

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from web.app import create_app
from web.cli.up import listen
from web.settings import ServerSettings
from web.state import ServerState

SAMPLES = Path(__file__).parents[1] / "data_samples" / "small"


@asynccontextmanager
async def sample_server(urls: DatabaseUrls, files: FileStore, names: Sequence[str]) -> AsyncIterator[str]:
    """The address of a server with these files of the sample; layers are named after them."""
    catalog = load_catalog()
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    for name in names:
        options = ReadOptions(crs="EPSG:4490" if name.endswith(".csv") else None, trust_file=True)
        request = ImportRequest(SAMPLES / name, "test", "administrator", name.split(".")[0], options=options)
        (report,) = await import_file(database, catalog, request)
        assert report.status == "published", report.message
    await database.close()
    listener = listen("127.0.0.1", 0)
    app = create_app(ServerState.build(ServerSettings(), Database(urls.reader_url, urls.writer_url), catalog, files))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, loop="asyncio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
