"""Checks of the county's parcels: 1 000 seeded faults of every kind are found, the clean layer raises no alarm.

Faults lie on parcels of their own, chosen at random away from each other. Kinds that would bring about another kind are
in a delivery of their own: a parcel moved away leaves a gap, a doubled one overlaps its twin.
"""

import asyncio
import dataclasses
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
from shapely.affinity import translate

from benchmarks.county import county_folder, layer_file
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.store.cluster import Cluster
from cim.store.database import Database
from cim.store.migrating import migrate
from cim.store.runs import faults_of
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog, load_catalog

FAULTS = 1_000
Change = Callable[[Any], Any]
VALUES: dict[str, tuple[str, Change]] = {
    "codes": ("DLBM", lambda old: "9999"),
    "code-name DLMC": ("DLMC", lambda old: "无此地类"),
    "pattern BSM": ("BSM", lambda old: f"?{old[1:]}"),
    "range KCXS": ("KCXS", lambda old: 0.9),
    "declared-area TBMJ": ("TBMJ", lambda old: old * 1.01),
}
DELIVERIES = (
    (*VALUES, "duplicates", "slivers", "inside"),
    ("overlaps", "gaps"),
)


def measure(county: Path | None, _rounds: int) -> dict[str, object]:
    """Found of seeded for each kind, alarms on the clean layer, and the seconds of each import."""
    path = layer_file(county_folder(county), "land_status")
    folder = Path(tempfile.mkdtemp(prefix="cimb-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with Cluster(folder / "d", durable=False) as logins:
            migrate(logins.owner_url)
            return asyncio.run(_measure(Database(logins.reader_url, logins.writer_url), path, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(database: Database, path: Path, folder: Path) -> dict[str, object]:
    catalog = _warning(load_catalog())
    await _import(database, catalog, path.parent / "admin_county.geojson", "admin_county")
    frame = geopandas.read_file(path, encoding="GBK")
    clean, _, took = await _import(database, catalog, path, "land_status")
    seconds, found, named = {"clean": took}, {}, {}
    for number, kinds in enumerate(DELIVERIES):
        spoilt, rows = _spoilt(frame, kinds, np.random.default_rng(number))
        delivery = folder / f"delivery_{number}.gpkg"
        spoilt.to_file(delivery)
        counts, faults, seconds[", ".join(kinds)] = await _import(database, catalog, delivery, "land_status")
        for kind in kinds:
            found[kind] = counts[kind]
            hit = {row for rule, row in faults if rule == kind}
            named[kind] = len(hit & rows[kind]) if rows[kind] else None
    await database.close()
    complete = all(count == FAULTS for count in found.values())
    return {
        "what": "county parcels with 1 000 seeded faults of each kind",
        "parcels": len(frame),
        "seeded_of_each_kind": FAULTS,
        "found": found,
        "rows_named_among_those_kept": named,
        "alarms_on_the_clean_layer": sum(clean.values()),
        "seconds": seconds,
        "reached": complete and not any(clean.values()),
    }


def _warning(catalog: Catalog) -> Catalog:
    """The catalogue with every rule of the parcels only warning, so that no check hides what another finds."""
    held = catalog.layers["land_status"]
    rules = tuple(rule.model_copy(update={"action": "warn"}) for rule in held.quality)
    definition = held.model_copy(update={"quality": rules})
    return dataclasses.replace(catalog, layers={**catalog.layers, "land_status": definition})


async def _import(
    database: Database, catalog: Catalog, path: Path, layer: str
) -> tuple[dict[str, int], list[tuple[str, int]], float]:
    """Counts by rule, (rule, row) of the faults kept, and seconds."""
    request = ImportRequest(path, "b", "administrator", layer, options=ReadOptions(trust_file=True))
    begun = time.perf_counter()
    (report,) = await import_file(database, catalog, request)
    took = time.perf_counter() - begun
    if report.status not in {"published", "unchanged"}:
        raise RuntimeError(f"{layer}: {report.status} {report.message}")
    async with database.writing() as connection:
        faults = await faults_of(connection, report.run, 1_000_000)
    counts = {check.rule: check.count for check in report.checks}
    return counts, [(fault["rule"], fault["row"]) for fault in faults], round(took, 1)


def _spoilt(
    frame: geopandas.GeoDataFrame, kinds: tuple[str, ...], rng: np.random.Generator
) -> tuple[geopandas.GeoDataFrame, dict[str, set[int]]]:
    """A copy with faults of the kinds, and the rows (from 1) each kind should be told of; empty where either of two."""
    out = frame.copy()
    shapes = out.geometry.to_numpy().copy()
    places = _apart(shapes, FAULTS * len(kinds), rng)
    added: list[geopandas.GeoDataFrame] = []
    rows: dict[str, set[int]] = {}
    count = len(frame)
    for number, kind in enumerate(kinds):
        at = places[number * FAULTS : (number + 1) * FAULTS]
        rows[kind] = {int(row) + 1 for row in at}
        if kind in VALUES:
            field, change = VALUES[kind]
            out.loc[at, field] = [change(value) for value in out.loc[at, field]]
        elif kind in {"duplicates", "slivers"}:
            extra = shapes[at] if kind == "duplicates" else np.array([_strip(shape) for shape in shapes[at]])
            if kind == "slivers":
                shapes[at] = shapely.difference(shapes[at], extra)
            codes = [f"5101829{kind[0].upper()}{place:07d}" for place in at]
            added.append(out.loc[at].assign(BSM=codes).set_geometry(list(extra), crs=out.crs))
            rows[kind] = set(range(count + 1, count + FAULTS + 1))
            count += FAULTS
        else:
            shapes[at] = [_MOVED[kind](shape) for shape in shapes[at]]
            rows[kind] = rows[kind] if kind == "inside" else set()
    whole = pd.concat([out.set_geometry(list(shapes), crs=out.crs), *added], ignore_index=True)
    return _measured(whole, rows.get("declared-area TBMJ", set())), rows


def _measured(frame: geopandas.GeoDataFrame, but: set[int]) -> geopandas.GeoDataFrame:
    """Declared areas as the shapes now have them, except in the rows whose area is the fault."""
    areas = np.round(ellipsoidal_areas_m2(frame.to_crs(4490).geometry.to_numpy()), 2)
    kept = [row - 1 for row in but]
    areas[kept] = frame["TBMJ"].to_numpy()[kept]
    return frame.assign(TBMJ=areas)


def _apart(shapes: Any, count: int, rng: np.random.Generator) -> Any:
    """Rows of roundish parcels that do not touch one another and have neighbours on every side."""
    area = shapely.area(shapes)
    round_enough = 4 * np.pi * area / shapely.length(shapes) ** 2 > 0.5
    tree = shapely.STRtree(shapes)
    taken = np.zeros(len(shapes), dtype=bool)
    chosen: list[int] = []
    for place in rng.permutation(np.flatnonzero(round_enough & (area > 400) & (area < 20_000))):
        if taken[place]:
            continue
        near = tree.query(shapes[place], predicate="intersects")
        around = shapely.union_all(shapes[near])
        if not taken[near].any() and shapely.covers(around, shapely.buffer(shapes[place], 0.5)):
            chosen.append(int(place))
            taken[near] = True
            if len(chosen) == count:
                return np.array(chosen)
    raise RuntimeError(f"only {len(chosen)} places for {count} faults")


def _inner(shape: Any) -> tuple[float, float]:
    point = shapely.point_on_surface(shape)
    return float(point.x), float(point.y)


def _strip(shape: Any) -> Any:
    x, y = _inner(shape)
    return shapely.intersection(shapely.box(x, y, x + 0.02, y + 2), shape)


def _hole(shape: Any) -> Any:
    x, y = _inner(shape)
    return shapely.difference(shape, shapely.box(x, y, x + 1, y + 1))


def _bulge(shape: Any) -> Any:
    """A parcel that reaches a little over the middle of its longest side."""
    ring = shapely.get_coordinates(shapely.get_exterior_ring(shapely.get_parts(shape)[0]))
    sides = np.hypot(*np.diff(ring, axis=0).T)
    longest = int(sides.argmax())
    middle = (ring[longest] + ring[longest + 1]) / 2
    return shapely.union(shape, shapely.buffer(shapely.Point(middle), 0.3))


_MOVED: dict[str, Change] = {
    "inside": lambda shape: translate(shape, 500_000.0, 0.0),
    "gaps": _hole,
    "overlaps": _bulge,
}
