"""Who asks, and what they may do."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Grade(StrEnum):
    """How widely a layer or field may be shown (natural-resources data grading)."""

    PUBLIC = "public"
    INTERNAL = "internal"
    RESTRICTED = "restricted"
    DRAFT = "draft"


class Operation(StrEnum):
    """What can be done with data or with the server."""

    READ = "read"
    IMPORT = "import"
    PUBLISH = "publish"
    ADMINISTER = "administer"


@dataclass(frozen=True, slots=True)
class Right:
    """One row of a role: these operations on data of one grade, in one region, without the hidden fields.

    ``region_code`` is an administrative code (county, town or village) or ``None`` for everywhere;
    ``hidden_fields`` are field names this row does not open even where their grade would.
    """

    grade: Grade
    operations: frozenset[Operation]
    region_code: str | None = None
    hidden_fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request: a role's rights under a name that the audit log can show."""

    name: str
    role: str
    rights: tuple[Right, ...]
    csrf: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as kept: never the secret itself, only its SHA-256."""

    key_id: str
    role: str
    label: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person who can log in at the browser."""

    name: str
    role: str
    disabled: bool = False
    created_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a reading transaction tells the database about its caller, for the second net of row-level security.

    ``openings`` maps a grade to the region codes it is open in; ``None`` stands for everywhere.
    ``timeout_ms`` bounds each statement; ``request_id`` becomes part of the SQL application name.
    """

    openings: tuple[tuple[Grade, tuple[str, ...] | None], ...]
    request_id: str = ""
    timeout_ms: int = 15_000

    @property
    def setting(self) -> str:
        """The openings as the text that ``cim.opening()`` in the database reads: ``public=*;internal=510182001``."""
        return ";".join(f"{grade}={'*' if codes is None else ','.join(codes)}" for grade, codes in self.openings)
