"""Beginning with what a team has: connecting environments, and adopting what runs there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lampway.domain.configuration import BOUND, EXTERNAL, ConfigurationSet, resolve
from lampway.domain.dependencies import declared
from lampway.domain.events import ENGINE, Actor, Adopted, ReleaseSealed, Seeded
from lampway.domain.package import Inspection, PackageReference, Scope, Severity
from lampway.domain.release import Release, sealed_as
from lampway.domain.secret import is_reference
from lampway.domain.strategy import Environment, RulesInForce, Solution, Strategy, Values
from lampway.engine.abilities import Lock
from lampway.engine.attestations import attest_release
from lampway.engine.bringing import Matching
from lampway.engine.context import Engine, Request, access_to, newest_release, rules_in_force
from lampway.engine.drift import look_at_lock
from lampway.engine.facts import installed
from lampway.engine.filling import finish
from lampway.engine.matching import matched_export
from lampway.engine.platform import Export, Platform, Rights
from lampway.engine.release import author_of, commit_source, find_faults, scope_of, scopes
from lampway.engine.sandboxed import refuse_sandbox
from lampway.engine.steps import wanted_for
from lampway.engine.stops import refuse_if_stopped
from lampway.engine.strategy import ApplyStrategy, apply_strategy
from lampway.errors import NotFoundError, RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Connected:
    """What connecting an environment told."""

    environment: str
    file: str
    rights: Rights
    lock: Lock | None
    should_be_locked: bool
    """Whether its tier asks for a lock."""


@dataclass(frozen=True, slots=True)
class Connect(Request[Connected]):
    """Store how to reach an environment, and look whether it works."""

    environment: str
    url: str
    platform: str = "node-red"
    tier: str = ""
    """Only for an environment that has no file yet; its own name if it is a tier's."""
    access: Mapping[str, str] | None = None
    """Field to secret reference; None keeps what the file says."""
    maker_access: Mapping[str, str] | None = None
    public_url: str = ""
    anonymous: bool = False
    """The platform asks nobody who they are: keep no credential."""
    settings: Mapping[str, str] | None = None
    """What else the platform must be told, in clear; None keeps what the file says."""


def connect(engine: Engine, request: Connect, actor: Actor) -> Connected:
    """Write the environment's file and probe it. Raises UsageError, PlatformError, SecretError.

    The file is written only when the environment answered and accepted us. It counts once the strategy is applied.
    """
    path = f"environments/{request.environment}.yaml"
    text = engine.source.read(path)
    environment = _described(engine, request, text)
    if request.anonymous and (request.access or request.maker_access):
        raise UsageError("either a credential or --anonymous, not both")
    edited = engine.files.with_environment(text, environment, anonymous=request.anonymous)
    strategy = _reread(engine, path, edited)
    environment = strategy.environment(request.environment)
    platform = engine.platform(environment.platform)
    rights = platform.probe(access_to(engine, environment))
    engine.source.write(path, edited)
    lock = look_at_lock(engine, environment, actor) if rights.can_read else None
    return Connected(environment.name, path, rights, lock, strategy.tier(environment.tier).locked)


def _described(engine: Engine, request: Connect, text: str | None) -> Environment:
    tier = request.tier or ("" if text else request.environment)
    engine.platform(request.platform)
    return Environment(
        name=request.environment,
        tier=tier,
        platform=request.platform,
        url=request.url.rstrip("/"),
        public_url=request.public_url,
        access=dict(request.access or {}),
        maker_access=dict(request.maker_access or {}),
        settings=dict(request.settings or {}),
    )


def _reread(engine: Engine, path: str, edited: str) -> Strategy:
    """Return the strategy with the edited file in it."""
    files = dict(engine.files.read_folder(engine.source.root))
    files[path] = edited.encode()
    return engine.files.load(files)


@dataclass(frozen=True, slots=True)
class AdoptedView:
    """What adopting told."""

    environment: str
    release: Release | None
    """None when nothing was adopted."""
    configuration: ConfigurationSet | None
    unowned: tuple[str, ...]
    """Top-level containers there that belong to no solution."""
    written: tuple[str, ...] = ()
    """Governance files that were written."""
    references: tuple[str, ...] = ()
    """Secret references to be given a value before the next deployment."""
    seeded: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Adopt(Request[AdoptedView]):
    """Make release 1 of a solution from what runs in an environment today."""

    environment: str
    solution: str = ""
    """Empty: only tell what is in no solution."""
    contains: tuple[str, ...] = ()
    """Names of tabs (workflows, apps) that belong to it, where the strategy does not know the solution yet."""
    owner: str = ""
    pipeline: str = ""
    seed: str = ""
    """An empty environment to be given the same content."""
    version: str = "1.0.0"
    """Where a platform's packages carry versions of their own, those count."""
    built_in: str = ""
    """Where it is built, for a platform from whose production nothing can be exported."""
    package: bytes = b""
    """The package that was installed there; likewise."""


