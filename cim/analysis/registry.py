"""All analyses there are, by id."""

from typing import Any

from cim.analysis import consolidation_balance, idle_land, land_statistics, transition_matrix
from cim.analysis.analysis import Analysis
from cim.analysis.block_figures import figures
from cim.analysis.clash import clash
from cim.analysis.compliance_review import batch, review
from cim.analysis.enforcement import enforcement
from cim.analysis.impact import (
    debris_runout,
    flash_flood,
    flood,
    hazard_grade,
    impact_area,
    intensity,
    pipe_break,
    plume,
)
from cim.analysis.incident_picture import picture
from cim.analysis.interpolation import surface
from cim.analysis.land_cycle import cycle
from cim.analysis.routing import evacuation, hazard_escape, isochrone, nearest_resources, route
from cim.analysis.scheme_check import check
from cim.analysis.terrain import cut_fill, profile, slope_aspect
from cim.analysis.visibility import coverage, nearest
from cim.errors import NotFound

_ALL: tuple[Analysis[Any], ...] = (
    review.ANALYSIS,
    batch.ANALYSIS,
    land_statistics.ANALYSIS,
    transition_matrix.ANALYSIS,
    cycle.ANALYSIS,
    idle_land.ANALYSIS,
    enforcement.ANALYSIS,
    consolidation_balance.ANALYSIS,
    figures.ANALYSIS,
    check.ANALYSIS,
    profile.ANALYSIS,
    slope_aspect.ANALYSIS,
    cut_fill.ANALYSIS,
    clash.ANALYSIS,
    coverage.ANALYSIS,
    nearest.ANALYSIS,
    surface.ANALYSIS,
    nearest_resources.ANALYSIS,
    isochrone.ANALYSIS,
    route.ANALYSIS,
    evacuation.ANALYSIS,
    hazard_escape.ANALYSIS,
    plume.ANALYSIS,
    impact_area.ANALYSIS,
    flood.ANALYSIS,
    flash_flood.ANALYSIS,
    debris_runout.ANALYSIS,
    intensity.ANALYSIS,
    hazard_grade.ANALYSIS,
    pipe_break.ANALYSIS,
    picture.ANALYSIS,
)
ANALYSES: dict[str, Analysis[Any]] = {analysis.id: analysis for analysis in _ALL}


def the_analysis(name: str) -> Analysis[Any]:
    """An analysis by id; NotFound lists those there are."""
    found = ANALYSES.get(name)
    if found is None:
        raise NotFound(
            f"there is no process {name[:60]!r}", where="process", remedy=f"there are {', '.join(sorted(ANALYSES))}"
        )
    return found
