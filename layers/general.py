"""What a definition says of its layer's content at low zooms."""

from pydantic import BaseModel, ConfigDict, Field

from cim.model.general import GeneralMethod, SumKind

MOST_FULL_ZOOM = 18


class SumOptions(BaseModel):
    """A sum that aggregates carry: of ``field``, or of the ground area times it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    field: str
    kind: SumKind = "field"


class GeneralOptions(BaseModel):
    """The ``[general]`` section of a definition.

    ``method`` follows from the geometry where it is not given. ``full_zoom`` is the first zoom that shows the features
    themselves. ``class`` is the field whose values are kept apart, or of which aggregates show the dominant one;
    ``class_name`` the field with its name in words. ``sums`` and ``means`` are figures that aggregates carry.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    method: GeneralMethod | None = None
    full_zoom: int | None = Field(default=None, ge=0, le=MOST_FULL_ZOOM)
    class_field: str | None = Field(default=None, alias="class")
    class_name: str | None = None
    sums: tuple[SumOptions, ...] = ()
    means: tuple[str, ...] = ()

    @property
    def named_fields(self) -> set[str]:
        """The fields it names."""
        named = {self.class_field, self.class_name, *self.figures}
        return {name for name in named if name}

    @property
    def figures(self) -> set[str]:
        """The fields it adds up or takes the mean of."""
        return {*self.means, *(item.field for item in self.sums)}
