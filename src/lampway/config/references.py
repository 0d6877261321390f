"""What must fit together across governance files: every name that is used must be declared.

Works on what was read, not on models, so that a slip in one place does not hide those in others. Where a declaration
cannot be read at all, nothing is said about those who refer to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lampway.config.account_section import check_claims
from lampway.config.document import Document, Path
from lampway.config.duty_references import check_duties
from lampway.config.hotfix_rules import check_hotfix
from lampway.config.notify_section import check_notify
from lampway.config.path_rules import check_paths
from lampway.config.recertification_section import check_recertification
from lampway.config.role_section import check_roles, held_roles
from lampway.config.section import closest
from lampway.config.static_rules import check_circles, check_reach, check_static_rules, nested_gates
from lampway.config.trusted_people import check_keys
from lampway.config.watch_section import check_watch
from lampway.errors import Mistake


@dataclass(frozen=True, slots=True)
class Governance:
    """Every governance file, as it was read."""

    strategy: Document
    people: Document
    environments: Mapping[str, Document]
    solutions: Mapping[str, Document]


def check_references(files: Governance) -> Iterator[Mistake]:
    """Yield every mistake that is seen only by looking at several places at once."""
    yield from _people(files)
    yield from check_keys(files.people)
    for environment in files.environments.values():
        yield from _environment(files, environment)
    for pipeline in files.strategy.names("pipelines") or ():
        yield from _pipeline(files, pipeline)
    for solution in files.solutions.values():
        yield from _solution(files, solution)
    yield from check_circles(files.solutions)
    yield from check_reach(files.strategy, files.solutions)
    tables = [table for key in ("drift", "lock") for table, _ in files.strategy.items("schedules", key)]
    for table in tables:
        for path, name in files.strategy.items(*table, "environments"):
            yield from _known(files.strategy, path, name, "environment", tuple(files.environments))
    for freeze, _ in files.strategy.items("freezes"):
        for path, name in files.strategy.items(*freeze, "environments"):
            yield from _known(files.strategy, path, name, "environment", tuple(files.environments))
    yield from check_roles(files.strategy, files.people)
    yield from check_claims(files.strategy, files.people)
    yield from check_paths(files.strategy, files.environments)
    yield from check_static_rules(files.strategy, files.people, files.environments)
    yield from check_notify(files.strategy, files.people)
    yield from check_recertification(files.strategy)


def _people(files: Governance) -> Iterator[Mistake]:
    owners: dict[str, str] = {}
    roles = files.strategy.words("roles")
    for person in files.people.names("people") or ():
        base: Path = ("people", person)
        for role, path in held_roles(files.people, person).items():
            yield from _known(files.people, path, role, "role", roles)
        addresses = (((*base, "email"), files.people.at(*base, "email")), *files.people.items(*base, "emails"))
        for path, address in addresses:
            if not isinstance(address, str):
                continue
            owner = owners.setdefault(address.lower(), person)
            if owner != person:
                hint = "an address must lead to one person"
                yield files.people.mistake(path, f"e-mail of two people: {address[:80]}, also of {owner}", hint)


def _environment(files: Governance, document: Document) -> Iterator[Mistake]:
    tiers = files.strategy.names("tiers") or None
    yield from _known(document, ("tier",), document.at("tier"), "tier", tiers)
    for solution in document.names("solutions") or ():
        known = tuple(files.solutions)
        yield from _known(document, ("solutions", solution), solution, "solution", known, at_key=True)


def _pipeline(files: Governance, name: str) -> Iterator[Mistake]:
    strategy = files.strategy
    environments = tuple(files.environments)
    path: Path = ("pipelines", name)
    source = strategy.at(*path, "from")
    yield from _known(strategy, (*path, "from"), source, "environment", environments)
    labels: dict[str, str] = {source: "the environment where makers build"} if isinstance(source, str) else {}
    for index, (stage, _) in enumerate(strategy.items(*path, "stages")):
        place, environment = _stage_environment(strategy, stage)
        yield from _known(strategy, place, environment, "environment", environments)
        yield from _unambiguous(strategy, stage, labels)
        yield from _same_platform(files, place, source, environment)
        yield from _gates(files, stage)
        yield from check_duties(files.strategy, files.people, stage)
        yield from check_watch(files.strategy, files.solutions, stage)
        is_last_tier = _is_last_tier(files, environment)
        if index == 0:
            yield from _first(files, stage, is_last_tier=is_last_tier)
    for index, (stage, _) in enumerate(strategy.items(*path, "hotfix")):
        if index == 0:
            yield from _first(files, stage, is_last_tier=False)
        yield from _gates(files, stage)
        yield from check_duties(files.strategy, files.people, stage)
    yield from check_hotfix(strategy, files.people, path)


def _stage_environment(strategy: Document, stage: Path) -> tuple[Path, Any]:
    given = strategy.at(*stage, "environment")
    if given is not None:
        return (*stage, "environment"), given
    return (*stage, "name"), strategy.at(*stage, "name")


def _unambiguous(strategy: Document, stage: Path, labels: dict[str, str]) -> Iterator[Mistake]:
    """Refuse two stages with one name or one environment, for commands name a stage by either."""
    name = strategy.at(*stage, "name")
    mine = {label: key for key in ("environment", "name") if isinstance(label := strategy.at(*stage, key), str)}
    for label, key in mine.items():
        if label in labels:
            taken = f"{label} is taken already by {labels[label]}"
            yield strategy.mistake((*stage, key), taken, "every stage needs a name and an environment of its own")
    labels.update((label, f"stage {name}") for label in mine if label not in labels)


def _same_platform(files: Governance, place: Path, source: Any, environment: Any) -> Iterator[Mistake]:
    built = _platform(files, source)
    runs = _platform(files, environment)
    if built and runs and built != runs:
        message = f"platform of {environment} is {runs}, but makers build on {built} in {source}"
        yield files.strategy.mistake(place, message, "a pipeline stays on one platform")


def _platform(files: Governance, environment: Any) -> str:
    document = files.environments.get(environment) if isinstance(environment, str) else None
    platform = document.at("platform") if document else None
    return platform if isinstance(platform, str) else ""


def _gates(files: Governance, stage: Path) -> Iterator[Mistake]:
    strategy = files.strategy
    seen: set[str] = set()
    for path, _ in strategy.items(*stage, "gates"):
        kind = strategy.at(*path, "gate")
        if not isinstance(kind, str):
            continue
        if kind in seen:
            yield strategy.mistake((*path, "gate"), f"gate given twice: {kind}", "keep one of them")
        seen.add(kind)
        if kind == "approval":
            yield from _approval(files, path)
    for path in nested_gates(strategy, stage):
        if strategy.at(*path, "gate") == "approval":
            yield from _approval(files, path)


def _approval(files: Governance, path: Path) -> Iterator[Mistake]:
    strategy = files.strategy
    mistakes: list[Mistake] = []
    for place, role in strategy.items(*path, "roles"):
        mistakes += _known(strategy, place, role, "role", strategy.words("roles"))
    for place, person in strategy.items(*path, "people"):
        mistakes += _known(strategy, place, person, "person", files.people.names("people"))
    yield from mistakes
    able = _able(files, path)
    quorum = strategy.at(*path, "quorum")
    needed = max([quorum if isinstance(quorum, int) else 1, *_risk_approvals(strategy, path)])
    if mistakes or able is None or needed <= len(able):
        return
    place = (*path, "quorum") if quorum is not None else (*path, "gate")
    who = f"only {', '.join(able)}" if able else "nobody"
    message = f"quorum is {needed}, but {who} can give this approval"
    yield strategy.mistake(place, message, "give the role to more people in people.yaml")


def _risk_approvals(strategy: Document, path: Path) -> list[int]:
    found = [strategy.at(*path, "risk", name, "approvals") for name in strategy.names(*path, "risk") or ()]
    return [approvals for approvals in found if isinstance(approvals, int)]


def _able(files: Governance, path: Path) -> tuple[str, ...] | None:
    """Return who can give an approval; None where that cannot be read."""
    people = files.people.names("people")
    roles = set(files.strategy.words(*path, "roles") or ())
    roles |= {str(files.strategy.at(*want, "role")) for want, _ in files.strategy.items(*path, "require")}
    named = set(files.strategy.words(*path, "people") or ())
    if people is None or not (roles or named):
        return None
    held = {person: roles.intersection(held_roles(files.people, person)) for person in people}
    return tuple(person for person in people if person in named or held[person])


def _is_last_tier(files: Governance, environment: Any) -> bool:
    tiers = files.strategy.names("tiers")
    document = files.environments.get(environment) if isinstance(environment, str) else None
    return bool(tiers and document and document.at("tier") == tiers[-1])


def _first(files: Governance, stage: Path, *, is_last_tier: bool) -> Iterator[Mistake]:
    """Refuse a first stage in which nothing can have been proven before."""
    strategy = files.strategy
    if is_last_tier:
        message = "the first stage is of the last tier: nothing is tested before"
        yield strategy.mistake((*stage, "name"), message, "put a stage of a lower tier before it")
        return
    for path, _ in strategy.items(*stage, "gates"):
        if strategy.at(*path, "gate") == "previous-stage":
            message = "gate previous-stage can never open: no stage comes before this one"
            yield strategy.mistake((*path, "gate"), message, "put a stage before it, or take the gate out")


def _solution(files: Governance, document: Document) -> Iterator[Mistake]:
    pipelines = files.strategy.names("pipelines") or None
    yield from _known(document, ("pipeline",), document.at("pipeline"), "pipeline", pipelines)
    for key in ("owner", "backup_owner"):
        yield from _known(document, (key,), document.at(key), "person", files.people.names("people"))
    for name in document.names("depends_on") or ():
        yield from _known(document, ("depends_on", name), name, "solution", tuple(files.solutions), at_key=True)
    seen: set[str] = set()
    for path, _ in document.items("checks"):
        name = document.at(*path, "name")
        if isinstance(name, str) and name in seen:
            yield document.mistake((*path, "name"), f"check given twice: {name}", "give each check its own name")
        seen.add(name if isinstance(name, str) else "")


def _known(
    document: Document, path: Path, name: Any, kind: str, known: tuple[str, ...] | None, *, at_key: bool = False
) -> Iterator[Mistake]:
    if known is None or not isinstance(name, str) or name in known:
        return
    hint = closest(name, known) or _where(kind, name)
    yield document.mistake(path, f"unknown {kind}: {name[:80]}", hint, at_key=at_key)


def _where(kind: str, name: str) -> str:
    """Return where something of this kind is declared, for when there is nothing yet that could have been meant."""
    places = {
        "environment": f"create environments/{name}.yaml, or run `lampway connect`",
        "solution": f"create solutions/{name}/solution.yaml, or run `lampway adopt`",
        "person": "add them to people.yaml",
        "role": "add it to roles in lampway.yaml",
    }
    return places.get(kind, f"add it to {kind}s in lampway.yaml")
