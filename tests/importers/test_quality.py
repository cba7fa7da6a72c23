"""Checks find every seeded fault of every kind, name its row, and find nothing in a clean delivery."""

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
import sqlalchemy as sa

from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.imports import CheckResult, ImportReport
from cim.store.database import Database
from cim.store.runs import faults_of
from importers.importer import ReadOptions
from importers.quality.editions import best_edition
from importers.quality.shapes import Coverage, duplicates, slivers
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog, load_catalog
from layers.definition import LayerDefinition
from layers.quality import QualityRule

SIDE_M = 100.0
COLUMNS, ROWS = 40, 30
WEST, SOUTH = 35_400_000.0, 3_430_000.0
FAULTS = 20


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def tiling() -> geopandas.GeoDataFrame:
    """Parcels of a hectare tiling a rectangle, with the fields of the survey and their true ellipsoidal areas."""
    x, y = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    west, south = WEST + x.ravel() * SIDE_M, SOUTH + y.ravel() * SIDE_M
    count = COLUMNS * ROWS
    frame = geopandas.GeoDataFrame(
        {
            "BSM": [f"510182{n:08d}" for n in range(count)],
            "TBBH": [f"{n}" for n in range(count)],
            "DLBM": ["0101"] * count,
            "DLMC": ["水田"] * count,
            "KCXS": [0.1] * count,
        },
        geometry=shapely.box(west, south, west + SIDE_M, south + SIDE_M),
        crs=4523,
    )
    return measured(frame)


def measured(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    return frame.assign(TBMJ=np.round(ellipsoidal_areas_m2(frame.to_crs(4490).geometry.to_numpy()), 2))


def ruled(catalog: Catalog, *rules: QualityRule) -> Catalog:
    definition = catalog.layers["land_status"].model_copy(update={"quality": rules})
    return dataclasses.replace(catalog, layers={**catalog.layers, "land_status": definition})


async def load(database: Database, catalog: Catalog, frame: geopandas.GeoDataFrame, folder: Path) -> ImportReport:
    path = folder / "land_status.gpkg"
    path.unlink(missing_ok=True)
    frame.to_file(path)
    request = ImportRequest(path, "test", "technician", "land_status", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, catalog, request)
    return report


def counts(report: ImportReport) -> dict[str, int]:
    return {check.rule: check.count for check in report.checks}


def spoil(frame: geopandas.GeoDataFrame, kind: str, at: np.ndarray) -> geopandas.GeoDataFrame:
    """A copy with faults of one kind in the given rows; they lie apart, so that none hides another."""
    out = frame.copy()
    if kind in ATTRIBUTES:
        field, change = ATTRIBUTES[kind]
        out.loc[at, field] = change(out.loc[at, field])
        return out
    shapes = out.geometry.to_numpy().copy()
    if kind in MOVED:
        shapes[at] = [MOVED[kind](shape) for shape in shapes[at]]
        return measured(out.set_geometry(shapes, crs=4523))
    if kind == "duplicates":
        added = [shapely.Polygon(np.roll(shapely.get_coordinates(shape)[:-1], 2, axis=0)) for shape in shapes[at]]
    else:
        added = [shapely.box(s.bounds[0], s.bounds[1], s.bounds[0] + 0.01, s.bounds[3]) for s in shapes[at]]
        shapes[at] = shapely.difference(shapes[at], added)
    extra = out.loc[at].assign(BSM=[f"5101829{n:07d}" for n in at]).set_geometry(added, crs=4523)
    return measured(geopandas.pd.concat([out.set_geometry(shapes, crs=4523), extra], ignore_index=True))


def notched(shape: shapely.Polygon) -> shapely.Geometry:
    west, south = shape.bounds[:2]
    return shape.difference(shapely.box(west, south + 40, west + 3, south + 60))


def widened(shape: shapely.Polygon) -> shapely.Geometry:
    west, south, east, north = shape.bounds
    return shapely.box(west, south, east + 2.0, north)


ATTRIBUTES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "codes": ("DLBM", lambda values: ["9999"] * len(values)),
    "code-name DLMC": ("DLMC", lambda values: ["旱地"] * len(values)),
    "pattern BSM": ("BSM", lambda values: [f"?{n}" for n in range(len(values))]),
    "range KCXS": ("KCXS", lambda values: 0.9),
    "declared-area TBMJ": ("TBMJ", lambda values: values * 1.01),
}
MOVED: dict[str, Callable[[Any], shapely.Geometry]] = {
    "overlaps": widened,
    "gaps": notched,
    "inside": lambda shape: shapely.affinity.translate(shape, 500_000.0, 0.0),
}
KINDS = [
    "codes",
    "code-name DLMC",
    "pattern BSM",
    "range KCXS",
    "declared-area TBMJ",
    "duplicates",
    "slivers",
    "overlaps",
    "gaps",
    "inside",
]


