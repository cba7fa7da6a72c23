"""The catalogue: every definition, theme, style, code list, crosswalk and sheet found in the definition folders.

An office's own folder (``CIM_LAYERS``) is read after the shipped one; a file of the same name replaces ours.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cim.errors import DefinitionError
from cim.model.collection import CollectionSchema, Field
from cim.model.incident_kinds import lists
from layers.codes import CodeList, load_codes
from layers.crosswalks import Crosswalk, load_crosswalk
from layers.definition import LayerDefinition, load_definition
from layers.links import Link
from layers.plans import GUIDE, Mode, Plan, load_modes, load_plan
from layers.sheet import SheetLayerEntry, SheetTemplate, load_sheet
from layers.text import Text

SHIPPED = Path(__file__).parent
CHINA_GEOGRAPHIC_SRID = 4490


@dataclass(frozen=True, slots=True)
class Theme:
    """A branch of the layer tree."""

    id: str
    title: Text
    order: int


@dataclass(frozen=True, slots=True)
class Style:
    """MapLibre style layers without source, and legend entries, as read from a style file."""

    layers: tuple[Mapping[str, Any], ...]
    legend: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All layer definitions by id, with themes, styles, code lists, crosswalks, sheet templates, plans and modes."""

    layers: Mapping[str, LayerDefinition]
    themes: tuple[Theme, ...]
    styles: Mapping[str, Style]
    codes: Mapping[str, CodeList]
    crosswalks: Mapping[str, Crosswalk] = field(default_factory=dict)
    sheets: Mapping[str, SheetTemplate] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    modes: tuple[Mode, ...] = ()

    def code_names(self, layer: str, field: str) -> dict[str, Text] | None:
        """Meanings of a field's codes, or None where the field is not coded."""
        definition = self.layers.get(layer)
        for known in definition.fields if definition else ():
            if known.name == field and known.codes:
                return self.codes[known.codes].names()
        return None


def load_catalog(folders: Iterable[Path] = (SHIPPED,)) -> Catalog:
    """Read the folders in order; later files replace earlier ones of the same name.

    Raises DefinitionError for the first file that cannot be used, or that names a theme, style or code list that
    does not exist.
    """
    definitions: dict[str, LayerDefinition] = {}
    themes: dict[str, Theme] = {}
    styles: dict[str, Style] = {}
    codes: dict[str, CodeList] = {}
    walks: dict[str, Path] = {}
    sheets: dict[str, SheetTemplate] = {}
    plans: dict[str, Plan] = {}
    modes: dict[str, Mode] = {}
    for folder in folders:
        definitions |= {p.stem: load_definition(p) for p in sorted(folder.glob("definitions/*.toml"))}
        styles |= {p.stem: _style(p) for p in sorted(folder.glob("styles/*.json"))}
        codes |= {p.stem: load_codes(p) for p in sorted(folder.glob("codes/*.toml"))}
        walks |= {p.stem: p for p in sorted(folder.glob("crosswalks/*.toml"))}
        sheets |= {p.stem: load_sheet(p) for p in sorted(folder.glob("sheets/*.toml"))}
        plans |= {p.stem: load_plan(p) for p in sorted(folder.glob("plans/*.toml"))}
        modes |= {mode.id: mode for mode in load_modes(folder / "modes.toml")}
        themes |= {theme.id: theme for theme in _themes(folder / "themes.toml")}
    crosswalks = {name: load_crosswalk(path, codes) for name, path in walks.items()}
    ordered = tuple(sorted(themes.values(), key=lambda t: t.order))
    catalog = Catalog(definitions, ordered, styles, codes, crosswalks, sheets, plans, tuple(modes.values()))
    _check_references(catalog)
    _check_emergencies(catalog)
    for template in sheets.values():
        for number, entry in enumerate(template.layer):
            _check_sheet_layer(catalog, entry, f"{template.id}.toml: layer.{number}")
    return catalog


