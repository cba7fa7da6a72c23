"""Starting a broker with the server, and keeping its accounts those of the API keys."""

import asyncio
import hashlib
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
from web.broker.session import make_session
from web.cli.supervising import Program

TASK = "mqtt"
BROKER_FOLDER = "broker"
"""Below the data folder."""
LOOK_EVERY_S = 10.0
_log = structlog.get_logger()


async def start_broker(database: Database, folder: Path, host: str, port: int) -> Program:
    """The broker as a program to keep running, with an account for each key."""
    mosquitto_program()
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 it is compared with, not bound to
    address = BrokerAddress(local, port, BRIDGE, secrets.token_urlsafe(32))
    program = broker(folder, host, port, [_bridge_account(address), *await key_accounts(database)])
    keep_address(folder, address)
    await asyncio.to_thread(make_session, program.command, folder, address)
    return program


async def key_accounts(database: Database) -> list[Account]:
    """An account for each valid key that was made with a password for the broker."""
    async with database.writing(TASK) as connection:
        return [Account(key.key_id, key.broker_hash, key.principal) for key in await broker_keys(connection)]


async def follow_keys(database: Database, folder: Path, address: BrokerAddress) -> None:
    """Keep the broker's accounts those of the keys until cancelled: a key that ends is out within ten seconds."""
    bridge = _bridge_account(address)
    while True:
        try:
            if write_accounts(folder, [bridge, *await key_accounts(database)]):
                read_again(folder)
        except (CimError, OSError) as error:
            _log.warning("the broker's accounts were not read again", reason=str(error))
        await asyncio.sleep(LOOK_EVERY_S)


def _bridge_account(address: BrokerAddress) -> Account:
    """The bridge's own account; its hash is the same each time, so that the files change only when keys do."""
    salt = hashlib.sha256(address.secret.encode()).digest()[:12]
    return Account(address.name, broker_hash(address.secret, salt), None)
