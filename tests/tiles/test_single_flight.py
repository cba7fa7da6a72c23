"""One making for all who ask, cancelled when nobody waits; and the gate before the database."""

import asyncio

import pytest

from cim.errors import StoreUnavailable
from tiles.gate import Gate
from tiles.single_flight import SingleFlight


class Maker:
    """Counts the makings and tells which were cancelled."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.go = asyncio.Event()

    async def make(self) -> int:
        self.begun += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.begun


async def test_all_who_ask_share_one_making() -> None:
    flights: SingleFlight[int] = SingleFlight()
    maker = Maker()
    asking = [asyncio.create_task(flights.join("a", maker.make)) for _ in range(100)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    maker.go.set()
    assert await asyncio.gather(*asking[1:]) == [1] * 99
    assert (maker.begun, maker.cancelled, len(flights)) == (1, 0, 0)
    assert await flights.join("a", maker.make) == 2


async def test_when_the_last_has_gone_the_making_ends() -> None:
    flights: SingleFlight[int] = SingleFlight()
    maker = Maker()
    asking = [asyncio.create_task(flights.join("a", maker.make)) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await asyncio.sleep(0)
    assert (maker.begun, maker.cancelled, len(flights)) == (1, 1, 0)


async def test_a_failure_reaches_all_and_is_not_kept() -> None:
    flights: SingleFlight[int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise StoreUnavailable("away")

    outcomes = await asyncio.gather(*(flights.join("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in outcomes] == [StoreUnavailable] * 3
    maker = Maker()
    maker.go.set()
    assert await flights.join("a", maker.make) == 1


async def test_the_gate_leaves_room_for_other_layers_and_refuses_beyond_its_bound() -> None:
    gate = Gate(3, most=5)
    running: list[str] = []
    go = asyncio.Event()

    async def query(layer: str) -> None:
        async with gate.passing(layer):
            running.append(layer)
            await go.wait()

    tasks = [asyncio.create_task(query("locked")) for _ in range(4)]
    tasks.append(asyncio.create_task(query("other")))
    await asyncio.sleep(0.01)
    assert sorted(running) == ["locked", "locked", "other"]
    with pytest.raises(StoreUnavailable, match="busy"):
        await query("third")
    go.set()
    await asyncio.gather(*tasks)
    assert gate.inside == 0
