"""Putting a strategy in force: only what was applied is ever judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lampway.domain.digest import digest, digest_bytes
from lampway.domain.events import Actor, StrategyApplied
from lampway.domain.package import Literal, Role, Severity
from lampway.domain.roles import permission
from lampway.domain.strategy import RulesInForce, Strategy
from lampway.engine.abilities import SmokeRunnable
from lampway.engine.context import Engine, Request
from lampway.engine.permissions import refuse_unable
from lampway.engine.ports import Author
from lampway.engine.sandboxed import refuse_as_place
from lampway.errors import RefusedError, UsageError

PATHS = ("lampway.yaml", "people.yaml", "environments", "solutions")
"""Where the governance files are; source below solutions/*/src is no part of the strategy."""
_BESIDE = (".gitignore", ".gitattributes", "schema")
"""What `init` writes beside them; committed along, never judged by."""


@dataclass(frozen=True, slots=True)
class StrategyView:
    """A strategy and what it would change, or changed."""

    commit: str
    changes: tuple[str, ...]
    environments: tuple[str, ...]
    solutions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApplyStrategy(Request[StrategyView]):
    """Put the governance files of a commit in force."""

    revision: str = "HEAD"
    message: str = ""
    """Commit the governance files as they lie there first, with this message."""


def apply_strategy(engine: Engine, request: ApplyStrategy, actor: Actor) -> StrategyView:
    """Put a commit in force. Raises InvalidStrategyError, RefusedError, UsageError.

    Where the rules in force ask for a second person, nobody applies what they wrote themselves.
    """
    if request.message:
        paths = [path for path in engine.source.dirty([*PATHS, *_BESIDE]) if is_governance(path)]
        if paths:
            engine.source.commit_paths(paths, request.message, _author(engine, actor))
    if request.revision == "HEAD":
        _refuse_dirty(engine)
    commit = engine.source.resolve(request.revision)
    files = governance_files(engine, commit)
    strategy = _with_support(engine.files.load(_declared(files)), files)
    refuse_secrets(engine, strategy)
    refuse_unsupported(engine, strategy)
    with engine.store.reading() as reading:
        refuse_as_place(reading, strategy)
        before = reading.get(RulesInForce, "current")
    if before is not None and before.digest == digest(strategy):
        return StrategyView(before.commit, (), *_names(strategy))
    authors = _authors(engine, before, commit, strategy)
    _require_second_person(before, authors, actor, engine.now())
    changes = engine.files.compare(before.strategy, strategy) if before else ("first strategy",)
    engine.record([StrategyApplied(commit, strategy, digest(strategy), changes, authors)], actor)
    return StrategyView(commit, changes, *_names(strategy))


def governance_files(engine: Engine, commit: str) -> Mapping[str, bytes]:
    """Return the governance files of a commit, without the solutions' source."""
    found = engine.source.files_at(commit, PATHS)
    return {path: data for path, data in found.items() if is_governance(path)}


def is_governance(path: str) -> bool:
    """Return whether a path is under the strategy's rule: everything but the source of solutions.

    The scripts that checks run are, for whoever changes them changes what a gate means.
    """
    parts = path.split("/")
    return not (len(parts) > 3 and parts[0] == "solutions" and parts[2] == "src")


def support_files(files: Mapping[str, bytes], solution: str) -> dict[str, bytes]:
    """Return what lies beside a solution's declaration, such as scripts of its checks, by path within its folder."""
    prefix = f"solutions/{solution}/"
    beside = {path.removeprefix(prefix): data for path, data in files.items() if path.startswith(prefix)}
    return {path: data for path, data in beside.items() if path != "solution.yaml" and not path.startswith("src/")}


def _declared(files: Mapping[str, bytes]) -> dict[str, bytes]:
    def is_declared(path: str) -> bool:
        parts = path.split("/")
        return parts[0] != "solutions" or (len(parts) == 3 and parts[2] == "solution.yaml")

    return {path: data for path, data in files.items() if is_declared(path)}


def _with_support(strategy: Strategy, files: Mapping[str, bytes]) -> Strategy:
    """Return the strategy with the digests of what each solution's checks run from."""
    digests = {
        s.name: {path: digest_bytes(data) for path, data in support_files(files, s.name).items()}
        for s in strategy.solutions
    }
    solutions = [replace(s, support=digest(digests[s.name]) if digests[s.name] else "") for s in strategy.solutions]
    return replace(strategy, solutions=tuple(solutions))


def _author(engine: Engine, actor: Actor) -> Author:
    known = engine.source.identity()
    return Author(actor.name or known.name or actor.person, actor.email or known.email or actor.person)


def refuse_secrets(engine: Engine, strategy: Strategy) -> None:
    """Refuse variables that look like secrets: they would end in the ledger in clear. Raises RefusedError."""
    literals = [
        Literal(f"environments/{environment.name}.yaml: {name}", name, value, Role.SECRET_SLOT)
        for environment in strategy.environments
        for values in (environment.values, *environment.solutions.values())
        for name, value in values.variables.items()
        if isinstance(value, str)
    ]
    suspects = [literal for literal in literals if _looks_secret(engine, literal)]
    if suspects:
        first = suspects[0]
        raise RefusedError(
            f"the value of {first.key} looks like a secret",
            where=first.place.partition(":")[0],
            hint="make it a credential of a connection, given by reference such as env:NAME",
        )


def refuse_unsupported(engine: Engine, strategy: Strategy) -> None:
    """Refuse checks that ask a platform for what it cannot do: told now, and not after a deployment."""
    for solution in strategy.solutions:
        for check in (c for c in solution.checks if c.platform):
            name = strategy.environment(strategy.pipeline_of(solution.name).source).platform
            if not isinstance(engine.platforms.get(name), SmokeRunnable):
                raise RefusedError(
                    f"check *{check.name}* asks {name} for a {check.platform} run, which it does not have",
                    where=f"solutions/{solution.name}/solution.yaml",
                    hint="use an http or a command check; lampway platforms",
                )


def _looks_secret(engine: Engine, literal: Literal) -> bool:
    plain = Literal(literal.place, literal.key, literal.value, Role.CODE)
    named = Literal(literal.place, literal.key, f"{literal.key} = {literal.value!r}", Role.CODE)
    return any(f.severity is Severity.SECRET for f in engine.scanner.scan([plain, named]))


def _refuse_dirty(engine: Engine) -> None:
    dirty = [path for path in engine.source.dirty(PATHS) if is_governance(path)]
    if dirty:
        raise UsageError(
            f"not committed: {', '.join(dirty[:5])}",
            hint="commit first, or let Lampway do it: lampway strategy apply -m 'why'",
        )


def _authors(engine: Engine, before: RulesInForce | None, commit: str, strategy: Strategy) -> tuple[str, ...]:
    paths = [p for p in engine.source.files_at(commit, PATHS) if is_governance(p)]
    since = before.commit if before else ""
    found = engine.source.authors(since, commit, paths)
    people = (strategy.person(author.email) for author in found)
    return tuple(sorted({p.id if p else a.email for p, a in zip(people, found, strict=True)}))


def _require_second_person(before: RulesInForce | None, authors: tuple[str, ...], actor: Actor, now: str) -> None:
    if before is None:
        return
    if not before.strategy.second_person_applies:
        needed = permission(ApplyStrategy.__name__)
        if needed is not None:
            refuse_unable(needed, before.strategy, actor, now)
        return
    person = before.strategy.person(actor.person)
    if person is None or "platform-admin" not in person.roles_at(now):
        admins = ", ".join(p.id for p in before.strategy.holders(("platform-admin",)))
        raise RefusedError(
            f"{actor.person} is no platform-admin under the rules in force", hint=f"one of these may apply it: {admins}"
        )
    if person.id in authors or any(before.strategy.person(a) == person for a in authors):
        raise RefusedError(
            f"{person.name} wrote this change of the strategy",
            hint="a second platform-admin must apply it: LAMPWAY_USER=... lampway strategy apply",
        )


def _names(strategy: Strategy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(e.name for e in strategy.environments), tuple(s.name for s in strategy.solutions)
