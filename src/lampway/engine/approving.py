"""The case of a promotion, in the order in which an approver asks: may I, what changes, how risky, what if it fails."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lampway.domain import attestation as a
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import STILL_THERE, DriftFinding
from lampway.domain.duties import RiskClass
from lampway.domain.events import Actor
from lampway.domain.gates import risk_class
from lampway.domain.graph import Picture
from lampway.domain.health import ROLLBACK
from lampway.domain.judgement import Facts
from lampway.domain.moments import moment_in_words
from lampway.domain.package import Diff
from lampway.domain.promotion import OPEN_STATES, DeploymentKind, Promotion
from lampway.domain.release import Release
from lampway.domain.rights import speaks_for
from lampway.domain.strategy import GateRule
from lampway.domain.windows import is_any_open, next_opening
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.facts import case_of, gather, installed, releases_between
from lampway.engine.picture import Brought, brought, compare, draw, values_between
from lampway.engine.promote import find_promotion
from lampway.engine.rehearse import last_rehearsal
from lampway.engine.store import Reading
from lampway.engine.tasks import to_answer, to_attest, to_waive
from lampway.engine.views import PromotionView, ShowPromotion, show_promotion


@dataclass(frozen=True, slots=True)
class Risk:
    """How risky a release is, by the rule that says so."""

    name: str
    """Of the class; empty where the stage declares none, or none fits."""
    rule: str
    """What made it so, in words."""


@dataclass(frozen=True, slots=True)
class JudgedGate:
    """What a gate came to when it was decided."""

    gate: str
    state: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything one needs to decide about a promotion, and afterwards everything that was decided by."""

    view: PromotionView
    is_prod: bool
    eligible_as: str
    """As what the asking person may decide, in words; empty where they may not."""
    brings: tuple[Brought, ...]
    before: str
    """The version it takes the place of; empty for none."""
    diff: Diff | None
    """From that one; None where it cannot be told."""
    configuration: tuple[str, ...]
    pictures: tuple[Picture, ...]
    risk: tuple[Risk, ...]
    """One for each approval that the stage asks for."""
    criticality: str
    data_class: str
    dependents: tuple[str, ...]
    """Other solutions that need this one."""
    rollback_plan: str
    """In the owner's words."""
    automatic: bool
    """Whether it goes back by itself where the deployment fails."""
    rehearsed: str
    """When and how this way back was last rehearsed; empty for never."""
    must_sign: bool
    """Whether only a signed decision counts."""
    starts: str
    """When it would start once every gate is open, in words."""
    judged: tuple[JudgedGate, ...]
    """What the gates came to when it was decided, as it was signed; empty while it was not."""
    to_attest: tuple[tuple[str, str], ...] = ()
    """The checks that it waits for and that the asking person may attest, each with where."""
    to_waive: tuple[str, ...] = ()
    """The closed gates that the asking person may waive."""
    to_answer: tuple[str, ...] = ()
    """The items of its checklist that the asking person may answer."""
    overwrites: tuple[str, ...] = ()
    """Live edits that are still there and that it would overwrite, in a maker's words."""


@dataclass(frozen=True, slots=True)
class ShowCase(Request[CaseView]):
    """Look at one promotion as whoever decides about it does."""

    promotion: str
    """Its id, or `solution[@version]`."""


def show_case(engine: Engine, request: ShowCase, actor: Actor) -> CaseView:
    """Return a promotion with what deciding about it needs. Raises NotFoundError."""
    with engine.store.reading() as reading:
        promotion = find_promotion(reading, request.promotion, engine.now())
        strategy = rules_in_force(reading).strategy
        case = case_of(reading, promotion)
        facts = gather(reading, case, engine.now()) if case else None
        release = case.release if case and not case.removes else None
        before = _release_of(reading, promotion)
        old = before.version if before else ""
        between = _between(reading, promotion, release, before)
        run = last_rehearsal(reading, promotion.solution, old, promotion.version) if before else None
        judged = _judged(engine, reading, promotion)
        here = installed(reading, promotion.environment, promotion.solution)
        edits = reading.find(DriftFinding, environment=promotion.environment, solution=promotion.solution)
    view = show_promotion(engine, ShowPromotion(promotion.id), actor)
    diff, drawn = _compared(engine, before, release)
    solution = strategy.solution(promotion.solution) if strategy.knows(promotion.solution) else None
    needed_by = [s.name for s in strategy.solutions if promotion.solution in s.depends_on]
    is_open = promotion.state in OPEN_STATES
    person = strategy.person(actor.person)
    given = here.configuration if here else ConfigurationSet()
    return CaseView(
        view=view if is_open else replace(view, gates=()),
        is_prod=strategy.is_prod(promotion.environment),
        eligible_as=_eligible(facts, actor) if facts and not view.may_decide else "",
        brings=tuple(map(brought, between)),
        before=old,
        diff=diff,
        configuration=values_between(given, promotion.configuration) if is_open else (),
        pictures=drawn,
        risk=_risks(facts) if facts else (),
        criticality=solution.criticality if solution else "",
        data_class=solution.data_class if solution else "",
        dependents=tuple(needed_by),
        rollback_plan=solution.rollback_plan if solution else "",
        automatic=bool(facts and facts.stage.watch and facts.stage.watch.then == ROLLBACK),
        rehearsed=f"{run.state} in {run.environment} on {run.ended_at[:10]} by {run.by}" if run else "",
        must_sign=bool(facts and all(rule.signed for rule in facts.stage.rules_of("approval"))),
        starts=_starts(facts, engine) if facts else "",
        judged=judged,
        to_attest=to_attest(facts, person) if facts and person and is_open else (),
        to_waive=to_waive(facts, person) if facts and person and is_open else (),
        to_answer=to_answer(facts, person) if facts and person and is_open else (),
        overwrites=tuple(line for f in edits if f.state in STILL_THERE for line in f.changes) if is_open else (),
    )


