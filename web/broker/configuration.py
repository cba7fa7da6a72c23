"""Mosquitto beside the server: its settings, and the program that the supervisor keeps running."""

import json
import os
import pwd
import re
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cim.errors import BadRequest
from web.broker.accounts import Account, acl_file, password_file
from web.cli.supervising import Program

DEFAULT_PORT = 1883
SETTINGS = """\
# Written by cim at each start.
per_listener_settings false
{listener}
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
pid_file {folder}/mosquitto.pid
persistence true
persistence_location {folder}/kept/
autosave_interval 5
persistent_client_expiration 7d
max_connections 2000
max_inflight_messages 20000
max_queued_messages 200000
max_queued_bytes 268435456
max_keepalive 600
max_packet_size 262144
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
{user}"""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker listens, and as whom the bridge logs in."""

    host: str
    port: int
    name: str = ""
    secret: str = ""


def mosquitto_program() -> str:
    """Where Mosquitto is installed; BadRequest names the package when it is not."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BadRequest(
            "mosquitto is not installed", where="--mqtt", remedy="apt-get install mosquitto, or start without --mqtt"
        )
    return found


def broker(folder: Path, host: str, port: int, accounts: Sequence[Account]) -> Program:
    """The broker as a program to keep running; all its files lie in ``folder``, which is for it alone."""
    if re.search(r"\s", str(folder)):
        raise BadRequest(
            f"mosquitto cannot use the folder {folder}", where="--data", remedy="choose one without blanks in its name"
        )
    (folder / "kept").mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    write_accounts(folder, accounts)
    domain = "ipv6" if ":" in host else "ipv4"
    settings = _write_settings(folder, f"listener {port} {host}\nsocket_domain {domain}")
    command = [mosquitto_program(), "-c", str(settings)]
    ends_with_us = shutil.which("setpriv")
    return Program("broker", [ends_with_us, "--pdeathsig", "TERM", *command] if ends_with_us else command)


def listening_on(folder: Path, socket: Path) -> Path:
    """Settings of the same broker that is reached by a socket of this machine only; returns their file."""
    return _write_settings(folder, f"listener 0 {socket}", "within.conf")


def _write_settings(folder: Path, listener: str, name: str = "mosquitto.conf") -> Path:
    # Started by root it would become another account, which could not read these files.
    user = f"user {pwd.getpwuid(os.geteuid()).pw_name}\n" if os.geteuid() == 0 else ""
    _write(folder / name, SETTINGS.format(listener=listener, folder=folder, user=user))
    return folder / name


def write_accounts(folder: Path, accounts: Sequence[Account]) -> bool:
    """Write the broker's accounts; whether they are others than before."""
    texts = {"passwords": password_file(accounts), "acl": acl_file(accounts)}
    changed = {name: text for name, text in texts.items() if _text(folder / name) != text}
    for name, text in changed.items():
        _write(folder / name, text)
    return bool(changed)


def read_again(folder: Path) -> None:
    """Tell the broker that its accounts are others: it ends connections of those that are gone."""
    with suppress(ValueError, OSError):
        number = int(_text(folder / "mosquitto.pid") or "")
        if Path(f"/proc/{number}/comm").read_text().strip() == "mosquitto":
            os.kill(number, signal.SIGHUP)


def keep_address(folder: Path, address: BrokerAddress | None) -> None:
    """Leave word for the bridge where the broker is; None: there is none."""
    if address is None:
        (folder / "bridge.json").unlink(missing_ok=True)
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / "bridge.json", json.dumps(asdict(address)))


def kept_address(folder: Path) -> BrokerAddress | None:
    """Where the broker is, and as whom to log in there; None where none was started."""
    text = _text(folder / "bridge.json")
    return BrokerAddress(**json.loads(text)) if text else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    """Write a file that only this account reads, whole or not at all."""
    passing = path.with_suffix(".new")
    descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    passing.rename(path)
