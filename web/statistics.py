"""What a request for statistics asks: groups and figures from query parameters, policed and checked."""

import re
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from cim.errors import BadRequest
from cim.filters.scope import FieldScope
from cim.model.city import RegionLevel
from cim.model.collection import FieldType
from cim.policy.policy import Decision
from cim.store.features import FeatureQuery
from cim.store.statistics import ByCell, ByField, ByRegion, Figure, FigureKind, Grouping
from layers.definition import NUMBERS, LayerDefinition
from layers.quality import SQUARE_METRES
from web.items import Conditions, Pairs, When, found_query, names_of

MOST_GROUPINGS, MOST_FIGURES = 3, 20
LEAST_METRES, LEAST_DEGREES = 10.0, 0.0001
GEOGRAPHIC = frozenset({4490, 4326})
_TIMES: frozenset[FieldType] = frozenset({"date", "timestamp"})
_CELLS = re.compile(r"grid:(\d{1,9}(?:\.\d{1,9})?)(m|deg)?")
_HOW = "write fields, region:county, region:town, region:village, grid:1000m or grid:0.01deg, parted by commas"


class StatisticsParameters(When, Conditions):
    """The parameters of statistics; others are read as ``name=value`` of a field."""

    group_by: str | None = Field(
        None, alias="group-by", description="fields, region:LEVEL, grid:SIZEm or grid:SIZEdeg, parted by commas"
    )
    sum: str | None = Field(None, description="fields of numbers whose sum is given")
    mean: str | None = Field(None, description="fields of numbers whose mean is given")
    min: str | None = Field(None, description="fields of numbers or times whose least value is given")
    max: str | None = Field(None, description="fields of numbers or times whose greatest value is given")
    area: str | None = Field(None, description="a field that states an area: its sum is given in m2")
    f: Literal["json", "csv", "xlsx"] | None = Field(None, description="the form of the answer")


KNOWN = names_of(StatisticsParameters)
Parameters = Annotated[StatisticsParameters, Query()]


@dataclass(frozen=True, slots=True)
class Asked:
    """Groups and figures, the query of the features, and, for an area in m2, its field and what it is multiplied by."""

    query: FeatureQuery
    groupings: tuple[Grouping, ...]
    figures: tuple[Figure, ...]
    area_field: str | None = None
    area_factor: float = 1.0


def statistics_asked(
    decision: Decision, definition: LayerDefinition | None, asked: StatisticsParameters, others: Pairs
) -> Asked:
    """What is asked for; BadRequest for what cannot be grouped or computed, NotAllowed for hidden fields."""
    scope = FieldScope(decision.collection.schema, decision.field_names)
    words = _words(asked.group_by)
    if len(words) > MOST_GROUPINGS:
        raise BadRequest("too many groupings", where="group-by", remedy=f"name {MOST_GROUPINGS} at most")
    groupings = tuple(_grouping(word, decision, scope) for word in words)
    figures = [figure for kind, text in _figures(asked) for figure in _of_kind(kind, text, scope)]
    factor = 1.0
    if asked.area is not None:
        factor = _square_metres(asked.area, definition, scope)
        figures.append(Figure("sum", asked.area))
    if len(figures) > MOST_FIGURES:
        raise BadRequest("too many figures", where="sum, mean, min, max", remedy=f"ask for {MOST_FIGURES} at most")
    fields = [grouping.field for grouping in groupings if isinstance(grouping, ByField)]
    fields += [figure.field for figure in figures]
    query = found_query(decision, asked, others, tuple(dict.fromkeys(fields)))
    return Asked(replace(query, limit=0), groupings, tuple(figures), asked.area, factor)


def _words(text: str | None) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in (text or "").split(",") if word.strip()))


def _figures(asked: StatisticsParameters) -> list[tuple[FigureKind, str | None]]:
    return [("sum", asked.sum), ("mean", asked.mean), ("min", asked.min), ("max", asked.max)]


def _of_kind(kind: FigureKind, text: str | None, scope: FieldScope) -> list[Figure]:
    found = []
    for word in _words(text):
        field = scope.find(word, kind)
        if field.type not in NUMBERS and not (kind in ("min", "max") and field.type in _TIMES):
            raise BadRequest(
                f"{word} is {field.type}, which has no {kind}", where=kind, remedy="name a field of numbers"
            )
        found.append(Figure(kind, word))
    return found


def _grouping(word: str, decision: Decision, scope: FieldScope) -> Grouping:
    kind, colon, rest = word.partition(":")
    if not colon:
        return ByField(scope.find(word, "group-by").name)
    if decision.collection.schema.geometry == "none":
        raise BadRequest("this layer has no places", where="group-by", remedy="group by its fields")
    if kind == "region" and rest in set(RegionLevel):
        return ByRegion(RegionLevel(rest))
    cell = _CELLS.fullmatch(word)
    if cell is None:
        raise BadRequest(f"{word[:60]!r} is no grouping", where="group-by", remedy=_HOW)
    return _by_cell(float(cell[1]), cell[2] == "deg", decision)


def _by_cell(size: float, in_degrees: bool, decision: Decision) -> ByCell:
    least = LEAST_DEGREES if in_degrees else LEAST_METRES
    if size < least:
        unit = "degrees" if in_degrees else "metres"
        raise BadRequest("the cells are too small", where="group-by", remedy=f"make them {least:g} {unit} or more")
    return ByCell(4490, size) if in_degrees else ByCell(_metres_srid(decision), size)


def _metres_srid(decision: Decision) -> int:
    """The zone the layer is stored in, else the three-degree zone of CGCS2000 in the middle of its extent."""
    srid, bbox = decision.collection.schema.srid, decision.collection.bbox
    if srid not in GEOGRAPHIC:
        return srid
    zone = round((bbox[0] + bbox[2]) / 2 / 3) if bbox else 35
    if not 25 <= zone <= 45:
        raise BadRequest(
            "the layer lies outside of the zones of CGCS2000", where="group-by", remedy="give the cells in degrees"
        )
    return 4534 + zone - 25


def _square_metres(name: str, definition: LayerDefinition | None, scope: FieldScope) -> float:
    field = scope.find(name, "area")
    units = {known.name: known.unit for known in definition.fields} if definition else {}
    unit = units.get(name, "")
    if field.type not in NUMBERS or not unit or unit not in SQUARE_METRES:
        raise BadRequest(
            f"{name} does not state an area",
            where="area",
            remedy="name a field whose unit is m², hm², km² or 亩, or use sum",
        )
    return SQUARE_METRES[unit]
