"""Temporal predicates: instants and intervals compared by their two ends, as Allen's relations."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from cim.errors import BadRequest
from cim.filters.nodes import Interval, Moment, Node, Property
from cim.filters.operands import Condition, Value, column, told, wrong_count
from cim.filters.scope import FieldScope

_Granularity = Literal["date", "timestamp"]
_A_DAY_LESS = timedelta(days=1) - timedelta(microseconds=1)

Ends = tuple[Value, Value, Value, Value]
PREDICATES: dict[str, Callable[[Value, Value, Value, Value], Any]] = {
    "t_after": lambda a, _b, _c, d: a > d,
    "t_before": lambda _a, b, c, _d: b < c,
    "t_contains": lambda a, b, c, d: sa.and_(a < c, b > d),
    "t_disjoint": lambda a, b, c, d: sa.or_(b < c, a > d),
    "t_during": lambda a, b, c, d: sa.and_(a > c, b < d),
    "t_equals": lambda a, b, c, d: sa.and_(a == c, b == d),
    "t_finishedby": lambda a, b, c, d: sa.and_(a < c, b == d),
    "t_finishes": lambda a, b, c, d: sa.and_(a > c, b == d),
    "t_intersects": lambda a, b, c, d: sa.and_(a <= d, b >= c),
    "t_meets": lambda _a, b, c, _d: b == c,
    "t_metby": lambda a, _b, _c, d: a == d,
    "t_overlappedby": lambda a, b, c, d: sa.and_(a > c, a < d, b > d),
    "t_overlaps": lambda a, b, c, d: sa.and_(a < c, b > c, b < d),
    "t_startedby": lambda a, b, c, d: sa.and_(a == c, b > d),
    "t_starts": lambda a, b, c, d: sa.and_(a == c, b < d),
}


@dataclass(frozen=True, slots=True)
class _End:
    """One end: a field's column, or a moment; of which granularity (None: an open end fits both)."""

    value: Value | date | None
    granularity: _Granularity | None
    name: str = ""


def temporal(op: str, args: tuple[Node, ...], scope: FieldScope) -> Condition:
    """The condition of one relation between two instants or intervals.

    A day stands for all of its instants, from 00:00 UTC, where it meets instants.
    """
    if len(args) != 2:
        raise wrong_count(op, "two instants or intervals", len(args))
    ends = [end for arg in args for end in _ends(op, arg, scope)]
    granularities = {end.granularity for end in ends if end.granularity}
    granularity: _Granularity = "timestamp" if "timestamp" in granularities or not granularities else "date"
    values = [_sql(end, granularity, later=place % 2 == 1) for place, end in enumerate(ends)]
    condition: Condition = PREDICATES[op](*values)
    return condition


def _ends(op: str, node: Node, scope: FieldScope) -> tuple[_End, _End]:
    if isinstance(node, Interval):
        return _end(op, node.start, scope), _end(op, node.end, scope)
    end = _end(op, node, scope)
    return end, end


def _end(op: str, node: Node | None, scope: FieldScope) -> _End:
    if node is None:
        return _End(None, None)
    if isinstance(node, Moment):
        return _End(node.value, "timestamp" if isinstance(node.value, datetime) else "date")
    if isinstance(node, Property):
        held = column(scope.find(node.name))
        if held.kind in ("date", "timestamp"):
            return _End(held.sql, "date" if held.kind == "date" else "timestamp", node.name)
    raise BadRequest(
        f"{op} takes days, instants or intervals, not {told(node)}",
        where="filter",
        remedy="write DATE('2026-01-31'), TIMESTAMP('2026-01-31T08:00:00Z') or INTERVAL('2026-01-01', '..')",
    )


def _sql(end: _End, granularity: _Granularity, *, later: bool) -> Value:
    kind: sa.types.TypeEngine[Any] = sa.Date() if granularity == "date" else sa.TIMESTAMP(timezone=True)
    value = end.value
    if value is None:
        return sa.cast(sa.literal("infinity" if later else "-infinity", sa.Text), kind)
    if isinstance(value, sa.ColumnElement):
        if end.granularity != granularity:
            raise BadRequest(
                f"{end.name[:80]} holds days and is set against instants",
                where="filter",
                remedy="write days: DATE('2026-01-31')",
            )
        return value
    if granularity == "timestamp" and not isinstance(value, datetime):
        midnight = datetime(value.year, value.month, value.day, tzinfo=UTC)
        value = midnight + _A_DAY_LESS if later else midnight
    return sa.literal(value, kind)
