"""What the strategy document says: pure, from the rules, the readiness, and what is excepted now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lampway.domain.gate_words import gate_in_words, stage_in_words
from lampway.domain.readiness import LEVELS, Readiness, ReadinessLine
from lampway.domain.recertification import RecertificationRules, recertification_words
from lampway.domain.roles import SHIPPED
from lampway.domain.spans import span_in_words
from lampway.domain.strategy import Environment, Person, Pipeline, Stage, Strategy, Tier
from lampway.domain.strategy_document import (
    Block,
    Bullets,
    Chapter,
    Grid,
    Lane,
    Meter,
    Meters,
    Paragraph,
    Part,
    Place,
    StrategyDocument,
    Topology,
    cleaned,
    joined,
)

_MOST = 200
"""Solutions that are listed one by one."""


@dataclass(frozen=True, slots=True)
class Exceptional:
    """An exception that is in force now."""

    kind: str
    """Waiver, accepted drift, hold, emergency stop, veto, or answer without evidence."""
    what: str
    reason: str
    by: str
    until: str
    """ISO time; empty for no end."""


@dataclass(frozen=True, slots=True)
class Dated:
    """Something that falls on a day to come."""

    day: str
    """ISO date."""
    what: str
    who: str


@dataclass(frozen=True, slots=True)
class InForce:
    """Under which authority the document speaks."""

    commit: str
    """Empty for a draft from the working tree."""
    applied_by: str
    applied_at: str
    now: str


def write_document(
    strategy: Strategy,
    readiness: Readiness,
    exceptions: Sequence[Exceptional],
    dates: Sequence[Dated],
    authority: InForce,
) -> StrategyDocument:
    """Return the team's own strategy as a document, with the answers of today."""
    return cleaned(
        StrategyDocument(
            title="ALM and environment strategy",
            team=strategy.team,
            facts=_cover(strategy, readiness, authority),
            chapters=(
                _why(strategy),
                _environments(strategy),
                _steps(strategy),
                _roles(strategy),
                _people(strategy),
                _readiness(readiness),
                _exceptions(strategy, exceptions),
                _calendar(strategy, dates),
            ),
            signatures=(f"for {strategy.team}", "head of IT", "information security"),
            is_draft=not authority.commit,
        )
    )


def _cover(strategy: Strategy, readiness: Readiness, authority: InForce) -> tuple[tuple[str, str], ...]:
    applied = f"{authority.applied_at[:10]} by {_who(strategy, authority.applied_by)}"
    in_force = (("Commit in force", authority.commit[:12]), ("In force since", applied))
    draft = (("Status", "draft from the working tree, not in force"),)
    return (
        ("Owning team", strategy.team),
        ("Next review", strategy.next_review),
        *(in_force if authority.commit else draft),
        ("Readiness", f"{readiness.score} %, level {readiness.level} of {len(LEVELS) - 1}: {readiness.level_name}"),
        ("Written", authority.now[:16].replace("T", " ") + " UTC"),
    )


def _who(strategy: Strategy, name: str) -> str:
    person = strategy.person(name)
    return person.name if person else name


def _chapter(title: str, *blocks: Block) -> Chapter[Block]:
    return Chapter(title, (Part("", blocks),))


def _why(strategy: Strategy) -> Chapter[Block]:
    solutions = len(strategy.solutions)
    scope = f"{solutions} solution{'s' if solutions != 1 else ''}" if solutions else "every solution"
    return _chapter(
        "Why",
        Paragraph(
            "Low-code platforms make it easy to edit what is live. Without a path, every edit is live at once: nobody "
            "reviewed it, nothing can be taken back, and how it is configured lives in one head."
        ),
        Paragraph(
            f"This strategy says how {strategy.team} brings {scope} from an idea to production: where people build, "
            "what has to be proved before it moves on, who decides, and how to go back. It is kept as files in git, "
            "is judged by a machine, and every decision under it is kept in a record that can be verified by somebody "
            "who trusts none of us."
        ),
    )


