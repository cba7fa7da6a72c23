"""What is asked of enforcement."""

from datetime import date
from typing import Any, Self

from pydantic import Field, model_validator

from cim.analysis.analysis import Parameters, area_field


class EnforcementParameters(Parameters):
    """Which change patches are checked: all, or those in an area, seen between two days."""

    area: Any = area_field(default=None)
    taken_from: date | None = Field(None, title="影像起日 Seen from")
    taken_to: date | None = Field(None, title="影像止日 Seen until")
    rules: int | None = Field(None, title="规则版本 Edition of rules", ge=0, description="the newest when left out")
    data_versions: dict[str, int] = Field(
        default_factory=dict, title="数据版本 Data versions", description="layer to version: to check again as it was"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.taken_from and self.taken_to and self.taken_from > self.taken_to:
            raise ValueError("taken_from is after taken_to")
        return self

    @property
    def where(self) -> str:
        """The days as a filter on patches."""
        parts = []
        if self.taken_from:
            parts.append(f"taken_on >= DATE('{self.taken_from.isoformat()}')")
        if self.taken_to:
            parts.append(f"taken_on <= DATE('{self.taken_to.isoformat()}')")
        return " AND ".join(parts)
