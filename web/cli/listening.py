"""Sockets to listen on, made before anything slow is done."""

import contextlib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cim.errors import BadRequest

BACKLOG = 1024


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket; a busy port is refused with the way out. ``shared`` lets further ones of ours join it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, port), family=family, backlog=BACKLOG, dualstack_ipv6=host == "::", reuse_port=shared
        )
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadRequest(
            f"cannot listen on {host} port {port}: {reason}",
            where="--port",
            remedy="stop the other program, or choose another port with --port",
        ) from error


@contextmanager
def listen_shared(host: str, port: int, count: int) -> Iterator[Sequence[socket.socket]]:
    """Sockets on one address, among which the kernel spreads the connections.

    They stay open for the block: while a process that served one of them is started again, its clients wait.
    """
    listen(host, port).close()
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(listen(host, port, shared=True)) for _ in range(count)]


@contextmanager
def listen_local(folder: Path, count: int) -> Iterator[Sequence[socket.socket]]:
    """Sockets that only the proxy reaches, as ``web-N.sock`` in a folder."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for number in range(count):
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            one.bind(str(folder / f"web-{number}.sock"))
            one.listen(BACKLOG)
            sockets.append(one)
        yield sockets


def address_of(host: str, port: int) -> str:
    """The address to type into a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
