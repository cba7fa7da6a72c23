"""What a review is asked: the red line and what is known of the project."""

from datetime import date
from typing import Any, Literal

from pydantic import Field

from cim.analysis.analysis import Parameters, area_field


class ReviewParameters(Parameters):
    """The inputs of a compliance review. Proposed values that are left out leave their rules not assessed."""

    area: Any = area_field()
    project: str = Field("", title="项目名称 Project", max_length=200)
    project_code: str = Field("", title="项目代码 Project code", max_length=60)
    applicant: str = Field("", title="申请单位 Applicant", max_length=200)
    use: str = Field(
        "",
        title="拟用途代码 Use code",
        description="用地用海分类代码，如 0901 code of the land use classification",
        pattern=r"^$|^[0-9]{2,6}$",
    )
    far: float | None = Field(None, title="拟建容积率 FAR", ge=0, le=30)
    height_m: float | None = Field(None, title="拟建高度 Height (m)", ge=0, le=1000)
    density_pct: float | None = Field(None, title="拟建建筑密度 Density (%)", ge=0, le=100)
    project_level: Literal["county", "city", "province", "state"] = Field("county", title="项目批准级别 Approved by")
    on: date | None = Field(
        None,
        title="审查日期 Date",
        description="以该日有效的规则审查，不填为今天 whose rules hold; today when left out",
    )
    rules: int | None = Field(
        None, title="规则版本 Edition of rules", ge=0, description="不填为最新 the newest when left out"
    )
    data_versions: dict[str, int] = Field(
        default_factory=dict,
        title="数据版本 Data versions",
        description="图层到版本号，用于按当时数据复审 layer to version, to review as it was",
    )
    scenario: str | None = Field(
        None, title="规划情景 Scenario", description="按情景中的规划地块 plan parcels as under a scenario"
    )
