"""cim key: keys for programs."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cim.errors import BadRequest
from cim.store import audits, identities
from cim.store.database import run
from web.cli.opening import ROLE, opened, operator
from web.cli.options import DataDir

app = typer.Typer(help="API keys for programs.", no_args_is_help=True)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_expiry(text: str | None) -> datetime | None:
    """``30d``, ``12h``, ``4w`` from now, or a date such as 2027-01-31 (end of that day, UTC)."""
    if text is None:
        return None
    span = re.fullmatch(r"(\d{1,4})([hdw])", text)
    if span:
        return datetime.now(UTC) + int(span[1]) * _UNITS[span[2]]
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError:
        day = datetime.min.replace(tzinfo=UTC)
    if day <= datetime.now(UTC):
        raise BadRequest(f"{text!r} is not a time to come", where="--expires", remedy="write 30d, 12h or 2027-01-31")
    return day


@app.command("create")
def create(
    role: Annotated[str, typer.Option("--role", help="anonymous, viewer, technician or administrator")],
    expires: Annotated[str | None, typer.Option("--expires", help="30d, 12h, 4w or a date")] = None,
    label: Annotated[str, typer.Option("--label", help="What the key is for.")] = "",
    data: DataDir = None,
) -> None:
    """Make a key and show it once; only its hash is kept."""
    expires_at = parse_expiry(expires)

    async def work() -> str:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            key, secret = await identities.create_key(connection, role, label=label, expires_at=expires_at)
            await audits.record(
                connection, actor=operator(), role=ROLE, action="create key", subject=key.key_id, detail={"role": role}
            )
            return secret

    typer.echo(run(work()))


@app.command("list")
def list_keys(data: DataDir = None) -> None:
    """List the keys, without their secrets."""

    async def work() -> None:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            for key in await identities.list_keys(connection):
                until = key.expires_at.date().isoformat() if key.expires_at else "no end"
                state = "revoked" if key.revoked_at else until
                typer.echo(f"{key.key_id}\t{key.role}\t{state}\t{key.label}")

    run(work())


@app.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="Key id, see `cim key list`.")], data: DataDir = None) -> None:
    """End a key at once."""

    async def work() -> None:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            await identities.revoke_key(connection, key_id)
            await audits.record(connection, actor=operator(), role=ROLE, action="revoke key", subject=key_id)

    run(work())
    typer.echo(f"key {key_id} is revoked")
