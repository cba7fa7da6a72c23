"""OpenStreetMap extracts become roads, buildings and places, whatever the order of their nodes."""

from pathlib import Path

import pytest
import shapely

from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.sandbox import open_source
from importers.shapes import Target

XML = """<?xml version="1.0"?>
<osm version="0.6">
 <node id="9" lat="30.99" lon="103.95" version="1"/>
 <node id="2" lat="30.99" lon="103.96" version="1"/>
 <node id="3" lat="31.00" lon="103.96" version="1"/>
 <node id="4" lat="31.00" lon="103.95" version="1"/>
 <node id="5" lat="31.01" lon="103.97" version="1"><tag k="amenity" v="hospital"/><tag k="name" v="人民医院"/></node>
 <node id="6" lat="31.02" lon="103.97" version="1"><tag k="natural" v="tree"/></node>
 <way id="1" version="1"><nd ref="9"/><nd ref="2"/><nd ref="3"/>
  <tag k="highway" v="primary"/><tag k="name" v="金彭大道"/><tag k="oneway" v="yes"/></way>
 <way id="2" version="1"><nd ref="9"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="9"/>
  <tag k="building" v="yes"/><tag k="building:levels" v="6"/></way>
 <way id="3" version="1"><nd ref="9"/><nd ref="3"/><tag k="waterway" v="ditch"/></way>
</osm>
"""


def test_the_three_layers_of_an_extract(tmp_path: Path) -> None:
    path = tmp_path / "a.osm"
    path.write_text(XML, "utf-8")
    with open_source(path, ReadOptions(trust_file=True)) as source:
        layers = {layer.name: layer for layer in source.inspection.layers}
        assert {name: layer.feature_count for name, layer in layers.items()} == {
            "roads": 1,
            "buildings": 1,
            "places": 1,
        }
        assert layers["roads"].problems[0].code == "features-left-out"
        target = Target("MultiPolygon", 4326, None)
        (batch,) = source.batches(layers["buildings"], target)
        row = batch.to_pylist()[0]
        assert row["building_levels"] == "6"
        assert shapely.from_wkb(row[GEOMETRY_COLUMN]).area == pytest.approx(1e-4)
        (road,) = [r for b in source.batches(layers["roads"], Target("LineString", 4326, None)) for r in b.to_pylist()]
        assert (road["name"], road["oneway"]) == ("金彭大道", "yes")


def test_a_real_extract(real_data: Path) -> None:
    with open_source(real_data / "gis" / "Helsinki.osm.pbf", ReadOptions(trust_file=True)) as source:
        counts = {layer.name: layer.feature_count for layer in source.inspection.layers}
    assert 433 <= counts["buildings"] <= 620
    assert 2500 <= counts["roads"] <= 2650
    assert counts["places"] > 1000