def schema_of(definition: LayerDefinition, srid: int, extra: Iterable[Field] = ()) -> CollectionSchema:
    """The collection schema of a defined layer stored in ``srid``, with further fields found in a delivery."""
    fields = tuple(Field(field.name, field.type, field.grade) for field in definition.fields)
    return CollectionSchema(definition.id, definition.geometry, srid, (*fields, *extra), definition.key)


def _check_references(catalog: Catalog) -> None:
    theme_ids = {theme.id for theme in catalog.themes}
    for definition in catalog.layers.values():
        missing = [
            ("theme", definition.theme, definition.theme in theme_ids),
            ("style", definition.style, not definition.style or definition.style in catalog.styles),
            *(
                ("code list", field.codes, field.codes is None or field.codes in catalog.codes)
                for field in definition.fields
            ),
            *(("code list", name, name in catalog.codes) for rule in definition.quality for name in rule.editions),
            *((_wanted(link), link.layer, _fits(catalog, link)) for link in definition.links),
        ]
        for what, name, present in missing:
            if not present:
                raise DefinitionError(
                    f"there is no {what} {name!r}",
                    where=f"{definition.id}.toml",
                    remedy="add the file, or name one that exists",
                )


def _check_emergencies(catalog: Catalog) -> None:
    """The layers of modes are defined, and the kinds of plans exist."""
    for mode in catalog.modes:
        _refuse_unknown("layer", mode.layers, catalog.layers, f"modes.toml: {mode.id}")
    for plan in catalog.plans.values():
        _refuse_unknown("kind of incident", plan.kinds, lists().kind, f"{plan.id}.toml")


def _refuse_unknown(what: str, names: Iterable[str], known: Mapping[str, Any], where: str) -> None:
    for name in names:
        if name not in known:
            raise DefinitionError(f"there is no {what} {name!r}", where=where, remedy=f"name one that exists: {GUIDE}")


def _check_sheet_layer(catalog: Catalog, entry: SheetLayerEntry, where: str) -> None:
    """Whatever a sheet says of a layer must exist: the layer, its style, parts of that, the field of its classes."""
    definition = catalog.layers.get(entry.id)
    if definition is None:
        raise DefinitionError(f"there is no layer {entry.id!r}", where=where, remedy="name one that is defined")
    style = catalog.styles.get(entry.style or definition.style)
    parts = {str(layer["id"]) for layer in style.layers} if style else set()
    fields = {field.name for field in definition.fields}
    missing = [("style", entry.style)] if entry.style and style is None else []
    missing += [("style layer", name) for name in (*entry.hide, *entry.paint) if name not in parts]
    missing += [("field", entry.classes)] if entry.classes and entry.classes not in fields else []
    for what, name in missing:
        raise DefinitionError(f"there is no {what} {name!r}", where=where, remedy="name one that exists")


def _wanted(link: Link) -> str:
    return "layer with shapes" if link.place else f"layer with a field {link.to}:"


def _fits(catalog: Catalog, link: Link) -> bool:
    """Whether the layer a link leads to is there, with the field or the shapes it needs."""
    other = catalog.layers.get(link.layer)
    if other is None:
        return False
    return other.geometry != "none" if link.place else any(field.name == link.to for field in other.fields)


def _themes(path: Path) -> list[Theme]:
    if not path.exists():
        return []
    entries = tomllib.loads(path.read_text("utf-8")).get("theme", [])
    return [Theme(entry["id"], Text(**entry["title"]), int(entry.get("order", 50))) for entry in entries]


def _style(path: Path) -> Style:
    try:
        value = json.loads(path.read_text("utf-8"))
        return Style(tuple(value["layers"]), tuple(value.get("legend", ())))
    except (ValueError, KeyError, TypeError) as error:
        raise DefinitionError(f"not a style: {error}", where=path.name, remedy="docs/layers.md shows one") from error
