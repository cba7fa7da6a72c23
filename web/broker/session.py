"""The bridge's session at the broker, made before any device can connect.

A broker drops what nobody has subscribed to, though it acknowledges it. So the broker is first started where only this
process reaches it, the bridge subscribes there, and the broker keeps its session from then on.
"""

import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from web.broker.accounts import POSTED
from web.broker.configuration import BrokerAddress, listening_on

CLIENT = "cim-bridge"
START_S, STOP_S = 20.0, 30.0
_log = structlog.get_logger()


def bridge_client(address: BrokerAddress) -> mqtt.Client:
    """A client for the bridge's session, of MQTT 3.1.1, whose packets cost a third of those of MQTT 5.

    In the mode of bridges the broker does not send back to it what it publishes.
    """
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        CLIENT,
        clean_session=False,
        manual_ack=True,
        transport="unix" if address.host.startswith("/") else "tcp",
    )
    client.enable_bridge_mode()
    client.username_pw_set(address.name, address.secret)
    return client


def subscribe(client: mqtt.Client) -> None:
    """Ask the broker for what devices post."""
    client.subscribe([(topic, 1) for topic in POSTED])


def make_session(command: Sequence[str], folder: Path, address: BrokerAddress) -> bool:
    """Have the broker of ``folder`` keep the bridge's session; whether it does.

    Where it cannot be, for example because the broker does not start, the server starts all the same: readiness then
    tells of the broker.
    """
    with tempfile.TemporaryDirectory(prefix="cim-mqtt-", dir="/tmp") as passing:
        within = Path(passing) / "s"
        settings = listening_on(folder, within)
        process = subprocess.Popen([*command[:-1], str(settings)])
        try:
            made = _subscribed(process, BrokerAddress(str(within), 1, address.name, address.secret))
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            settings.unlink()
    if not made:
        _log.warning("the bridge's session could not be made before devices connect")
    return made


def _subscribed(process: "subprocess.Popen[bytes]", address: BrokerAddress) -> bool:
    """Whether the bridge could subscribe; what the session holds already stays there, as nothing is acknowledged."""
    until = time.monotonic() + START_S
    while not _listens(address.host):
        if process.poll() is not None or time.monotonic() > until:
            return False
        time.sleep(0.02)
    client = bridge_client(address)
    done: list[bool] = []

    def on_connect(_: mqtt.Client, __: Any, flags: mqtt.ConnectFlags, *___: Any) -> None:
        if flags.session_present:
            done.append(True)
        else:
            subscribe(client)

    def on_subscribe(_: mqtt.Client, __: Any, ___: int, reasons: Any, ____: Any) -> None:
        done.append(not any(one.is_failure for one in reasons))

    client.on_connect, client.on_subscribe = on_connect, on_subscribe
    client.connect(address.host, address.port)
    while not done and time.monotonic() < until:
        if client.loop(0.1) != mqtt.MQTT_ERR_SUCCESS:
            return False
    client.disconnect()
    return any(done)


def _listens(path: str) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(path)
        return True
    return False
