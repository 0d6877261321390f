"""Answers: what is where, what is asked for, and why not yet. Reading only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lampway.domain.backport import Backport, BackportState, standing_words
from lampway.domain.certification import Certification
from lampway.domain.checklist import ChecklistLine
from lampway.domain.configuration import resolve
from lampway.domain.deployment import Deployment, Evidence, Installation
from lampway.domain.events import Actor
from lampway.domain.gates import checklist, counts_still, has_decided, judge
from lampway.domain.health import HealthWatch, WatchState
from lampway.domain.judgement import Facts, GateResult
from lampway.domain.package import Diff
from lampway.domain.promotion import OPEN_STATES, DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.rights import objection, speaks_for
from lampway.domain.stops import Hold, HoldState, standing
from lampway.domain.strategy import Stage, Strategy
from lampway.engine.context import Engine, Request, access_to, find_release, rules_in_force
from lampway.engine.facts import Case, case_of, eligibility, gather, installed, rollback_target
from lampway.engine.locks import lock_remarks
from lampway.engine.promote import awaits_approval, find_promotion
from lampway.engine.sharing import plan_among_others
from lampway.engine.steps import plan_for, wanted_for
from lampway.engine.store import Reading
from lampway.errors import LampwayError, NotFoundError


@dataclass(frozen=True, slots=True)
class Cell:
    """One solution in one environment."""

    solution: str
    environment: str
    release: str
    """`solution@version`; empty where nothing is installed."""
    version: str
    state: str
    """absent, verified, unverified, or the state of an open promotion."""
    since: str
    drift: bool
    certified_until: str
    """Until when its owner has confirmed that it is still needed, over or not; empty where nobody ever has."""
    promotion: str
    """Id of the open promotion there, if any."""
    waiting: str
    """The release of that promotion."""
    held: tuple[str, ...] = ()
    """The holds and emergency stops that keep anything from starting there, in words."""
    certification: str = ""
    """How its certification stands, in words; empty where it was never certified."""
    watched_until: str = ""
    """Until when what is there is watched; empty where it is not, or no longer."""
    lock: tuple[str, ...] = ()
    """What is wrong with the environment's lock or label, in words."""
    backports: tuple[str, ...] = ()
    """What is still to be brought from there into a release, in words."""
    hindered: str = ""
    """What the deployment that is under way waits for there, in words; empty for nothing."""


@dataclass(frozen=True, slots=True)
class Status(Request[tuple[Cell, ...]]):
    """What is where: solutions times environments."""

    solution: str = ""


def status(engine: Engine, request: Status, actor: Actor) -> tuple[Cell, ...]:
    """Return a cell for every solution in every environment of its path, in the order of the path."""
    del actor
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        here = {(i.solution, i.environment): i for i in reading.find(Installation, solution=request.solution)}
        opened = reading.find(Promotion, solution=request.solution, states=OPEN_STATES)
        holds = reading.find(Hold, states=(HoldState.STANDING,))
        certified = {c.solution: c for c in reading.find(Certification, solution=request.solution)}
        tasks = reading.find(Backport, solution=request.solution, states=(BackportState.OPEN,))
        watched = {w.id: w.until for w in reading.find(HealthWatch, states=(WatchState.WATCHING,))}
        places = {stage.environment for pipeline in strategy.pipelines for stage in pipeline.stages}
        hindered = {p.id: _hindrance(reading, p) for p in opened}
        locks = {name: tuple(lock_remarks(reading, strategy, name, engine.now())) for name in places}
    waiting = {(p.solution, p.environment): p for p in opened}
    names = [s.name for s in strategy.solutions if request.solution in ("", s.name)]
    if request.solution and not names:
        strategy.solution(request.solution)
    cells = tuple(
        _cell(name, stage.environment, here.get((name, stage.environment)), waiting.get((name, stage.environment)))
        for name in names
        for stage in strategy.pipeline_of(name).stages
    )
    now = engine.now()
    held = tuple(hold for hold in holds if hold.stands(now))
    owed: dict[tuple[str, str], list[Backport]] = {}
    for task in tasks:
        owed.setdefault((task.solution, task.environment), []).append(task)
    until = {key: watched.get(one.deployment, "") for key, one in here.items()}
    words = {name: (found.until, found.words(now)) for name, found in certified.items()}
    return tuple(
        replace(
            cell,
            watched_until=until.get((cell.solution, cell.environment), ""),
            lock=locks[cell.environment],
            backports=standing_words(owed.get((cell.solution, cell.environment), ())),
            hindered=hindered.get(cell.promotion, ""),
            held=tuple(hold.words for hold in standing(held, cell.solution, cell.environment, now)) if held else (),
            certified_until=words.get(cell.solution, ("", ""))[0],
            certification=words.get(cell.solution, ("", ""))[1],
        )
        for cell in cells
    )


