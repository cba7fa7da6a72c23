"""The addresses of OGC SensorThings API 1.1; all of them lead to one endpoint outside the framework."""

from starlette.routing import Route

from web.sensorthings.address import ROOT
from web.sensorthings.endpoint import SensorThingsEndpoint
from web.state import ServerState


def sensorthings_routes(state: ServerState) -> list[Route]:
    """The service root and everything below it."""
    endpoint = SensorThingsEndpoint(state)
    return [Route(ROOT, endpoint), Route(f"{ROOT}/{{path:path}}", endpoint)]
