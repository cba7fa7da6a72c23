"""Which encoding texts are in, with the evidence."""

from pathlib import Path

CHINESE = "GB18030"
_LANGUAGE_BYTES = {0x4D: "CP936", 0x7A: "CP936", 0x4F: "CP950", 0x78: "CP950", 0x08: "CP865", 0x03: "CP1252"}
_SAMPLE_BYTES = 4_000_000


def dbf_encoding(shp: Path, given: str | None) -> tuple[str, str]:
    """Encoding of the table beside a .shp, and how it is known: given, .cpg, language byte, or the texts themselves."""
    if given:
        return given, "given by --encoding"
    cpg = sibling(shp, ".cpg")
    if cpg is not None:
        name = cpg.read_text("ascii", errors="replace").strip()
        if name:
            return _usual(name), f"declared in .cpg as {name}"
    dbf = sibling(shp, ".dbf")
    if dbf is None:
        return "UTF-8", "there is no table"
    with dbf.open("rb") as file:
        content = file.read(_SAMPLE_BYTES)
    language = content[29] if len(content) > 29 else 0
    if language in _LANGUAGE_BYTES:
        return _LANGUAGE_BYTES[language], f"language byte 0x{language:02x}"
    start = int.from_bytes(content[8:10], "little")
    encoding, evidence = guess(content[start:])
    return encoding, evidence


def guess(content: bytes) -> tuple[str, str]:
    """UTF-8 when all of it is valid UTF-8, else GB18030 when it is valid as that, else Latin-1."""
    if content.isascii():
        return "UTF-8", "all texts are ASCII"
    for encoding, evidence in (("UTF-8", "all texts are valid UTF-8"), (CHINESE, "texts are valid GB18030")):
        if _decodes(content, encoding):
            return encoding, evidence
    return "ISO-8859-1", "texts are neither UTF-8 nor GB18030"


def sibling(path: Path, suffix: str) -> Path | None:
    """The file beside ``path`` with another suffix, whatever its case."""
    for candidate in path.parent.iterdir():
        if candidate.stem == path.stem and candidate.suffix.lower() == suffix:
            return candidate
    return None


def _decodes(content: bytes, encoding: str) -> bool:
    for cut in range(4):
        try:
            content[: len(content) - cut].decode(encoding)
        except UnicodeDecodeError as error:
            if error.start < len(content) - 8:
                return False
        else:
            return True
    return False


def _usual(name: str) -> str:
    known = {"936": "CP936", "GBK": CHINESE, "GB2312": CHINESE, "65001": "UTF-8", "UTF8": "UTF-8", "ANSI 936": "CP936"}
    return known.get(name.upper(), name)