def adopt(engine: Engine, request: Adopt, actor: Actor) -> AdoptedView:
    """Take what runs as a release and as the baseline for drift. Changes nothing in the environment.

    Writes the solution's file and the environment's values into the governance files and applies them.
    Raises RefusedError when it is adopted already or a second person must apply the strategy first.
    """
    strategy = _working_strategy(engine)
    environment = strategy.environment(request.environment)
    if request.seed:
        refuse_if_stopped(engine, request.solution, request.seed)
    if request.seed and (request.built_in or request.package):
        raise UsageError("it is built already: nothing is to be seeded", hint="leave --seed out")
    platform = engine.platform(environment.platform)
    access = access_to(engine, environment)
    if not request.solution:
        observation = platform.observe(access, {})
        taken = {name for s in strategy.solutions for name in s.contains}
        free = tuple(c.name for c in observation.unowned if c.name not in taken and c.id not in taken)
        return AdoptedView(environment.name, None, None, free)
    with engine.store.reading() as reading:
        refuse_sandbox(reading, strategy, environment.name)
    solution = _solution(strategy, request, actor)
    known = {**scopes(strategy), solution.name: scope_of(solution)}
    export = _exported(engine, request, strategy, solution, known)
    inspection = platform.format.inspect(export.package)
    _refuse_secrets(engine, solution.name, inspection)
    written = _write_down(engine, environment, solution, strategy, export, inspection)
    _apply(engine, request, written, actor)
    return _take(engine, request, platform, export, actor, written)


def _exported(
    engine: Engine, request: Adopt, strategy: Strategy, solution: Solution, known: Mapping[str, Scope]
) -> Export:
    """Return what runs, read there or, where that cannot be, held against what was built. Raises PlatformError."""
    environment, scope = strategy.environment(request.environment), known[solution.name]
    if request.built_in or request.package:
        source, package = request.built_in, request.package
        return matched_export(engine, strategy, environment, scope, known, built_in=source, package=package)
    platform, access = engine.platform(environment.platform), access_to(engine, environment)
    try:
        return platform.export(access, replace(scope, version=request.version), known)
    except RefusedError as error:
        if not isinstance(platform, Matching):
            raise
        hint = f"say where it is built, --built-in ENV, or give what was installed, --package FILE; {error.hint}"
        raise RefusedError(error.message, where=error.where, hint=hint, details=error.details) from error


def _refuse_secrets(engine: Engine, solution: str, inspection: Inspection) -> None:
    """Endpoints may be adopted and mended later; a secret must never reach git or the package store."""
    secrets = [f for f in find_faults(engine, inspection) if f.severity is Severity.SECRET]
    if secrets:
        raise RefusedError(
            f"{solution} holds {len(secrets)} hardcoded secret{'s' if len(secrets) > 1 else ''}; nothing was adopted",
            hint="move each into a credential there first: adopting would write it into git",
            details=tuple(f"{f.place}: {f.summary}\n  fix: {f.fix}" for f in secrets),
        )


def _working_strategy(engine: Engine) -> Strategy:
    return engine.files.load(dict(engine.files.read_folder(engine.source.root)))


def _solution(strategy: Strategy, request: Adopt, actor: Actor) -> Solution:
    for known in strategy.solutions:
        if known.name == request.solution:
            return known
    if not request.contains:
        raise UsageError(
            f"the strategy has no solution {request.solution} yet",
            hint=f"say what belongs to it: lampway adopt {request.environment} {request.solution} --contains 'TAB'",
        )
    owner = strategy.person(request.owner or actor.person)
    if owner is None:
        people = ", ".join(p.id for p in strategy.people)
        raise UsageError(f"{request.owner or actor.person} is nobody in people.yaml", hint=f"--owner one of: {people}")
    pipeline = request.pipeline or strategy.pipelines[0].name
    return Solution(request.solution, pipeline, owner.id, request.contains)


def _write_down(  # noqa: PLR0917 - what is written joins all of these
    engine: Engine,
    environment: Environment,
    solution: Solution,
    strategy: Strategy,
    export: Export,
    inspection: Inspection,
) -> tuple[str, ...]:
    written = []
    if all(s.name != solution.name for s in strategy.solutions):
        path = f"solutions/{solution.name}/solution.yaml"
        engine.source.write(path, engine.files.new_solution(solution))
        written.append(path)
    path = f"environments/{environment.name}.yaml"
    text = engine.source.read(path) or ""
    edited = engine.files.with_values(text, solution.name, _values(environment, solution, export, inspection))
    if edited != text:
        engine.source.write(path, edited)
        written.append(path)
    return tuple(written)


def _values(environment: Environment, solution: Solution, export: Export, inspection: Inspection) -> Values:
    """Return what the environment gives today: values as seen, credentials as references still to be filled."""
    have, _ = resolve(environment, solution.name, inspection.inventory)
    variables: dict[str, Any] = {
        v.name: export.values.get(v.name, EXTERNAL)
        for v in inspection.inventory.variables
        if v.name not in have.variables and (v.required or v.name in export.values or export.bindings is None)
    }
    bindings = export.bindings or {}
    connections = {
        c.name: {
            field: bindings[c.name]
            if field == BOUND and bindings.get(c.name)
            else f"env:{_constant(environment.name, solution.name, c.name, field)}"
            for field in c.fields
            if field not in have.connections.get(c.name, {})
        }
        for c in inspection.inventory.connections
    }
    return Values(variables, {name: fields for name, fields in connections.items() if fields})


