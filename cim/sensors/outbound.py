"""Calls out of the server: only by HTTP, only to addresses that are public or named by the operator.

The name is resolved once, every address it has is looked at, and one of those that were looked at is connected to: a
name that points elsewhere a moment later gains nothing. Redirections are not followed, proxies not used.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from cim.errors import BadRequest, SettingsError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
TIMEOUT_S = 10.0
MOST_URL = 2_000
_REMEDY = "give the http or https address of a public host, or name its address in CIM_WEBHOOK_PRIVATE"
_EMBEDDED = (
    (ipaddress.ip_network("64:ff9b::/96"), 96),
    (ipaddress.ip_network("64:ff9b:1::/48"), 96),
    (ipaddress.ip_network("2002::/16"), 16),
    (ipaddress.ip_network("::/96"), 96),
)
"""Networks of IPv6 in which an address of IPv4 lies, and at which bit."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes: the address that was looked at, and the URL as it was given."""

    url: httpx.URL
    address: Address


def private_networks(text: str) -> tuple[Network, ...]:
    """The networks of ``CIM_WEBHOOK_PRIVATE``, between commas; SettingsError where one cannot be read."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise SettingsError(
            f"{text[:80]!r} is no list of networks",
            where="CIM_WEBHOOK_PRIVATE",
            remedy="write addresses or networks between commas, for example 10.20.0.7,192.168.4.0/24",
        ) from None


def checked_url(text: str) -> httpx.URL:
    """A URL that may be called as far as its text tells; BadRequest where it may not."""
    fault = ""
    if len(text) > MOST_URL or any(ord(letter) <= 32 or letter in "\\\x7f" for letter in text):
        fault = "the URL is too long or holds blanks"
    else:
        try:
            url = httpx.URL(text)
            fault = _fault_of(url)
        except (httpx.InvalidURL, ValueError, UnicodeError):
            fault = "the URL cannot be read"
    if fault:
        raise BadRequest(fault, where="url", remedy=_REMEDY)
    return url


def _fault_of(url: httpx.URL) -> str:
    if url.scheme not in ("http", "https"):
        return "the URL is neither http nor https"
    if url.userinfo:
        return "the URL holds a user name or password"
    if not url.host or url.port == 0:
        return "the URL names no host"
    return "" if "%" not in url.host else "the URL names a zone of the network"


async def target(text: str, private: Sequence[Network] = ()) -> Target:
    """Where a URL leads: BadRequest where any of the host's addresses may not be called, or it has none."""
    url = checked_url(text)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        raise BadRequest(f"the host {url.host[:100]!r} has no address", where="url", remedy=_REMEDY) from None
    addresses = [ipaddress.ip_address(one[4][0]) for one in found]
    if not addresses or not all(may_call(address, private) for address in addresses):
        raise BadRequest(
            f"the host {url.host[:100]!r} lies in a network that is not called", where="url", remedy=_REMEDY
        )
    return Target(url, addresses[0])


def may_call(address: Address, private: Sequence[Network] = ()) -> bool:
    """Whether an address may be called: a public one, or one that the operator named."""
    inner = inner_address(address)
    for one in {address, inner}:
        if any(one.version == network.version and one in network for network in private):
            return True
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    looked_at = (inner,) if mapped else (address, inner)
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in looked_at)


def inner_address(address: Address) -> Address:
    """The address of IPv4 that lies in one of IPv6, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.teredo:
        return address.teredo[1]
    for network, bit in _EMBEDDED:
        if address in network:
            return ipaddress.IPv4Address((int(address) >> (96 - bit if bit < 96 else 0)) & 0xFFFFFFFF)
    return address


async def post(client: httpx.AsyncClient, to: Target, body: bytes, headers: dict[str, str]) -> int:
    """Send a body to the address that was looked at; returns the status. The answer is not read."""
    url = to.url.copy_with(host=str(to.address))
    named = {**headers, "host": to.url.netloc.decode("ascii")}
    extensions = {"sni_hostname": to.url.raw_host.decode("ascii")} if to.url.scheme == "https" else {}
    async with client.stream("POST", url, content=body, headers=named, extensions=extensions) as answer:
        return answer.status_code


def caller() -> httpx.AsyncClient:
    """A client that follows nobody and uses no proxy."""
    return httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=TIMEOUT_S)
