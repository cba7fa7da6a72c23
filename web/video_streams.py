"""Handing a camera's stream on: playlists with their addresses rewritten to ours, segments checked to be media."""

import re
from collections.abc import Callable
from posixpath import dirname, relpath

from cim.errors import VideoUnavailable
from web.video_fetching import Fetcher
from web.video_gateway import MEDIA_TYPES, PLAYLIST, SETTING, Stream, Target

MOST_PLAYLIST_BYTES, MOST_SEGMENT_BYTES = 256 * 1024, 16 * 1024 * 1024
KEY_BYTES = 16
_URI = re.compile(r'(?<=[:,])URI="([^"]*)"')
_BOXES = frozenset({b"ftyp", b"styp", b"moof", b"moov", b"sidx", b"emsg", b"prft"})
_TS_PACKET = 188


async def handed_on(fetcher: Fetcher, stream: Stream, target: Target) -> tuple[str, bytes]:
    """Media type and bytes of a part of a stream as callers get it; VideoUnavailable where it is no such part."""
    if target.suffix == PLAYLIST:
        found = await fetcher.fetch(target, MOST_PLAYLIST_BYTES)
        return MEDIA_TYPES[PLAYLIST], rewritten(found.body, stream, target).encode()
    found = await fetcher.fetch(target, MOST_SEGMENT_BYTES)
    if not _is_media(found.body, target.suffix):
        told = f" ({found.media_type})" if found.media_type else ""
        raise VideoUnavailable(
            f"the video gateway answers with something else than video{told[:60]}",
            where=SETTING,
            remedy="open the address at the gateway to see what it says",
        )
    return MEDIA_TYPES[target.suffix], found.body


def rewritten(body: bytes, stream: Stream, playlist: Target) -> str:
    """A playlist whose addresses are relative, so that they lead here again; one that leads elsewhere is refused."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if not text.startswith("#EXTM3U"):
        raise VideoUnavailable(
            "the video gateway answers with something else than a playlist",
            where=SETTING,
            remedy="open the address at the gateway to see what it says",
        )

    def here(reference: str) -> str:
        target = stream.named(reference, playlist)
        query = f"?{target.query}" if target.query else ""
        return relpath(target.name, dirname(playlist.name) or ".") + query

    lines = [_line(line.strip(), here) for line in text.splitlines()]
    return "\n".join(lines) + "\n"


def _line(line: str, here: Callable[[str], str]) -> str:
    if line.startswith("#"):
        return _URI.sub(lambda found: f'URI="{here(found[1])}"', line)
    return here(line) if line else line


def _is_media(body: bytes, suffix: str) -> bool:
    """Whether bytes begin as what their name says: packets of MPEG-TS, boxes of MP4, frames of AAC, a key."""
    if suffix == ".ts":
        return body[:1] == b"G" and body[_TS_PACKET : _TS_PACKET + 1] in {b"", b"G"}
    if suffix == ".aac":
        return body[:3] == b"ID3" or (len(body) > 1 and body[0] == 0xFF and body[1] & 0xF0 == 0xF0)
    if suffix == ".key":
        return len(body) == KEY_BYTES
    return body[4:8] in _BOXES
