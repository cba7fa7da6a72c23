"""The text of a STEP file (ISO 10303-21) brought to the form the rest reads: its header, no comments, plain ASCII.

Comments are left out. Texts with bytes beyond ASCII, which the standard does not allow and many programs write, are
taken as UTF-8, else as GB 18030, else as Latin 1, and written as the standard's own escapes.
"""

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cim.errors import ImportRefused

START = b"ISO-10303-21"
BOM = b"\xef\xbb\xbf"
HEADER_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 24
_TEXT_OR_COMMENT = re.compile(rb"'[^']*'|/\*.*?\*/", re.DOTALL)
_STRANGE = re.compile(rb"[\x80-\xff]+")
_SCHEMA = re.compile(rb"FILE_SCHEMA\s*\(\s*\(\s*'([^']*)'", re.IGNORECASE)
_DATA = re.compile(rb"'[^']*'|\bDATA\s*(?:\([^;]*\))?\s*;")


@dataclass(frozen=True, slots=True)
class StepText:
    """A STEP text: its bytes, the schema its header names, where its data begin, how texts beyond ASCII are coded."""

    data: mmap.mmap | bytes
    schema: str
    begin: int
    encoding: str = "ascii"


def schema_of(head: bytes) -> str | None:
    """The schema named in the first bytes of a STEP file; None where they are none or do not reach so far."""
    if not head.removeprefix(BOM).lstrip().startswith(START):
        return None
    found = _SCHEMA.search(_TEXT_OR_COMMENT.sub(_without_comment, head))
    return found[1].decode("ascii", "replace").strip().upper() if found else ""


def step_text(path: Path, folder: Path) -> StepText:
    """Open a STEP file; ImportRefused where it is none, has no header or breaks off. ``folder`` takes a clean copy."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise _unreadable(path, "it is empty")
        data: mmap.mmap | bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    encoding = _encoding(data) if _is_strange(data) else "ascii"
    if encoding != "ascii" or data.find(b"/*") >= 0:
        clean = folder / "clean.ifc"
        _write_clean(data, encoding, clean)
        with clean.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    schema, begin = _header(path, data[:HEADER_BYTES])
    if data.rfind(b"ENDSEC") < begin:
        raise _unreadable(path, "the file breaks off: its data do not end")
    return StepText(data, schema, begin, encoding)


def _header(path: Path, head: bytes) -> tuple[str, int]:
    if not head.removeprefix(BOM).lstrip().startswith(START):
        raise _unreadable(path, "it does not begin with ISO-10303-21")
    begin = next((found.end() for found in _DATA.finditer(head) if found[0][:1] != b"'"), None)
    if begin is None:
        raise _unreadable(path, "it has no DATA section")
    head = head[:begin]
    schema = _SCHEMA.search(head)
    if re.search(rb"\bHEADER\s*;", head) is None or schema is None:
        raise _unreadable(path, "its header section is missing or incomplete")
    return schema[1].decode("ascii", "replace").strip().upper(), begin


def _is_strange(data: mmap.mmap | bytes) -> bool:
    """Whether any byte is beyond ASCII."""
    view = np.frombuffer(data, np.uint8)
    return any(bool((view[at : at + _BLOCK_BYTES] > 127).any()) for at in range(0, len(view), _BLOCK_BYTES))


def _encoding(data: mmap.mmap | bytes) -> str:
    raw = b" ".join(_STRANGE.findall(data))
    for encoding in ("utf-8", "gb18030"):
        try:
            raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _write_clean(data: mmap.mmap | bytes, encoding: str, target: Path) -> None:
    def kept(found: re.Match[bytes]) -> bytes:
        if found[0][:2] == b"/*":
            return b" "
        return _escaped(found[0], encoding)

    body = _TEXT_OR_COMMENT.sub(kept, data)
    target.write_bytes(_STRANGE.sub(b" ", body.removeprefix(BOM)))


def _escaped(text: bytes, encoding: str) -> bytes:
    """A text with everything beyond ASCII as the escapes of ISO 10303-21.

    GB 18030 has bytes that look like ASCII after a first one beyond it, so the text is decoded whole.
    """
    if text.isascii():
        return text
    out = []
    for run in re.split(r"([^\x00-\x7f]+)", text.decode(encoding, "replace")):
        coded = run if run.isascii() else f"\\X4\\{run.encode('utf-32-be').hex().upper()}\\X0\\"
        out.append(coded.encode("ascii"))
    return b"".join(out)


def _without_comment(found: re.Match[bytes]) -> bytes:
    return b" " if found[0][:2] == b"/*" else found[0]


def _unreadable(path: Path, why: str) -> ImportRefused:
    return ImportRefused(
        "unreadable",
        f"the file is no STEP text that can be read: {why}",
        where=path.name,
        remedy="export the model again as IFC (STEP physical file)",
    )