def _environments(strategy: Strategy) -> Chapter[Block]:
    rows = []
    for tier in strategy.tiers:
        places = [e for e in strategy.environments if e.tier == tier.name]
        last = tier.name == strategy.tiers[-1].name
        data = joined(dict.fromkeys(e.data for e in places if e.data)) or ("production" if last else "not said")
        locked = _for_makers(tier)
        rows.append((tier.name, tier.purpose, _listed(places), locked, data if places else "–"))
    heads = ("Tier", "Purpose", "Environments", "For makers", "Data")
    widths = (12, 38, 26, 12, 12)
    return Chapter(
        "Environments",
        (
            Part(
                "",
                (Paragraph("Tiers carry the rules, environments inherit them. The last one is the most protected."),),
            ),
            Part("Tiers", (Grid(heads, tuple(rows), widths),)),
            Part("Topology", (_topology(strategy),)),
        ),
    )


def _for_makers(tier: Tier) -> str:
    """Return whether makers may edit in a tier, and how it may be opened to them for a while."""
    if not tier.locked or tier.unlock is None:
        return "locked" if tier.locked else "open"
    who = "one person, reviewed by another" if tier.unlock.alone else "two people"
    return f"locked; break-glass for {span_in_words(tier.unlock.longest)} at most by {who}"


def _listed(places: Sequence[Environment]) -> str:
    return joined(f"{e.name} ({e.platform})" for e in places) or "none"


def _topology(strategy: Strategy) -> Topology:
    used: set[str] = set()
    lanes = []
    for pipeline in strategy.pipelines:
        names = (pipeline.source, *(stage.environment for stage in pipeline.stages))
        used.update(names)
        steps = tuple(_gates(len(stage.gates)) for stage in pipeline.stages)
        lanes.append(Lane(pipeline.name, tuple(_place(strategy, name) for name in names), steps))
    aside = tuple(_place(strategy, e.name) for e in strategy.environments if e.name not in used)
    return Topology(tuple(lanes), aside)


def _gates(count: int) -> str:
    return f"{count} gate{'s' if count != 1 else ''}"


def _place(strategy: Strategy, name: str) -> Place:
    environment = strategy.environment(name)
    is_last = strategy.is_prod(name)
    locked = "locked" if strategy.tier(environment.tier).locked else "open to makers"
    data = f", {environment.data} data" if environment.data in ("masked", "synthetic") else ""
    return Place(name, environment.tier, f"{locked}{data}", is_last)


def _steps(strategy: Strategy) -> Chapter[Block]:
    parts: list[Part[Block]] = [
        Part("", (Paragraph("A release is sealed once and stays the same, byte for byte, all the way."),))
    ]
    sources = joined(dict.fromkeys(pipeline.source for pipeline in strategy.pipelines), "or")
    parts.append(
        Part(
            "1. Build",
            (
                Bullets(
                    (
                        f"Makers build in {sources}, and nowhere else.",
                        "A release is exported, unpacked into reviewable source, committed to git and sealed.",
                        "A hardcoded secret or address is refused before anything is sealed.",
                        "Who made it is frozen with it, so that nobody approves their own work.",
                    )
                ),
            ),
        )
    )
    several = len(strategy.pipelines) > 1
    for pipeline in strategy.pipelines:
        parts += [_stage(strategy, pipeline, stage, several=several) for stage in pipeline.every_stage]
    last = joined(dict.fromkeys(e.name for e in strategy.environments if strategy.is_prod(e.name)))
    parts.append(
        Part(
            "4. Operate and roll back",
            (
                Bullets(
                    (
                        f"Live edits in {last or 'production'} are looked for; what is found blocks what comes next.",
                        "The previous known-good release, with the configuration it had, is one command away.",
                        "Anybody may stop a release or an environment, with a reason: stopping is the safe side.",
                        "A release that was vetoed never enters that environment again.",
                    )
                ),
            ),
        )
    )
    return Chapter("The four steps", tuple(parts))


