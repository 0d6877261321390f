"""What evidence says about each item of the readiness checklist: pure judgements over records and rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lampway.domain.certification import Certification
from lampway.domain.deployment import Deployment, DriftFinding, Installation, KnownGood, LockRecord
from lampway.domain.moments import seconds_between
from lampway.domain.package import Severity
from lampway.domain.readiness import Link, Proof
from lampway.domain.release import Release
from lampway.domain.sandbox import Sandbox
from lampway.domain.strategy import Environment, GateRule, Solution, Stage, Strategy
from lampway.domain.unlocking import Unlocking

WEEK, MONTH, YEAR = 7 * 86400.0, 31 * 86400.0, 366 * 86400.0
_SHOWN = 5
"""Names and links per item; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Look:
    """The newest look at an environment."""

    seq: int
    """Its row in the ledger."""
    at: str
    unowned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that readiness is answered from."""

    strategy: Strategy
    now: str
    applied: int = 0
    """The ledger row by which the rules came in force; 0: they are not."""
    installations: tuple[Installation, ...] = ()
    """In environments of the last tier."""
    newest: Mapping[str, Release] = field(default_factory=dict)
    """Solution to its newest release."""
    running: Mapping[str, Release] = field(default_factory=dict)
    """`environment/solution` to the release installed there."""
    goods: Mapping[str, KnownGood] = field(default_factory=dict)
    """`environment/solution` to the known-good release that a rollback would bring back."""
    locks: Mapping[str, LockRecord] = field(default_factory=dict)
    drift: tuple[DriftFinding, ...] = ()
    """Open findings in environments of the last tier."""
    looks: Mapping[str, Look] = field(default_factory=dict)
    verified: Look | None = None
    """When the ledger was verified and that was recorded, newest."""
    certified: Mapping[str, Certification] = field(default_factory=dict)
    """Solution to its owner's newest word that it is still needed."""
    unlockings: tuple[Unlocking, ...] = ()
    """Of the last tier: those that are open, and those that somebody else has yet to review."""
    returns: Mapping[str, Deployment] = field(default_factory=dict)
    """Solution to the newest rollback that succeeded below the last tier."""
    sandbox: Sandbox | None = None
    """The newest one that somebody started."""

    @property
    def protected(self) -> tuple[Environment, ...]:
        """The environments of the last tier that a path leads to."""
        used = {stage.environment for _, stage in self.last_stages}
        return tuple(e for e in self.strategy.environments if e.name in used)

    @property
    def last_stages(self) -> tuple[tuple[tuple[str | int, ...], Stage], ...]:
        """The stages of the last tier, each with its place in lampway.yaml."""
        return tuple(
            (("pipelines", pipeline.name, key, number), stage)
            for pipeline in self.strategy.pipelines
            for key, stages in (("stages", pipeline.stages), ("hotfix", pipeline.hotfix))
            for number, stage in enumerate(stages)
            if self.strategy.is_prod(stage.environment)
        )


def prove(standing: Standing) -> dict[str, Proof]:
    """Return what evidence says, by item; items that only people can answer are left out."""
    found = {name: judge(standing) for name, judge in _JUDGES.items()}
    for item in standing.strategy.readiness.items:
        if item.gate:
            found[item.item] = _has_gate(standing, item.gate)
    return found


def _separate(s: Standing) -> Proof:
    paths = s.strategy.pipelines
    wanted = dict.fromkeys(name for p in paths for name in (p.source, *(stage.environment for stage in p.stages)))
    places = [s.strategy.environment(name) for name in wanted]
    taken = [place.url for place in places]
    bad = [e for e in places if taken.count(e.url) > 1 or e.url.endswith(".invalid")]
    if not bad and (wrong := [lock for lock in s.locks.values() if lock.mislabelled]):
        links = [Link("record", f"lock {lock.environment}, seen {lock.at[:10]}") for lock in wrong]
        why, cure = f"{wrong[0].environment}: {wrong[0].mislabelled}", f"lampway lock {wrong[0].environment}"
        return _proof(places, wrong, why, links, cure)
    links = [_file(f"environments/{e.name}.yaml", "url") for e in bad or places]
    if not bad:
        return _proof(places, [], f"{_count(places, 'environment')} at addresses of their own", links)
    shared = [e.name for e in bad if taken.count(e.url) > 1]
    why = f"at one address: {_names(shared)}" if shared else f"not connected: {_names([e.name for e in bad])}"
    return _proof(places, bad, why, links, f"lampway connect {bad[0].name} URL")


