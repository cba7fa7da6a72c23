"""Where the files of an OSGB model stand: metadata.xml, and in Data a folder for each tile, its coarsest file named so.

Nothing is opened here, so the process that hands a model to the reading child may look too.
"""

from pathlib import Path

from cim.errors import ImportRefused

METADATA, DATA, SUFFIX = "metadata.xml", "Data", ".osgb"
FILES_LIMIT = 1_000_000


def looks_like_model(path: Path) -> bool:
    """Whether a folder has the parts of a model."""
    return _is_own(path / METADATA) and (path / METADATA).is_file() and _is_own(path / DATA) and (path / DATA).is_dir()


def tile_folders(model: Path) -> list[Path]:
    """The folders of a model's tiles, in the order of their names."""
    if not looks_like_model(model):
        return []
    return [item for item in sorted((model / DATA).iterdir()) if _is_own(item) and item.is_dir()]


def tile_files(folder: Path) -> list[Path]:
    """The files of a tile's levels, links left out."""
    return [
        item for item in sorted(folder.iterdir()) if item.suffix.lower() == SUFFIX and _is_own(item) and item.is_file()
    ]


def is_top(file: Path) -> bool:
    """Whether a file is of its tile's coarsest level."""
    return file.stem == file.parent.name


def model_parts(model: Path) -> list[Path]:
    """The files of a model that an import looks at; ImportRefused where they are more than ``FILES_LIMIT``."""
    parts = [model / METADATA]
    for folder in tile_folders(model):
        parts += tile_files(folder)
        if len(parts) > FILES_LIMIT:
            raise ImportRefused(
                "too-large",
                f"models are read up to {FILES_LIMIT} files",
                where=model.name,
                remedy="split the model, each part with its own metadata.xml",
            )
    return parts


def stands_for_its_size(part: Path) -> bool:
    """Whether of a model's file only name and size matter: those of finer levels, which are most of its bytes."""
    return part.suffix.lower() == SUFFIX and not is_top(part)


def _is_own(path: Path) -> bool:
    return not path.is_symlink()
