"""Readiness: a checklist as code, answered from evidence where there is any, scored by area and by maturity level.

Pure: the same items, answers and time always give the same score. What the evidence is stands in `readiness_evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lampway.domain.moments import is_before

REPLIES = ("yes", "no", "n/a")
"""What a person may answer."""
LEVELS = ("in the dark", "ordered", "governed", "proven", "lasting")
"""Maturity levels, lowest first; a level is reached when every item of it and of those below is met."""
ANSWERERS = ("platform-admin", "release-manager", "solution-owner")
"""Roles whose holders may answer an item that names nobody else."""


@dataclass(frozen=True, slots=True)
class ReadinessItem:
    """Something a team should be able to say of itself."""

    item: str
    """Its short name."""
    text: str
    """What should hold, in words."""
    area: str
    level: int
    """The maturity level that it is part of, from 1."""
    by: str = ""
    """The role that answers where no evidence can; empty: any of ANSWERERS."""
    gate: str = ""
    """A team's own item: the gate that every stage of the last tier must have; that is its evidence."""


@dataclass(frozen=True, slots=True)
class NotOurs:
    """An item that a team has taken out, with the reason."""

    item: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadinessRules:
    """What a team makes of the checklist."""

    items: tuple[ReadinessItem, ...] = ()
    """Items of its own, after the default ones."""
    not_ours: tuple[NotOurs, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """Where evidence can be looked at."""

    kind: str
    """ledger (a row), record, or file."""
    place: str
    """Such as `row 17`, `lock prod`, or `lampway.yaml:34`."""
    path: tuple[str | int, ...] = ()
    """In a file: the keys that lead there, while its line is not known yet."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What evidence says about an item."""

    share: float
    """How much of it holds, 0 to 1."""
    reason: str
    links: tuple[Link, ...] = ()
    next: str = ""
    """The command, or the edit, that brings it further."""
    is_evidence: bool = True
    """False: there is nothing to judge by yet."""
    is_for_people: bool = True
    """Without evidence: whether a named person may answer; not where evidence will come."""


@dataclass(frozen=True, slots=True)
class ReadinessAnswer:
    """What a named person said about an item, until a day."""

    item: str
    reply: str
    """yes, no or n/a."""
    note: str
    by: str
    """Id of a person."""
    at: str
    until: str
    """ISO time after which it counts no more."""
    authenticated: bool = False
    """Whether the person was proved to be who they say."""


@dataclass(frozen=True, slots=True)
class ReadinessLine:
    """One item with the answer that holds."""

    item: str
    text: str
    area: str
    level: int
    state: str
    """yes, partly, no, unknown (no evidence yet), n/a or not-ours."""
    score: float
    """0 to 1; what is n/a or not ours is not counted."""
    source: str
    """evidence, said (by a person) or none."""
    reason: str
    links: tuple[Link, ...] = ()
    by: str = ""
    """Who said it."""
    until: str = ""
    """Until when what was said counts."""
    next: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is part of the score."""
        return self.state not in ("n/a", "not-ours")

    @property
    def is_met(self) -> bool:
        """Whether nothing is left to do about it."""
        return self.state == "yes" or not self.counts


@dataclass(frozen=True, slots=True)
class AreaScore:
    """How far one area is."""

    area: str
    score: int
    """Per cent."""
    met: int
    items: int


@dataclass(frozen=True, slots=True)
class NextAction:
    """The best thing to do next."""

    item: str
    why: str
    action: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole answer."""

    score: int
    """Per cent of what counts."""
    level: int
    level_name: str
    proved: int
    """Per cent of what counts that evidence says; the rest of the score was said by people."""
    areas: tuple[AreaScore, ...]
    items: tuple[ReadinessLine, ...]
    next: NextAction | None
    """None when everything is met."""
    is_assessment: bool = False
    """Whether all of it was only said, before anything was adopted."""


def _item(item: str, area: str, level: int, text: str) -> ReadinessItem:
    return ReadinessItem(item, text, area, level)


DEFAULT_ITEMS: tuple[ReadinessItem, ...] = (
    _item("separate-environments", "environments", 1, "dev, test and prod are separate places, each with its tier"),
    _item("prod-locked", "environments", 2, "makers cannot edit in production"),
    _item("sandbox-offered", "environments", 4, "there is a place to try things out from which nothing is released"),
    _item("managed-packages", "packages", 2, "what runs in production came as a sealed, versioned package"),
    _item("nothing-hardcoded", "packages", 1, "no secret and no address is hardcoded in what runs in production"),
    _item("in-source-control", "packages", 1, "the source of every solution's newest version is in git"),
    _item("approved-before-prod", "decisions", 2, "nothing enters production without somebody else's approval"),
    _item("checklist-before-prod", "decisions", 3, "a checklist is answered before a release enters production"),
    _item("masked-test-data", "data", 3, "below production there is only masked or synthetic data"),
    _item("rollback-planned", "recovery", 2, "everything in production has a rollback plan in words"),
    _item("known-good", "recovery", 2, "everything in production has a known-good release to go back to"),
    _item("rollback-rehearsed", "recovery", 4, "going back was rehearsed"),
    _item("drift-under-control", "operation", 3, "somebody looks for live edits weekly, and none is open"),
    _item("owners-named", "people", 1, "every solution has an owner who is here"),
    _item("roles-held", "people", 2, "every role that the strategy declares is held by somebody"),
    _item("recertification-scheduled", "recertification", 3, "when owners confirm what is still needed is planned"),
    _item("recertification-on-time", "recertification", 4, "owners confirmed in time what runs in production"),
    _item("audit-verified", "audit", 3, "the ledger, its records and every package were verified this month"),
)
"""The checklist every team begins with. A name never changes its meaning."""


def items_of(rules: ReadinessRules) -> tuple[ReadinessItem, ...]:
    """Return the default items and a team's own."""
    return (*DEFAULT_ITEMS, *rules.items)


def score(
    rules: ReadinessRules,
    proofs: Mapping[str, Proof],
    answers: Mapping[str, ReadinessAnswer],
    now: str,
) -> Readiness:
    """Return the score: evidence first; where there is none, what a named person said and has not expired."""
    taken_out = {out.item: out.reason for out in rules.not_ours}
    lines = []
    for item in items_of(rules):
        if item.item in taken_out:
            lines.append(_line(item, "not-ours", 0.0, "said", taken_out[item.item]))
            continue
        proof = proofs.get(item.item) or Proof(0.0, "no evidence yet", is_evidence=False)
        lines.append(_proved(item, proof) if proof.is_evidence else _said(item, proof, answers.get(item.item), now))
    return summed_up(lines)


def summed_up(lines: Sequence[ReadinessLine], *, is_assessment: bool = False) -> Readiness:
    """Return score, level, areas and next action of lines that are answered."""
    counted = [line for line in lines if line.counts]
    level = _level(counted)
    proved = [line.score if line.source == "evidence" else 0.0 for line in counted]
    return Readiness(
        score=_percent([line.score for line in counted]),
        level=level,
        level_name=LEVELS[level],
        proved=_percent(proved),
        areas=_areas(lines),
        items=tuple(lines),
        next=_next(counted),
        is_assessment=is_assessment,
    )


def _line(item: ReadinessItem, state: str, points: float, source: str, reason: str) -> ReadinessLine:
    return ReadinessLine(item.item, item.text, item.area, item.level, state, points, source, reason)


def _proved(item: ReadinessItem, proof: Proof) -> ReadinessLine:
    share = min(1.0, max(0.0, proof.share))
    state = "yes" if share == 1 else "partly" if share else "no"
    line = _line(item, state, share, "evidence", proof.reason)
    return replace(line, links=proof.links, next="" if share == 1 else proof.next)


def _said(item: ReadinessItem, proof: Proof, answer: ReadinessAnswer | None, now: str) -> ReadinessLine:
    cure = proof.next or f"lampway readiness --answer {item.item}=yes --note '...' --until DAY"
    if answer is None or not proof.is_for_people:
        return replace(_line(item, "unknown", 0.0, "none", proof.reason), links=proof.links, next=cure)
    if not is_before(now, answer.until):
        reason = f"what {answer.by} said counted until {answer.until[:10]}; {proof.reason}"
        return replace(_line(item, "unknown", 0.0, "none", reason), links=proof.links, next=cure)
    points = 1.0 if answer.reply == "yes" else 0.0
    note = f": {answer.note}" if answer.note else ""
    line = _line(item, answer.reply, points, "said", f"{answer.by} says {answer.reply}{note}")
    link = Link("record", f"readiness answer {item.item} of {answer.at[:10]}")
    done = answer.reply != "no"
    return replace(line, links=(link,), by=answer.by, until=answer.until, next="" if done else cure)


def _percent(points: Sequence[float]) -> int:
    """Return the mean in per cent, rounded down so that only all of it is 100."""
    return int(100 * sum(points) / len(points) + 1e-9) if points else 0


def _level(counted: Iterable[ReadinessLine]) -> int:
    missed = [line.level for line in counted if not line.is_met]
    return min(missed) - 1 if missed else len(LEVELS) - 1


def _areas(lines: Sequence[ReadinessLine]) -> tuple[AreaScore, ...]:
    found = []
    for area in dict.fromkeys(line.area for line in lines):
        counted = [line for line in lines if line.area == area and line.counts]
        points = [line.score for line in counted]
        met = sum(line.is_met for line in counted)
        found.append(AreaScore(area, _percent(points) if counted else 100, met, len(counted)))
    return tuple(found)


def _next(counted: Sequence[ReadinessLine]) -> NextAction | None:
    """Return what to do first: of the lowest level that is not reached, what is nearest to being met."""
    left = [line for line in counted if not line.is_met]
    if not left:
        return None
    first = min(left, key=lambda line: (line.level, -line.score))
    return NextAction(first.item, f"{first.text}: {first.reason}", first.next)