def _hindrance(reading: Reading, promotion: Promotion | None) -> str:
    """Return what a promotion that is under way waits for in its environment; empty for nothing."""
    if promotion is None or promotion.state is not PromotionState.RUNNING:
        return ""
    deployment = reading.get(Deployment, promotion.deployment)
    return deployment.waits_for if deployment is not None else ""


def _cell(solution: str, environment: str, here: Installation | None, opened: Promotion | None) -> Cell:
    state = "absent" if here is None else "verified" if here.verified else "unverified"
    if opened is not None and opened.state in (PromotionState.RUNNING, PromotionState.RECONCILE):
        state = opened.state
    return Cell(
        solution=solution,
        environment=environment,
        release=f"{solution}@{here.version}" if here else "",
        version=here.version if here else "",
        state=str(state),
        since=here.since if here else "",
        drift=here.drifted if here else False,
        certified_until="",
        promotion=opened.id if opened else "",
        waiting=f"{solution}@{opened.version}" if opened else "",
    )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a release may or may not enter a stage, and what would be done."""

    release: str
    stage: str
    environment: str
    allowed: bool
    gates: tuple[GateResult, ...]
    plan: tuple[str, ...]
    """One line per step, as it would be executed; empty where the environment could not be asked."""
    problems: tuple[str, ...]
    """What pre-flight would refuse."""
    promotion: str
    state: str
    note: str
    backports: tuple[str, ...] = ()
    """What is still to be brought into a release, with what this one lacks of it, in words."""
    hindered: str = ""
    """What its deployment waits for in the environment, in words; empty for nothing."""


@dataclass(frozen=True, slots=True)
class Explain(Request[Explanation]):
    """Ask why not yet."""

    release: str
    to: str
    plan: bool = True
    """Whether to ask the environment what would be done; without, only what is recorded is read."""


def explain(engine: Engine, request: Explain, actor: Actor) -> Explanation:
    """Judge every gate and make the plan, by reading only. Raises NotFoundError."""
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        release = find_release(reading, request.release)
        stage = strategy.stage(release.solution, request.to, hotfix=bool(release.hotfix))
        promotion = _open_promotion(reading, release, stage)
        case = case_of(reading, promotion) if promotion else None
        asked = case or Case(release, stage, DeploymentKind.FORWARD, actor.person)
        judged = eligibility(reading, asked, engine.now())
        tasks = reading.find(Backport, solution=release.solution, states=(BackportState.OPEN,))
        hindered = _hindrance(reading, promotion)
    plan, problems = _plan(engine, strategy, release, stage) if request.plan else ((), ())
    return Explanation(
        release=release.name,
        stage=stage.name,
        environment=stage.environment,
        allowed=judged.allowed,
        gates=judged.gates,
        plan=plan,
        problems=problems,
        promotion=promotion.id if promotion else "",
        state=str(promotion.state) if promotion else "not asked for",
        note=promotion.note if promotion else "",
        backports=standing_words(tasks, release.inventory),
        hindered=hindered,
    )


def _open_promotion(reading: Reading, release: Release, stage: Stage) -> Promotion | None:
    found = reading.find(Promotion, solution=release.solution, environment=stage.environment, states=OPEN_STATES)
    return next((p for p in found if p.version == release.version and p.stage == stage.name), None)


def _plan(
    engine: Engine, strategy: Strategy, release: Release, stage: Stage
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    environment = strategy.environment(stage.environment)
    configuration, _ = resolve(environment, release.solution, release.inventory)
    try:
        wanted = wanted_for(
            engine,
            solution=release.solution,
            release=release,
            environment=environment.name,
            configuration=configuration,
        )
        found = plan_among_others(
            engine.platform(environment.platform),
            access_to(engine, environment),
            wanted,
            place=environment,
            inventory=release.inventory,
        )
    except LampwayError as error:
        return (), (str(error),)
    steps = plan_for(found.steps, environment.name, len(strategy.solution(release.solution).automatic))
    told = (*(f"{s.name}: {s.summary}" for s in steps), *(f"note: {note}" for note in found.notes))
    return told, tuple(p.summary for p in found.problems)


@dataclass(frozen=True, slots=True)
class PromotionView:
    """A promotion with what one needs to decide about it."""

    promotion: Promotion
    release: Release | None
    gates: tuple[GateResult, ...]
    deployment: Deployment | None
    evidence: tuple[Evidence, ...]
    running: str
    """The version that runs there now; empty for none."""
    rollback: str
    """The version a rollback would bring back; empty for removal."""
    diff: Diff | None
    """From what runs there now; None for a first deployment."""
    may_decide: str
    """Why the asking person's decision would not count; empty when it would."""
    checklist: tuple[ChecklistLine, ...] = ()
    """What the stage wants answered, with the answers that hold."""
    backports: tuple[str, ...] = ()
    """What runs there, or is to, and would be lost with this release, in words."""


