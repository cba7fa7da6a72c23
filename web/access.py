"""How the policy governs each route; a test fails on a route that is not here.

open: holds no data of a layer. layer: every answer goes through ``policy.decide`` or ``policy.readable``.
self: only what concerns the caller. right: needs an operation besides reading. local: for this machine, else by right.
"""

from typing import Literal

Access = Literal["open", "layer", "self", "right", "local"]

ROUTE_ACCESS: dict[str, Access] = {
    "/": "open",
    "/api": "open",
    "/conformance": "open",
    "/collections": "layer",
    "/collections/{layer}": "layer",
    "/collections/{layer}/schema": "layer",
    "/collections/{layer}/queryables": "layer",
    "/collections/{layer}/items": "layer",
    "/collections/{layer}/items/{fid}": "layer",
    "/collections/{layer}/versions": "right",
    "/collections/{layer}/diff": "right",
    "/tiles/{layer}.json": "layer",
    "/tiles/{layer}/{z:int}/{x:int}/{y:int}.mvt": "layer",
    "/styles/map.json": "layer",
    "/styles/{layer}.json": "layer",
    "/catalog": "layer",
    "/identify": "layer",
    "/search": "layer",
    "/scenarios": "layer",
    "/scenarios/{name}": "layer",
    "/imports": "right",
    "/collections/{layer}/rollback": "right",
    "/collections/{layer}/items/{fid}/lineage": "right",
    "/imports/uploads": "right",
    "/imports/uploads/{upload}": "right",
    "/imports/uploads/{upload}/start": "right",
    "/imports/uploads/{upload}/events": "right",
    "/imports/{number}": "right",
    "/imports/{number}/faults": "right",
    "/imports/{number}/report.{kind}": "right",
    "/session": "self",
    "/healthz": "open",
    "/readyz": "open",
    "/metrics": "local",
    "/map": "open",
    "/map/": "open",
    "/map/{path:path}": "open",
}
