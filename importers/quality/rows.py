"""Checks of single rows: codes, names of codes, ranges, patterns, declared areas. They work on Arrow columns."""

import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from layers.codes import CodeList
from layers.definition import LayerDefinition
from layers.quality import SQUARE_METRES, Check, QualityRule

ROW_CHECKS: frozenset[Check] = frozenset({"codes", "code-name", "range", "pattern", "declared-area"})
Columns = Mapping[str, pa.Array]
Areas = NDArray[np.float64]
Wrong = tuple[int, str]
"""Index of a row in its batch, and what is wrong with it."""


def of_single_rows(rule: QualityRule) -> bool:
    """Whether a rule can be asked of one row; which of several editions a code is of only the whole layer shows."""
    return rule.check in ROW_CHECKS and not (rule.check == "codes" and rule.editions)


class RowChecks:
    """The attribute rules of one layer, ready to be asked batch by batch."""

    def __init__(self, definition: LayerDefinition, codes: Mapping[str, CodeList]) -> None:
        self._codes = codes
        self._apart = {rule.field for rule in definition.quality if rule.check == "codes"} - {None}
        lists = {field.name: field.codes for field in definition.fields if field.codes in codes}
        self._systems = {name: str(system) for name, system in lists.items()}
        self._units = {field.name: field.unit for field in definition.fields}
        self._names = {name: _meanings(codes[str(system)]) for name, system in lists.items()}

    def wrong(self, rule: QualityRule, columns: Columns, areas_m2: Areas | None) -> Iterator[Wrong]:
        """The rows of a batch that break a rule; ``areas_m2`` are the ellipsoidal areas of their shapes."""
        if rule.check == "codes":
            yield from self._unknown_codes(rule, columns)
        elif rule.field is not None and rule.field in columns:
            column = columns[rule.field]
            if rule.check == "range":
                yield from _outside(rule, column)
            elif rule.check == "pattern":
                yield from _unlike(rule, column)
            elif rule.check == "declared-area":
                yield from _other_areas(rule, column, areas_m2, self._units[rule.field]) if areas_m2 is not None else ()
            elif rule.of in columns:
                yield from self._other_names(rule, column, columns[str(rule.of)])

    def repaired(self, rule: QualityRule, columns: Columns) -> pa.Array:
        """The column of a ``code-name`` rule with the list's names where the code is known."""
        names = self._expected(str(rule.of), columns[str(rule.of)])
        return pc.coalesce(names, columns[str(rule.field)])

    def _unknown_codes(self, rule: QualityRule, columns: Columns) -> Iterator[Wrong]:
        fields = [rule.field] if rule.field else [name for name in self._names if name not in self._apart]
        for name in fields:
            if name not in self._names or name not in columns:
                continue
            texts = _texts(columns[name])
            known = pa.array(list(self._names[name]), pa.string())
            bad = pc.and_(texts.is_valid(), pc.invert(pc.is_in(texts, value_set=known)))
            for index in _indices(bad):
                yield index, f"{name} is {texts[index].as_py()!r}, which {self._systems[name]} does not have"

    def _other_names(self, rule: QualityRule, column: pa.Array, code: pa.Array) -> Iterator[Wrong]:
        texts = _texts(column)
        meanings = [self._expected(str(rule.of), code, edition) for edition in rule.editions or (None,)]
        unlike = [pc.fill_null(pc.not_equal(texts, expected), fill_value=True) for expected in meanings]
        expected = pc.coalesce(*meanings)
        bad = functools.reduce(pc.and_, unlike, pc.and_(texts.is_valid(), expected.is_valid()))
        for index in _indices(bad):
            said, meant = texts[index].as_py(), expected[index].as_py()
            yield index, f"{rule.field} is {said!r}, but {rule.of} {code[index].as_py()} means {meant!r}"

    def _expected(self, field: str, codes: pa.Array, edition: str | None = None) -> pa.Array:
        names = self._names.get(field, {}) if edition is None else _meanings(self._codes[edition])
        keys, values = pa.array(list(names), pa.string()), pa.array(list(names.values()), pa.string())
        return values.take(pc.index_in(_texts(codes), value_set=keys))


def _meanings(codes: CodeList) -> dict[str, str]:
    return {code: text.zh for code, text in codes.names().items()}


def _outside(rule: QualityRule, column: pa.Array) -> Iterator[Wrong]:
    numbers = column.cast(pa.float64(), safe=False)
    low = pc.less(numbers, rule.least) if rule.least is not None else pa.array([False] * len(column))
    high = pc.greater(numbers, rule.most) if rule.most is not None else pa.array([False] * len(column))
    for index in _indices(pc.fill_null(pc.or_(low, high), fill_value=False)):
        limits = f"{'' if rule.least is None else rule.least} to {'' if rule.most is None else rule.most}"
        yield index, f"{rule.field} is {column[index].as_py()}, allowed is {limits}".rstrip()


def _other_areas(rule: QualityRule, column: pa.Array, areas_m2: Areas, unit: str) -> Iterator[Wrong]:
    declared = column.cast(pa.float64()).to_numpy(zero_copy_only=False) * SQUARE_METRES[unit]
    with np.errstate(invalid="ignore"):
        off = np.abs(declared - areas_m2) > rule.tolerance * np.maximum(areas_m2, 1.0)
    for index in np.flatnonzero(off):
        yield int(index), f"{rule.field} is {declared[index]:.2f} m2, the shape has {areas_m2[index]:.2f} m2"


def _unlike(rule: QualityRule, column: pa.Array) -> Iterator[Wrong]:
    texts = _texts(column)
    fits = pc.match_substring_regex(texts, f"^(?:{rule.pattern})$")
    for index in _indices(pc.fill_null(pc.invert(fits), fill_value=False)):
        yield index, f"{rule.field} is {texts[index].as_py()!r}, which is not of the form {rule.pattern}"


def _texts(column: pa.Array) -> pa.Array:
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def _indices(mask: pa.Array) -> Sequence[int]:
    found: list[int] = pc.indices_nonzero(mask).to_pylist()
    return found
