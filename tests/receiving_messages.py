"""An HTTP server on this machine that keeps what is posted to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    """What came in: headers and body of each post. ``status`` is what is answered."""

    port: int = 0
    status: int = 204
    location: str = ""
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hits: int = 0
    came: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiving(host: str = "127.0.0.1") -> Iterator[Received]:
    """A receiver while the block runs."""
    kept = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.hits += 1
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            kept.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.status)
            if kept.location:
                self.send_header("location", kept.location)
            self.send_header("content-length", "0")
            self.end_headers()
            kept.came.set()

        def do_GET(self) -> None:
            kept.hits += 1
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
