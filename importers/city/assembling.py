"""City objects put together again as CityJSON: one list of vertices, one appearance, one list of templates."""

import copy
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cim.errors import ImportRefused
from cim.model.city_bodies import listed, mapped
from importers.city.bodies import renumbered

Three = tuple[float, float, float]
_BODY_MEMBERS = frozenset(
    {"geometry", "vertices", "transform", "appearance", "templates", "crs", "height_datum", "north_first"}
)


class FinerGrid(Exception):
    """An object has a finer grid than the file: ``scale`` would hold it without loss."""

    def __init__(self, scale: Three) -> None:
        super().__init__(f"the grid is {scale}")
        self.scale = scale


class Numbered:
    """A list in which equal entries are one."""

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self._places: dict[Any, int] = {}

    def number(self, entry: Any, key: Any = None) -> int:
        """The place of an entry; ``key`` stands for one that is no key itself."""
        key = json.dumps(entry, sort_keys=True) if key is None else key
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.entries)
            self.entries.append(entry)
        return place


class Looks:
    """The appearance of a file in the making."""

    def __init__(self) -> None:
        self._lists = {name: Numbered() for name in ("materials", "textures", "vertices-texture")}
        self._rest: dict[str, Any] = {}

    def to_json(self) -> dict[str, Any]:
        """The member ``appearance``; empty for none."""
        return {name: held.entries for name, held in self._lists.items() if held.entries} | self._rest

    def take(self, geometry: dict[str, Any], own: Mapping[str, Any]) -> None:
        """Number a geometry's materials and textures, which point into ``own``, in place."""
        for theme in mapped(geometry.get("material")).values():
            for name in {"value", "values"} & {*theme}:
                theme[name] = self._mapped_values(theme[name], "materials", own)
        for theme in mapped(geometry.get("texture")).values():
            theme["values"] = self._textures(theme.get("values"), own)
        self._rest |= {name: value for name, value in own.items() if name.startswith("default-theme")}

    def _mapped_values(self, values: Any, name: str, own: Mapping[str, Any]) -> Any:
        if isinstance(values, list):
            return [self._mapped_values(value, name, own) for value in values]
        return None if values is None else self._lists[name].number(own[name][values])

    def _textures(self, values: Any, own: Mapping[str, Any]) -> Any:
        if not isinstance(values, list):
            return values
        if values and isinstance(values[0], int):
            texture, *points = values
            places = [self._lists["vertices-texture"].number(own["vertices-texture"][point]) for point in points]
            return [self._lists["textures"].number(own["textures"][texture]), *places]
        return [self._textures(value, own) for value in values]


class Templates:
    """The geometry templates of a file in the making; ``looks`` is where their appearance goes."""

    def __init__(self, looks: Looks) -> None:
        self._templates, self._vertices, self._looks = Numbered(), Numbered(), looks

    def to_json(self) -> dict[str, Any]:
        """The member ``geometry-templates``; empty for none."""
        if not self._templates.entries:
            return {}
        return {"templates": self._templates.entries, "vertices-templates": self._vertices.entries}

    def take(self, geometry: dict[str, Any], own: Mapping[str, Any]) -> None:
        """Number the template of an instance, in place."""
        template = copy.deepcopy(own["templates"][geometry["template"]])
        vertices = own["vertices-templates"]
        template["boundaries"] = renumbered(template["boundaries"], lambda p: self._vertices.number(vertices[p]))
        self._looks.take(template, mapped(own.get("appearance")))
        geometry["template"] = self._templates.number(template)


class Vertices:
    """The vertices of a file in the making, on its grid; equal ones are one."""

    def __init__(self, scale: Three, translate: Three) -> None:
        self.scale, self.translate = scale, translate
        self._held = Numbered()

    @property
    def entries(self) -> list[list[int]]:
        """The member ``vertices``, east first."""
        return self._held.entries

    def places(self, body: Mapping[str, Any]) -> list[int]:
        """Where the vertices of an object are; FinerGrid where the grid is too coarse for them."""
        transform = body["transform"]
        scale, translate = transform["scale"], transform["translate"]
        if any(own < grid * 0.999 for own, grid in zip(scale, self.scale, strict=True)):
            x, y, z = (min(pair) for pair in zip(scale, self.scale, strict=True))
            raise FinerGrid((x, y, z))
        axes = [
            self._axis([vertex[axis] for vertex in body["vertices"]], scale[axis], translate[axis], axis)
            for axis in range(3)
        ]
        return [self._held.number(list(vertex), vertex) for vertex in zip(*axes, strict=True)]

    def _axis(self, steps: Sequence[int], scale: float, translate: float, axis: int) -> list[int]:
        grid, start = self.scale[axis], translate - self.translate[axis]
        if scale == grid:
            shift = round(start / grid)
            return [step + shift for step in steps]
        return [round((start + step * scale) / grid) for step in steps]


def object_of(
    kind: str,
    attributes: str | None,
    body: Mapping[str, Any],
    places: Sequence[int],
    looks: Looks,
    templates: Templates,
    known: Collection[str],
) -> dict[str, Any]:
    """One city object as CityJSON; parents and children that are not ``known`` are left out."""
    out: dict[str, Any] = {"type": kind}
    if attributes is not None:
        out["attributes"] = json.loads(attributes)
    own, shared = mapped(body.get("appearance")), mapped(body.get("templates"))
    geometries = listed(body.get("geometry"))
    for geometry in geometries:
        geometry["boundaries"] = renumbered(geometry["boundaries"], places.__getitem__)
        looks.take(geometry, own)
        if geometry["type"] == "GeometryInstance":
            templates.take(geometry, shared)
    if geometries:
        out["geometry"] = geometries
    out |= {name: value for name, value in body.items() if name not in _BODY_MEMBERS}
    for name in {"parents", "children"} & {*out}:
        out[name] = [one for one in listed(out[name]) if one in known]
        if not out[name]:
            del out[name]
    if "address" in out:
        out["address"] = [_address(entry, places) for entry in listed(out["address"])]
    return out


def same_frame(body: Mapping[str, Any], frame: tuple[Any, Any] | None) -> tuple[Any, Any]:
    """The horizontal system and height datum of a body; ImportRefused where it is another than before."""
    own = body.get("crs"), body.get("height_datum")
    if frame is not None and own != frame:
        raise ImportRefused(
            "mixed-crs",
            f"the objects are in several systems ({frame[0]} {frame[1] or ''}, {own[0]} {own[1] or ''})",
            remedy="write them apart, with a filter or as layers of their own",
        )
    return own


def _address(entry: Any, places: Sequence[int]) -> Any:
    location = mapped(mapped(entry).get("location"))
    if not location:
        return entry
    boundaries = renumbered(location.get("boundaries"), places.__getitem__)
    return {**entry, "location": {**location, "boundaries": boundaries}}