def _stage(strategy: Strategy, pipeline: Pipeline, stage: Stage, *, several: bool) -> Part[Block]:
    number, verb = ("3", "Approve and deploy to") if strategy.is_prod(stage.environment) else ("2", "Promote to")
    path = f" on the path {pipeline.name}" if several else ""
    blocks: list[Block] = [
        Paragraph(f"A release enters {stage.environment} when all of this holds:"),
        Bullets(tuple(gate_in_words(rule, strategy) for rule in stage.gates)),
    ]
    if more := stage_in_words(stage):
        blocks += [Paragraph("And always:"), Bullets(more)]
    if stage.checklist:
        rows = tuple((item.text, f"the gate {item.gate}" if item.gate else item.by) for item in stage.checklist)
        blocks.append(Grid(("Checklist", "Answered by"), rows, (75, 25)))
    return Part(f"{number}. {verb} {stage.name}{path}", tuple(blocks))


_RACI: tuple[tuple[str, dict[str, str]], ...] = (
    ("Build and release a solution", {"maker": "R", "solution-owner": "A", "tester": "I", "auditor": "I"}),
    ("Ask for a promotion", {"maker": "R", "solution-owner": "A", "release-manager": "I"}),
    ("Prove that it works", {"tester": "R", "solution-owner": "A", "maker": "C", "approver": "I"}),
    ("Approve for production", {"approver": "R/A", "solution-owner": "C", "maker": "I", "release-manager": "I"}),
    ("Deploy and verify", {"release-manager": "A", "maker": "I", "solution-owner": "I", "approver": "I"}),
    ("Waive a gate", {"release-manager": "R/A", "approver": "C", "auditor": "I"}),
    ("Deal with a live edit", {"release-manager": "R", "solution-owner": "A", "maker": "C", "auditor": "I"}),
    ("Roll back", {"release-manager": "R/A", "solution-owner": "C", "maker": "I", "approver": "I"}),
    ("Confirm that it is still needed", {"solution-owner": "R/A", "platform-admin": "C", "auditor": "I"}),
    ("Connect and lock environments", {"platform-admin": "R/A", "release-manager": "I", "auditor": "I"}),
    ("Change these rules", {"platform-admin": "R/A", "release-manager": "C", "approver": "C", "auditor": "I"}),
    ("Verify the record", {"auditor": "R/A", "platform-admin": "I"}),
)
"""Who does it (R), answers for it (A), is asked before (C), is told (I)."""


