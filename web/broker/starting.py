"""Starting a broker with the server, and keeping its accounts those of the API keys."""

import asyncio
import secrets
from pathlib import Path

import structlog

from cim.errors import CimError
from cim.store.broker_keys import broker_keys
from cim.store.database import Database
from cim.store.identities import broker_hash
from web.broker.accounts import BRIDGE, Account
from web.broker.configuration import (
    BrokerAddress,
    broker,
    keep_address,
    mosquitto_program,
    read_again,
    write_accounts,
)
from web.cli.supervising import Program

TASK = "mqtt"
BROKER_FOLDER = "broker"
"""Below the data folder."""
LOOK_EVERY_S = 10.0
_log = structlog.get_logger()


async def start_broker(database: Database, folder: Path, host: str, port: int) -> Program:
    """The broker as a program to keep running, with an account for each key."""
    mosquitto_program()
    secret = secrets.token_urlsafe(32)
    bridge = Account(BRIDGE, broker_hash(secret), None)
    program = broker(folder, host, port, [bridge, *await key_accounts(database)])
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 it is compared with, not bound to
    keep_address(folder, BrokerAddress(local, port, BRIDGE, secret))
    return program


async def key_accounts(database: Database) -> list[Account]:
    """An account for each valid key that was made with a password for the broker."""
    async with database.writing(TASK) as connection:
        return [Account(key.key_id, key.broker_hash, key.principal) for key in await broker_keys(connection)]


async def follow_keys(database: Database, folder: Path, address: BrokerAddress) -> None:
    """Keep the broker's accounts those of the keys until cancelled: a key that ends is out within ten seconds."""
    bridge = Account(address.name, broker_hash(address.secret), None)
    while True:
        try:
            if write_accounts(folder, [bridge, *await key_accounts(database)]):
                read_again(folder)
        except (CimError, OSError) as error:
            _log.warning("the broker's accounts were not read again", reason=str(error))
        await asyncio.sleep(LOOK_EVERY_S)
