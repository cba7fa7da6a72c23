"""/changes: by poll and as events, only of layers the caller may see, resumed where it broke off."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from serving import Served

from cim.errors import StoreUnavailable
from cim.model.access import Grade
from cim.store import identities
from cim.store.collections import set_grade
from web.change_feed import ChangeFeed, Subscription


async def edit(served: Served, layer: str = "squares", code: str = "甲栋") -> None:
    async with served.database.writing() as connection:
        await connection.execute(
            sa.text(f"UPDATE city.{layer} SET height_m = coalesce(height_m, 0) + 1 WHERE code = :code"), {"code": code}
        )
    await served.state.live.refresh()


async def since(client: httpx.AsyncClient, seq: int, **more: str | int) -> dict[str, Any]:
    answer = await client.get("/changes", params={"since": seq, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_poll_tells_what_changed_where(served: Served) -> None:
    begin = (await served.anonymous.get("/changes")).json()
    assert begin["changes"] == []
    await edit(served)
    told = await since(served.anonymous, begin["seq"])
    (change,) = told["changes"]
    assert (change["layer"], change["version"], change["seq"]) == ("squares", 2, told["seq"])
    west, south, east, north = change["bbox"]
    assert (west, south) == (pytest.approx(103.96), pytest.approx(30.98))
    assert (east, north) == (pytest.approx(103.961), pytest.approx(30.981))
    assert (await since(served.anonymous, told["seq"]))["changes"] == []


async def test_graded_layers_are_told_to_those_who_see_them(served: Served) -> None:
    begin = (await served.anonymous.get("/changes")).json()["seq"]
    await edit(served, "hidden")
    assert (await since(served.anonymous, begin))["changes"] == []
    assert [c["layer"] for c in (await since(served.technician, begin))["changes"]] == ["hidden"]
    for name in ("hidden", "nothing", "squares,hidden"):
        assert (await served.anonymous.get("/changes", params={"since": 0, "layer": name})).status_code == 404
    everything = await since(served.technician, 0, layer="hidden")
    assert {c["layer"] for c in everything["changes"]} == {"hidden"}


async def test_pages_follow_each_other(served: Served) -> None:
    begin = (await served.anonymous.get("/changes")).json()["seq"]
    for _ in range(3):
        await edit(served)
    seen, told = [], {"more": True, "seq": begin}
    while told["more"]:
        told = await since(served.anonymous, told["seq"], limit=1)
        seen += [change["version"] for change in told["changes"]]
    assert seen == [2, 3, 4]


@pytest.mark.parametrize("query", ["since=-1", "since=1e3", f"since={10**30}", "since=0&limit=0", f"limit={10**18}"])
async def test_numbers_have_bounds(served: Served, query: str) -> None:
    assert (await served.anonymous.get(f"/changes?{query}")).status_code == 400


@contextlib.asynccontextmanager
async def listening(served: Served) -> AsyncIterator[str]:
    """The application on a socket: events do not go through the in-process client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(served.api, lifespan="off", log_config=None))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True
            await task


async def events(lines: AsyncIterator[str], count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            line = await anext(lines)
            if line.startswith("data:"):
                found.append(json.loads(line[5:]))
    return found


async def test_events_come_as_they_happen_and_are_resumed(served: Served) -> None:
    async with listening(served) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        headers = {"Accept": "text/event-stream"}
        async with client.stream("GET", "/changes", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.aiter_lines()
            assert (await anext(lines)).startswith(":")
            await edit(served, "hidden")
            await edit(served)
            (first,) = await events(lines, 1)
        assert (first["layer"], first["version"]) == ("squares", 2)
        await edit(served)
        headers["Last-Event-ID"] = str(first["seq"])
        async with client.stream("GET", "/changes", headers=headers) as answer:
            lines = answer.aiter_lines()
            assert [change["version"] for change in await events(lines, 1)] == [3]
            await edit(served)
            assert [change["version"] for change in await events(lines, 1)] == [4]
        wrong = await client.get("/changes", headers=headers | {"Last-Event-ID": "x"})
        assert wrong.status_code == 400


async def test_a_revoked_key_ends_the_events(served: Served) -> None:
    async with served.database.writing() as connection:
        key, secret = await identities.create_key(connection, "technician")
    async with listening(served) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {secret}"}
        async with client.stream("GET", "/changes", headers=headers) as answer:
            lines = answer.aiter_lines()
            await anext(lines)
            async with served.database.writing() as connection:
                await identities.revoke_key(connection, key.key_id)
            served.state.identities.forget()
            await edit(served, "hidden")
            (last,) = await events(lines, 1)
    assert "revoked" in last["detail"]


async def test_a_layer_closed_meanwhile_is_told_no_more(served: Served) -> None:
    async def graded(grade: Grade) -> None:
        async with served.database.writing() as connection:
            await set_grade(connection, "squares", grade)
        await served.state.live.refresh()

    async with (
        listening(served) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
        client.stream("GET", "/changes", headers={"Accept": "text/event-stream"}) as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)
        await graded(Grade.RESTRICTED)
        await edit(served)
        await asyncio.sleep(0.2)
        await graded(Grade.PUBLIC)
        await edit(served)
        assert [change["version"] for change in await events(lines, 1)] == [3]


async def test_subscribers_are_bounded_and_slow_ones_cut() -> None:
    feed = ChangeFeed(most=1)
    with feed.subscribed() as subscription:
        with pytest.raises(StoreUnavailable), feed.subscribed():
            pass
        feed.publish([])
        assert await subscription.next(0.01) is None
    with feed.subscribed():
        pass
    slow = Subscription(most=2)
    slow.add([None] * 3)  # type: ignore[list-item]
    assert slow.cut
