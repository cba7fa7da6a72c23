"""The office's video gateway: where a camera's HLS stream lies there, and which addresses belong to that camera.

The administrator names one gateway by a template such as ``https://gw.example/live/{code}/index.m3u8``. Whatever is
asked of it lies at that host, below the part of the path that ends with the camera's code: the streams of other
cameras cannot be reached by a camera's address, nor can another host.
"""

import re
from dataclasses import dataclass
from posixpath import dirname
from urllib.parse import quote, urljoin, urlsplit

from cim.errors import NotFound, SettingsError, VideoUnavailable

SETTING, CODE = "CIM_VIDEO_GATEWAY", "{code}"
PLAYLIST = ".m3u8"
MEDIA_TYPES = {
    PLAYLIST: "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".key": "application/octet-stream",
}
"""What is handed on, by the end of its name."""
MOST_PATH, MOST_QUERY, MOST_CODE = 300, 1_000, 100
_NAME = re.compile(r"[A-Za-z0-9_~+=@,-][A-Za-z0-9._~+=@,-]*")
_QUERY = re.compile(r"[A-Za-z0-9._~+=@,:;/?&%!$'()*-]*")
_REMEDY = "write it as https://HOST/live/{code}/index.m3u8"


@dataclass(frozen=True, slots=True)
class Target:
    """One address at the gateway: what a request to its host asks for, and how it was named below the stream."""

    host: str
    port: int
    tls: bool
    path: str
    query: str
    name: str

    @property
    def suffix(self) -> str:
        """The end of its name, which says what it is."""
        return f".{self.name.rpartition('.')[2].lower()}"

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def address(self) -> str:
        """The whole address."""
        scheme, query = ("https" if self.tls else "http"), f"?{self.query}" if self.query else ""
        return f"{scheme}://{self.authority}{self.path}{query}"


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream of one camera at the gateway: its playlist, and what belongs to it."""

    playlist: Target
    own: str

    def at(self, name: str, query: str = "") -> Target:
        """What lies under a name beside the playlist; NotFound for a name that is none of this stream's.

        The query of the template goes with the playlist alone.
        """
        if name == self.playlist.name and not query:
            return self.playlist
        first = self.playlist
        path = f"{dirname(first.path).rstrip('/')}/{name}"
        parts = name.split("/")
        sound = len(name) <= MOST_PATH and all(_NAME.fullmatch(part) for part in parts)
        mine = path.startswith(self.own) and not path[len(self.own) : len(self.own) + 1].isalnum()
        target = Target(first.host, first.port, first.tls, path, query, name)
        if not (
            sound and mine and target.suffix in MEDIA_TYPES and len(query) <= MOST_QUERY and _QUERY.fullmatch(query)
        ):
            raise NotFound(
                "the stream has nothing of this name",
                where="path",
                remedy="play the address that /cameras/{gb_code}/play gives",
            )
        return target

    def named(self, reference: str, inside: Target) -> Target:
        """What a playlist refers to; VideoUnavailable where that is elsewhere than in this stream."""
        address = urlsplit(urljoin(inside.address, reference))
        here, beside = urlsplit(self.playlist.address), f"{dirname(self.playlist.path).rstrip('/')}/"
        if (address.scheme, address.netloc) != (here.scheme, here.netloc) or not address.path.startswith(beside):
            raise VideoUnavailable(
                "the gateway's playlist leads to another place",
                where=SETTING,
                remedy="let the gateway write playlists whose segments lie beside them",
            )
        try:
            return self.at(address.path[len(beside) :], address.query)
        except NotFound:
            raise VideoUnavailable(
                "the gateway's playlist names something that is no segment of this stream",
                where=SETTING,
                remedy="let the gateway write plain HLS with one folder, or one beginning of names, for each camera",
            ) from None


@dataclass(frozen=True, slots=True)
class VideoGateway:
    """The gateway by its template, in parts; ``path`` holds the code's place."""

    host: str
    port: int
    tls: bool
    path: str
    query: str

    def stream(self, code: str) -> Stream:
        """The stream of a camera; NotFound for a code that can stand in no address."""
        if not (_NAME.fullmatch(code) and len(code) <= MOST_CODE):
            raise NotFound("a camera of this code has no stream", where="gb_code", remedy="its code must be plain")
        written = quote(code, safe="")
        path = self.path.replace(CODE, written)
        before, _, _ = self.path.partition(CODE)
        name = path.rpartition("/")[2]
        query = self.query.replace(CODE, written)
        return Stream(Target(self.host, self.port, self.tls, path, query, name), before + written)


def configured_gateway(template: str) -> VideoGateway | None:
    """The gateway of the setting, None for an empty one; SettingsError says what is wrong with it."""
    if not template.strip():
        return None
    try:
        parts = urlsplit(template.strip())
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise SettingsError(f"{template[:80]!r} is no address", where=SETTING, remedy=_REMEDY) from None
    faults = {
        "it is no address of http or https": parts.scheme not in {"http", "https"} or not parts.hostname,
        "it holds a name and password": "@" in parts.netloc,
        "{code} must stand in its path, once": parts.path.count(CODE) != 1 or CODE in parts.netloc,
        "it does not end with .m3u8": not parts.path.endswith(PLAYLIST),
        "it has a fragment": bool(parts.fragment),
    }
    for fault, found in faults.items():
        if found:
            raise SettingsError(fault, where=SETTING, remedy=_REMEDY)
    return VideoGateway(str(parts.hostname), port, parts.scheme == "https", parts.path, parts.query)
