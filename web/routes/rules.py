"""Sets of rules: their editions, their text, and keeping a new edition."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, Field

from cim.analysis.compliance_review.rules import NAME, check_names, read_rules
from cim.analysis.record_rules import check_record_rules
from cim.analysis.rule_sets import SHIPPED_NUMBER, RuleText, rule_names, shipped_rules, the_rules
from cim.errors import BadRequest, StoreConflict
from cim.model.access import Operation
from cim.policy.policy import require
from cim.store import rule_editions as store
from cim.store.audits import record
from layers.catalog import Catalog
from web.state import Caller, caller
from web.viewer_files import page_file

router = APIRouter(tags=["rules"])
Who = Annotated[Caller, Depends(caller)]


class NewEdition(BaseModel, extra="forbid"):
    """A new edition of a set of rules: its text in TOML, and why it was made."""

    text: str = Field(min_length=1, max_length=200_000)
    note: str = Field("", max_length=500)


@router.get("/rules", summary="Sets of rules")
async def all_rules(request: Request, who: Who) -> Response:
    """The sets of rules there are, each with the number of its newest edition; for a browser the page to edit them."""
    if "text/html" in request.headers.get("accept", "") and request.query_params.get("f") != "json":
        return page_file("rules.html", "/rules")
    async with who.state.database.writing(who.request_id) as connection:
        found = [await the_rules(connection, name) for name in rule_names()]
    listed = [{"name": each.name, "number": each.number, "sha256": each.digest} for each in found]
    return JSONResponse({"rules": listed}, headers={"vary": "Accept"})


@router.get("/rules/{name}", summary="One set of rules")
async def one_set(name: str, who: Who) -> dict[str, Any]:
    """The newest text of a set of rules, and its editions; edition 0 is the shipped one."""
    shipped_rules(name)
    async with who.state.database.writing(who.request_id) as connection:
        text = await the_rules(connection, name)
        found = await store.editions(connection, name)
    return {"name": name, "number": text.number, "sha256": text.digest, "text": text.text, "editions": found}


@router.get("/rules/{name}/{number}", summary="One edition", response_class=PlainTextResponse)
async def one_edition(name: str, number: int, who: Who) -> PlainTextResponse:
    """The text of an edition."""
    async with who.state.database.writing(who.request_id) as connection:
        text = await the_rules(connection, name, number)
    return PlainTextResponse(text.text, media_type="application/toml; charset=utf-8")


@router.put("/rules/{name}", status_code=201, summary="Keep a new edition")
async def keep(
    name: str, body: NewEdition, who: Who, base: Annotated[int | None, Query(ge=SHIPPED_NUMBER)] = None
) -> dict[str, Any]:
    """Check a text and keep it as the newest edition.

    ``base`` is the edition it was made from: where another was kept since, the text is refused.
    """
    require(who.principal, Operation.PUBLISH)
    shipped_rules(name)
    check_rules(RuleText(name, -1, body.text), who.state.catalog)
    async with who.state.database.writing(who.request_id) as connection:
        await store.lock_editions(connection, name)
        newest = await the_rules(connection, name)
        if base is not None and base != newest.number:
            raise StoreConflict(
                f"edition {newest.number} was kept meanwhile",
                where="base",
                remedy="take it over, then send yours again",
            )
        number = await store.keep_edition(connection, name, body.text, who.principal.name, body.note)
        await record(
            connection,
            actor=who.principal.name,
            role=who.principal.role,
            action="rules",
            subject=f"{name} {number}",
            request_id=who.request_id,
            detail={"sha256": RuleText(name, number, body.text).digest, "note": body.note},
        )
    return {"name": name, "number": number}


def check_rules(text: RuleText, catalog: Catalog) -> None:
    """Raise BadRequest for rules that cannot be read or name a layer or field that is not defined."""
    fields = {name: frozenset(field.name for field in known.fields) for name, known in catalog.layers.items()}
    if text.name != NAME:
        check_record_rules(text, fields)
        return
    rules = read_rules(text)
    check_names(rules, fields)
    if rules.three_way not in catalog.crosswalks:
        raise BadRequest(
            f"three_way: there is no crosswalk {rules.three_way!r}",
            where="rules",
            remedy=f"there are {', '.join(sorted(catalog.crosswalks))}",
        )
