"""Texts of a PDF that can be searched: its fonts say of each glyph which character it stands for.

Noto has one glyph for 土 and for the radical of the same shape (U+2F1F). Skia names the radical, which nobody types.
"""

import re
import unicodedata
import zlib
from itertools import accumulate

_STREAM = re.compile(rb"<</Filter /FlateDecode\n/Length (\d+)>> stream\n")
_LETTER = re.compile(rb"^(<[0-9A-F]+>) <(2[EF][0-9A-F]{2})>$", re.MULTILINE)
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) n")
_LONGEST_TABLE = 65_536
_START = re.compile(rb"startxref\n(\d+)\n")


def plain_letters(pdf: bytes) -> bytes:
    """The same PDF, with radicals named as the characters they look like; its table of objects is put right."""
    pieces, places, shifts, at = [], [0], [0], 0
    for head in _STREAM.finditer(pdf):
        end = head.end() + int(head[1])
        made = _renamed(pdf[head.end() : end]) if int(head[1]) <= _LONGEST_TABLE else None
        if made is None:
            continue
        stream = b"<</Filter /FlateDecode\n/Length %d>> stream\n" % len(made) + made
        pieces += [pdf[at : head.start()], stream]
        places.append(end)
        shifts.append(len(stream) - (end - head.start()))
        at = end
    table = pdf.rindex(b"xref\n", 0, pdf.rindex(b"startxref"))
    moves = list(zip(places, accumulate(shifts), strict=True))

    def moved(offset: int) -> int:
        return offset + next(shift for place, shift in reversed(moves) if place <= offset)

    entries = _ENTRY.sub(lambda entry: b"%010d %s n" % (moved(int(entry[1])), entry[2]), pdf[table:])
    return b"".join((*pieces, pdf[at:table], _START.sub(b"startxref\n%d\n" % moved(table), entries)))


def _renamed(packed: bytes) -> bytes | None:
    """A packed table of characters without radicals, or None for other streams and tables that have none."""
    try:
        table = zlib.decompress(packed)
    except zlib.error:
        return None
    made = _LETTER.sub(_plain, table) if b"begincmap" in table else table
    return zlib.compress(made) if made != table else None


def _plain(letter: re.Match[bytes]) -> bytes:
    character = unicodedata.normalize("NFKC", chr(int(letter[2], 16)))
    return b"%s <%04X>" % (letter[1], ord(character)) if len(character) == 1 else letter[0]
