"""Finding fixed addresses: literal hosts where an environment should give them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lampway.domain.package import Role

_URL = re.compile(
    r"(?:https?|mqtts?|wss?|amqps?|ftps?|sftp|tcp|udp|tls|smtps?|imaps?|ldaps?|rediss?|mongodb(?:\+srv)?|postgres(?:ql)?|"
    r"mysql|mariadb|mssql|sqlserver|oracle|kafka|nats|opc\.tcp|coaps?|influxdb|bolt|neo4j|cassandra|clickhouse|s7|modbus|"
    r"modbus-tcp|rtsp|sip|ssh|grpcs?|odata|jdbc:[a-z]{2,15}(?::[a-z]{2,10})?)"
    r"://(?:[^\s/?#@\"'<>`\\]{0,200}@)?(?P<host>\[[0-9A-Fa-f:.%]{2,60}\]|[A-Za-z0-9_](?:[\w.-]{0,250}\w)?)(?P<port>:\d{1,5})?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.:-]{0,30}$", re.IGNORECASE)
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
            found = _URL.match(text.strip())
            if found and not re.search(r"\s", text.strip()) and not _is_documentation(found["host"]):
                yield 0, _address(found)
        case _:
            return


def _in_endpoint(text: str) -> Iterator[tuple[int, str]]:
    stripped = text.strip()
    found = _URL.search(stripped)
    if found:
        if not _PLACEHOLDER.search(found["host"]) and found["host"] not in _EVERYWHERE:
            yield 0, _address(found)
        return
    if stripped in _EVERYWHERE or stripped.isdigit() or _MACHINE_ID.match(stripped) or _PLACEHOLDER.search(stripped):
        return
    if _IPV6.match(stripped) or (_HOST.match(stripped) and re.search(r"[A-Za-z]|\d\.\d", stripped)):
        yield 0, stripped.lower()


def _in_code(text: str) -> Iterator[tuple[int, str]]:
    at = text.find("://")
    while at >= 0:
        scheme = _SCHEME.search(text, max(0, at - 32), at)
        found = _URL.match(text, scheme.start()) if scheme else None
        if found is None and scheme:  # such as `see:https`
            found = _URL.search(text, scheme.start(), min(len(text), at + 520))
            found = found if found and found.start() < at else None
        if found and _counts_in_code(text, found):
            yield found.start(), _address(found)
        at = text.find("://", at + 3)


def _counts_in_code(text: str, found: re.Match[str]) -> bool:
    host = found["host"]
    is_name = "." in host or host[0] == "[" or host.lower() == "localhost" or found["port"] is not None
    if host in _EVERYWHERE or not is_name:
        return False
    if _is_documentation(host) or _NAMESPACES.match(host) or _PLACEHOLDER.search(host):
        return False
    line = text.rfind("\n", max(0, found.start() - 300), found.start()) + 1
    return _COMMENT.search(text[max(line, found.start() - 300) : found.start()]) is None


def _is_documentation(host: str) -> bool:
    return _DOCUMENTATION.search(host) is not None


def _address(found: re.Match[str]) -> str:
    scheme = found[0].partition("://")[0]
    return f"{scheme}://{found['host']}{found['port'] or ''}".lower()
