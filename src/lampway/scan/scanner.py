"""The scanner: literals in, findings out. Says where and what to do, never the value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lampway.domain.package import Finding, Literal, Role, Severity
from lampway.scan import anchors, assignments, endpoints, judgement, rules

MAX_LENGTH = 8 * 1024 * 1024
"""Characters of one literal that are scanned; more than that is reported."""
MAX_PER_RULE = 100
"""Findings of one rule in one literal; more tell a maker nothing new."""

_LONGEST_VALUE = 4096
"""Characters of a value that is one secret as a whole."""
_NO_VALUES = frozenset(("true", "false", "null", "none", "undefined"))
_SECRET_FIX = "remove it here, give it in each environment by reference, and renew it: whoever saw this knows it"  # noqa: S105


@dataclass(frozen=True, slots=True)
class _Match:
    """A value found in one literal."""

    rule: rules.Rule
    start: int
    value: str
    prefix: str = ""
    """The vendor's public prefix, which may be shown."""

    @property
    def end(self) -> int:
        return self.start + len(self.value)


class RuleScanner:
    """Finds secrets and fixed addresses by rules. Keeps nothing between calls; the same literals, the same findings.

    `slot` and `code` say how a maker writes a variable, with NAME for its name.
    """

    def __init__(self, *, slot: str = "${NAME}", code: str = 'env.get("NAME")') -> None:
        self._slot = slot
        self._code = code

    def scan(self, literals: Sequence[Literal], names: Sequence[str] = ()) -> tuple[Finding, ...]:
        """Return the findings, in the order of the literals, each (rule, place, value) once.

        `names` are declared variables, which are no findings. Layout is not looked at. Time grows with the length of
        the text, whatever is in it.
        """
        looked_at = [literal for literal in literals if literal.role is not Role.LAYOUT]
        texts = [literal.value[:MAX_LENGTH] for literal in looked_at]
        declared = frozenset(names)
        found: dict[tuple[str, str, str], Finding] = {}
        for literal, text, spots in zip(looked_at, texts, anchors.find_spots(texts), strict=True):
            for match in _matches(literal, text, spots, declared):
                key = (match.rule.id, literal.place, match.value)
                if key not in found:
                    found[key] = self._finding(match, literal)
        return tuple(found.values())

    def _finding(self, match: _Match, literal: Literal) -> Finding:
        rule = match.rule
        where = f" stands in *{literal.key}*" if literal.key else ""
        match rule.severity:
            case Severity.SECRET:
                shown = f" (starts with {match.prefix})" if match.prefix else ""
                print_ = fingerprint(match.value) if judgement.is_strong(match.value) else ""
                return Finding(
                    rule.id, rule.severity, literal.place, f"{rule.title}{where}{shown}", _SECRET_FIX, print_
                )
            case Severity.ENDPOINT:
                wanted = self._code if literal.role is Role.CODE else self._slot
                variable = wanted.replace("NAME", propose_name(literal))
                how = f"write {variable} here and declare it in each environment"
                fix = f"put the address in an environment variable: {how}"
                return Finding(rule.id, rule.severity, literal.place, rule.title + where, fix, fingerprint(match.value))
            case Severity.GOVERNANCE:
                fix = "move data out of the solution; what is too long to be read by people is not scanned either"
                return Finding(rule.id, rule.severity, literal.place, rule.title + where, fix)


def fingerprint(value: str) -> str:
    """Return twelve hexadecimal digits by which a value is recognised again.

    It only serves recognition and hides nothing that can be guessed: no key could, since it would ship with us. So
    secrets weak enough to be guessed get none.
    """
    return hashlib.sha256(b"lampway finding 1\0" + value.encode("utf-8", errors="surrogatepass")).hexdigest()[:12]


def propose_name(literal: Literal) -> str:
    """Return a name for the variable that should hold an address: `ERP_URL` for the url of *http request ERP*."""
    parts = [part for part in literal.place.split(" / ") if part and part != literal.key]
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*", parts[-1]) if parts else []
    kind = "HOST" if re.search(r"host|broker|server", literal.key, re.IGNORECASE) else "URL"
    start = words[-1].upper() if words else "SERVICE"
    return start if start.endswith(kind) else f"{start}_{kind}"


def _matches(literal: Literal, text: str, spots: anchors.Spots, names: frozenset[str]) -> list[_Match]:
    """Return what is found in one literal, by position; a specific rule wins over a general one."""
    claimed = _Claims()
    for match in _tokens(text, spots.tokens):
        claimed.add(match)
    for start, value in assignments.assigned(text, spots.names, names):
        claimed.add(_Match(rules.ASSIGNED, start, value))
    if not claimed.matches:
        general = _by_place(literal, text, names)
        if general:
            claimed.add(general)
    found = sorted(claimed.matches, key=lambda match: (match.start, match.rule.id))
    rule = rules.ADDRESS if literal.role is Role.ENDPOINT else rules.ADDRESS_IN_CODE
    addresses = [] if text.strip() in names else list(endpoints.addresses_in(text, literal.role))
    found += [_Match(rule, start, address) for start, address in addresses[:MAX_PER_RULE]]
    if len(literal.value) > MAX_LENGTH:
        found.append(_Match(rules.UNREAD, MAX_LENGTH, ""))
    return found


class _Claims:
    """Matches that do not overlap: who comes first stays."""

    def __init__(self) -> None:
        self.matches: list[_Match] = []
        self._taken: set[int] = set()
        self._counts: dict[str, int] = {}

    def add(self, match: _Match) -> None:
        blocks = range(match.start // 8, match.end // 8 + 1)
        if not self._taken.isdisjoint(blocks) and any(
            m.start < match.end and match.start < m.end for m in self.matches
        ):
            return
        count = self._counts.get(match.rule.id, 0)
        if count < MAX_PER_RULE:
            self._counts[match.rule.id] = count + 1
            self._taken.update(blocks)
            self.matches.append(match)


def _tokens(text: str, spots: list[tuple[int, int]]) -> Iterator[_Match]:
    around = assignments.Surroundings(text)
    aws: list[int] = []
    reached: dict[int, int] = {}
    for number, position in spots:
        if position < reached.get(number, 0):  # inside what this rule has matched already
            continue
        rule = rules.token_rules()[number]
        found = rule.pattern.match(text, position) if position >= 0 else None
        if found is None:
            continue
        reached[number] = found.end()
        group = "value" if "value" in rule.pattern.groupindex else 0
        value = found[group]
        if judgement.is_documented(value) or not around.bear_out(rule.rule.id, found):
            continue
        if rule.rule.id == "aws-access-key":
            aws.append(found.start())
        yield _Match(rule.rule, found.start(group), value, value[:4] if rule.prefixed else "")
    for start, value in assignments.aws_secrets(text, aws):
        yield _Match(rules.AWS_SECRET, start, value)


def _by_place(literal: Literal, text: str, names: frozenset[str]) -> _Match | None:
    """Return the whole literal as a finding where its place or the name beside it says that it is a secret."""
    if literal.role is Role.RESOURCE_ID:
        return None
    kind = "slot" if literal.role is Role.SECRET_SLOT else judgement.secret_kind(literal.key)
    value = text.strip()
    start = value[:_LONGEST_VALUE]
    if not kind or judgement.is_expression(start) or judgement.is_placeholder(start, names):
        return None
    if kind == "slot":
        return None if value.lower() in _NO_VALUES else _Match(rules.SLOT, 0, value)
    if value == start and judgement.is_plausible(value, kind, literal.key):
        return _Match(rules.NAMED, 0, value)
    return None
