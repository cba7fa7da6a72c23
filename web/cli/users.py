"""cim user: accounts for logging in at the browser."""

import sys
from typing import Annotated

import typer

from cim.store import audits, identities
from cim.store.database import run
from web.cli.opening import ROLE, opened, operator
from web.cli.options import DataDir

app = typer.Typer(help="Accounts for logging in at the browser.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Login name.")]


@app.command("add")
def add(
    name: Name,
    role: Annotated[str, typer.Option("--role", help="viewer, technician or administrator")],
    data: DataDir = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a user; the password is asked for, never given on the command line."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)

    async def work() -> None:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            await identities.add_user(connection, name, role, password)
            await audits.record(
                connection, actor=operator(), role=ROLE, action="add user", subject=name, detail={"role": role}
            )

    run(work())
    typer.echo(f"user {name} added with role {role}")


@app.command("list")
def list_users(data: DataDir = None) -> None:
    """List the users."""

    async def work() -> None:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            for user in await identities.list_users(connection):
                typer.echo(f"{user.name}\t{user.role}\t{'disabled' if user.disabled else 'active'}")

    run(work())


@app.command("disable")
def disable(name: Name, data: DataDir = None) -> None:
    """Lock a user out and end their sessions."""

    async def work() -> None:
        async with opened(data) as (_, database), database.writing("cli") as connection:
            await identities.disable_user(connection, name)
            await audits.record(connection, actor=operator(), role=ROLE, action="disable user", subject=name)

    run(work())
    typer.echo(f"user {name} is disabled")
