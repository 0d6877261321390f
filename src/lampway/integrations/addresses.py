"""Where requests may go that somebody else has named: judged by the address, not by the name.

A name is looked up once; what it leads to is judged, and exactly that is connected to. So a name that leads elsewhere
the second time gains nothing. Redirects are not followed, and proxies of the environment are not used.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import SplitResult

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses in the form in which IPv6-only networks write them."""


class NotReachableError(ValueError):
    """Nothing may be sent there; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was looked up and judged, and how to ask it."""

    url: str
    """With the address in place of the name."""
    host: str
    """What the header Host says."""
    name: str
    """What a certificate must be for."""
    is_allowed: bool
    """Whether it is in a network that was named."""


def reach(parts: SplitResult, allow: Sequence[str], *, own: SplitResult | None = None) -> Target:
    """Return the address to connect to. Raises NotReachableError where one that the name leads to may not be reached.

    Public addresses may, and those in networks of `allow`. What has scheme, host and port of `own` may be private or
    on this machine as well, but not link-local, where clouds keep their credentials.
    """
    port = parts.port or _usual(parts)
    networks = [ipaddress.ip_network(text) for text in allow]
    addresses = _look_up(parts.hostname or "", port)
    named = [any(address in network for network in networks) for address in addresses]
    is_own = own is not None and _origin(own) == _origin(parts)
    for address, is_named in zip(addresses, named, strict=True):
        if not (is_named or is_public(address) or (is_own and is_private(address))):
            raise NotReachableError("it leads to an address that is not public")
    netloc = _netloc(str(addresses[0]), parts.port)
    host = _netloc(parts.hostname or "", parts.port)
    return Target(parts._replace(netloc=netloc).geturl(), host, parts.hostname or "", all(named))


def is_public(address: Address) -> bool:
    """Return whether an address is one of the internet, whatever other address is wrapped in it."""
    if any(not is_public(wrapped) for wrapped in _wrapped(address)):
        return False
    return address.is_global and not address.is_multicast


def is_private(address: Address) -> bool:
    """Return whether an address is none of the internet, as those of this machine and of networks of one's own are.

    Those that mean no single machine, or a neighbour without any network between, are not among them.
    """
    if any(not is_private(wrapped) for wrapped in _wrapped(address)):
        return False
    return not address.is_global and not (address.is_link_local or address.is_multicast or address.is_unspecified)


def _wrapped(address: Address) -> list[Address]:
    """Return the addresses of the older kind that are written inside one of the newer."""
    if not isinstance(address, ipaddress.IPv6Address):
        return []
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _TRANSLATED:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [found for found in inner if found is not None]


def _look_up(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    except (OSError, ValueError):
        raise NotReachableError("its name leads nowhere") from None
    if not addresses:
        raise NotReachableError("its name leads nowhere")
    return addresses


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or _usual(parts)


def _usual(parts: SplitResult) -> int:
    return 443 if parts.scheme == "https" else 80


def _netloc(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port else name