def _release_of(reading: Reading, promotion: Promotion) -> Release | None:
    """Return the release that was recorded there when it was asked."""
    digest = promotion.bound.installed.partition("+")[0]
    found = reading.find(Release, solution=promotion.solution, newest_first=True) if digest else ()
    return next((r for r in found if r.digest == digest), None)


def _between(
    reading: Reading, promotion: Promotion, release: Release | None, before: Release | None
) -> tuple[Release, ...]:
    if release is None or promotion.kind is not DeploymentKind.FORWARD:
        return ()
    here = installed(reading, promotion.environment, promotion.solution)
    return releases_between(reading, replace(here, version=before.version) if here and before else None, release)


def _compared(
    engine: Engine, before: Release | None, release: Release | None
) -> tuple[Diff | None, tuple[Picture, ...]]:
    """Return what separates the two, where both packages are still kept."""
    kept = [r for r in (before, release) if r is not None and engine.packages.has(r.package.digest)]
    if release is None or release not in kept or (before is not None and before not in kept):
        return None, ()
    form = engine.platform(release.package.platform).format
    old = engine.packages.get(before.package.digest) if before else None
    new = engine.packages.get(release.package.digest)
    diff = compare(form, old, new)
    return diff, draw(form, old, new, diff)


def _eligible(facts: Facts, actor: Actor) -> str:
    person = facts.strategy.person(actor.person)
    if person is None:
        return ""
    voices = [v for rule in facts.stage.rules_of("approval") for v in speaks_for(rule, facts, person.id)]
    held = set(person.roles_at(facts.now))
    roles = [role for rule in facts.stage.rules_of("approval") for role in rule.roles if role in held]
    own = " and ".join(dict.fromkeys(roles)) or "somebody it names"
    others = [v for v in dict.fromkeys(voices) if v != person.id]
    return f"{own} in your own name" if person.id in voices else f"in the place of {others[0]}" if others else ""


def _risks(facts: Facts) -> tuple[Risk, ...]:
    return tuple(_risk(risk_class(rule, facts), rule) for rule in facts.stage.rules_of("approval"))


def _risk(found: RiskClass | None, rule: GateRule) -> Risk:
    if not rule.risk:
        return Risk("", f"the stage declares no risk classes; approvals it always takes: {rule.quorum}")
    if found is None:
        return Risk("", f"no risk class fits, so that it takes the usual number of approvals: {rule.quorum}")
    limits = (
        ("touches", found.touches_at_most, "components"),
        ("removes", found.removes_at_most, "components"),
        ("needs", found.needs_at_most, "new values"),
    )
    because = [
        *([f"criticality is {' or '.join(found.criticality)}"] if found.criticality else []),
        *([f"data is {' or '.join(found.data_class)}"] if found.data_class else []),
        *([f"the change is {' or '.join(found.reversibility)}"] if found.reversibility else []),
        *(f"it {verb} at most {limit} {what}" for verb, limit, what in limits if limit is not None),
    ]
    approvals = "1 approval" if found.approvals == 1 else f"{found.approvals} approvals"
    return Risk(found.name, f"{approvals}, because {', '.join(because) or 'it fits everything'}")


def _starts(facts: Facts, engine: Engine) -> str:
    now = engine.clock.now()
    if not facts.stage.windows or is_any_open(facts.stage.windows, now):
        return "at once"
    opening = next_opening(facts.stage.windows, now)
    return (
        f"when its window opens, {moment_in_words(opening[0], opening[1], now)}"
        if opening
        else "never: no window opens"
    )


def _judged(engine: Engine, reading: Reading, promotion: Promotion) -> tuple[JudgedGate, ...]:
    """Return what the newest signed verdict about this promotion says of each gate."""
    signed = reading.find(a.Attestation, solution=promotion.solution, newest_first=True)
    verdict = next((s for s in signed if s.predicate == a.SUMMARY and s.about == promotion.id), None)
    if verdict is None:
        return ()
    said = a.read_statement(engine.signing.open(verdict.envelope).payload).predicate.get(a.JUDGED) or {}
    return tuple(JudgedGate(str(gate.get("gate")), str(gate.get("state"))) for gate in said.get("gates", ()))
