"""What an inspection says beyond layers and fields: the height datum and the time span of a delivery."""

from pathlib import Path

import geopandas
import pandas as pd
import pyogrio
import pytest
from shapely.geometry import Point

from importers.importer import ReadOptions
from importers.inspection import LayerInspection
from importers.sandbox import open_source


def inspected(path: Path) -> LayerInspection:
    with open_source(path, ReadOptions(trust_file=True)) as source:
        return source.inspection.layers[0]


def test_the_time_span_and_the_height_datum_are_told(tmp_path: Path) -> None:
    days = pd.to_datetime(["2024-05-01T08:00", None, "2023-01-07T09:30"])
    points = [Point(103.9, 31, 600), Point(103.9, 31.1, 601), Point(104, 31, 602)]
    frame = geopandas.GeoDataFrame({"checked": days}, geometry=points, crs="EPSG:4490+5737")
    path = tmp_path / "wells.gpkg"
    pyogrio.write_dataframe(frame, path)
    layer = inspected(path)
    assert layer.time_span == ("2023-01-07T09:30:00+00:00", "2024-05-01T08:00:00+00:00")
    assert layer.srid == 4490
    assert layer.height_datum == "EPSG:5737"


def test_a_layer_without_either_says_none(tmp_path: Path) -> None:
    path = tmp_path / "plain.geojson"
    geopandas.GeoDataFrame({"name": ["a"]}, geometry=[Point(103.9, 31)], crs=4326).to_file(path)
    layer = inspected(path)
    assert (layer.time_span, layer.height_datum) == (None, None)


@pytest.mark.parametrize("name", ["earthquakes.csv", "countries.fgb"])
def test_real_files_without_times_have_no_span(real_data: Path, name: str) -> None:
    assert inspected(real_data / "gis" / name).height_datum is None
