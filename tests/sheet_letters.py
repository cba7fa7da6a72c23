"""Reading the texts of a PDF that Skia made, without another library."""

import re
import zlib


def streams(pdf: bytes) -> list[bytes]:
    """The compressed streams of a PDF, unpacked."""
    found = []
    for match in re.finditer(rb"stream\r?\n", pdf):
        try:
            found.append(zlib.decompressobj().decompress(pdf[match.end() :]))
        except zlib.error:
            continue
    return found


def letters(pdf: bytes) -> str:
    """What the fonts in a PDF say their glyphs stand for."""
    found = []
    for stream in streams(pdf):
        if b"begincmap" in stream:
            body = stream.split(b"endcodespacerange")[-1]
            for first, last, start in re.findall(rb"<([0-9A-F]+)> (?:<([0-9A-F]+)> )?<([0-9A-F]+)>\n", body):
                count = int(last, 16) - int(first, 16) + 1 if last else 1
                text = bytes.fromhex(start.decode()).decode("utf-16-be", "ignore")
                found += [text[:-1] + chr(ord(text[-1]) + more) for more in range(count)]
    return "".join(found)