@dataclass(frozen=True, slots=True)
class ShowPromotion(Request[PromotionView]):
    """Look at one promotion."""

    promotion: str


@dataclass(frozen=True, slots=True)
class Inbox(Request[tuple[PromotionView, ...]]):
    """What waits for the asking person's decision."""

    everybody: bool = False
    """Everything that waits for anybody."""


def show_promotion(engine: Engine, request: ShowPromotion, actor: Actor) -> PromotionView:
    """Return a promotion with its gates as they stand. Raises NotFoundError."""
    with engine.store.reading() as reading:
        return _view(engine, reading, find_promotion(reading, request.promotion, engine.now()), actor)


def inbox(engine: Engine, request: Inbox, actor: Actor) -> tuple[PromotionView, ...]:
    """Return the promotions that wait for a decision, oldest first."""
    with engine.store.reading() as reading:
        rules_in_force(reading)
        found = reading.find(Promotion, states=(PromotionState.WAITING,))
        views = [_view(engine, reading, p, actor) for p in found if _is_for_people(engine, reading, p)]
    return tuple(v for v in views if request.everybody or not v.may_decide or _is_asked(v.promotion, actor))


def _is_for_people(engine: Engine, reading: Reading, promotion: Promotion) -> bool:
    return promotion.open_question is not None or awaits_approval(reading, promotion, engine.now())


def _is_asked(promotion: Promotion, actor: Actor) -> bool:
    return promotion.open_question is not None and promotion.requested_by == actor.person


def _view(engine: Engine, reading: Reading, promotion: Promotion, actor: Actor) -> PromotionView:
    case = case_of(reading, promotion)
    release = case.release if case else None
    here = installed(reading, promotion.environment, promotion.solution)
    back = rollback_target(reading, promotion.environment, promotion.solution, promotion.bound.release)
    found = reading.find(Evidence, solution=promotion.solution)
    facts = gather(reading, case, engine.now()) if case else None
    return PromotionView(
        promotion=promotion,
        release=release,
        gates=judge(facts).gates if facts else (),
        deployment=reading.get(Deployment, promotion.deployment) if promotion.deployment else None,
        evidence=tuple(e for e in found if e.release == promotion.bound.release),
        running=here.version if here else "",
        rollback=back.version if back else "",
        diff=_diff(engine, here, release) if promotion.state in OPEN_STATES else None,
        may_decide=_objection(facts, promotion, actor),
        checklist=checklist(facts) if facts else (),
        backports=_lost(reading, promotion, release),
    )


def _lost(reading: Reading, promotion: Promotion, release: Release | None) -> tuple[str, ...]:
    tasks = reading.find(Backport, solution=promotion.solution, states=(BackportState.OPEN,))
    here = [t for t in tasks if t.environment == promotion.environment]
    lost = [t for t in here if release is not None and t.edited.lacks(release.inventory)]
    return standing_words(lost, release.inventory if release else None)


def _diff(engine: Engine, here: Installation | None, release: Release | None) -> Diff | None:
    if here is None or release is None:
        return None
    old, new = engine.packages.get(here.package), engine.packages.get(release.package.digest)
    return engine.platform(release.package.platform).format.diff(old, new)


def _objection(facts: Facts | None, promotion: Promotion, actor: Actor) -> str:
    if facts is None:
        return "its stage is no longer in the strategy"
    rules = facts.stage.rules_of("approval")
    if not rules:
        return "this stage asks for no approval"
    found = [objection(rule, facts, actor.person) for rule in rules]
    if all(found):
        return found[0]
    bound = [d for d in promotion.decisions if d.digest == facts.digest]
    bound = [d for d in bound if any(counts_still(rule, facts, d) for rule in rules)]
    person = facts.strategy.person(actor.person)
    if person and has_decided(facts, person.id):
        return "you have decided already"
    spoken = {name for d in bound for name in (d.by, d.on_behalf_of)}
    free = {name for rule in rules for name in speaks_for(rule, facts, actor.person)} - spoken
    return "" if free else "whoever you may speak for has decided already"


@dataclass(frozen=True, slots=True)
class CompareReleases(Request[Diff]):
    """Compare two releases."""

    old: str
    new: str


def compare_releases(engine: Engine, request: CompareReleases, actor: Actor) -> Diff:
    """Return what separates two releases, in a maker's words. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        old, new = find_release(reading, request.old), find_release(reading, request.new)
    if old.package.platform != new.package.platform:
        raise NotFoundError("the two releases are of different platforms")
    form = engine.platform(new.package.platform).format
    return form.diff(engine.packages.get(old.package.digest), engine.packages.get(new.package.digest))
