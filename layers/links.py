"""Links between layers: what else belongs to a feature, by equal values of two fields or by where things are."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from layers.text import Text

SpatialLink = Literal["holds", "within", "near"]


class Link(BaseModel):
    """From a feature to features of another layer; ``title`` says what they are to it.

    By values: those whose field ``to`` equals this one's ``field``. By place: ``holds`` those whose representative
    point lies in this one, ``within`` those that hold this one's point, ``near`` those at most ``metres`` away.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    layer: str
    title: Text
    field: str | None = None
    to: str | None = None
    place: SpatialLink | None = None
    metres: float | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.field is None) != (self.to is None):
            raise ValueError("a link by values names both `field` and `to`")
        if (self.field is None) == (self.place is None):
            raise ValueError("a link has either `field` and `to`, or `place`")
        if (self.place == "near") != (self.metres is not None):
            raise ValueError("a link to what is near, and only such, says how many `metres`")
        if self.metres is not None and not 0 < self.metres <= 10_000:
            raise ValueError("`metres` are more than 0 and at most 10000")
        return self
