"""Analyses as OGC API Processes describes them, from their parameters; the viewer's form reads the same."""

from collections.abc import Mapping
from typing import Any

from cim.analysis.analysis import Analysis
from cim.errors import BadRequest
from cim.store.analysis_jobs import AnalysisJob

OUTPUTS = {
    "summary": ("摘要 Summary", {"type": "object"}),
    "summary_words": ("摘要名称与单位 Words of the summary", {"type": "object"}),
    "findings": ("结论与提示 Findings", {"type": "array", "items": {"type": "object"}}),
    "tables": ("表格 Tables", {"type": "array", "items": {"type": "object"}}),
    "geojson": ("图形 Places", {"type": "object", "contentMediaType": "application/geo+json"}),
    "kinds": ("图形类别 Kinds of places", {"type": "object"}),
    "sources": ("数据版本 Editions of the data", {"type": "array", "items": {"type": "object"}}),
    "rules": ("规则版本 Edition of the rules", {"type": "object"}),
    "statement": ("声明 Statement", {"type": "string"}),
}
_DISMISS = "dismiss"
_QUALIFIED = frozenset({"value", "mediaType", "encoding", "schema", "format"})


def process_summary(analysis: Analysis[Any], base: str) -> dict[str, Any]:
    """One entry of the list of processes."""
    return {
        "id": analysis.id,
        "version": analysis.version,
        "title": f"{analysis.title.zh} {analysis.title.en}",
        "description": f"{analysis.description.zh}\n{analysis.description.en}",
        "jobControlOptions": [*([] if analysis.long else ["sync-execute"]), "async-execute", _DISMISS],
        "outputTransmission": ["value"],
        "links": [
            {"rel": "self", "type": "application/json", "href": f"{base}/processes/{analysis.id}"},
            {
                "rel": "http://www.opengis.net/def/rel/ogc/1.0/execute",
                "type": "application/json",
                "href": f"{base}/processes/{analysis.id}/execution",
            },
        ],
    }


def process_description(analysis: Analysis[Any], base: str) -> dict[str, Any]:
    """A process with its inputs, each with the JSON Schema of its parameter, and its outputs."""
    schema = analysis.parameters.model_json_schema(mode="validation")
    required = set(schema.get("required", ()))
    inputs = {
        name: {
            "title": entry.pop("title", name),
            "description": entry.pop("description", ""),
            "schema": entry | ({"$defs": schema["$defs"]} if "$defs" in schema and "$ref" in str(entry) else {}),
            "minOccurs": 1 if name in required else 0,
            "maxOccurs": 1,
        }
        for name, entry in schema.get("properties", {}).items()
    }
    outputs = {name: {"title": title, "schema": of} for name, (title, of) in OUTPUTS.items()}
    return {**process_summary(analysis, base), "inputs": inputs, "outputs": outputs}


def job_status(job: AnalysisJob, base: str) -> dict[str, Any]:
    """The status of a job, with the way to its results once there are some."""
    address = f"{base}/jobs/{job.id}"
    links = [{"rel": "self", "type": "application/json", "href": address}]
    if job.status == "successful":
        relation = "http://www.opengis.net/def/rel/ogc/1.0/results"
        links.append({"rel": relation, "type": "application/json", "href": f"{address}/results"})

    def text(moment: Any) -> str | None:
        return moment.isoformat() if moment else None

    moments = {
        "created": text(job.created_at),
        "started": text(job.started_at),
        "finished": text(job.finished_at),
        "updated": text(job.updated_at),
    }
    return {
        "type": "process",
        "jobID": job.id,
        "processID": job.process,
        "status": job.status,
        "message": job.message,
        "progress": job.progress,
        **{name: moment for name, moment in moments.items() if moment},
        "links": links,
    }


def plain_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs without the ``{"value": ..., "mediaType": ...}`` that the standard puts around objects.

    BadRequest names an input given by reference: nothing is fetched.
    """
    plain = {}
    for name, given in inputs.items():
        if isinstance(given, Mapping) and isinstance(given.get("href"), str):
            raise BadRequest(
                "inputs by reference are not fetched", where=f"inputs.{name}", remedy="send the value itself"
            )
        qualified = isinstance(given, Mapping) and "value" in given and given.keys() <= _QUALIFIED
        plain[name] = given["value"] if qualified else given
    return plain
