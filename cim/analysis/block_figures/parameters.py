"""What the figures of a block are asked for."""

from typing import Any

from pydantic import Field

from cim.analysis.analysis import Parameters, area_field


class BlockParameters(Parameters):
    """One or several parcels, and the scenario they are compared under."""

    area: Any = area_field()
    scenario: str | None = Field(
        None, title="规划情景 Scenario", description="buildings and plan parcels also as under this scenario"
    )
    data_versions: dict[str, int] = Field(
        default_factory=dict, title="数据版本 Data versions", description="layer to version: figures as they were"
    )
