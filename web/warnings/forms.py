"""Warnings as people fill them in: the form of a new one, of a draft from an alarm, and of issuing a draft."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import shapely
from pydantic import AwareDatetime, BaseModel, Field, field_validator, model_validator

from cim.model.alarms import Severity as Colour
from cim.model.warnings import (
    CATEGORIES,
    CERTAINTIES,
    COLOUR_SEVERITY,
    SCOPES,
    URGENCIES,
    Alert,
    Area,
    Circle,
    Info,
    MessageType,
    Reference,
    Status,
)

NAMES = {Colour.RED: "红色", Colour.ORANGE: "橙色", Colour.YELLOW: "黄色", Colour.BLUE: "蓝色"}
COLOUR_PARAMETER = "预警颜色"
# XML takes no control characters, and neither does a form.
Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\ufffe\uffff]*$")]
Text = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*$")]
Issuer = Annotated[str | None, Field(pattern=r"^[0-9]{14}$")]
Lon = Annotated[float, Field(ge=-180, le=180)]
Lat = Annotated[float, Field(ge=-90, le=90)]


class CircleForm(BaseModel, extra="forbid"):
    """A circle, its radius in kilometres."""

    lon: Lon
    lat: Lat
    radius_km: float = Field(gt=0, le=500)


class AreaForm(BaseModel, extra="forbid"):
    """Where a warning holds: a polygon of GeoJSON (longitude first), a circle, or codes of regions."""

    description: Line = ""
    polygon: dict[str, Any] | None = None
    circle: CircleForm | None = None
    geocodes: list[Annotated[str, Field(pattern=r"^\d{6,12}$")]] = Field([], max_length=1_000)

    @field_validator("polygon")
    @classmethod
    def _is_polygon(cls, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if given is None:
            return None
        try:
            shape = shapely.geometry.shape(given)
            parts = list(shapely.get_parts(shape))
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError):
            raise ValueError("the polygon is no geometry of GeoJSON") from None
        if not parts or any(part.geom_type != "Polygon" or part.is_empty for part in parts):
            raise ValueError("the polygon is no Polygon or MultiPolygon")
        if any(part.interiors for part in parts):
            raise ValueError("the polygon has holes, which CAP cannot say")
        if not shape.is_valid or shapely.get_num_coordinates(shape) > 10_000:
            raise ValueError("the polygon crosses itself, or has more than 10000 places")
        west, south, east, north = shape.bounds
        if not (west >= -180 and south >= -90 and east <= 180 and north <= 90):
            raise ValueError("the polygon lies outside the world: GeoJSON has the longitude first")
        return given

    @model_validator(mode="after")
    def _names_a_place(self) -> "AreaForm":
        if self.polygon is None and self.circle is None and not self.geocodes:
            raise ValueError("an area needs a polygon, a circle or geocodes")
        return self

    def area(self) -> Area:
        """The area as CAP has it."""
        rings = []
        if self.polygon is not None:
            parts = shapely.get_parts(shapely.geometry.shape(self.polygon))
            rings = [tuple((float(x), float(y)) for x, y, *_ in part.exterior.coords) for part in parts]
        circles = []
        if self.circle is not None:
            circles = [Circle((self.circle.lon, self.circle.lat), self.circle.radius_km)]
        codes = tuple(("GB/T 2260", code) for code in self.geocodes)
        return Area(self.description or "预警区域", tuple(rings), tuple(circles), codes)


class WarningForm(BaseModel, extra="forbid"):
    """A warning to issue here. ``references`` are codes of warnings that are held, for Update and Cancel."""

    status: Status
    msg_type: Literal["Alert", "Update", "Cancel"] = Field("Alert", alias="msgType")
    scope: str = "Public"
    event: Line = Field(min_length=1)
    headline: Line = ""
    description: Text = ""
    instruction: Text = ""
    colour: Colour
    category: list[str] = Field(["Other"], min_length=1, max_length=11)
    urgency: str = "Immediate"
    certainty: str = "Likely"
    effective: AwareDatetime | None = None
    onset: AwareDatetime | None = None
    expires: AwareDatetime
    area: AreaForm
    sender: str | None = Field(None, pattern=r"^[^\s,<&]{1,200}$")
    sender_name: Line = ""
    contact: Line = ""
    issuer: Issuer = None
    references: list[str] = Field([], max_length=100)

    @model_validator(mode="after")
    def _is_of_cap(self) -> "WarningForm":
        for name, value, words in (
            ("scope", self.scope, SCOPES),
            ("urgency", self.urgency, URGENCIES),
            ("certainty", self.certainty, CERTAINTIES),
        ):
            if value not in words:
                raise ValueError(f"{name} is one of {', '.join(words)}")
        if any(category not in CATEGORIES for category in self.category):
            raise ValueError(f"category is of {', '.join(CATEGORIES)}")
        if (self.msg_type == "Alert") == bool(self.references):
            raise ValueError("an Update or Cancel names references, an Alert none")
        return self

    def alert(self, identifier: str, sender: str, sent: datetime, references: tuple[Reference, ...]) -> Alert:
        """The message that the form says."""
        info = Info(
            event=self.event,
            urgency=self.urgency,
            severity=COLOUR_SEVERITY[self.colour],
            certainty=self.certainty,
            categories=tuple(self.category),
            language="zh-CN",
            effective=_second(self.effective),
            onset=_second(self.onset),
            expires=_second(self.expires),
            sender_name=self.sender_name.strip(),
            headline=self.headline.strip(),
            description=self.description.strip(),
            instruction=self.instruction.strip(),
            contact=self.contact.strip(),
            parameters=((COLOUR_PARAMETER, NAMES[self.colour]),),
            areas=(self.area.area(),),
        )
        kind = MessageType(self.msg_type)
        return Alert(identifier, sender, sent, self.status, kind, self.scope, references=references, infos=(info,))


class DraftForm(BaseModel, extra="forbid"):
    """What may be said of a draft that is made of an alarm."""

    radius_km: float = Field(1.0, ge=0.05, le=50)
    event: Line = ""
    headline: Line = ""
    instruction: Text = ""
    expires_in_h: float = Field(6.0, gt=0, le=240)
    category: str = Field("Other", pattern=f"^({'|'.join(CATEGORIES)})$")
    issuer: Issuer = None

    @property
    def lasts(self) -> timedelta:
        """How long the warning is to hold."""
        return timedelta(hours=self.expires_in_h)


class IssueForm(BaseModel, extra="forbid"):
    """How a draft is issued; it has to be said whether it is the real thing. What is not given stays as drafted."""

    status: Literal["Actual", "Exercise", "Test"]
    headline: Line | None = None
    description: Text | None = None
    instruction: Text | None = None
    colour: Colour | None = None
    expires: AwareDatetime | None = None


def _second(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(microsecond=0)
