"""Whether entities are there for a caller: to be linked to, or to be changed."""

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.model.access import Operation, Principal
from cim.sensors.rights import may, missing, require_import
from cim.store.sensing_entities_writing import claims_of

_GRADED = frozenset({"Thing", "Datastream", "Location", "HistoricalLocation"})


class EntityChecks:
    """Answers for one caller, in one transaction; what was found in order is not asked again."""

    def __init__(self, connection: AsyncConnection, principal: Principal) -> None:
        self._connection = connection
        self._principal = principal
        self._good: set[tuple[str, int]] = set()

    async def require_usable(self, entity: str, number: int, where: str) -> None:
        """Raise unless the caller may link to an entity.

        They must have the right to bring data in for what has a grade; of the rest it is enough that they may read
        something that uses it, or that nothing does yet.
        """
        if (entity, number) in self._good:
            return
        claims = await claims_of(self._connection, entity, number)
        name = f"{entity} {number}"
        if claims is None or (claims and not any(may(self._principal, Operation.READ, one) for one in claims)):
            gone = missing(name)
            raise NotFound(gone.what, where=where, remedy=gone.remedy)
        require_import(self._principal, claims if entity in _GRADED else (), name)
        self._good.add((entity, number))

    async def require_changeable(self, entity: str, number: int) -> None:
        """Raise unless the caller may write for everything that an entity belongs to."""
        name = f"{entity} {number}"
        claims = await claims_of(self._connection, entity, number)
        require_import(self._principal, claims or (), name)
        if claims is None:
            raise missing(name)
