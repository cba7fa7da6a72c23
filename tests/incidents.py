"""Incidents made over HTTP, with something of every kind that can happen in one."""

from typing import Any

import httpx

AT = {"lon": 103.95, "lat": 30.98}
LEAK = {"kind": "chemical-leak", "title": "液氯泄漏", "place": AT, "figures": {"dead": 0}}
POINT = {"type": "Point", "coordinates": [103.95, 30.98]}
SQUARE = {"type": "Polygon", "coordinates": [[[103.94, 30.97], [103.96, 30.97], [103.96, 30.99], [103.94, 30.97]]]}


async def made(client: httpx.AsyncClient, **facts: Any) -> dict[str, Any]:
    answer = await client.post("/incidents", json={**LEAK, **facts})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def sent(client: httpx.AsyncClient, path: str, status: int = 201, verb: str = "POST", **body: Any) -> Any:
    answer = await client.request(verb, f"/incidents/{path}", json=body or None)
    assert answer.status_code == status, answer.text
    return answer.json()


async def worked_on(client: httpx.AsyncClient, code: str) -> None:
    """Something of every kind happens in an incident."""
    await sent(client, f"{code}/entries", kind="situation", text="风向东北，3级")
    await sent(client, f"{code}/tasks", recipient="消防救援大队", what="侦检堵漏")
    await sent(client, f"{code}/tasks/1/receipts", kind="sent")
    await sent(
        client, f"{code}/marks", geometry={"type": "Point", "coordinates": [103.95, 30.98]}, symbol="command-post"
    )
    await sent(client, f"{code}/marks/1", 200, "PATCH", version=1, label="前线指挥部")
    await sent(client, f"{code}/marks", geometry=SQUARE, symbol="cordon", style={"stroke": "#f00"})
    await sent(client, f"{code}/steps", plan="chemical-leak")
    await sent(client, f"{code}/steps/1", 200, "PATCH", revision=1, state="done", note="已核实")
    await sent(client, f"{code}/tasks/1/receipts", kind="done", note="已堵住")
    await sent(client, f"{code}", 200, "PATCH", revision=1, figures={"dead": 3, "badly_hurt": 2})
    await sent(client, f"{code}/entries", kind="report", report={"to": "city"})
    answer = await client.delete(f"/incidents/{code}/marks/2", params={"version": 1})
    assert answer.status_code == 200, answer.text
    await sent(client, f"{code}/entries", kind="analysis", analysis={"process": "plume", "summary": {"people": 12}})