def _locked(s: Standing) -> Proof:
    broken = [one for one in s.unlockings if one.is_open or one.is_overdue(s.now)]
    if broken:
        links = [Link("record", f"unlocking of {one.environment} by {one.by}") for one in broken]
        review = f"lampway unlock {broken[0].environment} --review '...'"
        cure = f"lampway lock {broken[0].environment}" if broken[0].is_open else review
        return _proof(s.protected, [*{one.environment for one in broken}], broken[0].words, links, cure)
    looked = [s.locks.get(e.name) for e in s.protected]
    names = [e.name for e in s.protected]
    fresh = [lock if lock and seconds_between(lock.at, s.now) <= MONTH else None for lock in looked]
    points = sum({"locked": 1.0, "partial": 0.5}.get(lock.state, 0.0) if lock else 0.0 for lock in fresh)
    bad = [name for name, lock in zip(names, fresh, strict=True) if lock is None or lock.state != "locked"]
    links = [
        Link("record", f"lock {name}, seen {lock.at[:10]}") for name, lock in zip(names, looked, strict=True) if lock
    ]
    if not bad:
        return Proof(1.0, f"locked: {_names(names)}", tuple(links[:_SHOWN]))
    seen = next((lock for name, lock in zip(names, fresh, strict=True) if name == bad[0]), None)
    why = f"{bad[0]} is {seen.state}: {seen.summary}" if seen else f"nobody looked at {bad[0]} this month"
    cure = seen.cure if seen and seen.cure else f"lampway lock {bad[0]}"
    return Proof(points / len(names), why, tuple(links[:_SHOWN]), cure)


def _sandbox(s: Standing) -> Proof:
    found = [e.name for e in s.strategy.environments if e.tier == "sandbox"]
    if found:
        return Proof(1.0, f"offered: {_names(found)}", (_file(f"environments/{found[0]}.yaml", "tier"),))
    if s.sandbox and s.sandbox.url and seconds_between(s.sandbox.created_at, s.now) <= YEAR:
        link = Link("record", f"sandbox {s.sandbox.name}, {s.sandbox.created_at[:10]}")
        return Proof(1.0, f"started when somebody asks: {s.sandbox.name} of {s.sandbox.owner}", (link,))
    return Proof(0.0, "no evidence yet: no environment is of the tier sandbox", is_evidence=False)


def _managed(s: Standing) -> Proof:
    here = s.installations
    wild = [f"{name} in {place.name}" for place in s.protected for name in _unowned(s, place.name)]
    if not here and not wild:
        return _nothing_yet(s)
    bad = [i for i in here if (r := s.running.get(_key(i))) is None or r.inventory.managed is False]
    links = [_release(i) for i in bad or here]
    links += [Link("ledger", f"row {s.looks[e.name].seq}") for e in s.protected if _unowned(s, e.name)]
    if not bad and not wild:
        return _proof(here, [], f"{_count(here, 'solution')} sealed, versioned and known by digest", links)
    what = [_at(i) for i in bad] or wild
    why = f"without a managed release: {_names(what)}" if bad else f"in no solution: {_names(wild)}"
    cure = f"lampway release {bad[0].solution}" if bad else f"lampway adopt {_first_wild(s)}"
    return _proof([*here, *wild], [*bad, *wild], why, links, cure)


def _unowned(s: Standing, environment: str) -> tuple[str, ...]:
    look = s.looks.get(environment)
    return look.unowned if look else ()


