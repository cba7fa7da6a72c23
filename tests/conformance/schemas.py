"""The schemas of the OGC and the W3C from archives here: a proxy for suites, so that none needs the network.

It answers for ``schemas.opengis.net`` and ``www.w3.org`` only, with what the archives hold, and with 404 to all else.
"""

import posixpath
import threading
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

HOSTS = {"schemas.opengis.net": "ogc", "www.w3.org": "w3c"}


@contextmanager
def schema_proxy(folder: Path) -> Iterator[int]:
    """The port of a proxy that serves the schemas in the archives of a folder."""
    with ExitStack() as stack:
        archives = [stack.enter_context(zipfile.ZipFile(path)) for path in sorted(folder.glob("*-schemas-*.jar"))]
        held = {name: archive for archive in archives for name in archive.namelist()}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                name = posixpath.join(HOSTS.get(address.hostname or "", "-"), address.path.lstrip("/"))
                body = held[name].read(name) if name in held else b""
                self.send_response(200 if body else 404)
                self.send_header("content-type", "application/xml")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
