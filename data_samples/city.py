"""The order in which the city is made, and which part of it each size holds in detail."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from data_samples import admin as admins
from data_samples import (
    block,
    buildings,
    business,
    business_records,
    changes,
    contacts,
    facilities,
    land,
    landmarks,
    parcels,
    people,
    plans,
    restrictions,
    rivers,
    roads,
    sensors,
    settlement,
    terrain,
    utilities,
)
from data_samples.bim.fire_station import write_fire_station
from data_samples.bim.hospital import write_hospital
from data_samples.devices import write_devices
from data_samples.place import COUNTY_CODE, COUNTY_NAME, COUNTY_NAME_EN, TOWNS
from data_samples.plane import Geometries, ellipsoidal_areas, point_array
from data_samples.write import Folder


@dataclass(frozen=True, slots=True)
class Size:
    """What is built in detail: village code prefixes, and densities.

    ``buildings`` caps their number; ``patches`` is how many changes were seen.
    """

    name: str
    prefixes: tuple[str, ...]
    buildings: int | None
    cameras: int
    lane_m: float
    farm_m: float
    field_m: float
    terrain_m: float
    dem_deg: float
    patches: int


SIZES = {
    "small": Size("small", ("510182001", "510182121001"), None, 700, 185.0, 250.0, 54.0, 120.0, 1 / 900, 60),
    "county": Size("county", ("510182",), 300_000, sensors.CAMERAS, 335.0, 50.0, 29.0, 120.0, 1 / 3600, 5000),
    "tiny": Size("tiny", ("510182001012",), None, 40, 185.0, 200.0, 34.0, 400.0, 1 / 300, 12),
}


def generate(size: Size, seed: int, out: Path) -> None:
    """Make the city and write every layer and the manifest into ``out``."""
    folder = Folder(out)
    streams = rivers.streams(seed)
    ground = terrain.build(streams, seed, size.terrain_m)
    admin = admins.build(seed)
    chosen = np.flatnonzero([code.startswith(size.prefixes) for code in admin.codes])
    area = shapely.coverage_union_all(admin.villages[chosen])
    surfaces = rivers.surfaces([s for s in streams if s.kind != "stream"])
    network, farms = _network(streams, surfaces, area, size, seed)
    blocks = settlement.blocks(network, seed + 5)
    houses = buildings.build(blocks, farms, network, surfaces, area, seed + 6)
    if size.buildings and len(houses.shapes) > size.buildings:
        keep = np.sort(np.random.default_rng(seed).permutation(len(houses.shapes))[: size.buildings])
        houses = houses.taken(keep)
    marks = landmarks.choose(houses)
    houses = landmarks.as_modelled(houses, marks)
    sites = facilities.Sites(admin, network, seed + 9)
    services = facilities.services(sites)
    stores = facilities.stores(facilities.Sites(admin, network, seed + 50))
    _write_admin(folder, admin)
    _write_water(folder, streams, surfaces, admin.county)
    _write_roads(folder, network)
    table, addresses = people.buildings(houses, admin, network, ground)
    landmarks.bind(marks, table, houses.centres, services, admin)
    _write_people(folder, houses, table, addresses, seed)
    _write_models(folder, houses, table, marks)
    farmland = _write_land(folder, admin, chosen, area, streams, surfaces, network, blocks, farms, ground, size, seed)
    _write_sites(folder, sites, services, admin, network, streams, ground, area, size, seed)
    folder.layer("supply_stores", "csv", *stores)
    folder.dem(ground, admin.county, size.dem_deg)
    folder.orthophoto(surfaces, network, houses, farmland, seed + 30)
    folder.device_list(write_devices(folder.path, seed + 40))
    folder.manifest(size.name, seed)


def _network(
    streams: list[rivers.Stream], surfaces: Geometries, area: shapely.Geometry, size: Size, seed: int
) -> tuple[roads.Roads, settlement.Clusters]:
    sources = roads.main_lines(streams, seed)
    roads.add_streets(sources, seed + 1)
    wide = [s.width.max() > 19 for s in streams if s.kind != "stream"]
    roads.add_lanes(sources, shapely.buffer(area, 150), surfaces[np.array(wide)], seed + 2, size.lane_m)
    roads.add_valley_lanes(sources, streams, seed + 3)
    roads.add_interchanges(sources)
    farms = settlement.clusters(sources, area, surfaces, seed + 4, size.farm_m)
    return roads.network(sources, seed), farms


def _write_admin(folder: Folder, admin: admins.Admin) -> None:
    county, towns = np.array([admin.county], dtype=object), admin.towns()
    km2 = [np.round(ellipsoidal_areas(shapes) / 1e6, 4) for shapes in (county, towns, admin.villages)]
    row = pd.DataFrame({"code": [COUNTY_CODE], "name": [COUNTY_NAME], "name_en": [COUNTY_NAME_EN], "area_km2": km2[0]})
    folder.layer("admin_county", "geojson", row, county)
    kinds = ["subdistrict" if t.is_subdistrict else "town" for t in TOWNS]
    columns = {
        "code": [t.code for t in TOWNS],
        "name": [t.name for t in TOWNS],
        "kind": kinds,
        "county_code": COUNTY_CODE,
    }
    folder.layer("admin_town", "geojson", pd.DataFrame({**columns, "area_km2": km2[1]}), towns)
    kinds = ["community" if name.endswith("社区") else "village" for name in admin.names]
    columns = {
        "code": admin.codes,
        "name": admin.names,
        "kind": kinds,
        "town_code": [c[:9] for c in admin.codes],
    }
    folder.layer("admin_village", "gpkg", pd.DataFrame({**columns, "area_km2": km2[2]}), admin.villages)


def _write_water(folder: Folder, streams: list[rivers.Stream], surfaces: Geometries, county: shapely.Geometry) -> None:
    shown = [s for s in streams if s.kind != "stream"]
    side = [s for s in streams if s.kind == "stream"]
    shapes = np.concatenate([surfaces, rivers.surfaces(side)])
    shown += side
    shapes = shapely.intersection(shapes, county, grid_size=0.01)
    keep = np.flatnonzero(np.isin(shapely.get_type_id(shapes), (3, 6)) & (shapely.area(shapes) > 20))
    of = [shown[k] for k in keep]
    table = pd.DataFrame(
        {
            "water_code": [f"W{n:04d}" for n in range(1, len(of) + 1)],
            "name": [s.name for s in of],
            "class": [s.kind for s in of],
            "level": np.array([1 if s.name == "湔江" else 3 if s.kind == "stream" else 2 for s in of], dtype=np.int32),
            "width_m": [round(float(s.width.mean()), 1) for s in of],
        }
    )
    folder.layer("water", "gpkg", table, shapes[keep])


def _write_roads(folder: Folder, network: roads.Roads) -> None:
    kinds = network.kinds
    surface = np.where(np.isin(kinds, ("rural", "track")), "混凝土", "沥青")
    table = pd.DataFrame(
        {
            "road_id": [f"R{n:06d}" for n in range(1, len(kinds) + 1)],
            "name": network.names,
            "class": kinds,
            "oneway": network.oneway.astype(np.int32),
            "lanes": np.array([roads.LANES[k] for k in kinds], dtype=np.int32),
            "speed_kmh": np.array([roads.SPEED[k] for k in kinds], dtype=np.int32),
            "width_m": network.widths(),
            "from_node": network.start,
            "to_node": network.end,
            "length_m": np.round(shapely.length(network.lines), 2),
            "surface": surface,
        }
    )
    folder.layer("roads", "parquet", table, network.lines)


def _write_people(
    folder: Folder, houses: buildings.Buildings, table: pd.DataFrame, addresses: pd.DataFrame, seed: int
) -> None:
    centres = point_array(houses.centres)
    folder.layer("buildings", "gpkg", table, houses.shapes)
    numbered = np.flatnonzero(table["use"] != "agricultural")
    folder.layer("addresses", "csv", addresses.iloc[numbered], centres[numbered])
    residents, index = people.population(table, houses.shapes, seed + 21)
    folder.layer("population", "parquet", residents, centres[index])
    firms, index = people.organisations(table, addresses, seed + 22)
    folder.layer("organisations", "csv", firms, centres[index])


def _write_models(
    folder: Folder, houses: buildings.Buildings, table: pd.DataFrame, marks: tuple[landmarks.Landmark, ...]
) -> None:
    """The models of buildings that have one, and the block around the hospital."""
    makers = {"hospital": write_hospital, "fire-station": write_fire_station}
    for mark in marks:
        rect, row = landmarks.rectangle(houses.shapes[mark.index]), table.iloc[mark.index].to_dict()
        place = landmarks.ground(mark, rect, float(row["ground_m"]))
        path = folder.path / f"{mark.model}.ifczip"
        makers[mark.model](path, place, rect.width, rect.depth, row["building_code"], row["name"])
        folder.model(mark.model, path)
        if mark.model == "hospital":
            path = folder.path / f"{block.MODEL}.city.json"
            objects = block.write(path, table, houses.shapes, houses.centres, mark)
            folder.city_model(block.MODEL, path, objects)


def _write_land(
    folder: Folder,
    admin: admins.Admin,
    chosen: np.ndarray,
    area: shapely.Geometry,
    streams: list[rivers.Stream],
    surfaces: Geometries,
    network: roads.Roads,
    blocks: settlement.Blocks,
    farms: settlement.Clusters,
    ground: terrain.Terrain,
    size: Size,
    seed: int,
) -> Geometries:
    """Write the layers of land and plans; returns the parcels that are farmed."""
    classes = ["1107A" if s.kind == "canal" else "1101" for s in streams if s.kind != "stream"]
    town = shapely.union_all(blocks.shapes)
    features = parcels.ground(network, surfaces, classes, blocks, farms.shapes, town)
    found = parcels.build(admin.villages, chosen, features, ground, seed + 7, size.field_m)
    folder.layer("land_status", "shp", land.table(found, admin), found.shapes)
    boundary, shapes = plans.urban_boundary(blocks)
    folder.layer("urban_boundary", "geojson", boundary, shapes)
    folder.layer("basic_farmland", "shp", *plans.basic_farmland(found, admin.codes, shapely.union_all(shapes)))
    plan = plans.plan_parcels(blocks, area)
    folder.layer("plan_parcels", "gpkg", *plan)
    folder.layer("eco_redline", "geojson", *plans.eco_redline(admin, ground, network))
    pipes = utilities.pipelines(network, area, seed + 8)
    folder.layer("pipelines", "shp", *pipes)
    folder.layer("valves", "csv", *utilities.valves(*pipes))
    belt = shapely.union_all(shapes[(boundary["class"] == "flexible").to_numpy()])
    _write_business(folder, admin, plan, found, belt, streams, surfaces, area, size, seed)
    return np.asarray(found.shapes[np.char.startswith(found.land_class, "01")])


def _write_business(
    folder: Folder,
    admin: admins.Admin,
    plan: facilities.Layer,
    found: parcels.Parcels,
    belt: shapely.Geometry,
    streams: list[rivers.Stream],
    surfaces: Geometries,
    area: shapely.Geometry,
    size: Size,
    seed: int,
) -> None:
    projects = business.projects(plan, found, belt, shapely.union_all(surfaces), admin, seed + 40)
    layers = {
        **business_records.records(projects, found),
        "change_patches": changes.change_patches(projects, found, size.patches, seed + 41),
        "land_consolidation": changes.consolidation(found, admin.codes, seed + 42),
        "protected_areas": restrictions.protected_areas(admin),
        "control_lines": restrictions.control_lines(plan, streams, area, admin.county),
        "heritage_zones": restrictions.heritage_zones(plan),
        "mineral_rights": restrictions.mineral_rights(),
    }
    for name, layer in layers.items():
        if layer is not None:
            folder.layer(name, "geojson", *layer)


def _write_sites(
    folder: Folder,
    sites: facilities.Sites,
    services: dict[str, facilities.Layer],
    admin: admins.Admin,
    network: roads.Roads,
    streams: list[rivers.Stream],
    ground: terrain.Terrain,
    area: shapely.Geometry,
    size: Size,
    seed: int,
) -> None:
    dangers = facilities.mountain_dangers(streams, admin, ground, seed + 10)
    for name, (table, shapes) in services.items():
        folder.layer(name, "geojson" if name in ("hospitals", "hazards", "shelters") else "csv", table, shapes)
    for name, (table, shapes) in dangers.items():
        folder.layer(name, "csv" if name == "geohazards" else "geojson", table, shapes)
    for name, (table, shapes) in sensors.stations(sites, streams, ground).items():
        folder.layer(name, "csv", table, shapes)
    folder.layer("cameras", "csv", *sensors.cameras(sites, network, area, size.cameras))
    folder.layer("places", "csv", *facilities.places(admin, streams, services))
    folder.layer("contacts", "csv", *contacts.contacts(admin, services, dangers))
