"""What an analysis is: one typed set of parameters and one function; endpoint, form and command derive from it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cim.analysis.context import Context
from cim.errors import BadRequest
from cim.model.analysis import Answer, Title


class Parameters(BaseModel):
    """The parameters of an analysis; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def area_field(*, apart: bool = False, **more: Any) -> Any:
    """A parameter that is an area: GeoJSON, or the id of a red line; ``apart`` where each parcel is analysed alone."""
    return Field(
        title="范围 Area",
        description="a GeoJSON Polygon, MultiPolygon or FeatureCollection in longitude, latitude, or a red line's id",
        json_schema_extra={
            "x-cim-input": "area",
            "x-cim-apart": apart,
            "anyOf": [{"type": "string"}, {"type": "object"}],
        },
        **more,
    )


def line_field(**more: Any) -> Any:
    """A parameter that is a line: GeoJSON."""
    return Field(
        title="线 Line",
        description="a GeoJSON LineString, or a Feature of one, in longitude, latitude",
        json_schema_extra={"x-cim-input": "geojson", "x-cim-draw": "line", "type": "object"},
        **more,
    )


Chosen = TypeVar("Chosen", bound=Parameters)


@dataclass(frozen=True, slots=True)
class Analysis(Generic[Chosen]):
    """An analysis by its id.

    ``version`` changes whenever the same input may give other figures. ``long`` ones run as jobs unless asked
    otherwise.
    """

    id: str
    version: str
    title: Title
    description: Title
    parameters: type[Chosen]
    run: Callable[[Chosen, Context], Awaitable[Answer]]
    long: bool = False

    async def answer(self, inputs: dict[str, Any], context: Context) -> Answer:
        """Check the inputs and run; BadRequest names the input that cannot be used."""
        return await self.run(self.checked(inputs), context)

    def checked(self, inputs: dict[str, Any]) -> Chosen:
        """The inputs as parameters."""
        try:
            return self.parameters.model_validate(inputs)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "inputs"
            names = ", ".join(self.parameters.model_fields)
            raise BadRequest(str(first["msg"]), where=f"inputs.{place}", remedy=f"{self.id} takes {names}") from error
