"""The house: package names, licence to upload, migrations equal to the tables, no outside addresses in the viewer."""

import re
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cim.store import incident_tables, warning_tables
from cim.store.cluster_logins import Logins

ROOT = Path(__file__).parents[1]


def test_no_other_distribution_owns_our_package_names() -> None:
    owners = packages_distributions()
    for name in ("cim", "tiles", "importers", "layers", "web"):
        assert set(owners.get(name, [])) <= {"onemap-cim"}, name


def test_the_project_cannot_be_uploaded_by_mistake() -> None:
    assert "Private :: Do Not Upload" in (ROOT / "pyproject.toml").read_text("utf-8")


def test_lock_files_name_no_host() -> None:
    for name in (
        "requirements.lock",
        "requirements-dev.lock",
        "requirements-setup.lock",
        "web/viewer/package-lock.json",
    ):
        path = ROOT / name
        if path.exists():
            assert not re.search(r'"resolved"|--index-url|--extra-index-url|@ https?://', path.read_text("utf-8")), name


def test_no_sql_crashes_the_database_when_it_is_cancelled() -> None:
    """See docs/decisions/0019-what-postgis-may-be-interrupted-in.md."""
    for package in ("cim", "importers", "layers", "tiles", "web"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            assert not re.search(r"ST_Subdivide|ST_MakeValid\((?!.*'method=structure')", text), path


def test_migrations_make_the_tables_the_code_knows(logins: Logins) -> None:
    metadata = incident_tables.metadata
    assert warning_tables.metadata is metadata
    engine = sa.create_engine(logins.owner_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "version_table_schema": "cim",
                "include_name": lambda name, kind, _: name == "cim" if kind == "schema" else True,
            },
        )
        found = compare_metadata(context, metadata)
    engine.dispose()
    assert [change for change in found if not _known_otherwise(change)] == []


def _known_otherwise(change: tuple[Any, ...]) -> bool:
    """Whether a difference is alembic's own table, or a key into a schema whose tables are listed elsewhere."""
    if change[0] == "remove_fk":
        return all(key.target_fullname.startswith("sensing.") for key in change[1].elements)
    return change[0] == "remove_table" and change[1].name == "alembic_version"


@pytest.mark.parametrize("page", ["README.md", "docs"])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    start = ROOT / page
    files = [start] if start.is_file() else sorted(start.rglob("*.md"))
    for file in files:
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text("utf-8")):
            assert (file.parent / target).exists(), f"{file.name}: {target}"
