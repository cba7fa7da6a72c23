"""The policy for rows that carry their own grade and region: things, alarms, and what hangs on them."""

from cim.errors import NotAllowed, NotIdentified
from cim.model.access import Grade, Operation, Principal


def may_with(principal: Principal, operation: Operation, grade: Grade, region_code: str | None) -> bool:
    """Whether the principal has the operation for a row: a right in a town holds for what lies in its villages."""
    return any(
        operation in right.operations
        and right.grade is grade
        and (right.region_code is None or (region_code or "").startswith(right.region_code))
        for right in principal.rights
    )


def require_with(principal: Principal, operation: Operation, grade: Grade, region_code: str | None) -> None:
    """Raise NotIdentified (anonymous) or NotAllowed unless ``may_with`` holds."""
    if may_with(principal, operation, grade, region_code):
        return
    what = f"the role {principal.role} may not {operation} {grade} data" + (f" in {region_code}" if region_code else "")
    if principal.role == "anonymous":
        raise NotIdentified(what, remedy="log in, or send an API key as Authorization: Bearer KEY")
    raise NotAllowed(what, remedy="ask an administrator for a role with this right")


def everywhere(principal: Principal, operation: Operation) -> frozenset[Grade]:
    """The grades for which the principal has the operation in every region."""
    return frozenset(
        right.grade for right in principal.rights if operation in right.operations and right.region_code is None
    )
