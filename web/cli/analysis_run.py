"""Running an analysis for the command line: areas from files, answers to files, a package once more."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from cim.analysis.analysis import Analysis
from cim.analysis.area import red_line_from_geojson
from cim.analysis.context import ABSENT
from cim.analysis.registry import the_analysis
from cim.analysis.rule_sets import the_rules
from cim.errors import BadRequest
from cim.model.analysis import Answer
from cim.model.redline import RedLine, checked, red_line_document, red_line_from_document
from cim.store.collections import all_collections, all_models
from cim.store.identities import principal_for_role
from cim.store.redlines import keep_redline
from importers.importer import ReadOptions
from importers.redline_reading import read_red_line
from web.analysing import AUDITED, keep_trace, plain_document
from web.analysis_context import analysis_context
from web.cli.opening import ROLE, opened, operator, the_catalog
from web.reports.package import Package
from web.reports.render import Form, Run
from web.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class Order:
    """An analysis to run: its inputs, and the red lines that stand for inputs, by name."""

    analysis: Analysis[Any]
    inputs: dict[str, Any]
    red_lines: dict[str, RedLine] = field(default_factory=dict)


def order(analysis: Analysis[Any], given: list[str], options: ReadOptions) -> Order:
    """What ``NAME=VALUE`` texts ask for; an area may be a file."""
    inputs: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or name not in analysis.parameters.model_fields:
            names = ", ".join(analysis.parameters.model_fields)
            raise BadRequest(f"{text[:60]!r} gives no parameter", where="--param", remedy=f"NAME=VALUE of {names}")
        inputs[name] = _value(analysis, name, value)
    files = {name: Path(value) for name, value in inputs.items() if _names_a_file(analysis, name, value)}
    lines = {
        name: _red_line(path, options, apart=bool(_extra(analysis, name)["x-cim-apart"]))
        for name, path in files.items()
    }
    return Order(analysis, inputs, lines)


def order_again(package: Package) -> Order:
    """The run of a package under the editions it names; layers that were missing then are missing again."""
    analysis = the_analysis(package.process)
    versions = {source["layer"]: source["version"] or ABSENT for source in package.answer["sources"]}
    inputs = {**package.inputs, "data_versions": versions}
    if package.answer["rules"]:
        inputs["rules"] = package.answer["rules"]["number"]
    if package.answer["summary"].get("on"):
        inputs["on"] = package.answer["summary"]["on"]
    known = {name: value for name, value in inputs.items() if name in analysis.parameters.model_fields}
    red_lines = {"area": red_line_from_document(package.red_line)} if package.red_line else {}
    return Order(analysis, known, red_lines)


def form_of(out: Path | None) -> Form:
    """The form a file's suffix asks for; JSON where there is no file."""
    name = out.suffix.lower().lstrip(".") if out else "json"
    for form in get_args(Form):
        if form == name:
            return form  # type: ignore[no-any-return]  # one of the words of Form
    known = ", ".join(f".{form}" for form in get_args(Form))
    raise BadRequest(f"the suffix {name!r} tells no form", where="--out", remedy=f"end it with one of {known}")


async def carry_out(wanted: Order, data: Path | None) -> tuple[Answer, Run]:
    """Run it with the operator's rights; returns the answer, and it with what its documents need."""
    catalog = the_catalog(ServerSettings())
    async with opened(data) as (deployment, database):
        async with database.writing("cim analyse") as connection:
            kept = {name: await keep_redline(connection, line, operator()) for name, line in wanted.red_lines.items()}
            principal = await principal_for_role(connection, ROLE, operator())
            collections = await all_collections(connection)
            models = await all_models(connection)
        inputs = {**wanted.inputs, **kept}
        context = analysis_context(
            database,
            catalog,
            collections,
            principal,
            author=None,
            inputs=inputs,
            files=deployment.files(),
            models=models,
        )
        answer = await wanted.analysis.answer(inputs, context)
        if wanted.analysis.id in AUDITED:
            await keep_trace(database, principal, wanted.analysis, inputs, answer, "")
        document = plain_document(answer)
        async with database.writing("cim analyse") as connection:
            text = await the_rules(connection, answer.rules["name"], answer.rules["number"]) if answer.rules else None
    red_line = red_line_document(wanted.red_lines["area"]) if "area" in wanted.red_lines else None
    return answer, Run(wanted.analysis.id, inputs, document, red_line, rules_text=text.text if text else "")


def _value(analysis: Analysis[Any], name: str, value: str) -> Any:
    """The value as JSON where the parameter is not a text; a text stays as it is written. GeoJSON may be a file."""
    if analysis.parameters.model_fields[name].annotation is str:
        return value
    if _extra(analysis, name).get("x-cim-input") == "geojson" and value.endswith("json"):
        return _geojson(Path(value))
    try:
        return json.loads(value)
    except ValueError:
        return value


def _geojson(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise BadRequest(f"no JSON can be read: {error}", where=path.name, remedy="give a GeoJSON file") from error


def _names_a_file(analysis: Analysis[Any], name: str, value: Any) -> bool:
    is_area = _extra(analysis, name).get("x-cim-input") == "area"
    return is_area and isinstance(value, str) and Path(value).exists()


def _extra(analysis: Analysis[Any], name: str) -> Mapping[str, Any]:
    extra: Any = analysis.parameters.model_fields[name].json_schema_extra
    return extra if isinstance(extra, Mapping) else {}


def _red_line(path: Path, options: ReadOptions, *, apart: bool) -> RedLine:
    if path.suffix.lower() not in (".geojson", ".json") or options.crs is not None:
        return read_red_line(path, options, apart=apart)
    try:
        return checked(red_line_from_geojson(json.loads(path.read_text("utf-8-sig"))), apart=apart)
    except ValueError as error:
        raise BadRequest(f"not JSON: {error}", where=path.name, remedy="give GeoJSON") from error