def _first_wild(s: Standing) -> str:
    return next((e.name for e in s.protected if _unowned(s, e.name)), "")


def _clean(s: Standing) -> Proof:
    if not s.installations:
        return _nothing_yet(s)
    blocking = (Severity.SECRET, Severity.ENDPOINT)

    def is_bad(here: Installation) -> bool:
        release = s.running.get(_key(here))
        return release is None or any(f.severity in blocking for f in release.findings)

    bad = [i for i in s.installations if is_bad(i)]
    why = f"hardcoded in: {_names([_at(i) for i in bad])}" if bad else "every package was scanned, and nothing is in it"
    links = [_release(i) for i in bad or s.installations]
    cure = f"lampway diff and mend it in dev, then: lampway release {bad[0].solution}" if bad else ""
    return _proof(s.installations, bad, why, links, cure)


def _in_git(s: Standing) -> Proof:
    solutions = s.strategy.solutions
    if not solutions:
        return _nothing_yet(s)
    bad = [x.name for x in solutions if x.name not in s.newest or not s.newest[x.name].commit]
    done = [s.newest[x.name] for x in solutions if x.name not in bad]
    links = [Link("record", f"release {r.name}, commit {r.commit[:12]}") for r in done]
    why = f"never released: {_names(bad)}" if bad else f"the newest version of {_count(solutions, 'solution')} is"
    return _proof(solutions, bad, why, links, f"lampway release {bad[0]}" if bad else "")


def _approved(s: Standing) -> Proof:
    alone = [stage.name for _, stage in s.last_stages if any(r.cooling for r in stage.rules_of("approval"))]
    proof = _has_gate(s, "approval")
    if not alone or proof.share < 1:
        return proof
    why = f"a team of one goes on without anybody else in: {_names(alone)}"
    return Proof(0.5, why, proof.links, "add a second person to people.yaml, and take `solo` out of lampway.yaml")


def _checklist(s: Standing) -> Proof:
    return _has_gate(s, "checklist")


def _has_gate(s: Standing, kind: str) -> Proof:
    """Return whether no release gets into the last tier without this gate."""
    bad = [(path, stage) for path, stage in s.last_stages if not any(_asks(rule, kind) for rule in stage.gates)]
    links = [_file("lampway.yaml", *path, "gates") for path, _ in bad or s.last_stages]
    if not bad:
        why = f"every way into the last tier asks for the gate {kind}"
        applied = [Link("ledger", f"row {s.applied}")] if s.applied else []
        return _proof(s.last_stages, [], why, [*applied, *links])
    why = f"no gate {kind} in: {_names([stage.name for _, stage in bad])}"
    return _proof(s.last_stages, bad, why, links, f"add `- gate: {kind}` to that stage in lampway.yaml")


def _asks(rule: GateRule, kind: str) -> bool:
    if rule.gate == "any":
        return all(_asks(inner, kind) for inner in rule.rules)
    return rule.gate == kind or any(_asks(inner, kind) for inner in rule.rules)


def _data(s: Standing) -> Proof:
    below = {stage.environment for p in s.strategy.pipelines for stage in p.stages}
    below |= {p.source for p in s.strategy.pipelines}
    places = [e for e in s.strategy.environments if e.name in below and not s.strategy.is_prod(e.name)]
    bad = [e for e in places if e.data not in ("masked", "synthetic", "none")]
    links = [_file(f"environments/{e.name}.yaml", "data") for e in bad or places]
    names = _names([e.name for e in bad])
    why = f"nobody says what data is in: {names}" if bad else "every environment below says that its data is"
    cure = f"add `data: masked` (or synthetic, none) to environments/{bad[0].name}.yaml" if bad else ""
    return _proof(places, bad, why, links, cure)


