"""Crosswalks: which codes of one classification stand for a code of another, in one edition of that opinion."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cim.errors import DefinitionError
from layers.codes import CodeList
from layers.toml_file import read_file

Kind = Literal["exact", "broader", "narrower", "disputed", "unmapped"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Entry(_Strict):
    codes: tuple[str, ...] = Field(alias="from", min_length=1)
    to: tuple[str, ...] = Field(min_length=1)
    kind: Literal["exact", "broader", "narrower", "disputed"]
    note: str = ""


class _Unmapped(_Strict):
    codes: tuple[str, ...] = Field(alias="from", min_length=1)
    why: str


class _File(_Strict):
    source_list: str = Field(alias="from")
    target_list: str = Field(alias="to")
    edition: str
    source: str
    note: str = ""
    entry: tuple[_Entry, ...]
    unmapped: tuple[_Unmapped, ...] = ()


@dataclass(frozen=True, slots=True)
class Counterpart:
    """What stands for ``code`` in the other list.

    ``kind``: ``exact`` the same class; ``broader`` the target holds more; ``narrower`` each target holds only a part of
    it; ``disputed`` editions differ, ``note`` says how; ``unmapped`` there is none, ``note`` says why.
    """

    code: str
    to: tuple[str, ...]
    kind: Kind
    note: str = ""


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """From the codes of one list to those of another; ``source`` and ``target`` are the names of the lists."""

    source: str
    target: str
    edition: str
    origin: str
    note: str
    counterparts: Mapping[str, Counterpart]
    codes: CodeList

    def roll_up(self, code: str) -> Counterpart | None:
        """What stands for a code, or for the nearest parent its list gives it; None for a code nobody mentions.

        What is exact for the parent is broader than a part of it.
        """
        for known in self.codes.lineage(code):
            found = self.counterparts.get(known)
            if found is not None and known != code:
                return replace(found, code=code, kind="broader" if found.kind == "exact" else found.kind)
            if found is not None:
                return found
        return None

    def missing(self) -> tuple[str, ...]:
        """Codes of the source list that are neither mapped nor said to be unmapped."""
        return tuple(entry.code for entry in self.codes.code if self.roll_up(entry.code) is None)


def load_crosswalk(path: Path, codes: Mapping[str, CodeList]) -> Crosswalk:
    """Read one crosswalk file.

    Raises DefinitionError, naming file and entry, when a list does not exist, a list does not have a code, or a code
    is mapped twice.
    """
    read = read_file(path, _File, called="crosswalk")
    for name in (read.source_list, read.target_list):
        if name not in codes:
            raise _fault(path, f"there is no code list {name!r}")
    counterparts: dict[str, Counterpart] = {}
    for place, counterpart in _counterparts(read):
        _check_known(path, place, read.source_list, (counterpart.code,), codes)
        _check_known(path, place, read.target_list, counterpart.to, codes)
        if counterpart.code in counterparts:
            raise _fault(path, f"{place}: {counterpart.code!r} is mapped twice")
        counterparts[counterpart.code] = counterpart
    return Crosswalk(
        read.source_list,
        read.target_list,
        read.edition,
        read.source,
        read.note,
        counterparts,
        codes[read.source_list],
    )


def _counterparts(read: _File) -> Iterable[tuple[str, Counterpart]]:
    for number, entry in enumerate(read.entry):
        for code in entry.codes:
            yield f"entry.{number}", Counterpart(code, entry.to, entry.kind, entry.note)
    for number, unmapped in enumerate(read.unmapped):
        for code in unmapped.codes:
            yield f"unmapped.{number}", Counterpart(code, (), "unmapped", unmapped.why)


def _check_known(path: Path, place: str, name: str, wanted: Iterable[str], codes: Mapping[str, CodeList]) -> None:
    unknown = sorted(set(wanted) - set(codes[name].names()))
    if unknown:
        raise _fault(path, f"{place}: {name} does not have {', '.join(map(repr, unknown))}")


def _fault(path: Path, what: str) -> DefinitionError:
    return DefinitionError(what, where=path.name, remedy="docs/layers.md lists the entries")
