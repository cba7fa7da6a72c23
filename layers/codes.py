"""Code lists: what a code means and, where prescribed, how it is drawn. A code means nothing without its system."""

from datetime import date
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from layers.text import Text
from layers.toml_file import read_file


class Code(BaseModel):
    """One code of a list.

    ``colour`` is the prescribed map colour as ``#rrggbb``. ``parent`` is the code that stands for this one in a
    crosswalk that does not name it; without a parent there is none. ``note`` says what is uncertain.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    code: str
    name: Text
    colour: str | None = None
    parent: str | None = None
    note: str = ""


class CodeList(BaseModel):
    """A classification in one edition, with the source it was taken from.

    ``valid_from`` and ``valid_until`` are the days between which the edition was in force, as far as known. A list that
    is not ``complete`` says in ``note`` what it lacks.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    system: str
    edition: str
    source: str
    valid_from: date | None = None
    valid_until: date | None = None
    complete: bool = True
    note: str = ""
    code: tuple[Code, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        known = {code.code for code in self.code}
        if len(known) != len(self.code):
            raise ValueError("a code is listed twice")
        for code in self.code:
            if code.parent is not None and code.parent not in known - {code.code}:
                raise ValueError(f"the parent {code.parent!r} of {code.code!r} is not in the list")
        if not self.complete and not self.note:
            raise ValueError("a list that is not complete says in `note` what it lacks")
        return self

    def names(self) -> dict[str, Text]:
        """Meaning of each code."""
        return {code.code: code.name for code in self.code}

    def lineage(self, code: str) -> tuple[str, ...]:
        """The code and, in turn, the codes that may stand for it; empty when the list does not have the code."""
        parents = {entry.code: entry.parent for entry in self.code}
        found: list[str] = []
        at: str | None = code if code in parents else None
        while at is not None and at not in found:
            found.append(at)
            at = parents[at]
        return tuple(found)


def load_codes(path: Path) -> CodeList:
    """Read one code list file; DefinitionError names file, entry and fault."""
    return read_file(path, CodeList, called="code list")
