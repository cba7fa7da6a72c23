"""Metadata of a set (1.1): a schema of classes and enums, and the values of tilesets, groups, tiles and contents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from importers.tilesets.documents import MetadataEntity, Tileset, told

Type = Literal["SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4", "STRING", "BOOLEAN", "ENUM"]
_COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_BITS = {"INT8": 8, "INT16": 16, "INT32": 32, "INT64": 64}
RANGES = {name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for name, bits in _BITS.items()} | {
    f"U{name}": (0, 2**bits - 1) for name, bits in _BITS.items()
}
"""Least and greatest values of whole numbers by their component type."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class EnumValue(_Strict):
    """A name and the number it stands for."""

    name: Annotated[str, Field(min_length=1)]
    value: int


class EnumForm(_Strict):
    """The values of an enum."""

    values: Annotated[list[EnumValue], Field(min_length=1)]


class PropertyForm(_Strict):
    """What a property of a class may be."""

    type: Type
    componentType: str | None = None  # noqa: N815
    enumType: str | None = None  # noqa: N815
    array: bool = False
    count: Annotated[int, Field(ge=2)] | None = None
    normalized: bool = False
    required: bool = False
    noData: Any = None  # noqa: N815
    default: Any = None
    offset: Any = None
    scale: Any = None
    min: Any = None
    max: Any = None


class ClassForm(_Strict):
    """The properties of a class."""

    properties: dict[str, PropertyForm] = Field(default_factory=dict)


class Schema(_Strict):
    """Classes and enums."""

    id: Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_\-.]*$")] | None = None
    classes: dict[str, ClassForm] = Field(default_factory=dict)
    enums: dict[str, EnumForm] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The schema that the entities of a document are of; None where it has none, or one that cannot be used."""

    schema: Schema | None
    unusable: bool = False

    def faults(self, entity: MetadataEntity | None, within: str) -> Iterator[tuple[str, str]]:
        """Where and what is wrong with an entity."""
        if entity is None or self.unusable:
            return
        if self.schema is None:
            yield within, "there is metadata, and no schema that says what it is"
            return
        known = self.schema.classes.get(entity.class_)
        if known is None:
            yield f"{within}.class", f"the schema has no class {entity.class_[:60]!r}"
            return
        for name, form in known.properties.items():
            given = entity.properties.get(name)
            if given is None and name not in entity.properties:
                if form.required and form.default is None:
                    yield f"{within}.properties", f"the required property {name[:60]!r} is missing"
                continue
            reason = _wrong(given, form, self.schema)
            if reason:
                yield f"{within}.properties.{name[:60]}", reason
        for name in entity.properties.keys() - known.properties.keys():
            yield f"{within}.properties", f"the class has no property {name[:60]!r}"


def metadata_of(schema: Any, within: str) -> tuple[Metadata, list[tuple[str, str]]]:
    """The schema of a document, and what is wrong with it."""
    if schema is None:
        return Metadata(None), []
    try:
        return Metadata(Schema.model_validate(schema)), []
    except ValidationError as error:
        return Metadata(None, unusable=True), told(error, within)


def document_faults(tileset: Tileset, metadata: Metadata) -> Iterator[tuple[str, str]]:
    """What is wrong with a document's own metadata: its entity, groups and statistics."""
    yield from metadata.faults(tileset.metadata, "metadata")
    for number, group in enumerate(tileset.groups or []):
        yield from metadata.faults(group, f"groups.{number}")
    if tileset.statistics is None or tileset.statistics.classes is None or metadata.unusable:
        return
    if metadata.schema is None:
        yield "statistics.classes", "there are statistics of classes, and no schema"
        return
    for name, sums in tileset.statistics.classes.items():
        if name not in metadata.schema.classes:
            yield f"statistics.classes.{name[:60]}", "the schema has no such class"
        if sums.get("properties") == {}:
            yield f"statistics.classes.{name[:60]}.properties", "there should be at least one property"


def _wrong(value: Any, form: PropertyForm, schema: Schema) -> str | None:
    """Why a value is none of a property; None where it is one."""
    if value is None or (form.noData is not None and value == form.noData):
        return "a required property has no value" if form.required and form.default is None else None
    if not form.array:
        return _wrong_element(value, form, schema)
    if not isinstance(value, list) or (form.count is not None and len(value) != form.count):
        return f"the value is no array of {form.count or 'any number of'} elements"
    return next((why for why in (_wrong_element(one, form, schema) for one in value) if why), None)


def _wrong_element(value: Any, form: PropertyForm, schema: Schema) -> str | None:
    plain: Mapping[str, type] = {"STRING": str, "BOOLEAN": bool}
    if form.type in plain:
        return None if isinstance(value, plain[form.type]) else f"the value is no {form.type}"
    if form.type == "ENUM":
        names = schema.enums.get(form.enumType or "")
        found = names is not None and value in {one.name for one in names.values}
        return None if found else f"{str(value)[:60]!r} is no value of the enum"
    count = _COMPONENTS[form.type]
    parts = value if count > 1 else [value]
    if not isinstance(parts, list) or len(parts) != count:
        return f"the value is no {form.type}"
    return next((why for place, part in enumerate(parts) if (why := _wrong_number(part, place, form))), None)


def _wrong_number(value: Any, place: int, form: PropertyForm) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "the value is no number"
    least, greatest = RANGES.get(form.componentType or "", (float("-inf"), float("inf")))
    if form.componentType in RANGES:
        if not isinstance(value, int):
            return f"{value} is no whole number"
        if not least <= value <= greatest:
            return f"{value} is outside of {form.componentType}"
    meant = _part(form.offset, place, 0.0) + _part(form.scale, place, 1.0) * (
        value / greatest if form.normalized and form.componentType in RANGES else value
    )
    if meant < _part(form.min, place, float("-inf")) or meant > _part(form.max, place, float("inf")):
        return f"{meant:g} is outside of the property's own range"
    return None


def _part(of: Any, place: int, otherwise: float) -> float:
    """The component at a place of something given for all of them, or a number."""
    found = of[place] if isinstance(of, list) and place < len(of) else of
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else otherwise