def _planned(s: Standing) -> Proof:
    bad = [x.name for x in _in_prod(s) if not x.rollback_plan.strip()]
    why = f"without a plan: {_names(bad)}" if bad else "each has one"
    links = [_file(f"solutions/{name}/solution.yaml", "rollback_plan") for name in bad or [x.name for x in _in_prod(s)]]
    cure = f"write `rollback_plan` in solutions/{bad[0]}/solution.yaml" if bad else ""
    return _proof(_in_prod(s), bad, why, links, cure) if _in_prod(s) else _nothing_yet(s)


def _goods(s: Standing) -> Proof:
    if not s.installations:
        return _nothing_yet(s)
    bad = [i for i in s.installations if _key(i) not in s.goods]
    good = [s.goods[_key(i)] for i in s.installations if _key(i) in s.goods]
    links = [Link("ledger", f"row {g.id.rpartition('/')[2]}") for g in good]
    why = f"nothing to go back to: {_names([_at(i) for i in bad])}" if bad else "each has one"
    cure = f"lampway release {bad[0].solution} --promote {bad[0].environment}" if bad else ""
    return _proof(s.installations, bad, why, links, cure)


def _drift(s: Standing) -> Proof:
    places = s.protected
    late = [e.name for e in places if e.name not in s.looks or seconds_between(s.looks[e.name].at, s.now) > WEEK]
    drifted = {f.environment for f in s.drift}
    bad = [e.name for e in places if e.name in late or e.name in drifted]
    links = [Link("record", f"drift {f.id}: {f.solution} in {f.environment}") for f in s.drift]
    links += [Link("ledger", f"row {s.looks[e.name].seq}") for e in places if e.name in s.looks]
    if not bad:
        return _proof(
            places, [], f"looked at within a week, and as deployed: {_names([e.name for e in places])}", links
        )
    if s.drift:
        first = s.drift[0]
        why = f"edited live: {_names([f'{f.solution} in {f.environment}' for f in s.drift])}"
        return _proof(places, bad, why, links, f"lampway drift revert {first.solution} --in {first.environment}")
    return _proof(places, bad, f"nobody looked this week: {_names(late)}", links, f"lampway drift scan {late[0]}")


def _owners(s: Standing) -> Proof:
    solutions = s.strategy.solutions
    if not solutions:
        return _nothing_yet(s)

    def is_here(solution: Solution) -> bool:
        owner = s.strategy.person(solution.owner)
        return owner is not None and owner.is_here(s.now)

    bad = [x for x in solutions if not is_here(x)]
    links = [_file(f"solutions/{x.name}/solution.yaml", "owner") for x in bad or solutions]
    why = f"without one: {_names([x.name for x in bad])}" if bad else "each has one"
    cure = f"lampway handover {bad[0].owner} --to PERSON" if bad else ""
    return _proof(solutions, bad, why, links, cure)


def _roles(s: Standing) -> Proof:
    held = {role for p in s.strategy.people if p.is_here(s.now) for role in p.roles_at(s.now)}
    bad = [role for role in s.strategy.roles if role not in held]
    why = f"held by nobody: {_names(bad)}" if bad else "each is"
    cure = f"give the role {bad[0]} to somebody in people.yaml, or take it out of lampway.yaml" if bad else ""
    return _proof(s.strategy.roles, bad, why, [_file("lampway.yaml", "roles"), _file("people.yaml", "people")], cure)


def _audited(s: Standing) -> Proof:
    cure = "lampway audit verify --record"
    if s.verified is None:
        return Proof(0.0, "no verification was ever recorded", (), cure)
    link = Link("ledger", f"row {s.verified.seq}")
    if seconds_between(s.verified.at, s.now) > MONTH:
        return Proof(0.0, f"last verified on {s.verified.at[:10]}", (link,), cure)
    return Proof(1.0, f"found whole on {s.verified.at[:10]}", (link,))


