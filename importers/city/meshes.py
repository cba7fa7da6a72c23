"""Single meshes, GLB and OBJ, placed on the map: each is one object of a city layer, its triangles its surfaces.

A mesh with map coordinates needs the reference system they are in; one without is placed by longitude, latitude,
height and heading, its origin at that place. In GLB y is up and -z north, in OBJ z is up and y north.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from cim.errors import ImportRefused
from importers.city.frames import frame_of, lies_in
from importers.city.importing import CityImporter
from importers.city.model import CityObject, Family, Head, Pool
from importers.importer import ReadOptions
from importers.inspection import LayerInspection, Problem

STEP_M = 1e-4
LOD = "2"
MOST_CORNERS = 6_000_000
MESH_BYTES = 256 * 1024**2
Reals = NDArray[np.float64]


@dataclass(slots=True)
class Mesh:
    """Points, shape (n, 3), in metres east, north and up; faces as places of points, with numbers of materials."""

    points: Reals
    faces: list[list[int]]
    looks: list[int | None] = field(default_factory=list)
    materials: list[dict[str, Any]] = field(default_factory=list)


class MeshModel:
    """A mesh as a city model of one object."""

    def __init__(self, path: Path, mesh: Mesh, options: ReadOptions) -> None:
        if not mesh.faces:
            raise ImportRefused("nothing-to-load", "the mesh has no faces", where=path.name, remedy="check the file")
        if sum(map(len, mesh.faces)) > MOST_CORNERS or not np.isfinite(mesh.points).all():
            raise ImportRefused(
                "too-large",
                f"{len(mesh.faces)} faces are too many for one object, or a coordinate is no number",
                where=path.name,
                remedy="have it parted or simplified",
            )
        points, reference = placed(mesh.points, options) if options.place else (mesh.points, None)
        step = 1e-9 if frame_of(reference, options).geographic else STEP_M
        self.head = Head("2.0", (step, step, STEP_M), (0.0, 0.0, 0.0), reference)
        self._pool = Pool(np.rint(points / np.array(self.head.scale)).astype(np.int64), {"materials": mesh.materials})
        geometry: dict[str, Any] = {"type": "MultiSurface", "lod": LOD, "boundaries": [[face] for face in mesh.faces]}
        if mesh.materials:
            geometry["material"] = {"": {"values": mesh.looks}}
        self._content = {"type": "GenericCityObject", "attributes": {"name": path.stem}, "geometry": [geometry]}
        self._id = path.stem

    def families(self) -> Iterator[Family]:
        """The one object."""
        yield [CityObject(self._id, self._content, self._pool)]


class MeshImporter(CityImporter):
    """Reads one mesh; siblings say how."""

    @abstractmethod
    def mesh(self, path: Path) -> Mesh:
        """The mesh of a file."""

    def open(self, path: Path, options: ReadOptions) -> MeshModel:
        """The mesh where it stands."""
        if path.stat().st_size > MESH_BYTES:
            raise ImportRefused(
                "too-large",
                f"meshes are read up to {MESH_BYTES // 1024**2} MB",
                where=path.name,
                remedy="have it parted or simplified",
            )
        return MeshModel(path, self.mesh(path), options)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The layer of one object; without a place on the map it does not load."""
        (layer,) = super().inspect(path, options)
        if options.place:
            return [replace(layer, crs_evidence="by --place")]
        frame = frame_of(None, options)
        if options.crs and layer.bbox and lies_in(frame, layer.bbox):
            return [layer]
        message = "the mesh has no place on the map; give --place LON,LAT,HEIGHT,HEADING"
        return [replace(layer, problems=(*layer.problems, Problem("no-georeference", 1, message, refuses=True)))]


