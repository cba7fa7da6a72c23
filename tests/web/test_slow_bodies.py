"""A body that trickles is given up; a steady one, and a slow application, are not."""

import asyncio

import pytest
from starlette.types import Message

from cim.errors import BadRequest
from web.slow_bodies import SteadyBody


class Sender:
    """Sends parts of a body with pauses."""

    def __init__(self, parts: int, size: int, pause_s: float) -> None:
        self.left, self.size, self.pause_s = parts, size, pause_s

    async def __call__(self) -> Message:
        await asyncio.sleep(self.pause_s)
        self.left -= 1
        return {"type": "http.request", "body": bytes(self.size), "more_body": self.left > 0}


async def received(sender: Sender, between_s: float = 0.0) -> int:
    body = SteadyBody(sender, grace_s=0.2)
    size = 0
    while True:
        message = await body()
        size += len(message["body"])
        if not message["more_body"]:
            return size
        await asyncio.sleep(between_s)


async def test_a_trickle_is_given_up() -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(BadRequest, match="too slowly"):
        await received(Sender(100, 1, 0.02))
    assert asyncio.get_running_loop().time() - began < 1


async def test_a_steady_body_arrives_however_long_it_takes() -> None:
    assert await received(Sender(30, 100, 0.02)) == 3_000


async def test_the_applications_own_time_does_not_count() -> None:
    assert await received(Sender(5, 10, 0.0), between_s=0.1) == 50


async def test_waiting_for_the_end_of_a_connection_is_not_timed() -> None:
    body = SteadyBody(Sender(1, 1, 0.0), grace_s=0.05)
    await body()
    body._receive = Sender(1, 0, 0.2)
    assert (await body())["type"] == "http.request"