def _rehearsed(s: Standing) -> Proof:
    solutions = _in_prod(s)
    fresh = {name: d for name, d in s.returns.items() if seconds_between(d.finished_at, s.now) <= YEAR}
    bad = [x.name for x in solutions if x.name not in fresh]
    if len(bad) == len(solutions):
        why = "no evidence yet: no rollback was carried out below the last tier within a year"
        return Proof(0.0, why, is_evidence=False)
    done = [fresh[x.name] for x in solutions if x.name in fresh]
    links = [Link("record", f"deployment {d.id}: {d.solution} in {d.environment}") for d in done]
    why = f"never rehearsed: {_names(bad)}" if bad else "each was rolled back below the last tier within a year"
    return _proof(solutions, bad, why, links, "lampway rehearse SOLUTION")


def _scheduled(s: Standing) -> Proof:
    rules, solutions = s.strategy.recertification, _in_prod(s) or list(s.strategy.solutions)
    if rules is not None and solutions:
        bad = [x.name for x in solutions if rules.cadence(x.criticality) is None]
        why = f"no campaign asks about: {_names(bad)}" if bad else "campaigns ask about each"
        cure = "say in lampway.yaml how often solutions of that criticality are asked about" if bad else ""
        return _proof(solutions, bad, why, [_file("lampway.yaml", "recertification")], cure)
    proof = _has_gate(s, "certified")
    if proof.share:
        return proof
    return Proof(0.0, "no evidence yet: no stage of the last tier asks for the gate certified", is_evidence=False)


def _certified(s: Standing) -> Proof:
    solutions = _in_prod(s)
    if not any(x.name in s.certified for x in solutions):
        return Proof(0.0, "no evidence yet: no owner has certified what runs there", is_evidence=False)
    bad = [x.name for x in solutions if x.name not in s.certified or not s.certified[x.name].holds(s.now)]
    found = [s.certified[x.name] for x in solutions if x.name in s.certified]
    links = [Link("record", f"certification of {c.solution}, until {c.until[:10]}") for c in found]
    why = f"not confirmed, or no more: {_names(bad)}" if bad else "each is confirmed as still needed"
    return _proof(solutions, bad, why, links, f"lampway recertify {bad[0]}" if bad else "")


def _in_prod(s: Standing) -> list[Solution]:
    names = {i.solution for i in s.installations}
    return [x for x in s.strategy.solutions if x.name in names]


def _nothing_yet(s: Standing) -> Proof:
    where = s.protected[0].name if s.protected else "prod"
    why = f"no evidence yet: nothing in {where} is in a solution"
    return Proof(0.0, why, (), f"lampway adopt {where}", is_evidence=False, is_for_people=False)


def _proof(
    everything: Sequence[object], bad: Sequence[object], why: str, links: Sequence[Link], cure: str = ""
) -> Proof:
    share = 1 - len(bad) / len(everything) if everything else 0.0
    counted = f"{len(everything) - len(bad)} of {len(everything)}; " if bad and len(everything) > 1 else ""
    return Proof(share, f"{counted}{why}", tuple(links[:_SHOWN]), cure)


def _file(file: str, *path: str | int) -> Link:
    return Link("file", file, path)


def _key(here: Installation) -> str:
    return f"{here.environment}/{here.solution}"


def _at(here: Installation) -> str:
    return f"{here.solution} in {here.environment}"


def _release(here: Installation) -> Link:
    return Link("record", f"release {here.solution}@{here.version}")


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _count(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


_JUDGES: dict[str, Callable[[Standing], Proof]] = {
    "separate-environments": _separate,
    "prod-locked": _locked,
    "sandbox-offered": _sandbox,
    "managed-packages": _managed,
    "nothing-hardcoded": _clean,
    "in-source-control": _in_git,
    "approved-before-prod": _approved,
    "checklist-before-prod": _checklist,
    "masked-test-data": _data,
    "rollback-planned": _planned,
    "known-good": _goods,
    "drift-under-control": _drift,
    "owners-named": _owners,
    "roles-held": _roles,
    "audit-verified": _audited,
    "rollback-rehearsed": _rehearsed,
    "recertification-scheduled": _scheduled,
    "recertification-on-time": _certified,
}
"""Item to judgement. An item that is not here has no evidence; a named person answers."""