class Glb(MeshImporter):
    """Reads binary glTF 2.0; pictures on surfaces are not kept, colours are."""

    name = "GLB"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The mark of binary glTF."""
        return head.startswith(b"glTF")

    def mesh(self, path: Path) -> Mesh:
        """All meshes of the scene where its nodes put them."""
        import trimesh  # noqa: PLC0415 - only meshes need it

        try:
            with path.open("rb") as file:
                scene = trimesh.load_scene(file, file_type="glb", process=False)
            parts = [part for part in scene.dump() if isinstance(part, trimesh.Trimesh)]
        except Exception as error:  # trimesh raises whatever the numbers in the file make it stumble over
            raise ImportRefused(
                "unreadable", "the file is damaged or not what it seems", where=path.name, remedy="ask for it again"
            ) from error
        out = Mesh(np.empty((0, 3)), [])
        for part in parts:
            _join(out, part)
        return out


class Obj(MeshImporter):
    """Reads Wavefront OBJ; colours come from the .mtl beside it."""

    name = "OBJ"

    def recognises(self, head: bytes, path: Path) -> bool:
        """Text with vertices, by suffix: the format has no mark."""
        return path.suffix.lower() == ".obj" and re.search(rb"^v\s+[-+\d.]", head, re.MULTILINE) is not None

    def mesh(self, path: Path) -> Mesh:
        """Vertices and faces as written; ImportRefused names the line that is none."""
        points: list[list[float]] = []
        out = Mesh(np.empty((0, 3)), [])
        names: dict[str, int] = {}
        current = None
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                words = line.split()
                try:
                    if words[:1] == ["v"]:
                        points.append([float(word) for word in words[1:4]])
                    elif words[:1] == ["usemtl"]:
                        current = names.setdefault(" ".join(words[1:]), len(names))
                    elif words[:1] == ["f"]:
                        out.faces.append([_place(word, len(points)) for word in words[1:]])
                        out.looks.append(current)
                except (ValueError, IndexError) as error:
                    raise ImportRefused(
                        "unreadable", f"line {number} is no part of an OBJ", where=path.name, remedy="ask for it again"
                    ) from error
        if any(len(point) != 3 for point in points):
            raise ImportRefused("unreadable", "a vertex has no three coordinates", where=path.name)
        out.points = np.array(points, np.float64).reshape(-1, 3)
        colours = _colours(path.with_suffix(".mtl"))
        out.materials = [{"name": name or "material"} | colours.get(name, {}) for name in names]
        return out


def placed(points: Reals, options: ReadOptions) -> tuple[Reals, str | None]:
    """Points in metres around their origin as map coordinates; the system is the one given, else that of the zone.

    The second value is the system where it was chosen here.
    """
    lon, lat, height_m, heading_deg = options.place or (0.0, 0.0, 0.0, 0.0)
    reference = None if options.crs else zone_of(lon, lat)
    frame = frame_of(reference, options)
    system = pyproj.CRS.from_user_input(frame.crs)
    if not system.is_projected:
        raise ImportRefused("place-crs", "a mesh is placed in metres", remedy="give a projected system with --crs")
    way = pyproj.Transformer.from_crs(4490, system, always_xy=True)
    (east, beyond), (north, further) = way.transform([lon, lon], [lat, lat + 1e-5])
    if not np.isfinite([east, north]).all():
        raise ImportRefused("place-crs", f"{lon}, {lat} is no place in {frame.crs}", remedy="check --place and --crs")
    turn = np.arctan2(beyond - east, further - north) + np.radians(heading_deg)
    x, y = points[:, 0], points[:, 1]
    moved = np.column_stack(
        [
            east + x * np.cos(turn) + y * np.sin(turn),
            north - x * np.sin(turn) + y * np.cos(turn),
            points[:, 2] + height_m,
        ]
    )
    return moved, reference


def zone_of(lon: float, lat: float) -> str:
    """The three-degree zone of CGCS2000 a place is in; outside China the UTM zone of WGS 84."""
    zone = round(lon / 3)
    if 25 <= zone <= 45 and 3 <= lat <= 54:
        return f"EPSG:{4534 + zone - 25}"
    return f"EPSG:{(32600 if lat >= 0 else 32700) + min(int((lon + 180) // 6) + 1, 60)}"


def _join(out: Mesh, part: Any) -> None:
    """Add a part of a scene: y up becomes z up."""
    x, y, z = np.asarray(part.vertices, np.float64).T
    first = len(out.points)
    out.points = np.concatenate([out.points, np.column_stack([x, -z, y])])
    out.faces += (np.asarray(part.faces, np.int64) + first).tolist()
    colour = getattr(getattr(part.visual, "material", None), "baseColorFactor", None)
    look = None
    if colour is not None:
        rgba = [round(float(value) / 255, 4) for value in colour]
        look = len(out.materials)
        name = str(getattr(part.visual.material, "name", "") or "material")
        out.materials.append({"name": name, "diffuseColor": rgba[:3], "transparency": round(1 - rgba[3], 4)})
    out.looks += [look] * len(part.faces)


def _place(word: str, count: int) -> int:
    """A place from 0; OBJ counts from 1, or from the last back."""
    number = int(word.split("/", maxsplit=1)[0])
    place = number - 1 if number > 0 else count + number
    if number == 0 or not 0 <= place < count:
        raise IndexError(word)
    return place


def _colours(path: Path) -> dict[str, dict[str, Any]]:
    """Diffuse colours by name of material; empty where there is no such file."""
    found: dict[str, dict[str, Any]] = {}
    name = ""
    if not path.is_file():
        return found
    for line in path.read_text("utf-8", errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["newmtl"]:
            name = " ".join(words[1:])
        elif words[:1] == ["Kd"] and len(words) == 4 and all(re.fullmatch(r"[\d.]+", word) for word in words[1:]):
            found[name] = {"diffuseColor": [min(float(word), 1.0) for word in words[1:]]}
    return found
