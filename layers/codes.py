"""Code lists: what a code means and, where prescribed, how it is drawn. A code means nothing without its system."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from cim.errors import DefinitionError
from layers.definition import Text


class Code(BaseModel):
    """One code of a list; ``colour`` is the prescribed map colour as ``#rrggbb``."""

    model_config = ConfigDict(extra="allow", frozen=True)
    code: str
    name: Text
    colour: str | None = None


class CodeList(BaseModel):
    """A classification in one edition, with the source it was taken from."""

    model_config = ConfigDict(extra="allow", frozen=True)
    system: str
    edition: str
    source: str
    code: tuple[Code, ...]

    def names(self) -> dict[str, Text]:
        """Meaning of each code."""
        return {code.code: code.name for code in self.code}


def load_codes(path: Path) -> CodeList:
    """Read one code list file; DefinitionError names file and fault."""
    try:
        return CodeList.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise DefinitionError(str(error).splitlines()[0], where=path.name, remedy="correct the TOML") from error
