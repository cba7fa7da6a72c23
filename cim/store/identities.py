"""Roles, accounts, browser sessions and API keys. Secrets are kept as hashes only."""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound, NotIdentified, StoreConflict, TooManyAttempts
from cim.model.access import ApiKey, Grade, Operation, Principal, Right, User
from cim.store import tables as t

SESSION_LENGTH = timedelta(hours=12)
LOCK_AFTER_FAILURES = 5
LOCK_LENGTH = timedelta(minutes=15)
PASSWORD_LENGTH = 10
BROKER_ROUNDS = 101
"""Mosquitto's own number; a secret of 256 random bits needs no stretching."""
_HASHER = PasswordHasher()
_DUMMY_HASH = _HASHER.hash("a password nobody has")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def broker_hash(secret: str, salt: bytes | None = None) -> str:
    """A secret as Mosquitto keeps passwords: PBKDF2 with SHA-512."""
    salt = salt or secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, BROKER_ROUNDS)
    return f"$7${BROKER_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


async def rights_of(connection: AsyncConnection, role: str) -> tuple[Right, ...]:
    """The rows of rights a role has."""
    rows = await connection.execute(sa.select(t.role_right).where(t.role_right.c.role == role))
    return tuple(
        Right(
            Grade(row.grade),
            frozenset(Operation(name) for name in row.operations),
            row.region_code,
            frozenset(row.hidden_fields),
        )
        for row in rows
    )


async def role_names(connection: AsyncConnection) -> list[str]:
    """Names of all roles."""
    return list((await connection.execute(sa.select(t.role.c.name).order_by(t.role.c.name))).scalars())


async def _refuse_unknown_role(connection: AsyncConnection, role: str) -> None:
    names = await role_names(connection)
    if role not in names:
        raise BadRequest(f"there is no role {role!r}", where="role", remedy=f"use one of {', '.join(names)}")


async def principal_for_key(connection: AsyncConnection, secret: str) -> Principal:
    """Who holds an API key; NotIdentified when it is unknown, expired or revoked."""
    rows = await connection.execute(sa.select(t.api_key).where(t.api_key.c.secret_hash == _digest(secret)))
    row = rows.mappings().first()
    now = datetime.now(UTC)
    if row is None or row["revoked_at"] or (row["expires_at"] and row["expires_at"] <= now):
        raise NotIdentified(
            "the API key is unknown, expired or revoked", where="Authorization", remedy="ask for a new key"
        )
    rights = await rights_of(connection, row["role"])
    return Principal(f"key:{row['id']}", row["role"], rights, expires_at=row["expires_at"])


async def principal_for_session(connection: AsyncConnection, token: str) -> Principal | None:
    """Who a session cookie belongs to; None when it has ended."""
    rows = await connection.execute(
        sa.select(t.session, t.account.c.role, t.account.c.disabled)
        .join(t.account, t.account.c.name == t.session.c.account)
        .where(t.session.c.token_hash == _digest(token), t.session.c.expires_at > sa.func.now())
    )
    row = rows.mappings().first()
    if row is None or row["disabled"]:
        return None
    rights = await rights_of(connection, row["role"])
    return Principal(row["account"], row["role"], rights, csrf=row["csrf"], expires_at=row["expires_at"])


async def principal_for_role(connection: AsyncConnection, role: str, name: str = "") -> Principal:
    """A principal with a role's rights, for anonymous callers and the command line."""
    return Principal(name or role, role, await rights_of(connection, role))


