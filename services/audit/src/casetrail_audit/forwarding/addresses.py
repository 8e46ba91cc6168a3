"""Where a webhook may go: an address is looked at before anything is sent to it.

The name is resolved here, every address of it is checked, and the one that was checked is
connected to: a name that points elsewhere a moment later (DNS rebinding) changes nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]

_NAT64: Final = ip_network("64:ff9b::/96")


class AddressRefused(ConnectionError):
    """Nothing may be sent there; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """A URL by the address that was checked, the name for the server, and for its certificate."""

    url: str
    host_header: str
    hostname: str


class Guard:
    """Lets https to public addresses through, and anything to the networks that are allowed."""

    def __init__(self, allowed: Sequence[Network], resolve: Resolve | None = None) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve or resolved

    async def __call__(self, url: str) -> Place:
        """The place to connect to; raises `AddressRefused`, or `ConnectionError` without one."""
        parts = urlsplit(url)
        hostname = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        addresses = await self._resolve(hostname, port)
        if not addresses:
            raise ConnectionError(f"{hostname} has no address")
        for address in addresses:
            self._require(parts.scheme, hostname, address)
        first = addresses[0]
        literal = f"[{first}]" if first.version == 6 else str(first)  # noqa: PLR2004 - IPv6
        named = parts._replace(netloc=f"{literal}:{port}").geturl()
        return Place(named, parts.netloc, hostname)

    def _require(self, scheme: str, hostname: str, address: Address) -> None:
        if any(address.version == net.version and address in net for net in self._allowed):
            return
        if scheme != "https":
            raise AddressRefused(f"{hostname} is asked without TLS: only https goes there.")
        if not all(each.is_global and not each.is_multicast for each in _meant(address)):
            raise AddressRefused(
                f"{hostname} is {address}, which is no public address; list its network in "
                "AUDIT_WEBHOOKS_ALLOW if records may go there."
            )


async def resolved(hostname: str, port: int) -> Sequence[Address]:
    """The addresses of a name, as the system knows them."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            hostname, port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise ConnectionError(f"{hostname} cannot be resolved: {error}") from error
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _meant(address: Address) -> list[Address]:
    """The address, and the IPv4 address that a translating IPv6 address stands for."""
    meant: list[Address] = [address]
    if isinstance(address, IPv6Address):
        meant += [each for each in (address.ipv4_mapped, address.sixtofour) if each is not None]
        if address.teredo is not None:
            meant += address.teredo
        if address in _NAT64:
            meant.append(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped is not None:
            del meant[0]  # the mapped form itself is never global
    return meant
