"""Counters that an operator's Prometheus reads at /metrics, summed over the web processes of one server."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which the counters of several processes meet; set by ``cim up`` for those it starts."""


class Metrics:
    """Requests by kind and status, their seconds, and what the tile cache holds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._known: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self.requests = Counter("cim_requests_total", "Requests answered", ["kind", "status"], registry=self.registry)
        self.seconds = Histogram(
            "cim_request_seconds",
            "Seconds from request to last byte",
            ["kind"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )
        self.tile_bytes = Gauge(
            "cim_tile_cache_bytes",
            "Bytes in the tile caches in memory",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.tiles_making = Gauge(
            "cim_tiles_making",
            "Tiles in the making or waiting for it",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.layers = Gauge("cim_layers", "Layers with a version", registry=self.registry, multiprocess_mode="livemax")

    def observe(self, kind: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        known = self._known.get((kind, status))
        if known is None:
            known = (self.requests.labels(kind, str(status)), self.seconds.labels(kind))
            self._known[(kind, status)] = known
        known[0].inc()
        known[1].observe(seconds)

    def text(self) -> bytes:
        """The exposition format."""
        folder = os.environ.get(FOLDER_VARIABLE)
        if folder is None:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]  # untyped in prometheus_client
        return generate_latest(together)
