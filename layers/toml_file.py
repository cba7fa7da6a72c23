"""TOML files of the catalogue: read, checked against their model, and faults said with file and entry."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from cim.errors import DefinitionError

Entries = TypeVar("Entries", bound=BaseModel)


def read_file(path: Path, model: type[Entries], *, called: str, guide: str = "docs/layers.md") -> Entries:
    """The file's entries as the model. ``called`` names what a fault of the whole is of, ``guide`` the page of entries.

    Raises DefinitionError, naming the file, the entry and the fault.
    """
    try:
        return model.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(str(error), where=path.name, remedy="correct the TOML") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DefinitionError(
            f"{place or called}: {first['msg']}", where=path.name, remedy=f"{guide} lists the entries"
        ) from error


def check_name(path: Path, named: str) -> None:
    """Raise DefinitionError where a file is not named after the id in it."""
    if named != path.stem:
        raise DefinitionError(f"the id is {named!r}", where=path.name, remedy="name the file after the id")
