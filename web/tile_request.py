"""Reading the address of a tile: path and query to a TileRequest, every size bounded before any work is done."""

import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from cim.errors import BadRequest
from tiles.grid import WEB_MERCATOR_QUAD, grid
from tiles.request import MOST_LAYERS, TileRequest

MOST_QUERY_BYTES = 20_000
MOST_PATH_BYTES = 2_000
_PATH = re.compile(r"^/tiles/([^/]+)/(\d{1,3})/(\d{1,9})/(\d{1,9})\.mvt$")
_OGC_PATH = re.compile(r"^/collections/([^/,]+)/tiles/([^/]+)/(\d{1,3})/(\d{1,9})/(\d{1,9})$")
"""A tile by OGC API Tiles: the row comes before the column."""


@lru_cache(maxsize=8192)
def tile_request(path: str, query: bytes) -> TileRequest:
    """The request an address stands for; BadRequest says what of it cannot be used.

    Parameters that are not known are passed over. ``v`` only decides whether the address is immutable.
    """
    layers, name, z, x, y = _place(path)
    grid(name).check(z, x, y)
    if not query:
        return TileRequest(layers, z, x, y, name)
    given = _parameters(query)
    return TileRequest(
        layers,
        z,
        x,
        y,
        name,
        properties=_properties(given.get("properties")),
        filter=given.get("filter"),
        filter_lang=given.get("filter-lang", "cql2-text"),
        filter_crs=given.get("filter-crs"),
        datetime=given.get("datetime"),
        scenario=given.get("scenario"),
    )


def _place(path: str) -> tuple[tuple[str, ...], str, int, int, int]:
    """Layers, grid, zoom, column and row."""
    if len(path) <= MOST_PATH_BYTES:
        if match := _PATH.match(path):
            return _layers(match[1]), WEB_MERCATOR_QUAD, int(match[2]), int(match[3]), int(match[4])
        if match := _OGC_PATH.match(path):
            return _layers(match[1]), unquote(match[2]), int(match[3]), int(match[5]), int(match[4])
    raise BadRequest("this is not a tile address", where="path", remedy="ask /tiles/{layer}/{z}/{x}/{y}.mvt")


def _layers(text: str) -> tuple[str, ...]:
    names = unquote(text).split(",")
    if len(names) > MOST_LAYERS:
        raise BadRequest(
            f"{len(names)} layers are asked for in one tile", where="layer", remedy=f"ask for {MOST_LAYERS} at most"
        )
    return tuple(dict.fromkeys(names))


def _parameters(query: bytes) -> dict[str, str]:
    if len(query) > MOST_QUERY_BYTES:
        raise BadRequest("the query is too long", where="query", remedy=f"keep it below {MOST_QUERY_BYTES // 1000} kB")
    try:
        return dict(parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError:
        raise BadRequest("the query cannot be read", where="query", remedy="encode it as a URL query") from None


def _properties(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(dict.fromkeys(name for name in text.split(",") if name))
