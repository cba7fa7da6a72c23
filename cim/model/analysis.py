"""What an analysis answers: findings with a verdict, tables, places, and the editions of the data it stands on."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cim.model.analysis_words import kind_titles, words_of

ColumnKind = Literal["text", "number", "count"]


@dataclass(frozen=True, slots=True)
class Title:
    """A text for people in Chinese and English."""

    zh: str
    en: str

    def document(self) -> dict[str, str]:
        """The text as JSON."""
        return {"zh": self.zh, "en": self.en}


class Verdict(StrEnum):
    """What a rule says. A rule whose data are missing is not assessed, which is never a pass."""

    CONFORMS = "conforms"
    PARTLY = "partly"
    NOT = "not"
    NOT_ASSESSED = "not-assessed"
    INFORMATION = "information"


VERDICT_NAMES = {
    Verdict.CONFORMS: "符合",
    Verdict.PARTLY: "部分符合",
    Verdict.NOT: "不符合",
    Verdict.NOT_ASSESSED: "未评估",
    Verdict.INFORMATION: "提示",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule applied: what was measured against which limit, by which clause, on which edition of which data.

    ``message`` is for people, in Chinese. ``layer`` is empty where a rule looks at the input only.
    """

    rule: str
    title: Title
    verdict: Verdict
    measured: float | str | None
    limit: float | str | None
    unit: str
    clause: str
    layer: str = ""
    edition: str = ""
    message: str = ""

    def document(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {
            "rule": self.rule,
            "title": self.title.document(),
            "verdict": str(self.verdict),
            "measured": self.measured,
            "limit": self.limit,
            "unit": self.unit,
            "clause": self.clause,
            "layer": self.layer or None,
            "edition": self.edition or None,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Numbers are shown with ``digits`` decimals; ``unit`` is that of the values."""

    name: str
    title: Title
    kind: ColumnKind = "text"
    unit: str = ""
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values in the order of the columns; ``note`` says what a reader must know of them."""

    id: str
    title: Title
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    note: str = ""

    def document(self) -> dict[str, Any]:
        """The table as JSON, each row an object by column name."""
        return {
            "id": self.id,
            "title": self.title.document(),
            "columns": [
                {
                    "name": c.name,
                    "title": c.title.document(),
                    "kind": c.kind,
                    "unit": c.unit,
                    "digits": c.digits,
                }
                for c in self.columns
            ],
            "rows": [dict(zip((c.name for c in self.columns), row, strict=True)) for row in self.rows],
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class SourceEdition:
    """The state of a layer that an analysis read; ``version`` None: the layer was not there or not open to the caller.

    ``note`` says why it is missing, where it is.
    """

    layer: str
    title: str
    version: int | None
    published_at: datetime | None = None
    note: str = ""

    @property
    def text(self) -> str:
        """The edition as findings and reports name it."""
        if self.version is None:
            return self.note
        day = f"，{self.published_at:%Y-%m-%d}" if self.published_at else ""
        return f"{self.title} 第{self.version}版{day}"

    def document(self) -> dict[str, Any]:
        """The edition as JSON."""
        moment = self.published_at.isoformat() if self.published_at else None
        return {
            "layer": self.layer,
            "title": self.title,
            "version": self.version,
            "published_at": moment,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """One shape of an answer for the map: GeoJSON geometry in longitude and latitude, and what it stands for."""

    geometry: Mapping[str, Any]
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Raster:
    """Values of square cells, rows from the north; NaN where there is none.

    ``west`` and ``north`` are the upper left corner in metres of the system ``srid``.
    """

    srid: int
    west: float
    north: float
    cell_m: float
    values: NDArray[np.float32]
    unit: str

    def document(self) -> dict[str, Any]:
        """The raster as JSON; ``data`` are little-endian float32, deflated, in base64."""
        rows, columns = self.values.shape
        packed = base64.b64encode(zlib.compress(self.values.astype("<f4").tobytes())).decode()
        return {
            "srid": self.srid,
            "west": self.west,
            "north": self.north,
            "cell_m": self.cell_m,
            "rows": rows,
            "columns": columns,
            "unit": self.unit,
            "encoding": "float32-le, zlib, base64",
            "data": packed,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What an analysis found. ``summary`` holds the figures a program wants first, by stable names with units."""

    summary: Mapping[str, Any]
    findings: Sequence[Finding] = ()
    tables: Sequence[Table] = ()
    places: Sequence[Place] = ()
    sources: Sequence[SourceEdition] = ()
    rules: Mapping[str, Any] = field(default_factory=dict)
    statement: str = ""
    raster: Raster | None = None

    def document(self) -> dict[str, Any]:
        """The answer as JSON, with what the entries of its summary are called; a raster only where there is one."""
        return ({"raster": self.raster.document()} if self.raster else {}) | {
            "summary": dict(self.summary),
            "summary_words": words_of(self.summary),
            "findings": [finding.document() for finding in self.findings],
            "tables": [table.document() for table in self.tables],
            "geojson": {
                "type": "FeatureCollection",
                "features": [
                    {"type": "Feature", "geometry": dict(place.geometry), "properties": dict(place.properties)}
                    for place in self.places
                ],
            },
            "kinds": self._kinds(),
            "sources": [source.document() for source in self.sources],
            "rules": dict(self.rules),
            "statement": self.statement,
        }

    def _kinds(self) -> dict[str, Mapping[str, str]]:
        """What the kinds of its places are called; a kind that is a layer as that layer."""
        layers = {source.layer: {"zh": source.title, "en": source.layer} for source in self.sources}
        named = {**layers, **kind_titles()}
        kinds = dict.fromkeys(str(place.properties.get("kind")) for place in self.places)
        return {kind: named[kind] for kind in kinds if kind in named}
