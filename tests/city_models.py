"""Short ways to import city models in tests, and a small one of them."""

from pathlib import Path

from cim.model.imports import ImportReport
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

NO_CATALOG = Catalog({}, (), {}, {})


async def load(database: Database, path: Path, layer: str | None = None, **options: object) -> ImportReport:
    """Import a city model; one report."""
    request = ImportRequest(path, "test", "administrator", layer, options=ReadOptions(trust_file=True, **options))  # type: ignore[arg-type]
    (report,) = await import_file(database, NO_CATALOG, request)
    return report