def _constant(*words: str) -> str:
    joined = "_".join(words).upper()
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in joined)


def _apply(engine: Engine, request: Adopt, written: tuple[str, ...], actor: Actor) -> None:
    """Commit what was written and put it in force, where the rules let this person do it."""
    with engine.store.reading() as reading:
        before = reading.get(RulesInForce, "current")
    dirty = engine.source.dirty(["lampway.yaml", "people.yaml", "environments", "solutions"])
    if not written and before is not None and not dirty:
        return
    try:
        message = f"Adopt {request.solution} from {request.environment}" if dirty else ""
        apply_strategy(engine, ApplyStrategy(message=message), actor)
    except RefusedError as error:
        raise RefusedError(
            f"the files are written and committed, but not in force: {error.message}",
            hint=f"{error.hint}; then run this command again",
        ) from error


def _take(  # noqa: PLR0917 - adopting joins all of these
    engine: Engine, request: Adopt, platform: Platform, export: Export, actor: Actor, written: tuple[str, ...]
) -> AdoptedView:
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        here = installed(reading, request.environment, request.solution)
        last = newest_release(reading, request.solution)
    if here is not None or last is not None:
        name = last.name if last else f"{request.solution}@{here.version if here else ''}"
        raise RefusedError(f"{name} exists already", hint=f"lampway drift scan {request.environment}")
    environment = strategy.environment(request.environment)
    inspection = platform.format.inspect(export.package)
    release = _sealed(engine, strategy, request.solution, platform, export, inspection, actor)
    configuration, _ = resolve(environment, request.solution, inspection.inventory)
    package = release.package.digest
    adopted = Adopted(request.solution, environment.name, release.version, release.digest, package, configuration)
    with engine.store.transaction() as transaction:
        told = [transaction.append(event, actor) for event in (ReleaseSealed(release, release.digest), adopted)]
        statements = attest_release(engine, transaction, release, environment.name)
        told += [transaction.append(event, ENGINE) for event in statements]
    engine.tell(told)
    given = {r for fields in configuration.connections.values() for r in fields.values()}
    references = tuple(sorted(r for r in given if is_reference(r)))
    seeded = _seed(engine, request, release, actor) if request.seed else ""
    return AdoptedView(
        environment.name,
        release,
        configuration,
        tuple(c.name for c in export.unowned),
        written,
        references,
        seeded,
        export.notes,
    )


def _sealed(  # noqa: PLR0917 - sealing joins all of these
    engine: Engine,
    strategy: Strategy,
    name: str,
    platform: Platform,
    export: Export,
    inspection: Inspection,
    actor: Actor,
) -> Release:
    inventory = inspection.inventory
    version = sealed_as(inventory.version)
    files = platform.format.unpack(export.editable)
    title = f"{name} {version}: adopted as it runs"
    commit = commit_source(engine, f"solutions/{name}/src", files, title, author_of(engine, strategy, actor))
    digest = engine.packages.put(export.package)
    return Release(
        solution=name,
        version=version,
        packages=(PackageReference(digest, len(export.package), platform.name, inventory.fingerprint),),
        inventory=inventory,
        commit=commit,
        makers=(actor.person,),
        editors_unknown=export.editors is None,
        sealed_by=actor.person,
        sealed_at=engine.now(),
        note="adopted as it ran",
        findings=find_faults(engine, inspection),
        depends_on=declared(strategy.solution(name).depends_on),
    )


def _seed(engine: Engine, request: Adopt, release: Release, actor: Actor) -> str:
    """Give an empty environment the same content. Raises RefusedError when it is not empty of it."""
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
    environment = strategy.environment(request.seed)
    if environment.name == request.environment:
        raise UsageError(f"{request.seed} is where it came from", hint="name the environment where makers build")
    if environment.platform != release.package.platform:
        raise NotFoundError(f"{environment.name} is no {release.package.platform} environment")
    configuration, _ = resolve(environment, release.solution, release.inventory)
    wanted = wanted_for(
        engine,
        solution=release.solution,
        release=release,
        environment=environment.name,
        configuration=configuration,
    )
    platform, access = engine.platform(environment.platform), access_to(engine, environment)
    plan = platform.plan(access, wanted)
    if plan.problems:
        raise RefusedError(plan.problems[0].summary, where=environment.name, hint=plan.problems[0].hint)
    for step in plan.steps:
        outcome = platform.perform(access, wanted, step.name, platform.intend(access, wanted, step.name))
        finish(engine, platform, access, outcome, f"{release.solution} could not be put there: {step.name}")
    engine.record([Seeded(release.solution, release.version, environment.name)], actor)
    return environment.name
