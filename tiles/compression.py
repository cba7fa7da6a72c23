"""How tiles are compressed: with ISA-L, which takes a quarter of zlib's time for as many bytes."""

from isal import igzip

LEVEL = 1


def compressed(raw: bytes) -> bytes:
    """The gzipped bytes of a tile, the same for the same content; empty for an empty tile."""
    return igzip.compress(raw, LEVEL, mtime=0) if raw else b""
