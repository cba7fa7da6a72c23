from types import SimpleNamespace

import pytest

from layers.catalog import load_catalog
from web.cli import samples


@pytest.mark.parametrize(
    ("layer", "geometry", "format_"), [("hospital", "model", "IFC"), ("lod2_block", "city", "CityJSON")]
)
def test_models_wait_until_something_reads_them(
    monkeypatch: pytest.MonkeyPatch, layer: str, geometry: str, format_: str
) -> None:
    entry, catalog = {"layer": layer, "geometry": geometry, "format": format_}, load_catalog()
    monkeypatch.setattr(samples, "IMPORTERS", ())
    assert not samples._taken(entry, catalog)
    monkeypatch.setattr(samples, "IMPORTERS", (SimpleNamespace(name=format_),))
    assert samples._taken(entry, catalog)


def test_layers_are_taken_by_the_catalogue() -> None:
    catalog = load_catalog()
    assert samples._taken({"layer": "buildings", "geometry": "Polygon", "format": "GPKG"}, catalog)
    assert not samples._taken({"layer": "unknown", "geometry": "Polygon", "format": "GPKG"}, catalog)
