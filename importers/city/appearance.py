"""The materials, textures and templates that the geometries of one object use, numbered anew."""

from collections.abc import Mapping
from typing import Any

from cim.model.city_bodies import listed, mapped


class Renumbered:
    """Takes over what is used of a file's shared lists, in the order it is met first.

    ``used`` holds the lists, and what stands beside them in the file (default themes), once anything is used.
    """

    def __init__(self, shared: Mapping[str, Any]) -> None:
        self._shared = shared
        self._numbers: dict[str, dict[int, int]] = {}
        self.used: dict[str, Any] = {}

    def number(self, name: str, place: Any) -> Any:
        """The own number of an entry of a shared list; ValueError where there is none."""
        held = listed(self._shared.get(name))
        if type(place) is not int or not 0 <= place < len(held):
            raise ValueError(f"{name} {str(place)[:20]} is missing: there are {len(held)}")
        numbers = self._numbers.setdefault(name, {})
        if place not in numbers:
            numbers[place] = len(numbers)
            self.used.setdefault(name, []).append(held[place])
            self.used |= {k: v for k, v in self._shared.items() if k.startswith("default-theme")}
        return numbers[place]

    def take(self, geometry: dict[str, Any]) -> None:
        """Number the materials and textures of a geometry anew, in place."""
        if not self._shared:
            return
        if mapped(geometry.get("material")):
            themes = geometry["material"].items()
            geometry["material"] = {name: self._material(mapped(theme)) for name, theme in themes}
        if mapped(geometry.get("texture")):
            themes = geometry["texture"].items()
            geometry["texture"] = {
                name: {**mapped(theme), "values": self._textures(mapped(theme).get("values"))} for name, theme in themes
            }

    def _material(self, theme: Mapping[str, Any]) -> dict[str, Any]:
        out = dict(theme)
        if "value" in out:
            out["value"] = self.number("materials", out["value"])
        if "values" in out:
            out["values"] = self._materials(out["values"])
        return out

    def _materials(self, values: Any) -> Any:
        if isinstance(values, list):
            return [self._materials(value) for value in values]
        return None if values is None else self.number("materials", values)

    def _textures(self, values: Any) -> Any:
        """Lists of any depth; the innermost has a texture and then the place of each point in it, or null."""
        if not isinstance(values, list):
            return values
        if values and isinstance(values[0], int):
            texture, *points = values
            own = [self.number("vertices-texture", point) for point in points]
            return [self.number("textures", texture), *own]
        return [self._textures(value) for value in values]
