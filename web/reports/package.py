"""The result package: inputs, answer, rules and reports with their hashes, from which the same numbers come again."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.errors import BadRequest

MANIFEST, INPUTS, ANSWER, RED_LINE = "manifest.json", "inputs.json", "answer.json", "redline.json"
FORMAT = 1
MOST_BYTES = 200 * 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every entry, so that equal content makes an equal package."""


@dataclass(frozen=True, slots=True)
class Package:
    """What a package holds of the run it came from."""

    process: str
    process_version: str
    inputs: Mapping[str, Any]
    answer: Mapping[str, Any]
    red_line: Mapping[str, Any] | None


def write_package(package: Package, files: Mapping[str, bytes]) -> bytes:
    """A ZIP of the run and further files, with a manifest of their SHA-256."""
    held = {
        INPUTS: _json(package.inputs),
        ANSWER: _json(package.answer),
        "places.geojson": _json(package.answer["geojson"]),
        **({RED_LINE: _json(package.red_line)} if package.red_line else {}),
        **files,
    }
    manifest = {
        "format": FORMAT,
        "process": package.process,
        "process_version": package.process_version,
        "rules": package.answer["rules"],
        "data_versions": {source["layer"]: source["version"] for source in package.answer["sources"]},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(held.items())},
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [(MANIFEST, _json(manifest)), *sorted(held.items())]:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def read_package(path: Path) -> Package:
    """The run that a package came from; BadRequest when it is none, or a file in it is not the one it names."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
                raise BadRequest("the package is over 200 MB", where=path.name, remedy="check the file")
            manifest = json.loads(archive.read(MANIFEST))
            content = {name: archive.read(name) for name in manifest["files"]}
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise BadRequest(
            f"not a result package: {error}"[:200], where=path.name, remedy="give the ZIP as it came"
        ) from error
    for name, expected in manifest["files"].items():
        if hashlib.sha256(content[name]).hexdigest() != expected:
            raise BadRequest(f"{name} was changed", where=path.name, remedy="give the package as it came")
    red_line = json.loads(content[RED_LINE]) if RED_LINE in content else None
    return Package(
        manifest["process"],
        manifest["process_version"],
        json.loads(content[INPUTS]),
        json.loads(content[ANSWER]),
        red_line,
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Where the figures of two answers differ: findings and tables, place by place; empty when they are the same."""
    found: list[str] = []
    for part in ("findings", "tables", "sources", "rules"):
        _compare(before[part], after[part], part, found)
    _compare(before["summary"].get("measures"), after["summary"].get("measures"), "summary.measures", found)
    _compare(before["summary"].get("verdict"), after["summary"].get("verdict"), "summary.verdict", found)
    return found


def _compare(before: Any, after: Any, place: str, found: list[str]) -> None:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            _compare(before.get(name), after.get(name), f"{place}.{name}", found)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            _compare(one, other, f"{place}.{number}", found)
    elif before != after:
        found.append(f"{place}: {str(before)[:60]} -> {str(after)[:60]}")


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n").encode()
