"""The rules of a layer applied to one delivery: batch by batch as rows pass, then once to the whole staged layer."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import ImportRefused
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.imports import CheckResult, RejectedRow, RepairedRow
from cim.store.runs import FaultRow
from cim.store.staging import remove_staged
from importers.plan import Plan
from importers.quality.faults import KEPT_FAULTS, Fault, Tally
from importers.quality.layer import OF_VALUES, LayerChecks, Rows, Wrong
from importers.quality.rows import RowChecks, of_single_rows
from layers.codes import CodeList
from layers.definition import LayerDefinition
from layers.quality import Check

NEED_AREAS: frozenset[Check] = frozenset({"declared-area", "completeness"})


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of a batch as WKB: in storage coordinates, and in longitude and latitude."""

    stored: pa.Array
    lonlat: pa.Array


class QualityRefused(ImportRefused):
    """A delivery that breaks a rule whose faults may not be published; its tallies are kept with the run.

    ``srid`` is the EPSG code of the faults' shapes.
    """

    def __init__(self, what: str, where: str, srid: int) -> None:
        super().__init__("quality", what, where=where, remedy="`cim report` lists every fault")
        self.srid = srid


@dataclass(slots=True)
class Looked:
    """What looking at a batch leads to: columns after repairs, reasons to set rows aside, repairs by row index."""

    columns: list[pa.Array]
    reasons: dict[int, str] = field(default_factory=dict)
    repairs: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class SetAside:
    """Rows of a staged layer that were taken out again, with the reason or the repair that did it."""

    rejected: list[RejectedRow] = field(default_factory=list)
    repaired: list[RepairedRow] = field(default_factory=list)


class Quality:
    """The rules of one layer and what they have found so far; without a definition there are none."""

    def __init__(self, definition: LayerDefinition | None, codes: Mapping[str, CodeList]) -> None:
        self.tallies = [Tally(rule) for rule in definition.quality] if definition else []
        self._rows = RowChecks(definition, codes) if definition else None
        self._codes = codes
        self._area_m2 = 0.0

    def look_at(self, plan: Plan, columns: Sequence[pa.Array], rows: pa.Array, shapes: Shapes | None) -> Looked:
        """Apply the rules of single rows to a batch."""
        looked = Looked(list(columns))
        areas_m2 = self._measured(shapes)
        names = list(plan.schema.field_names)
        for tally in self.tallies:
            rule = tally.rule
            if not of_single_rows(rule) or self._rows is None:
                continue
            by_name = dict(zip(names, looked.columns, strict=True))
            tally.examined += len(rows)
            for index, message in self._rows.wrong(rule, by_name, areas_m2):
                tally.add(self._fault(rows, shapes, index, message, kept=tally.count < KEPT_FAULTS))
                if rule.action == "quarantine":
                    looked.reasons.setdefault(index, message)
                elif rule.action == "repair":
                    looked.repairs[index] = f"{message}; put right"
            if rule.action == "repair" and rule.field in by_name and rule.of in by_name:
                looked.columns[names.index(str(rule.field))] = self._rows.repaired(rule, by_name)
        return looked

    async def look_at_layer(
        self, connection: AsyncConnection, plan: Plan, run: int, rejected_rows: Sequence[int]
    ) -> SetAside:
        """Apply the rules of whole layers to a staged run, and take out of it what they set aside.

        ``rejected_rows`` are the rows set aside before, in order.
        """
        out = SetAside()
        tallies = [tally for tally in self.tallies if not of_single_rows(tally.rule)]
        if plan.schema.geometry == "none":
            tallies = [tally for tally in tallies if tally.rule.check in OF_VALUES]
        if not tallies:
            return out
        checks = LayerChecks(connection, plan, run, _row_numbers(rejected_rows), self._area_m2, self._codes)
        await checks.load()
        removed: set[int] = set()
        for tally in tallies:
            for wrong in await checks.wrong(tally.rule, tally):
                tally.add(wrong.fault)
                _set_aside(tally, wrong, removed, out)
        if removed:
            await remove_staged(connection, run, removed)
        return out

    def refuse(self, layer: str, srid: int) -> None:
        """Raise QualityRefused when a rule whose faults may not be published found any."""
        broken = [tally for tally in self.tallies if tally.rule.action == "refuse" and tally.count]
        if broken:
            named = "; ".join(f"{tally.rule.title}: {tally.count}, first {_first(tally)}" for tally in broken)
            raise QualityRefused(f"the delivery breaks {named}", layer, srid)

    def results(self) -> tuple[CheckResult, ...]:
        """Each rule with its counts."""
        return tuple(
            CheckResult(tally.rule.title, tally.rule.action, tally.examined, tally.count, tally.note)
            for tally in self.tallies
        )

    def fault_rows(self) -> list[FaultRow]:
        """Every fault kept, for the store."""
        return [
            FaultRow(
                tally.rule.title,
                tally.rule.action,
                fault.row,
                fault.message,
                shapely.to_wkb(fault.shape) if fault.shape is not None else None,
            )
            for tally in self.tallies
            for fault in tally.faults
        ]

    def _measured(self, shapes: Shapes | None) -> NDArray[np.float64] | None:
        """Ellipsoidal areas of a batch in m2, nan without a shape, where a rule asks for them; they are summed up."""
        if shapes is None or not any(tally.rule.check in NEED_AREAS for tally in self.tallies):
            return None
        parsed = shapely.from_wkb(shapes.lonlat.to_numpy(zero_copy_only=False))
        areas = ellipsoidal_areas_m2(parsed)
        areas[shapely.is_missing(parsed)] = np.nan
        self._area_m2 += float(np.nansum(areas))
        return areas

    @staticmethod
    def _fault(rows: pa.Array, shapes: Shapes | None, index: int, message: str, *, kept: bool) -> Fault:
        wkb = shapes.stored[index].as_py() if kept and shapes is not None else None
        return Fault(rows[index].as_py(), message, shapely.from_wkb(wkb) if wkb else None)


def _row_numbers(rejected: Sequence[int]) -> Rows:
    """From a number in staging, given to accepted rows in turn, to the row in the file."""

    def row(fid: int) -> int:
        found = fid
        while True:
            further = fid + bisect_right(rejected, found)
            if further == found:
                return found
            found = further

    return row


def _set_aside(tally: Tally, wrong: Wrong, removed: set[int], out: SetAside) -> None:
    action = tally.rule.action
    if wrong.fid is None or wrong.fid in removed or action not in {"quarantine", "repair"}:
        return
    removed.add(wrong.fid)
    row = wrong.fault.row or 0
    if action == "quarantine":
        out.rejected.append(RejectedRow(row, wrong.fault.message))
    else:
        out.repaired.append(RepairedRow(row, f"{wrong.fault.message}; left out"))


def _first(tally: Tally) -> str:
    fault = tally.faults[0]
    return f"row {fault.row} {fault.message}" if fault.row is not None else fault.message
