"""nginx in front of the web processes: its settings from deploy/nginx.conf.template, all its files in one folder."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from cim.errors import BadRequest
from web.cli.supervising import Program

TEMPLATE = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf.template"
_FOLDERS = ("cache", "temp")


def nginx_program() -> str:
    """Where nginx is installed; BadRequest names the package when it is not."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BadRequest(
            "nginx is not installed", where="--proxy", remedy="apt-get install nginx-light, or start without --proxy"
        )
    return found


def proxy(prefix: Path, host: str, port: int, sockets: Sequence[Path], cache_mb: int) -> Program:
    """The proxy as a program to keep running; ``prefix`` is a folder for it alone, ``sockets`` the web processes'."""
    for name in _FOLDERS:
        (prefix / name).mkdir(mode=0o700, exist_ok=True)
    settings = prefix / "nginx.conf"
    settings.write_text(nginx_settings(prefix, host, port, sockets, cache_mb), "utf-8")
    command = [nginx_program(), "-p", str(prefix), "-c", str(settings), "-e", str(prefix / "error.log")]
    ends_with_us = shutil.which("setpriv")
    return Program("proxy", [ends_with_us, "--pdeathsig", "TERM", *command] if ends_with_us else command)


def nginx_settings(prefix: Path, host: str, port: int, sockets: Sequence[Path], cache_mb: int) -> str:
    """The template filled in."""
    if re.search(r"[\s;{}'\"$\\]", str(prefix)):
        raise BadRequest(
            f"nginx cannot use the folder {prefix}",
            where="--data",
            remedy="choose a data folder without blanks, quotes, braces and dollar signs in its name",
        )
    shown = f"[{host}]" if ":" in host else host
    also = f"\n        listen 0.0.0.0:{port} backlog=1024;" if host == "::" else ""
    values = {
        "$PREFIX": str(prefix),
        "$CACHE_MB": str(cache_mb),
        "$UPSTREAMS": "\n".join(f"        server unix:{path} max_fails=0;" for path in sockets),
        "$LISTENS": f"        listen {shown}:{port} backlog=1024;{also}",
    }
    text = TEMPLATE.read_text("utf-8")
    for name, value in values.items():
        text = text.replace(name, value)
    return text
