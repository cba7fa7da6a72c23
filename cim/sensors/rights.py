"""Who may write what of the sensing network: by the grade and region of the Things that are concerned."""

from collections.abc import Iterable

from cim.errors import NotAllowed, NotFound
from cim.model.access import Operation, Principal
from cim.policy.policy import require
from cim.store.sensing_entities_writing import Claim


def may(principal: Principal, operation: Operation, claim: Claim) -> bool:
    """Whether the principal has the operation for a grade in a region."""
    return any(
        operation in right.operations
        and right.grade == claim.grade
        and (right.region_code is None or (claim.region_code or "").startswith(right.region_code))
        for right in principal.rights
    )


def require_import(principal: Principal, claims: Iterable[Claim], name: str) -> None:
    """Raise unless the principal may bring data in for all of these.

    What may not even be read is answered as what is not there.
    """
    require(principal, Operation.IMPORT)
    for claim in claims:
        if may(principal, Operation.IMPORT, claim):
            continue
        if not may(principal, Operation.READ, claim):
            raise missing(name)
        place = f" in {claim.region_code}" if claim.region_code else ""
        raise NotAllowed(
            f"the role {principal.role} may not import {claim.grade} data{place}",
            where=name,
            remedy="ask an administrator for a role with this right",
        )


def missing(name: str) -> NotFound:
    """The answer where an entity is not there, or not open to the caller."""
    return NotFound(f"there is no {name} that you may see", where="@iot.id", remedy="check the id, or log in")
