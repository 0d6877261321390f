"""Secrets that are known by the words around them: names with values, headers, connection strings, key pairs."""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

from lampway.scan import judgement

ANCHORS = ("pass", "pwd", "kennwort", "secret", "token", "authorization", "credential", "key")
"""Words of which one is in every name that promises a secret."""

_QUOTED = re.compile(
    r"""[\w-]{1,60}+"""
    r"""(?:\\?["'`]\s{0,4},\s{0,4}\\?["']?value\\?["']?\s{0,2}:\s{0,4}"""  # "name", "value":
    r"""|(?P<comma>\\?["'`]\s{0,4},\s{0,4})"""  # ("name",
    r"""|\\?["'`]\s{1,4}value\s{0,2}=\s{0,2}"""  # name="password" value=
    r"""|\\?["'`]?[\])]{0,2}\s{0,4}[:?]{0,3}[:=]{1,3}>?\s{0,4})"""  # name = , "name": , ["name"] =
    r"""(?:\\?"(?P<double>[^"\\\n]{1,500})\\?"|\\?'(?P<single>[^'\\\n]{1,500})\\?'|`(?P<back>[^`\\\n]{1,500})`)(?!\s{0,3}:)"""
)
_BARE = re.compile(r"""[\w-]{1,60}+\s{0,2}[:=]\s{0,2}(?P<value>[\w+/.~!%^*-]{8,500}={0,2})(?=[\s;,&"'\\)}\]<]|$)""")
_NAME_BEFORE = re.compile(r"[\w-]{0,40}$")
_CALL = re.compile(r"""\(\s{0,4}\\?["'`]$""")
"""What stands before the first of several arguments; in any other list a comma joins no pair."""
_NAME = re.compile(r"[\w-]{1,60}+")
_COMPANY = re.compile(
    r"(?:server|data source|host|uid|user id|username|user|endpoint|database|dbname|initial catalog) ?=", re.IGNORECASE
)
_COMMAND = re.compile(r"\b(?:curl|wget|httpie|https?)\b", re.IGNORECASE)
_FORTY = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_FAKE = re.compile(r"example|xxxx|your[_-]|placeholder|redacted|\*\*\*|dummy", re.IGNORECASE)


def assigned(text: str, positions: Sequence[int], names: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yield position and value of every secret written beside its name; `positions` are those of the anchors."""
    done = -1
    for position in positions:
        if position < done:
            continue
        found = _QUOTED.match(text, position) or _BARE.match(text, position)
        if found is None:
            name = _NAME.match(text, position)
            done = name.end() if name else done  # further anchors in the same word meet the same end
            continue
        group = found.lastgroup or "value"
        if _is_secret(text, found, group, names):
            done = found.end()
            yield found.start(group), found[group]


def _is_secret(text: str, found: re.Match[str], group: str, names: frozenset[str]) -> bool:
    value = found[group]
    before = _NAME_BEFORE.search(text, max(0, found.start() - 40), found.start())
    after = _NAME.match(text, found.start())
    start = before.start() if before else found.start()
    name = text[start : after.end() if after else found.end()]
    kind = judgement.secret_kind(name)
    if not kind or judgement.is_expression(value) or judgement.is_placeholder(value, names):
        return False
    if "comma" in found.re.groupindex and found["comma"] and not _CALL.search(text, max(0, start - 8), start):
        return False
    return judgement.is_plausible(value, "key" if group == "value" else kind, name)


class Surroundings:
    """What stands around matches in one text, looked up once and only where it matters."""

    def __init__(self, text: str) -> None:
        self._text = text

    def bear_out(self, rule: str, found: re.Match[str]) -> bool:
        """Return whether what stands around a match bears it out, for rules whose shape alone says too little."""
        value = found["value"] if "value" in found.re.groupindex else found[0]
        if rule != "private-key" and _FAKE.search(value):
            return False
        match rule:
            case "url-credentials":
                return _is_password(value)
            case "connection-string":
                return _is_password(value) and _is_near(self._company, found.start(), found.end())
            case "command-password":
                return _is_password(value) and _is_near(self._commands, found.start(), found.start())
            case "authorization-header":
                return _is_basic(value) if found[0][:5].lower() == "basic" else _is_bearer(value)
        return True

    @cached_property
    def _company(self) -> list[int]:
        return [found.start() for found in _COMPANY.finditer(self._text)]

    @cached_property
    def _commands(self) -> list[int]:
        return [found.start() for found in _COMMAND.finditer(self._text)]


def _is_near(positions: list[int], start: int, end: int) -> bool:
    """Return whether one of the positions is within 400 characters before `start` or after `end`."""
    first = bisect_left(positions, start - 400)
    return first < len(positions) and positions[first] <= max(start, end + 400 if end > start else start)


def aws_secrets(text: str, key_ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yield position and value of what looks like the secret half within 250 characters of an AWS access key."""
    if not key_ids:
        return
    for found in _FORTY.finditer(text):
        nearest = bisect_left(key_ids, found.start())
        distances = [abs(found.start() - at) for at in key_ids[max(0, nearest - 1) : nearest + 1]]
        if min(distances) <= 250 and judgement.entropy(found[0]) >= 4.0:
            yield found.start(), found[0]


def _is_password(value: str) -> bool:
    filled_in = judgement.is_expression(value) or judgement.is_placeholder(value) or value[0] in "$%{<"
    return not filled_in and judgement.is_plausible(value, "password", "")


def _is_basic(value: str) -> bool:
    """Return whether the value decodes to `user:password`, printable."""
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    user, colon, password = plain.partition(":")
    return bool(colon and plain.isprintable()) and bool(user or password)


def _is_bearer(value: str) -> bool:
    return len(value) >= 16 and not judgement.is_placeholder(value) and judgement.is_plausible(value, "key", "")
