"""One import from file to published version, and what was found on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

ImportStatus = Literal["published", "unchanged", "refused", "partial"]
Severity = Literal["refuse", "warn", "repair", "information"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of fault met in a source: how often, and what it means for the import."""

    code: str
    severity: Severity
    count: int
    message: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row of the source that was not loaded. ``row`` is 1-based as in the file."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class RepairedRow:
    """A row that was loaded after a named repair. ``row`` is 1-based as in the file."""

    row: int
    repair: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a rule of quality found: the rule as people name it, its action, how many were looked at and are wrong.

    ``note`` says why a check could not be made, where it could not.
    """

    rule: str
    action: str
    examined: int
    count: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The account of one layer's import; ``read == loaded + len(rejected) + skipped`` always holds."""

    run: int
    layer: str
    version: int | None
    read: int
    loaded: int
    rejected: Sequence[RejectedRow]
    skipped: int
    repaired: Sequence[RepairedRow]
    status: ImportStatus
    findings: tuple[Finding, ...] = field(default=())
    message: str = ""
    checks: tuple[CheckResult, ...] = ()

    def __post_init__(self) -> None:
        if self.read != self.loaded + len(self.rejected) + self.skipped:
            raise ValueError(
                f"import account does not close: read {self.read}, loaded {self.loaded}, "
                f"rejected {len(self.rejected)}, skipped {self.skipped}"
            )
