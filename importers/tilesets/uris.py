"""Where the addresses in a set lead: to a file of the set, or nowhere."""

import posixpath
from urllib.parse import unquote, urlsplit

DATA = "data:"


class BadUri(ValueError):
    """An address that leads out of the set, or cannot be read."""


def file_of(uri: str, document: str) -> str:
    """The name of the file an address in a document means; BadUri where it is none of the set."""
    if "\\" in uri or "\x00" in uri:
        raise BadUri(f"{uri[:80]!r} is no address")
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise BadUri(f"{uri[:80]!r} is no address") from error
    if parts.scheme or parts.netloc:
        raise BadUri(f"{uri[:80]!r} leads to another place on the network")
    path = unquote(parts.path)
    if not path:
        raise BadUri("an address is empty")
    if path.startswith("/"):
        raise BadUri(f"{uri[:80]!r} is absolute")
    name = posixpath.normpath(posixpath.join(posixpath.dirname(document), path))
    if name.startswith("..") or name == "." or "\\" in name or "\x00" in name:
        raise BadUri(f"{uri[:80]!r} leads out of the set")
    return name
