"""A layer definition: one TOML file says what a layer is, so that adding a layer needs no code."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from cim.model.access import Grade
from cim.model.city import RegionLevel
from cim.model.collection import FieldType, GeometryType, LayerKind
from cim.model.scene import ScenePlan
from layers.general import GeneralOptions
from layers.links import Link
from layers.quality import SQUARE_METRES, QualityRule
from layers.text import Text
from layers.toml_file import check_name, read_file

Category = Literal[
    "spatio-temporal-base",
    "resource-survey",
    "planning-control",
    "construction-projects",
    "public-themes",
    "iot",
    "cim-results",
]


NUMBERS: frozenset[FieldType] = frozenset({"integer", "bigint", "double"})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldDefinition(_Strict):
    """One attribute: its name in the database, what people call it, its unit, code list and other names."""

    name: str
    type: FieldType
    title: Text
    unit: str = ""
    grade: Grade | None = None
    codes: str | None = None
    aliases: tuple[str, ...] = ()
    required: bool = False


class TileOptions(_Strict):
    """What vector tiles of a layer hold: the zooms they are made for and the attributes they carry."""

    minzoom: int = 0
    maxzoom: int = 16
    fields: tuple[str, ...] = ()


class RasterOptions(_Strict):
    """How a layer of images is drawn: ``relief_m`` are the heights in metres its hypsometric colours lie between."""

    relief_m: tuple[float, float] = (0.0, 5000.0)


class RegionOptions(_Strict):
    """Says that a layer's features are administrative regions, and which fields hold code, name and parent."""

    level: RegionLevel
    code: str
    name: str
    parent: str | None = None


class GeocodingOptions(_Strict):
    """Says that a layer's features are door addresses, and which fields hold their parts.

    ``county`` are the names the county is written by, older ones among them; ``within`` names what the county lies in.
    """

    address: str
    street: str
    number: str
    town: str
    village: str
    building: str | None = None
    county: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that addresses are found by."""
        return (self.address, self.street, self.number, self.town, self.village)


class LayerDefinition(_Strict):
    """A layer as an office describes it. ``grade`` is who may see it; ``coverage`` that it tiles its area.

    A layer whose ``content`` is raster has a feature for each image, its outline; one of pointcloud for each file.
    """

    id: str
    title: Text
    description: Text = Text(zh="", en="")
    category: Category
    theme: str
    grade: Grade = Grade.INTERNAL
    geometry: GeometryType
    content: LayerKind = "vector"
    crs: str = "EPSG:4490"
    key: str | None = None
    title_field: str | None = None
    search: tuple[str, ...] = ()
    kind: Text
    attribution: str = ""
    style: str = ""
    order: int = 50
    default_visible: bool = False
    coverage: bool = False
    search_weight: int = 0
    tiles: TileOptions = TileOptions()
    general: GeneralOptions = GeneralOptions()
    raster: RasterOptions = RasterOptions()
    region: RegionOptions | None = None
    geocoding: GeocodingOptions | None = None
    scene: ScenePlan | None = None
    quality: tuple[QualityRule, ...] = ()
    links: tuple[Link, ...] = ()
    fields: tuple[FieldDefinition, ...]

    @field_validator("fields")
    @classmethod
    def _names_differ(cls, fields: tuple[FieldDefinition, ...]) -> tuple[FieldDefinition, ...]:
        names = [field.name for field in fields]
        if len(set(names)) != len(names):
            raise ValueError("two fields have the same name")
        return fields

    def model_post_init(self, _context: object) -> None:
        """Every field named elsewhere in the definition must exist, and declared areas be in a unit of area."""
        names = {field.name for field in self.fields}
        named = {*self.search, *self.tiles.fields, self.key, self.title_field} - {None}
        named |= self.general.named_fields
        named |= {name for rule in self.quality for name in (rule.field, rule.of)} - {None}
        named |= {link.field for link in self.links} - {None}
        if self.region:
            named |= {self.region.code, self.region.name, self.region.parent} - {None}
        if self.geocoding:
            named |= {*self.geocoding.fields, self.geocoding.building} - {None}
        if self.scene:
            named |= {*self.scene.named_fields}
        unknown = sorted(str(name) for name in named - names)
        if unknown:
            raise ValueError(f"fields that are not defined: {', '.join(unknown)}")
        kinds = {field.name: field.type for field in self.fields}
        for name in sorted(self.general.figures):
            if kinds[name] not in NUMBERS:
                raise ValueError(f"{name} is {kinds[name]}, which has no sum or mean")
        if self.geometry == "none" and any(link.place for link in self.links):
            raise ValueError("a layer without shapes has no links by place")
        units = {field.name: field.unit for field in self.fields}
        for rule in self.quality:
            if rule.check == "declared-area" and units[str(rule.field)] not in SQUARE_METRES:
                raise ValueError(f"{rule.field} is declared in {units[str(rule.field)]!r}, which is no unit of area")


def load_definition(path: Path) -> LayerDefinition:
    """Read one definition file; DefinitionError names the file, the entry and the fault."""
    definition = read_file(path, LayerDefinition, called="definition")
    check_name(path, definition.id)
    return definition
