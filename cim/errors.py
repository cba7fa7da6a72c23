"""One error per stage.

``CimError`` is the root; every error carries what was wrong, where, and the remedy, as plain text that may be shown
to a user. Nothing here knows about HTTP: ``web.problems`` maps each class to a status.

    CimError
    ├── StoreError          the database could not do it
    │   ├── StoreUnavailable    not reachable, not ready, out of connections or time
    │   ├── StoreFull           no room for it on the disk or in a quota
    │   └── StoreConflict       somebody else holds or changed it
    │       └── EditConflict        what is to be changed was changed since it was read
    ├── ClusterError        the private PostGIS cannot be made or started
    ├── NotFound            no such layer, feature, version, user, key
    ├── NotAllowed          the policy says no
    ├── NotIdentified       no valid credentials where some are needed
    ├── BadRequest          the caller's value cannot be used
    │   ├── TooLarge            more bytes than are taken or given at once
    │   │   └── AnswerTooLarge      what was asked for is more than one answer may hold
    │   ├── Unsupported         a part of a standard that is not offered
    │   └── FrameRefused        a station's frame, or one value of it, cannot be used
    ├── ImportRefused       an import ends without changing anything
    ├── SettingsError       a setting of the server cannot be used
    ├── VideoUnavailable    the video gateway gives no stream as it should
    ├── HeightsUnknown      heights cannot be brought above the ellipsoid
    └── DefinitionError     a layer definition, style or code list is wrong
"""


class CimError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    what: the fault in one sentence.
    where: the file, field, parameter or layer it was met in.
    remedy: what the reader can do about it.

    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" - {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{remedy}"


class StoreError(CimError):
    """The database refused or failed."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, is starting, or ran out of time or connections; trying later may help."""


class StoreFull(StoreError):
    """There is no room: the disk is below its floor, or the caller's quota is used up."""


class StoreConflict(StoreError):
    """Another writer holds the thing or has changed it since it was read."""


class EditConflict(StoreConflict):
    """What the caller wants to change was changed since the caller read it.

    ``changes`` says what: for each field its name, what the caller had read and what it is now.
    """

    def __init__(self, what: str, changes: list[dict[str, object]], *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.changes = changes


class ClusterError(CimError):
    """The private PostGIS cluster cannot be created, started or reached."""


class NotFound(CimError):
    """The named thing does not exist, or the caller may not know that it does."""


class NotAllowed(CimError):
    """The policy does not give the caller this right."""


class NotIdentified(CimError):
    """Credentials are missing, wrong, expired or revoked."""


class TooManyAttempts(NotIdentified):
    """Logging in is locked for a while after repeated failures."""


class BadRequest(CimError):
    """A value given by the caller cannot be used."""


class TooLarge(BadRequest):
    """The caller sends more bytes than are taken at once."""


class AnswerTooLarge(TooLarge):
    """What was asked for is more than one answer may hold; it is refused whole, never cut."""


class Unsupported(BadRequest):
    """The caller asks for a part of a standard that is not offered."""


class FrameRefused(BadRequest):
    """A frame of a monitoring station, or one value of it, is not taken.

    ``code`` is a stable word such as ``crc`` that programs may rely on.
    """

    def __init__(self, code: str, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.code = code


class ImportRefused(CimError):
    """An import, or one layer of it, ends without changing anything.

    ``code`` is a stable word such as ``crs-missing`` that programs may rely on.
    """

    def __init__(self, code: str, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.code = code


class SettingsError(CimError):
    """A setting of the server, from its environment, cannot be used."""


class HeightsUnknown(CimError):
    """Heights cannot be counted from the ellipsoid: their system does not say how, or a setting for it is missing."""


class VideoUnavailable(CimError):
    """The video gateway cannot be reached, is too slow, or answers with something else than a stream."""


class DefinitionError(CimError):
    """A layer definition, style or code list cannot be used."""
