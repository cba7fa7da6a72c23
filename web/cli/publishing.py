"""cim publish: open a layer to a role."""

from typing import Annotated

import typer

from cim.errors import BadRequest
from cim.policy.policy import GRADE_FOR_ROLE
from cim.store import audits
from cim.store.collections import set_grade
from cim.store.database import run
from web.cli.opening import ROLE, opened, operator
from web.cli.options import DataDir, LayerId


def publish(
    layer: LayerId,
    to: Annotated[str, typer.Option("--to", help="anonymous, viewer or technician")],
    data: DataDir = None,
) -> None:
    """Open a layer to a role and all above it; also narrows, for example back to technicians."""
    grade = GRADE_FOR_ROLE.get(to)
    if grade is None:
        raise BadRequest(
            f"layers cannot be published to {to!r}", where="--to", remedy=f"use {', '.join(GRADE_FOR_ROLE)}"
        )

    async def work() -> None:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            await set_grade(connection, layer, grade)
            await audits.record(
                connection, actor=operator(), role=ROLE, action="publish", subject=layer, detail={"grade": grade}
            )

    run(work())
    typer.echo(f"{layer} is now {grade}: visible to {to} and above")