def seeds() -> np.ndarray:
    """Rows two apart in both directions, off the rim."""
    places = [y * COLUMNS + x for y in range(2, ROWS - 2, 3) for x in range(2, COLUMNS - 2, 3)]
    return np.random.default_rng(4).choice(places, FAULTS, replace=False)


async def region(database: Database) -> None:
    """A county somewhat larger than the tiling."""
    west, south = WEST - 50, SOUTH - 50
    box = shapely.box(west, south, west + COLUMNS * SIDE_M + 100, south + ROWS * SIDE_M + 100)
    async with database.writing() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO cim.region (code, level, name, geom) VALUES ('510182', 'county', 'x',"
                " ST_Multi(ST_Transform(ST_GeomFromText(:wkt, 4523), 4490)))"
            ),
            {"wkt": box.wkt},
        )


async def test_a_clean_delivery_raises_no_alarm(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    await region(database)
    report = await load(database, catalog, tiling(), tmp_path)
    assert report.status == "published"
    assert set(KINDS) <= set(counts(report))
    assert set(counts(report).values()) == {0}
    assert all(check.examined == COLUMNS * ROWS for check in report.checks)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_seeded_fault_is_found_and_named(
    database: Database, catalog: Catalog, tmp_path: Path, kind: str
) -> None:
    await region(database)
    at = seeds()
    report = await load(database, catalog, spoil(tiling(), kind, at), tmp_path)
    assert counts(report)[kind] == FAULTS
    assert report.read == report.loaded + len(report.rejected) + report.skipped
    async with database.writing() as connection:
        faults = [fault for fault in await faults_of(connection, report.run, 10_000) if fault["rule"] == kind]
    assert len(faults) == FAULTS
    rows = {fault["row"] for fault in faults}
    if kind in {"duplicates", "slivers"}:
        assert rows == set(range(COLUMNS * ROWS + 1, COLUMNS * ROWS + FAULTS + 1))
    elif kind == "overlaps":
        assert all("overlaps row" in fault["message"] for fault in faults)
    elif kind != "gaps":
        assert rows == {int(row) + 1 for row in at}
    assert all(fault["geometry"] for fault in faults)


async def test_actions_set_aside_repair_refuse_or_only_warn(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    frame = spoil(tiling(), "code-name DLMC", seeds())
    rule = QualityRule(check="code-name", field="DLMC", of="DLBM", action="refuse")
    refused = await load(database, ruled(catalog, rule), frame, tmp_path)
    assert (refused.status, refused.findings[0].code) == ("refused", "quality")
    assert counts(refused) == {"code-name DLMC": FAULTS}
    aside = await load(database, ruled(catalog, rule.model_copy(update={"action": "quarantine"})), frame, tmp_path)
    assert (aside.status, len(aside.rejected), aside.loaded) == ("partial", FAULTS, len(frame) - FAULTS)
    warned = await load(database, ruled(catalog, rule.model_copy(update={"action": "warn"})), frame, tmp_path)
    assert (warned.status, warned.loaded) == ("published", len(frame))
    repaired = await load(database, ruled(catalog, rule.model_copy(update={"action": "repair"})), frame, tmp_path)
    assert (repaired.loaded, len(repaired.repaired)) == (len(frame), FAULTS)
    async with database.writing() as connection:
        names = (await connection.execute(sa.text('SELECT DISTINCT "DLMC" FROM city.land_status'))).scalars().all()
    assert names == ["水田"]


async def test_equal_shapes_are_left_out_where_the_rule_says_so(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    frame = spoil(tiling(), "duplicates", seeds())
    report = await load(database, ruled(catalog, QualityRule(check="duplicates", action="repair")), frame, tmp_path)
    assert (report.loaded, report.skipped, len(report.repaired)) == (COLUMNS * ROWS, FAULTS, FAULTS)


async def test_rows_are_named_as_in_the_file_after_others_were_set_aside(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    frame = tiling()
    frame.loc[[0, 7, 500], "DLBM"] = "9999"
    frame.loc[600, "TBBH"] = "599"
    rules = (
        QualityRule(check="codes", action="quarantine"),
        QualityRule(check="unique", field="TBBH", action="quarantine"),
    )
    report = await load(database, ruled(catalog, *rules), frame, tmp_path)
    assert [row.row for row in report.rejected] == [1, 8, 501, 601]
    assert "already in row 600" in report.rejected[-1].reason


EDITIONS = ("third-survey", "gbt-21010-2017")


@pytest.mark.parametrize(
    ("most", "read", "odd", "other"),
    [
        ("05H1", "third-survey (TD/T 1055-2019", "0501", "it is of gbt-21010-2017 (GB/T 21010-2017)"),
        ("0501", "gbt-21010-2017 (GB/T 21010-2017)", "05H1", "it is of third-survey (TD/T 1055-2019"),
    ],
)
async def test_codes_are_read_in_the_edition_that_explains_most_rows(
    database: Database, catalog: Catalog, tmp_path: Path, most: str, read: str, odd: str, other: str
) -> None:
    frame = tiling()
    frame.loc[20:, "DLBM"] = most
    frame.loc[[3, 900], "DLBM"] = odd
    frame.loc[7, "DLBM"] = "9999"
    rule = QualityRule(check="codes", field="DLBM", editions=EDITIONS, action="quarantine")
    report = await load(database, ruled(catalog, rule), frame, tmp_path)
    (check,) = report.checks
    assert (check.rule, check.examined, check.count) == ("codes DLBM", COLUMNS * ROWS, 3)
    assert check.note.startswith(f"read as {read}")
    assert f"{COLUMNS * ROWS - 3} of {COLUMNS * ROWS} values" in check.note
    assert [row.row for row in report.rejected] == [4, 8, 901]
    assert all(other in report.rejected[n].reason for n in (0, 2))
    assert "nor does another edition" in report.rejected[1].reason
    async with database.writing() as connection:
        faults = await faults_of(connection, report.run, 10)
    assert [fault["row"] for fault in faults] == [4, 8, 901]
    assert all(fault["geometry"] for fault in faults)


def test_of_editions_that_explain_as_much_the_first_named_is_taken(catalog: Catalog) -> None:
    lists = {name: catalog.codes[name] for name in EDITIONS}
    tied = best_edition(lists, {"0404": 5, None: 9, "05H1": 1, "0501": 1, "x": 2})
    assert tied.name == "third-survey"
    assert "6 of 9 values" in tied.note
    assert set(tied.foreign) == {"0501", "x"}


async def test_a_field_with_a_rule_of_its_own_is_left_out_of_the_general_one(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    frame = tiling()
    frame["DLBM"] = "0501"
    frame.loc[5, "QSXZ"] = "99"
    rules = (
        QualityRule(check="codes"),
        QualityRule(check="codes", field="DLBM", editions=EDITIONS),
        QualityRule(check="code-name", field="DLMC", of="DLBM", editions=EDITIONS),
    )
    frame.loc[3, "DLMC"] = "零售商业用地"
    report = await load(database, ruled(catalog, *rules), frame, tmp_path)
    assert counts(report) == {"codes": 1, "codes DLBM": 0, "code-name DLMC": COLUMNS * ROWS - 1}


async def test_a_name_may_be_that_of_any_edition(database: Database, catalog: Catalog, tmp_path: Path) -> None:
    frame = tiling().assign(DLBM="2302", DLMC="田坎")
    frame.loc[3, "DLMC"] = "后备耕地"
    frame.loc[4, "DLMC"] = "水田"
    editions = ("land-and-sea-use", "land-and-sea-use-2020")
    rule = QualityRule(check="code-name", field="DLMC", of="DLBM", editions=editions)
    report = await load(database, ruled(catalog, rule), frame, tmp_path)
    assert counts(report) == {"code-name DLMC": 1}


async def test_values_of_tables_without_shapes_are_checked_too(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    rules = (
        QualityRule(check="codes", field="DLBM", editions=EDITIONS, action="quarantine"),
        QualityRule(check="unique", field="TBBH"),
        QualityRule(check="slivers", least=1.0),
    )
    changed = ruled(catalog, *rules)
    parcels = changed.layers["land_status"]
    fields = tuple(field for field in parcels.fields if field.name in {"BSM", "TBBH", "DLBM"})
    table = parcels.model_copy(update={"geometry": "none", "fields": fields})
    changed = dataclasses.replace(changed, layers={**changed.layers, "land_status": table})
    path = tmp_path / "land_status.csv"
    rows = ("a,1,0101", "b,1,05H1", "c,2,0501", "d,3,05H1")
    path.write_text("BSM,TBBH,DLBM\n" + "\n".join(rows), "utf-8")
    request = ImportRequest(path, "test", "technician", "land_status", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, changed, request)
    assert report.status == "partial", report.message
    assert counts(report) == {"codes DLBM": 1, "unique TBBH": 1, "slivers": 0}
    assert [row.row for row in report.rejected] == [3]


async def test_completeness_compares_with_the_region_and_says_when_it_cannot(
    database: Database, catalog: Catalog, tmp_path: Path
) -> None:
    rule = QualityRule(check="completeness", tolerance=0.10)
    (unmade,) = (await load(database, ruled(catalog, rule), tiling(), tmp_path)).checks
    assert "not loaded" in unmade.note
    await region(database)
    (whole,) = (await load(database, ruled(catalog, rule), tiling(), tmp_path)).checks
    assert whole.count == 0
    (half,) = (await load(database, ruled(catalog, rule), tiling().iloc[:600], tmp_path)).checks
    assert isinstance(half, CheckResult)
    assert half.count == 1
    assert "km2" in half.note


def test_a_polygon_wholly_inside_another_overlaps_it() -> None:
    shapes = np.array([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100), shapely.box(40, 40, 50, 50)])
    found = [(a, b, shared.area) for a, b, shared in Coverage(shapes).overlaps(0.01)]
    assert found == [(0, 2, 100.0)]


def test_a_vertex_only_one_side_has_is_neither_gap_nor_overlap() -> None:
    left = shapely.Polygon([(0, 0), (10, 0), (10, 4), (10, 10), (0, 10)])
    shapes = np.array([left, shapely.box(10, 0, 20, 10)])
    coverage = Coverage(shapes)
    assert list(coverage.overlaps(0.01)) == []
    assert list(coverage.gaps(0.01)) == []


def test_slivers_by_size_and_by_thinness() -> None:
    shapes = np.array([shapely.box(0, 0, 10, 10), shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1000, 1)])
    assert slivers(shapes, 2.0, None).tolist() == [False, True, False]
    assert slivers(shapes, None, 0.05).tolist() == [False, False, True]


def test_duplicates_wherever_their_rings_begin() -> None:
    square = shapely.box(0, 0, 1, 1)
    turned = shapely.Polygon([(0, 1), (0, 0), (1, 0), (1, 1)])
    assert list(duplicates(np.array([square, shapely.box(5, 5, 6, 6), turned]))) == [(0, 2)]


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"check": "gaps", "action": "quarantine"}, "whole layer"),
        ({"check": "range", "field": "KCXS"}, "least or most"),
        ({"check": "codes", "action": "repair"}, "cannot be repaired"),
        ({"check": "pattern", "field": "BSM"}, "needs a pattern"),
        ({"check": "unique", "field": "BSM", "editions": ["third-survey"]}, "knows no editions"),
        ({"check": "codes", "editions": ["third-survey"]}, "of one field"),
        (
            {"check": "code-name", "field": "DLMC", "of": "DLBM", "action": "repair", "editions": ["third-survey"]},
            "several editions",
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(rule: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        QualityRule.model_validate(rule)


def test_rules_may_only_name_fields_that_exist(catalog: Catalog) -> None:
    definition = catalog.layers["land_status"].model_dump()
    with pytest.raises(ValueError, match="not defined"):
        LayerDefinition.model_validate({**definition, "quality": [{"check": "unique", "field": "NOPE"}]})


def test_declared_areas_are_in_a_unit_of_area(catalog: Catalog) -> None:
    definition = catalog.layers["land_status"].model_dump()
    rule = {"check": "declared-area", "field": "KCXS"}
    fields = [{**field, "unit": "m"} if field["name"] == "KCXS" else field for field in definition["fields"]]
    with pytest.raises(ValueError, match="no unit of area"):
        LayerDefinition.model_validate({**definition, "fields": fields, "quality": [rule]})


@pytest.mark.parametrize(("unit", "square_metres"), [("hm²", 1e4), ("km²", 1e6), ("亩", 2000 / 3)])
async def test_areas_are_compared_in_the_unit_of_their_field(
    database: Database, catalog: Catalog, tmp_path: Path, unit: str, square_metres: float
) -> None:
    frame = tiling()
    frame["TBMJ"] /= square_metres
    frame.loc[7, "TBMJ"] *= 1.02
    changed = ruled(catalog, QualityRule(check="declared-area", field="TBMJ"))
    parcels = changed.layers["land_status"]
    fields = tuple(f.model_copy(update={"unit": unit}) if f.name == "TBMJ" else f for f in parcels.fields)
    layers = {**changed.layers, "land_status": parcels.model_copy(update={"fields": fields})}
    report = await load(database, dataclasses.replace(changed, layers=layers), frame, tmp_path)
    assert counts(report) == {"declared-area TBMJ": 1}


def test_areas_of_the_survey_add_up() -> None:
    cells = np.array([shapely.segmentize(shapely.box(103.9 + n / 100, 30.9, 103.91 + n / 100, 30.91), 0.001)
                      for n in range(4)])  # fmt: skip
    areas = ellipsoidal_areas_m2(cells)
    whole = ellipsoidal_areas_m2(np.array([shapely.segmentize(shapely.box(103.9, 30.9, 103.94, 30.91), 0.001)]))
    assert areas.sum() == pytest.approx(whole[0], rel=1e-9)
    assert Counter(np.round(areas, 2)).most_common(1)[0][1] == 4