def _roles(strategy: Strategy) -> Chapter[Block]:
    columns = [role for role in SHIPPED if role in strategy.roles]
    rows = tuple((activity, *(duty.get(role, "") for role in columns)) for activity, duty in _RACI)
    width = max(1, 64 // max(1, len(columns)))
    held = tuple(
        (role, SHIPPED.get(role, "of this team's own making"), joined(_holders(strategy, role)) or "nobody yet")
        for role in strategy.roles
    )
    grid = Grid(("", *columns), rows, (36, *(width for _ in columns)))
    apart = tuple(f"{joined(c.roles)}{f': {c.reason}' if c.reason else ''}" for c in strategy.conflicts)
    parts: list[Part[Block]] = [
        Part("", (Grid(("Role", "Is there to", "Held by"), held, (18, 50, 32)),)),
        Part("Who does what", (Paragraph("R does it · A answers for it · C is asked before · I is told"), grid)),
    ]
    if apart:
        parts.append(Part("Never held by one person at once", (Bullets(apart),)))
    if strategy.claims:
        given = tuple(f"{rule.role}, where {rule.claim} is or holds {rule.value}" for rule in strategy.claims)
        parts.append(Part("Given by the team's provider, to people named here", (Bullets(given),)))
    return Chapter("Roles and duties", tuple(parts))


def _holders(strategy: Strategy, role: str) -> list[str]:
    found = []
    for person in strategy.people:
        if role in person.roles:
            bound = next((given for given in person.temporary if given.role == role and given.until), None)
            found.append(f"{person.name} (until {bound.until})" if bound else person.name)
    return found


def _people(strategy: Strategy) -> Chapter[Block]:
    rows = tuple((p.name, ", ".join(p.emails), joined(p.roles) or "none", _time(p)) for p in strategy.people)
    parts: list[Part[Block]] = [Part("People", (Grid(("Name", "E-mail", "Roles", "When"), rows, (22, 30, 34, 14)),))]
    listed = strategy.solutions[:_MOST]
    solutions = tuple(
        (s.name, _who(strategy, s.owner), s.criticality, s.rollback_plan or "none written yet") for s in listed
    )
    more = f"{len(strategy.solutions) - _MOST} more are in the files." if len(strategy.solutions) > _MOST else ""
    grid = Grid(("Solution", "Owner", "Criticality", "Rollback plan"), solutions, (20, 20, 14, 46), "None yet.")
    blocks: tuple[Block, ...] = (grid, Paragraph(more)) if more else (grid,)
    parts.append(Part("Solutions", blocks))
    return Chapter("People and solutions", tuple(parts))


def _time(person: Person) -> str:
    return " ".join([f"from {person.since}" if person.since else "", f"until {person.until}" if person.until else ""])


def _readiness(found: Readiness) -> Chapter[Block]:
    said = f"{found.proved} % is proved by evidence; what people said counts until a day and is marked as said."
    head = f"Score {found.score} %, maturity level {found.level} of {len(LEVELS) - 1}: {found.level_name}. {said}"
    next_step = f"Next: {found.next.why}. {found.next.action}" if found.next else "Nothing is left to do."
    meters = Meters(tuple(Meter(a.area, a.score, f"{a.met} of {a.items}") for a in found.areas))
    rows = tuple((line.text, _state(line), _evidence(line)) for line in found.items)
    grid = Grid(("What should hold", "Today", "Because"), rows, (38, 12, 50))
    return Chapter("Readiness", (Part("", (Paragraph(head), meters, Paragraph(next_step))), Part("Checklist", (grid,))))


def _state(line: ReadinessLine) -> str:
    words = {"unknown": "not known", "not-ours": "not ours"}.get(line.state, line.state)
    return f"{words} (said)" if line.source == "said" and line.by else words


def _evidence(line: ReadinessLine) -> str:
    until = f" (until {line.until[:10]})" if line.until else ""
    where = f" [{line.links[0].kind} {line.links[0].place}]" if line.links else ""
    return f"{line.reason}{until}{where}"


def _exceptions(strategy: Strategy, found: Sequence[Exceptional]) -> Chapter[Block]:
    rows = tuple((e.kind, e.what, e.reason, _who(strategy, e.by), e.until[:10] or "no end") for e in found)
    heads = ("Kind", "What", "Reason", "By", "Until")
    grid = Grid(heads, rows, (14, 28, 28, 17, 13), "No waiver, no accepted live edit, no hold and no veto is in force.")
    return _chapter("Exceptions in force", grid)


def _asked(rules: RecertificationRules | None, criticality: str) -> str:
    """Return how often owners of solutions of a criticality are asked."""
    cadence = rules.cadence(criticality) if rules else None
    return f"every {cadence.months} months from {rules.starts}" if cadence and rules else "not planned yet"


def _calendar(strategy: Strategy, dates: Sequence[Dated]) -> Chapter[Block]:
    rules = strategy.recertification
    scheduled = Paragraph(
        f"Owners are asked by the calendar: {'; '.join(recertification_words(rules))}."
        if rules
        else "No solution has a certificate yet: when its owner confirms that it is still needed is not planned."
        if strategy.solutions
        else "There is no solution to confirm yet."
    )
    owners = tuple(
        (s.name, _who(strategy, s.owner), s.criticality, _asked(rules, s.criticality))
        for s in strategy.solutions[:_MOST]
    )
    grid = Grid(("Solution", "Confirmed by", "Criticality", "Due"), owners, (30, 30, 20, 20), "None yet.")
    rows = tuple((d.day, d.what, _who(strategy, d.who)) for d in sorted(dates, key=lambda d: (d.day, d.what)))
    days = Grid(("Day", "What", "Who"), rows, (16, 60, 24), "None.")
    return Chapter("Calendar", (Part("Recertification", (scheduled, grid)), Part("Dates to come", (days,))))
