"""Addresses to places: one by its text, up to 10 000 at once as JSON or CSV."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from cim.errors import BadRequest, TooLarge
from cim.model.geocoding import Answer
from web.geocoding import MOST_ADDRESSES
from web.geocoding_answers import csv_text, document, feature_collection, summary
from web.geocoding_tables import table_of_csv
from web.state import Caller, caller

router = APIRouter(tags=["search"])
MOST_BYTES = 8 * 1024 * 1024
_REMEDY = 'send {"addresses": ["...", ...]} or {"addresses": [{"id": "1", "address": "..."}, ...]}'
_TEXT = {"type": "string"}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["addresses"],
                "properties": {
                    "addresses": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MOST_ADDRESSES,
                        "items": {
                            "anyOf": [
                                _TEXT,
                                {"type": "object", "required": ["address"], "properties": {"address": _TEXT}},
                            ]
                        },
                    }
                },
            }
        },
        "text/csv": {"schema": _TEXT},
    },
}
Who = Annotated[Caller, Depends(caller)]
Form = Annotated[Literal["json", "geojson", "csv"], Query(description="form of the answer")]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was asked for: the addresses, what each is known by, and the columns that a table of answers begins with."""

    texts: Sequence[str]
    keys: Sequence[object]
    header: Sequence[str]
    rows: Sequence[Sequence[object]]


@router.get("/geocode", summary="Find one address")
async def geocode_one(
    who: Who,
    q: Annotated[str, Query(description="an address, for example 彭州市天彭街道梨园路5号")],
    f: Form = "json",
) -> Response:
    """The best match with its grade and score, those that are equally good, and the next best one."""
    if not q.strip():
        raise BadRequest("the address is empty", where="q", remedy="write an address")
    return _response(_batch_of([q], [1]), await _find(who, [q]), f)


@router.post("/geocode", summary="Find many addresses", openapi_extra={"requestBody": _BODY})
async def geocode_many(
    request: Request,
    who: Who,
    f: Form = "json",
    column: Annotated[str | None, Query(description="of a CSV: the column that holds the addresses")] = None,
) -> Response:
    """Up to 10 000 addresses, answered in order; an address that is not found has the grade ``none``."""
    body = await _body(request)
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind == "text/csv":
        table = table_of_csv(body, column)
        batch = _Batch(table.texts, table.keys, table.header, table.rows)
    elif kind == "application/json":
        batch = _batch_of_json(body)
    else:
        raise BadRequest(
            f"{kind[:80]!r} is not taken", where="Content-Type", remedy="send application/json or text/csv"
        )
    return _response(batch, await _find(who, batch.texts), f)


async def _find(who: Caller, texts: Sequence[str]) -> list[Answer]:
    return await who.state.geocoder.find(who.principal, who.readable(), texts, who.request_id)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise TooLarge(
                "the body is too long", where="body", remedy=f"send {MOST_BYTES >> 20} MB at most, in several requests"
            )
    return bytes(body)


def _batch_of_json(body: bytes) -> _Batch:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is no JSON", where="body", remedy=_REMEDY) from None
    addresses = sent.get("addresses") if isinstance(sent, dict) else None
    if not isinstance(addresses, list):
        raise BadRequest("there is no list of addresses", where="addresses", remedy=_REMEDY)
    pairs = [_address(each, number) for number, each in enumerate(addresses, 1)]
    return _batch_of([text for text, _ in pairs], [key for _, key in pairs])


def _address(sent: object, number: int) -> tuple[str, object]:
    """The text and the id of one address; without an id it is known by its number."""
    if isinstance(sent, str):
        return sent, number
    if isinstance(sent, dict) and isinstance(sent.get("address"), str):
        key = sent.get("id", number)
        if isinstance(key, str | int | float) or key is None:
            return str(sent["address"]), key
    raise BadRequest(f"entry {number} is no address", where=f"addresses[{number - 1}]", remedy=_REMEDY)


def _batch_of(texts: Sequence[str], keys: Sequence[object]) -> _Batch:
    return _Batch(texts, keys, ("id", "address"), list(zip(keys, texts, strict=True)))


def _response(batch: _Batch, answers: Sequence[Answer], form: str) -> Response:
    headers = {"cache-control": "no-store"}
    if form == "csv":
        headers["content-disposition"] = 'attachment; filename="geocoded.csv"'
        text = csv_text(batch.header, batch.rows, answers)
        return Response(text, headers=headers, media_type="text/csv; charset=utf-8")
    if form == "geojson":
        told: dict[str, Any] = feature_collection(answers, batch.keys)
        return JSONResponse(told, headers=headers, media_type="application/geo+json")
    listed = [document(answer, key) for answer, key in zip(answers, batch.keys, strict=True)]
    return JSONResponse({**summary(answers), "answers": listed}, headers=headers)
