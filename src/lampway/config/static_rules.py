"""What a strategy must never allow, whatever else it says: rules about the rules, judged on the files alone.

Works on what was read, as the references do: where a part cannot be read, nothing is said about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lampway.config.document import Document, Path
from lampway.config.role_section import held_roles
from lampway.domain.dependencies import circles
from lampway.errors import Mistake

SANDBOX = "sandbox"
"""The tier whose environments lead nowhere."""
_PROTECTION = {
    "previous-stage": "add `- gate: previous-stage`",
    "approval": "add `- gate: approval` with its roles",
    "rollback-target": "add `- gate: rollback-target`",
    "lock": "add `- gate: lock`",
}
"""What every stage of the last tier asks for."""


def check_static_rules(strategy: Document, people: Document, environments: Mapping[str, Document]) -> Iterator[Mistake]:
    """Yield every way in which these files would let something into production that nobody should."""
    tiers = _Tiers(strategy, environments)
    for name in strategy.names("pipelines") or ():
        base: Path = ("pipelines", name)
        yield from _sandboxes(strategy, tiers, base)
        yield from _skipped(strategy, tiers, base)
        for index, (stage, _) in enumerate(strategy.items(*base, "stages")):
            if tiers.is_last(tiers.of_stage(stage)):
                yield from _protected(strategy, stage, is_first=index == 0)
            yield from _sole_approvers(strategy, people, stage)
            if index == 0:
                yield from never_soaks(strategy, stage)
    for environment in environments.values():
        yield from _data(tiers, environment)


def check_protection(strategy: Document, people: Document, stage: Path) -> Iterator[Mistake]:
    """Yield every way around what protects the last tier, and approvals that hang on a maker, of one stage."""
    yield from _protected(strategy, stage, is_first=False)
    yield from _sole_approvers(strategy, people, stage)


def certain_gates(strategy: Document, stage: Path) -> set[str]:
    """Return the kinds of gate that no release gets past in a stage."""
    return _certain(strategy, (*stage, "gates"))


def check_circles(solutions: Mapping[str, Document]) -> Iterator[Mistake]:
    """Yield every circle of solutions that need each other, in the file of the first one of it by name."""
    graph = {name: document.names("depends_on") or () for name, document in solutions.items()}
    for way in circles(graph):
        after = way[1] if len(way) > 1 else way[0]
        message = f"solutions need each other in a circle: {' → '.join((*way, way[0]))}"
        hint = "none of them could ever be the first: take one of these dependencies out"
        yield solutions[way[0]].mistake(("depends_on", after), message, hint, at_key=True)


def check_reach(strategy: Document, solutions: Mapping[str, Document]) -> Iterator[Mistake]:
    """Yield what a solution needs and what never comes to an environment where it is asked for."""
    for document in solutions.values():
        pipeline = document.at("pipeline")
        base: Path = ("pipelines", str(pipeline), "stages")
        asking = [_environment_of(strategy, s) for s, _ in strategy.items(*base) if "dependencies" in _all(strategy, s)]
        for name in document.names("depends_on") or ():
            theirs = solutions[name].at("pipeline") if name in solutions else None
            path: Path = ("pipelines", str(theirs), "stages")
            reached = [_environment_of(strategy, stage) for stage, _ in strategy.items(*path)]
            never = [place for place in asking if isinstance(place, str) and place not in reached] if reached else []
            if never:
                message = f"{name} never comes to {never[0]}, where the gate dependencies asks for it"
                hint = f"the pipeline of {name} is {theirs}: give it a stage there"
                yield document.mistake(("depends_on", name), message, hint, at_key=True)


def _environment_of(strategy: Document, stage: Path) -> object:
    given = strategy.at(*stage, "environment")
    return strategy.at(*stage, "name") if given is None else given


def _all(strategy: Document, stage: Path) -> list[object]:
    places = (*(path for path, _ in strategy.items(*stage, "gates")), *nested_gates(strategy, stage))
    return [strategy.at(*path, "gate") for path in places]


class _Tiers:
    """The tiers in their order, and the environments on them."""

    def __init__(self, strategy: Document, environments: Mapping[str, Document]) -> None:
        self.strategy = strategy
        self.environments = environments
        self.names = strategy.names("tiers") or ()

    def of(self, environment: object) -> str:
        """Return the tier of an environment; empty where that cannot be read."""
        document = self.environments.get(environment) if isinstance(environment, str) else None
        tier = document.at("tier") if document else None
        return tier if isinstance(tier, str) and tier in self.names else ""

    def of_stage(self, stage: Path) -> str:
        """Return the tier that a stage deploys to."""
        return self.of(_environment_of(self.strategy, stage))

    def is_last(self, tier: str) -> bool:
        """Return whether this is the most protected tier."""
        return bool(tier) and tier == self.names[-1]

    def between(self, source: str) -> tuple[str, ...]:
        """Return the tiers above the one where makers build and below the last that no path may leave out.

        A tier without any environment is passed over, unless that would leave none at all.
        """
        used = {self.of(name) for name in self.environments}
        inner = self.names[self.names.index(source) + 1 : -1] if source in self.names else ()
        inner = tuple(tier for tier in inner if tier != SANDBOX)
        return tuple(tier for tier in inner if tier in used) or inner


def _sandboxes(strategy: Document, tiers: _Tiers, base: Path) -> Iterator[Mistake]:
    """Refuse paths out of a sandbox, and into one."""
    source = strategy.at(*base, "from")
    if tiers.of(source) == SANDBOX:
        message = f"{source} is a sandbox, and sandboxes lead nowhere"
        yield strategy.mistake((*base, "from"), message, "let makers build in an environment of the tier dev")
    for stage, _ in strategy.items(*base, "stages"):
        if tiers.of_stage(stage) == SANDBOX:
            yield strategy.mistake(
                (*stage, "name"), "this stage is a sandbox, and nothing is released into one", "take the stage out"
            )


def _skipped(strategy: Document, tiers: _Tiers, base: Path) -> Iterator[Mistake]:
    """Refuse a path into the last tier that leaves out one of the tiers where releases prove themselves."""
    seen: set[str] = set()
    stages = strategy.items(*base, "stages")
    for index, (stage, _) in enumerate(stages):
        tier = tiers.of_stage(stage)
        if tiers.is_last(tier) and index > 0 and all(tiers.of_stage(s) for s, _ in stages[:index]):
            skipped = [t for t in tiers.between(tiers.of(strategy.at(*base, "from"))) if t not in seen]
            for name in skipped:
                message = f"a path into the last tier skips the tier {name}"
                yield strategy.mistake((*stage, "name"), message, f"put a stage of the tier {name} before it")
        seen.add(tier)


def _protected(strategy: Document, stage: Path, *, is_first: bool) -> Iterator[Mistake]:
    """Refuse a way into the last tier that does without one of the gates that protect it."""
    if not strategy.items(*stage, "gates"):
        return
    sure = _certain(strategy, (*stage, "gates"))
    for gate, hint in _PROTECTION.items():
        if gate in sure or (is_first and gate == "previous-stage"):
            continue
        message = f"a stage of the last tier needs the gate {gate}"
        if any(strategy.at(*path, "gate") == gate for path in nested_gates(strategy, stage)):
            message += ", and here it can be gone around"
        yield strategy.mistake((*stage, "gates"), message, hint, at_key=True)


def _certain(strategy: Document, place: Path) -> set[str]:
    """Return the kinds of gate that no release gets past, in a list of gates that are all needed."""
    found: set[str] = set()
    for path, _ in strategy.items(*place):
        found |= _certain_of(strategy, path)
    return found


def _certain_of(strategy: Document, path: Path) -> set[str]:
    kind = strategy.at(*path, "gate")
    if isinstance(kind, str):
        return {kind}
    if strategy.items(*path, "all"):
        return _certain(strategy, (*path, "all"))
    ways = [_certain_of(strategy, way) for way, _ in strategy.items(*path, "any")]
    return set.intersection(*ways) if ways else set()


def nested_gates(strategy: Document, stage: Path) -> Iterator[Path]:
    """Yield the places of gates that others are made of, however deep."""
    waiting = [path for path, _ in strategy.items(*stage, "gates")]
    while waiting:
        path = waiting.pop(0)
        inner = [place for key in ("any", "all") for place, _ in strategy.items(*path, key)]
        yield from inner
        waiting += inner


def _sole_approvers(strategy: Document, people: Document, stage: Path) -> Iterator[Mistake]:
    """Refuse an approval that cannot be given without somebody who makes; in a team of one it simply stays closed."""
    everybody = people.names("people") or ()
    if len(everybody) < 2:
        return
    for path in (*(p for p, _ in strategy.items(*stage, "gates")), *nested_gates(strategy, stage)):
        if strategy.at(*path, "gate") != "approval":
            continue
        wanted = set(strategy.words(*path, "roles") or ()), set(strategy.words(*path, "people") or ())
        required = {str(strategy.at(*place, "role")) for place, _ in strategy.items(*path, "require")}
        wanted[0].update(required)
        held = {person: set(held_roles(people, person)) for person in everybody}
        able = [person for person in everybody if person in wanted[1] or held[person] & wanted[0]]
        quorum = strategy.at(*path, "quorum")
        needed = max(quorum if isinstance(quorum, int) else 1, len(required))
        makers = [person for person in able if "maker" in held[person]]
        if makers and len(able) == needed:
            message = f"{makers[0]} makes solutions, and no approval is possible without them"
            hint = "nobody approves what they made: give the role to somebody else in people.yaml"
            yield strategy.mistake((*path, "gate"), message, hint)


def never_soaks(strategy: Document, stage: Path) -> Iterator[Mistake]:
    """Yield gates of a first stage that look at the stage before it."""
    for path in (*(p for p, _ in strategy.items(*stage, "gates")), *nested_gates(strategy, stage)):
        kind = strategy.at(*path, "gate")
        if kind in ("soak", "rehearsed"):
            message = f"gate {kind} can never open: no stage comes before this one"
            yield strategy.mistake((*path, "gate"), message, "put a stage before it, or take the gate out")


def _data(tiers: _Tiers, environment: Document) -> Iterator[Mistake]:
    """Refuse production data below the last tier."""
    tier = environment.at("tier")
    if environment.at("data") == "production" and tier in tiers.names and not tiers.is_last(tier):
        message = f"production data has no place in the tier {tier}"
        yield environment.mistake(("data",), message, "give it masked or synthetic data, and say so here")
