"""Logging in and out at the browser."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from cim.errors import NotIdentified
from cim.model.access import Principal
from cim.store import audits, identities
from web.identity import COOKIE
from web.state import Caller, caller

router = APIRouter(tags=["session"])
Who = Annotated[Caller, Depends(caller)]


class Credentials(BaseModel):
    """A name and a password."""

    name: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=1000)


@router.get("/session", summary="Who the caller is")
async def session(who: Who) -> dict[str, Any]:
    """The caller's name, role and CSRF token."""
    return _document(who.principal)


@router.post("/session", summary="Log in")
async def log_in(credentials: Credentials, request: Request, response: Response, who: Who) -> dict[str, Any]:
    """Check a password and start a session; five wrong ones lock the account for a quarter of an hour."""
    database = who.state.database
    async with database.writing(who.request_id) as connection:
        right = await identities.check_password(connection, credentials.name, credentials.password)
        await audits.record(
            connection,
            actor=credentials.name,
            role="anonymous",
            action="log in",
            subject="session",
            result="done" if right else "refused",
            request_id=who.request_id,
        )
    if not right:
        raise NotIdentified("the name or the password is wrong", where="password", remedy="try again")
    async with database.writing(who.request_id) as connection:
        token, _ = await identities.open_session(connection, credentials.name)
        principal = await identities.principal_for_session(connection, token)
    secure = who.state.settings.secure_cookie or request.url.scheme == "https"
    length_s = int(identities.SESSION_LENGTH.total_seconds())
    response.set_cookie(COOKIE, token, max_age=length_s, httponly=True, samesite="lax", secure=secure)
    return _document(principal or who.principal)


@router.delete("/session", summary="Log out")
async def log_out(request: Request, response: Response, who: Who) -> dict[str, Any]:
    """End the session."""
    token = request.cookies.get(COOKIE)
    async with who.state.database.writing(who.request_id) as connection:
        if token:
            await identities.close_session(connection, token)
        nobody = await identities.principal_for_role(connection, "anonymous")
    who.state.identities.forget()
    response.delete_cookie(COOKIE)
    return _document(nobody)


def _document(principal: Principal) -> dict[str, Any]:
    known = principal.role != "anonymous"
    return {
        "user": {"name": principal.name, "role": principal.role} if known else None,
        "role": principal.role,
        "operations": sorted({operation for right in principal.rights for operation in right.operations}),
        "csrf": principal.csrf,
    }