async def create_key(
    connection: AsyncConnection, role: str, *, label: str = "", expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make an API key; returns the record and the secret, which is never to be had again."""
    await _refuse_unknown_role(connection, role)
    key_id, secret = secrets.token_hex(4), "cim_" + secrets.token_urlsafe(32)
    created = await connection.execute(
        sa.insert(t.api_key)
        .values(
            id=key_id,
            secret_hash=_digest(secret),
            role=role,
            label=label,
            expires_at=expires_at,
            broker_hash=broker_hash(secret),
        )
        .returning(t.api_key)
    )
    return _key(created.mappings().one()), secret


async def list_keys(connection: AsyncConnection) -> list[ApiKey]:
    """All keys, newest first, without secrets."""
    rows = await connection.execute(sa.select(t.api_key).order_by(t.api_key.c.created_at.desc()))
    return [_key(row) for row in rows.mappings()]


async def revoke_key(connection: AsyncConnection, key_id: str) -> None:
    """End a key; every process of the server refuses it within seconds."""
    done = await connection.execute(
        sa.update(t.api_key)
        .where(t.api_key.c.id == key_id, t.api_key.c.revoked_at.is_(None))
        .values(revoked_at=sa.func.now())
    )
    if done.rowcount == 0:
        raise NotFound(f"there is no valid key {key_id!r}", where="key", remedy="`cim key list` lists the keys")


async def add_user(connection: AsyncConnection, name: str, role: str, password: str) -> User:
    """Make an account for browser login; the password is kept as an argon2id hash."""
    await _refuse_unknown_role(connection, role)
    if len(password) < PASSWORD_LENGTH or password == name:
        raise BadRequest(
            f"the password needs at least {PASSWORD_LENGTH} characters and must differ from the name",
            where="password",
            remedy="choose a longer one",
        )
    created = await connection.execute(
        insert(t.account).values(name=name, role=role, password_hash=_HASHER.hash(password)).on_conflict_do_nothing()
    )
    if created.rowcount == 0:
        raise StoreConflict(f"there is a user {name!r} already", where="name", remedy="choose another name")
    return User(name, role)


async def list_users(connection: AsyncConnection) -> list[User]:
    """All accounts by name."""
    rows = await connection.execute(sa.select(t.account).order_by(t.account.c.name))
    return [User(row.name, row.role, row.disabled, row.created_at) for row in rows]


async def disable_user(connection: AsyncConnection, name: str) -> None:
    """Lock an account and end its sessions."""
    done = await connection.execute(sa.update(t.account).where(t.account.c.name == name).values(disabled=True))
    if done.rowcount == 0:
        raise NotFound(f"there is no user {name!r}", where="name", remedy="`cim user list` lists the users")
    await connection.execute(sa.delete(t.session).where(t.session.c.account == name))


async def check_password(connection: AsyncConnection, name: str, password: str) -> bool:
    """Whether the password is right; counts failures and locks the account for a quarter of an hour after five.

    Takes the same time for unknown names. Raises TooManyAttempts while locked. The caller commits in either case.
    """
    rows = await connection.execute(sa.select(t.account).where(t.account.c.name == name).with_for_update())
    row = rows.mappings().first()
    now = datetime.now(UTC)
    if row and row["locked_until"] and row["locked_until"] > now:
        raise TooManyAttempts(
            "too many wrong passwords for this user", where="password", remedy="try again in 15 minutes"
        )
    right = _verify(row["password_hash"] if row else _DUMMY_HASH, password) and row is not None
    if row is None:
        return False
    failures = 0 if right else row["failures"] + 1
    locked = now + LOCK_LENGTH if failures >= LOCK_AFTER_FAILURES else None
    await connection.execute(
        sa.update(t.account)
        .where(t.account.c.name == name)
        .values(failures=0 if locked else failures, locked_until=locked)
    )
    return bool(right and not row["disabled"])


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


async def open_session(connection: AsyncConnection, name: str) -> tuple[str, str]:
    """Start a browser session; returns its cookie token and its CSRF token."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    await connection.execute(sa.delete(t.session).where(t.session.c.expires_at < sa.func.now()))
    await connection.execute(
        sa.insert(t.session).values(
            token_hash=_digest(token), account=name, csrf=csrf, expires_at=datetime.now(UTC) + SESSION_LENGTH
        )
    )
    return token, csrf


async def close_session(connection: AsyncConnection, token: str) -> None:
    """End a browser session."""
    await connection.execute(sa.delete(t.session).where(t.session.c.token_hash == _digest(token)))


def same_secret(given: str, kept: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(given.encode(), kept.encode())


def _key(row: Any) -> ApiKey:
    return ApiKey(row["id"], row["role"], row["label"], row["created_at"], row["expires_at"], row["revoked_at"])
