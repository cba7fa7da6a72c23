"""Emergency plans as checklists, one TOML file each, and the duty modes of the plan as scenes: data, not programs."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cim.model.incident_kinds import GRADES, GradeName
from layers.text import Text
from layers.toml_file import check_name, read_file

GUIDE = "docs/incidents.md"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlanStep(_Strict):
    """What a role does, so many minutes after the report; from a response level on, or at any.

    ``source`` is the clause it follows, the plan's own where none is named.
    """

    id: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    role: str = Field(min_length=1)
    what: Text
    offset_min: int = Field(ge=0, le=30 * 24 * 60)
    response_level: GradeName | None = None
    source: str = ""


class Plan(_Strict):
    """A plan: the kinds of incidents it is for, and its steps in the order of time."""

    id: str
    title: Text
    kinds: tuple[str, ...]
    source: str
    step: tuple[PlanStep, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        names = [step.id for step in self.step]
        if len(set(names)) != len(names):
            raise ValueError("two steps have the same id")
        offsets = [step.offset_min for step in self.step]
        if offsets != sorted(offsets):
            raise ValueError("steps come in the order of their offset_min")
        return self

    def steps_at(self, level: GradeName | None) -> tuple[PlanStep, ...]:
        """The steps at a response level: those of every level, and those asked for from it or a lower one on."""

        def asked(step: PlanStep) -> bool:
            if step.response_level is None or level is None:
                return step.response_level is None
            return GRADES.index(step.response_level) >= GRADES.index(level)

        return tuple(step for step in self.step if asked(step))


class Mode(_Strict):
    """A duty mode: the layers shown from the lowest on, the base map, the panels opened, and when it is for."""

    id: str = Field(pattern=r"^[a-z-]{1,40}$")
    title: Text
    description: Text
    basemap: str
    layers: tuple[str, ...] = Field(min_length=1)
    panels: tuple[Literal["alarms", "cameras", "devices", "incidents", "search", "tasks", "timeline", "warnings"], ...]
    months: tuple[int, ...] = ()


class Modes(_Strict):
    """All modes of the file ``modes.toml``."""

    mode: tuple[Mode, ...]


def load_plan(path: Path) -> Plan:
    """Read a plan; DefinitionError names the file and the fault."""
    plan = read_file(path, Plan, called="the plan", guide=GUIDE)
    check_name(path, plan.id)
    return plan


def load_modes(path: Path) -> tuple[Mode, ...]:
    """Read the modes of a folder; none where it has no such file."""
    return read_file(path, Modes, called="the modes", guide=GUIDE).mode if path.exists() else ()
