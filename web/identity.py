"""Who is calling: an API key, a browser session, or nobody."""

import base64
import time
from collections.abc import Mapping

from starlette.datastructures import Headers

from cim.errors import NotAllowed, NotIdentified
from cim.model.access import Principal
from cim.store import identities
from cim.store.database import Database
from tiles.single_flight import SingleFlight

COOKIE = "cim_session"
REMEMBER_S = 2.0
MAX_REMEMBERED = 10_000


class Identities:
    """Principals by credential, remembered for two seconds and forgotten when access rights change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[float, Principal]] = {}
        self._epoch = 0
        self._asking: SingleFlight[Principal] = SingleFlight()

    def forget(self) -> None:
        """Ask the database again for everybody."""
        self._known.clear()
        self._epoch += 1

    def remembered(self, credential: str) -> Principal | None:
        """The principal of a credential when it was looked up within the last two seconds."""
        found = self._known.get(credential)
        if found and found[0] > time.monotonic():
            return found[1]
        return None

    async def principal(self, credential: str) -> Principal:
        """The principal of a credential; NotIdentified when an API key is not valid.

        An ended session is nobody, not an error: the page shows the login again.
        """
        known = self.remembered(credential)
        if known is not None:
            return known
        return await self._asking.join((self._epoch, credential), lambda: self._asked(credential))

    async def _asked(self, credential: str) -> Principal:
        epoch = self._epoch
        kind, _, secret = credential.partition(" ")
        async with self._database.writing("identity", aside=True) as connection:
            if kind == "key":
                principal = await identities.principal_for_key(connection, secret)
            else:
                session = await identities.principal_for_session(connection, secret) if secret else None
                principal = session or await identities.principal_for_role(connection, "anonymous")
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        if epoch == self._epoch:
            self._known[credential] = (time.monotonic() + REMEMBER_S, principal)
        return principal


def credential_of(authorization: str | None, cookie: str | None) -> str:
    """The one credential of a request: ``key SECRET``, ``session TOKEN`` or ``session `` for nobody.

    An Authorization header goes before the cookie. Raises NotIdentified where it holds no key.
    """
    if authorization:
        return f"key {_key_of(authorization)}"
    if cookie and COOKIE in cookie:
        for part in cookie.split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE:
                return f"session {value}"
    return "session "


def _key_of(authorization: str) -> str:
    """The API key in an Authorization header: after ``Bearer``, or as the password of ``Basic`` beside any name.

    Desktops that know no other way send Basic of themselves; the server never asks for it, so that no browser keeps
    a key and sends it along with what another page starts.
    """
    scheme, _, given = authorization.partition(" ")
    secret = given.strip()
    if scheme.lower() == "basic":
        try:
            secret = base64.b64decode(secret, validate=True).decode("utf-8").partition(":")[2].strip()
        except ValueError:
            secret = ""
    elif scheme.lower() != "bearer":
        secret = ""
    if not secret:
        raise NotIdentified(
            "the Authorization header is not understood",
            where="Authorization",
            remedy="send Bearer KEY, or Basic with the key as the password",
        )
    return secret


def check_csrf(method: str, headers: Headers | Mapping[str, str], principal: Principal) -> None:
    """Refuse a state-changing request that came with a session cookie but without its CSRF token."""
    if method in {"GET", "HEAD", "OPTIONS"} or principal.csrf is None:
        return
    given = headers.get("x-csrf-token") or ""
    if not identities.same_secret(given, principal.csrf):
        raise NotAllowed("the request lacks its CSRF token", where="X-CSRF-Token", remedy="reload the page")
