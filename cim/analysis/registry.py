"""All analyses there are, by id."""

from typing import Any

from cim.analysis import consolidation_balance, idle_land, transition_matrix
from cim.analysis.analysis import Analysis
from cim.analysis.compliance_review import batch, review
from cim.analysis.enforcement import enforcement
from cim.analysis.land_cycle import cycle
from cim.errors import NotFound

ANALYSES: dict[str, Analysis[Any]] = {
    analysis.id: analysis
    for analysis in (
        review.ANALYSIS,
        batch.ANALYSIS,
        transition_matrix.ANALYSIS,
        enforcement.ANALYSIS,
        idle_land.ANALYSIS,
        cycle.ANALYSIS,
        consolidation_balance.ANALYSIS,
    )
}


def the_analysis(name: str) -> Analysis[Any]:
    """An analysis by id; NotFound lists those there are."""
    found = ANALYSES.get(name)
    if found is None:
        raise NotFound(
            f"there is no process {name[:60]!r}", where="process", remedy=f"there are {', '.join(sorted(ANALYSES))}"
        )
    return found
