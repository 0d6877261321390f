"""Finding fixed addresses: literal hosts where an environment should give them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lampway.domain.package import Role

_SCHEMES = (
    "https http mqtts mqtt wss ws amqps amqp ftps ftp sftp tcp udp tls smtps smtp imaps imap ldaps ldap rediss redis "
    "mongodb mongodb+srv postgres postgresql mysql mariadb mssql sqlserver oracle kafka nats opc.tcp coaps coap "
    "influxdb bolt neo4j cassandra clickhouse s7 modbus modbus-tcp rtsp sip ssh grpcs grpc odata"
)
_BY_LENGTH = sorted(_SCHEMES.split(), key=len, reverse=True)
_REST = re.compile(
    r"://(?:[^\s/?#@\"'<>`\\]{0,200}@)?"
    r"(?P<host>\[[0-9A-Fa-f:.%]{2,60}\]|[A-Za-z0-9_](?:[\w.-]{0,250}\w)?)(?P<port>:\d{1,5})?"
)
_HOST = re.compile(
    r"(?:[A-Za-z0-9_](?:[\w-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[\w-]{0,61}[A-Za-z0-9_])?){0,10}\.?(?::\d{1,5})?$"
)
_IPV6 = re.compile(r"\[?[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}\]?$")
_MACHINE_ID = re.compile(r"[0-9a-f]{5,16}(?:\.[0-9a-f]{2,8})?$")
"""What platforms make up to point at one of their own nodes; no name of a host looks like it."""
_EVERYWHERE = frozenset(("0.0.0.0", "::", "[::]", "*"))  # noqa: S104 — where to listen is no address
_DOCUMENTATION = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|org|net|edu))?|invalid|test|domain\.tld)$", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"(?:^|[.-])(?:your|my)[_-]|your-?(?:server|host|domain|tenant)|placeholder|^(?:host|hostname|server)$",
    re.IGNORECASE,
)
_NAMESPACES = re.compile(
    r"^(?:www\.w3\.org|schemas\.[\w.-]+|purl\.org|xmlns\.com|ns\.adobe\.com|json-schema\.org|[\w.-]*openxmlformats\.org|"
    r"tempuri\.org|docs\.oasis-open\.org|schema\.org)$",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"^\s*(?://|\*|/\*|<!--|#|--|rem\b)|(?<!:)//|/\*|<!--", re.IGNORECASE)


_LONGEST = 4096
"""Characters of an address or host that is all there is in a literal."""


@dataclass(frozen=True, slots=True)
class _Url:
    """A whole address: where it starts and what it points at."""

    start: int
    scheme: str
    host: str
    port: str

    @property
    def address(self) -> str:
        """Scheme, host and port, in lower case."""
        return f"{self.scheme}://{self.host}{self.port}".lower()


def addresses_in(text: str, role: Role) -> Iterator[tuple[int, str]]:
    """Yield position and address (scheme, host and port; never user, password or path) of every fixed address.

    An endpoint's literal may be a bare host; in code only whole addresses count, in text only one that is all there
    is. Relative paths, expressions, name spaces and hosts reserved for documentation do not count.
    """
    match role:
        case Role.ENDPOINT:
            yield from _in_endpoint(text)
        case Role.CODE:
            yield from _in_code(text)
        case Role.TEXT:
            whole = text[:_LONGEST].strip()
            for found in _urls(whole):
                if found.start == 0 and not re.search(r"\s", whole) and not _is_documentation(found.host):
                    yield 0, found.address
        case _:
            return


def _in_endpoint(text: str) -> Iterator[tuple[int, str]]:
    stripped = text[:_LONGEST].strip()
    found = next(_urls(stripped), None)
    if found:
        if not _PLACEHOLDER.search(found.host) and found.host not in _EVERYWHERE:
            yield 0, found.address
        return
    if stripped in _EVERYWHERE or stripped.isdigit() or _MACHINE_ID.match(stripped) or _PLACEHOLDER.search(stripped):
        return
    if _IPV6.match(stripped) or (_HOST.match(stripped) and re.search(r"[A-Za-z]|\d\.\d", stripped)):
        yield 0, stripped.lower()


def _in_code(text: str) -> Iterator[tuple[int, str]]:
    for found in _urls(text):
        is_name = "." in found.host or found.host[0] == "[" or found.host.lower() == "localhost" or found.port
        if not is_name or found.host in _EVERYWHERE or _is_documentation(found.host):
            continue
        if _NAMESPACES.match(found.host) or _PLACEHOLDER.search(found.host) or _is_comment(text, found.start):
            continue
        yield found.start, found.address


def _urls(text: str) -> Iterator[_Url]:
    """Yield every address with a known scheme and a literal host."""
    at = text.find("://")
    while at >= 0:
        before = text[max(0, at - 12) : at].lower()
        scheme = next((known for known in _BY_LENGTH if before.endswith(known)), "")
        rest = _REST.match(text, at) if scheme else None
        if rest:
            yield _Url(at - len(scheme), scheme, rest["host"], rest["port"] or "")
        at = text.find("://", at + 3)


def _is_comment(text: str, at: int) -> bool:
    before = text[max(0, at - 300) : at]
    return _COMMENT.search(before[before.rfind("\n") + 1 :]) is not None


def _is_documentation(host: str) -> bool:
    return _DOCUMENTATION.search(host) is not None
