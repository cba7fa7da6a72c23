"""Tables that ship as TOML beside the modules that use them."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

from cim.errors import DefinitionError

Kind = TypeVar("Kind")


class Entry(BaseModel):
    """An entry of a table; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_table(path: Path, kind: type[Kind] | Any) -> Kind:
    """The table of a file as its kind; DefinitionError names the file and the entry."""
    try:
        table: Kind = TypeAdapter(kind).validate_python(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise DefinitionError(str(error), where=path.name, remedy="correct the table") from error
    return table
