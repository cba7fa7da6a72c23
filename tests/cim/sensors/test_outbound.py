"""Messages leave for public hosts and for those the operator named, whatever form the address is written in (B5)."""

import asyncio
import ipaddress
import socket
from typing import Any

import httpx
import pytest
from receiving_messages import Received, receiving

from cim.errors import BadRequest, SettingsError
from cim.sensors.outbound import caller, checked_url, may_call, post, private_networks, target

HOSTS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "00",
    "0x0",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "0177.1",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ip6-localhost",
    "10.0.0.1",
    "10.1",
    "167772161",
    "0x0a000001",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.1",
    "3232235521",
    "100.64.0.1",
    "100.127.255.254",
    "169.254.169.254",
    "169.254.1.1",
    "2852039166",
    "0xA9FEA9FE",
    "0251.0376.0251.0376",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[ff02::1]",
    "[::ffff:169.254.169.254]",
    "[2001:db8::1]",
]
URLS = [
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/",
    "javascript:alert(1)",
    "//127.0.0.1/",
    "http:///x",
    "http://",
    "HTTP://127.0.0.1:PORT/",
    "hTTp://LocalHost:PORT/",
    "http://good.example@127.0.0.1:PORT/",
    "http://user:pw@example.org/",
    "http://127.0.0.1:PORT#@example.org/",
    "http://127.0.0.1:PORT\\@example.org/",
    "http://example.org:0/",
    "http://[::1]:PORT/",
    "http://127。0。0。1:PORT/",
    "http://①②⑦.0.0.1:PORT/",
    "http://127.0.0.1:PORT%2f@example.org/",
    "ws://127.0.0.1:PORT/",
    "http://exa",
    "mple.org/",
    "http://[fe80::1%25eth0]/",
    "dict://127.0.0.1:PORT/",
    "http://127.0.0.1:99999/",
    "http://[127.0.0.1]/",
]


def test_there_are_sixty_forms_and_more() -> None:
    assert len(HOSTS) + len(URLS) >= 80


@pytest.fixture
def canary() -> Any:
    with receiving() as kept:
        yield kept


async def test_no_hostile_form_reaches_the_canary(canary: Received) -> None:
    forms = [f"http://{host}:{canary.port}/" for host in HOSTS]
    forms += [url.replace("PORT", str(canary.port)) for url in URLS]
    for form in forms:
        with pytest.raises(BadRequest) as refused:
            await target(form)
        assert refused.value.remedy, form
    assert canary.hits == 0


async def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()

    async def both(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (address, 80)) for address in ("93.184.216.34", "10.0.0.9")]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    with pytest.raises(BadRequest):
        await target("http://two.example/")


async def test_a_name_that_turns_after_it_was_looked_at_gains_nothing(
    canary: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is asked for once; what is connected to is the address that was looked at."""
    loop, asked = asyncio.get_running_loop(), []
    real = loop.getaddrinfo

    async def turning(host: Any, port: Any, **more: Any) -> Any:
        if host != "turns.example":
            return await real(host, port, **more)
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", ("93.184.216.34" if len(asked) == 1 else "127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", turning)
    found = await target(f"http://turns.example:{canary.port}/hook")
    connected: list[str] = []

    def kept(request: httpx.Request) -> httpx.Response:
        connected.append(request.url.host)
        assert request.headers["host"] == f"turns.example:{canary.port}"
        return httpx.Response(204)

    async with httpx.AsyncClient(transport=httpx.MockTransport(kept)) as client:
        assert await post(client, found, b"{}", {}) == 204
    assert (connected, asked, canary.hits) == (["93.184.216.34"], ["turns.example"], 0)


async def test_redirections_are_not_followed(canary: Received) -> None:
    private = private_networks("127.0.0.1")
    with receiving() as second:
        second.status, second.location = 307, f"http://127.0.0.1:{canary.port}/"
        async with caller() as client:
            to = await target(f"http://127.0.0.1:{second.port}/", private)
            assert await post(client, to, b"{}", {}) == 307
        assert (second.hits, canary.hits) == (1, 0)


async def test_the_operator_opens_what_is_named_and_no_more(canary: Received) -> None:
    private = private_networks("127.0.0.1, 192.168.4.0/24")
    async with caller() as client:
        assert await post(client, await target(f"http://127.0.0.1:{canary.port}/x", private), b"{}", {}) == 204
    assert canary.posts[0][0]["host"] == f"127.0.0.1:{canary.port}"
    assert may_call(ipaddress.ip_address("192.168.4.9"), private)
    assert may_call(ipaddress.ip_address("::ffff:192.168.4.9"), private)
    for closed in ("127.0.0.2", "192.168.5.1", "10.0.0.1", "::1"):
        assert not may_call(ipaddress.ip_address(closed), private)
    for wrong in ("10.0.0.1/8", "x", "alarm.local"):
        with pytest.raises(SettingsError):
            private_networks(wrong)


def test_public_addresses_pass() -> None:
    for address in ("93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "1.1.1.1"):
        assert may_call(ipaddress.ip_address(address)), address
    assert checked_url("https://例子.测试/hook").raw_host.startswith(b"xn--")
