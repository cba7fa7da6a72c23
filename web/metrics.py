"""Counters that an operator's Prometheus reads at /metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Requests by kind and status, their seconds, and what the tile cache holds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("cim_requests_total", "Requests answered", ["kind", "status"], registry=self.registry)
        self.seconds = Histogram(
            "cim_request_seconds",
            "Seconds from request to last byte",
            ["kind"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )
        self.tile_bytes = Gauge("cim_tile_cache_bytes", "Bytes in the tile cache", registry=self.registry)
        self.layers = Gauge("cim_layers", "Layers with a version", registry=self.registry)

    def observe(self, kind: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests.labels(kind, str(status)).inc()
        self.seconds.labels(kind).observe(seconds)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
