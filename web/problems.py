"""RFC 9457 problems: the one table from errors to HTTP, and nothing in a body that helps an attacker."""

import json
from http import HTTPStatus
from typing import Any

from cim import errors
from web.phrases import Language, told

STATUS: dict[type[errors.CimError], HTTPStatus] = {
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.BadRequest: HTTPStatus.BAD_REQUEST,
    errors.Unsupported: HTTPStatus.NOT_IMPLEMENTED,
    errors.NotIdentified: HTTPStatus.UNAUTHORIZED,
    errors.TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.StoreConflict: HTTPStatus.CONFLICT,
    errors.ImportRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ClusterError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.VideoUnavailable: HTTPStatus.BAD_GATEWAY,
    errors.HeightsUnknown: HTTPStatus.CONFLICT,
    errors.SettingsError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DefinitionError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.CimError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2


def language_of(header: str | None) -> Language:
    """The language of an Accept-Language header: Chinese where it comes first."""
    return "zh" if (header or "").strip().lower().startswith("zh") else "en"


def status_of(error: errors.CimError) -> HTTPStatus:
    """The HTTP status of an error: that of the nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    path: str = "",
    request_id: str = "",
    where: str = "",
    remedy: str = "",
    kind: str = "about:blank",
) -> dict[str, Any]:
    """A problem document: what was wrong, where, and what to do; ``kind`` is the URI that a standard gives it."""
    document: dict[str, Any] = {
        "type": kind,
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "instance": path,
        "request_id": request_id,
    }
    if where:
        document["where"] = where
    if remedy:
        document["remedy"] = remedy
    return document


def unexpected_fault() -> errors.CimError:
    """What a caller is told of a fault that nobody foresaw."""
    return errors.CimError(
        "the server met an unexpected fault", remedy="report it with the request id; the log has the details"
    )


def problem_response(
    error: errors.CimError, *, path: str, request_id: str, language: Language = "en"
) -> tuple[HTTPStatus, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of an error as raw ASGI parts; in Chinese as far as there are phrases."""
    status = status_of(error)
    what, where, remedy = (told(text, language) for text in (error.what, error.where, error.remedy))
    kind = str(getattr(error, "problem_type", "about:blank"))
    document = problem(status, what, path=path, request_id=request_id, where=where, remedy=remedy, kind=kind)
    if isinstance(error, errors.EditConflict):
        document["changes"] = error.changes
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="cim"'))
    return status, headers, body
