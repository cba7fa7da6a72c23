"""The appearances of a CityGML file: materials and textures by the id of the surface they are on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from importers.city.gml_geometry import Element, Surface, id_of, local

WRAPS = frozenset({"none", "wrap", "mirror", "clamp", "border"})


@dataclass(slots=True)
class GmlAppearance:
    """All materials and textures of a file. Themes hold, by id of a surface, the number of its material or texture.

    ``coordinates`` are picture coordinates by texture and id of a ring.
    """

    materials: list[dict[str, Any]] = field(default_factory=list)
    textures: list[dict[str, Any]] = field(default_factory=list)
    material_of: dict[str, dict[str, int]] = field(default_factory=dict)
    texture_of: dict[str, dict[str, int]] = field(default_factory=dict)
    coordinates: dict[tuple[int, str], list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, appearance: Element) -> None:
        """Take the surface data of an Appearance element."""
        theme = next((child.text or "" for child in appearance if local(child) == "theme"), "").strip() or "default"
        for data in appearance.iter("{*}X3DMaterial"):
            self.materials.append(_material(data))
            targets = (text_of(child) for child in data if local(child) == "target")
            self.material_of.setdefault(theme, {}).update(dict.fromkeys(targets, len(self.materials) - 1))
        for data in appearance.iter("{*}ParameterizedTexture"):
            self.textures.append(_texture(data))
            for child in data:
                if local(child) in {"target", "textureParameterization"}:
                    self._target(child, theme, len(self.textures) - 1)

    def _target(self, target: Element, theme: str, texture: int) -> None:
        uri = target.get("uri") or next((text_of(child) for child in target.iter("{*}target")), None)
        if uri:
            self.texture_of.setdefault(theme, {})[uri.lstrip("#")] = texture
        for held in target.iter("{*}textureCoordinates"):
            values = [float(value) for value in (held.text or "").split() if _is_number(value)]
            pairs = list(zip(values[::2], values[1::2], strict=False))
            ring = (held.get("ring") or "").lstrip("#")
            self.coordinates[texture, ring] = pairs[:-1] if len(pairs) > 1 and pairs[0] == pairs[-1] else pairs


@dataclass(slots=True)
class Looks:
    """The appearance of one member in the making."""

    shared: GmlAppearance
    used: bool = False
    _points: dict[tuple[float, float], int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The lists that the member's geometries point into; empty for none."""
        if not self.used:
            return {}
        return {
            "materials": self.shared.materials,
            "textures": self.shared.textures,
            "vertices-texture": [list(point) for point in self._points],
        }

    def dress(self, geometry: dict[str, Any], shells: Sequence[Sequence[Surface]], *, flat: bool) -> None:
        """Say of a geometry which materials and textures its surfaces have."""
        for theme, of in self.shared.material_of.items():
            values = [[_of(surface, of) for surface in shell] for shell in shells]
            if any(value is not None for shell in values for value in shell):
                geometry.setdefault("material", {})[theme] = {"values": values[0] if flat else values}
                self.used = True
        for theme, of in self.shared.texture_of.items():
            if any(_of(surface, of) is not None for shell in shells for surface in shell):
                pictured = [[self._rings(surface, _of(surface, of)) for surface in shell] for shell in shells]
                geometry.setdefault("texture", {})[theme] = {"values": pictured[0] if flat else pictured}
                self.used = True

    def _rings(self, surface: Surface, texture: int | None) -> list[list[int | None]]:
        rings: list[list[int | None]] = []
        for ring, name in zip(surface.rings, surface.ring_ids, strict=True):
            points = self.shared.coordinates.get((texture, name)) if texture is not None and name else None
            if points is None or len(points) != len(ring):
                rings.append([None])
                continue
            order = points[::-1] if surface.turned else points
            rings.append([texture, *(self._points.setdefault(point, len(self._points)) for point in order)])
        return rings


def text_of(element: Element) -> str:
    """The text of an element that names another one, without the mark before it."""
    return (element.text or "").strip().lstrip("#")


def _of(surface: Surface, of: dict[str, int]) -> int | None:
    return next((of[name] for name in reversed(surface.ids) if name in of), None)


def _material(data: Element) -> dict[str, Any]:
    out: dict[str, Any] = {"name": _name(data, "material")}
    for child in data:
        name = local(child)
        if name in {"ambientIntensity", "shininess", "transparency"} and _is_number(child.text or ""):
            out[name] = float(child.text or 0)
        elif name in {"diffuseColor", "emissiveColor", "specularColor"}:
            out[name] = [float(value) for value in (child.text or "").split() if _is_number(value)]
        elif name == "isSmooth":
            out[name] = (child.text or "").strip() in {"true", "1"}
    return out


def _texture(data: Element) -> dict[str, Any]:
    image = next((text_of(child) for child in data if local(child) == "imageURI"), "")
    wrap = next((text_of(child) for child in data if local(child) == "wrapMode"), "")
    kind = "PNG" if image.lower().endswith(".png") else "JPG"
    out = {"type": kind, "image": image}
    return out | {"wrapMode": wrap} if wrap in WRAPS else out


def _name(data: Element, otherwise: str) -> str:
    named = next((text_of(child) for child in data if local(child) == "name"), "")
    return named or id_of(data) or otherwise


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
