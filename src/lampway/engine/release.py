"""Making a release: from what makers built in dev to a sealed, versioned package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lampway.domain.backport import Backport, BackportState
from lampway.domain.dependencies import declared
from lampway.domain.events import ENGINE, Actor, BackportEnded, Event, ReleaseSealed
from lampway.domain.package import Diff, Finding, Inspection, PackageReference, Scope
from lampway.domain.release import Release, bump, parse_version, propose_bump
from lampway.domain.risk import change_facts
from lampway.domain.strategy import Environment, Solution, Strategy
from lampway.domain.transformation import Form, Transformation
from lampway.engine.attestations import attest_release
from lampway.engine.blanking import NOTHING_LEFT, forms_of, offered, refuse_faults, take_out_of_forms, to_be_sealed
from lampway.engine.context import Engine, Request, access_to, newest_release, rules_in_force
from lampway.engine.platform import Export, Platform
from lampway.engine.ports import Author
from lampway.engine.sandboxed import refuse_sandbox
from lampway.engine.store import Reading
from lampway.errors import RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Made:
    """What came of making a release."""

    release: Release | None
    """None when nothing changed since the last one."""
    last: str
    """The newest version there was before; empty for none."""
    diff: Diff | None = None
    """What changed since the last one; None for the first."""
    bump: str = ""
    """Which part of the version was raised."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MakeRelease(Request[Made]):
    """Export, check, commit and seal a solution."""

    solution: str
    environment: str = ""
    """Where it is built; the pipeline's own source if empty."""
    version: str = ""
    bump: str = ""
    """patch, minor or major; proposed from the diff if empty."""
    note: str = ""
    fingerprint: str = ""
    """Of what the person was shown; refused if something else is there by now. Empty: whatever is there."""
    blank_defaults: bool = False
    """Take the values out of the package that dev left in as defaults, and record it."""


def scope_of(solution: Solution, version: str = "") -> Scope:
    """Return what belongs to a solution, as a platform is asked for it."""
    return Scope(solution.name, version, solution.contains, solution.constants, dict(solution.connections))


def scopes(strategy: Strategy) -> dict[str, Scope]:
    """Return the scope of every solution."""
    return {s.name: scope_of(s) for s in strategy.solutions}


def make_release(engine: Engine, request: MakeRelease, actor: Actor) -> Made:
    """Make a release of what is in dev now. Raises RefusedError, NotFoundError, UsageError, PlatformError.

    Nothing changed: no release. A version that exists with other content: refused. A crash between commit and seal
    loses nothing: *unchanged* is judged against the last sealed release, so running it again seals.
    """
    built = look_at_built(engine, request.solution, request.environment, blank=request.blank_defaults)
    solution, last, diff = built.solution, built.last, built.diff
    if request.fingerprint and request.fingerprint != built.seen:
        raise RefusedError(
            f"{solution.name} was edited in {built.environment.name} since you looked", hint="look again, then release"
        )
    if built.is_unchanged:
        if last and request.version and request.version != last.version:
            raise RefusedError(f"nothing changed since {last.name}", hint=f"promote that one: {last.name}")
        return Made(None, last.version if last else "", diff, notes=built.notes)
    findings = find_faults(engine, built.inspection)
    found = with_source_faults(engine, built.platform, built.forms, findings)
    offer = () if built.is_blanked else offered(built.platform.format, built.forms, found)
    refuse_faults(solution.name, found, offer)
    part, version = propose_version(request, built)
    _refuse_taken(engine, solution.name, version)
    draft = _Draft(
        solution=solution,
        version=version,
        findings=findings,
        last=last,
        note=request.note,
        environment=built.environment.name,
        diff=diff,
        is_blanked=built.is_blanked,
    )
    sealed = _seal(engine, built.strategy, built.platform, built.export, actor, draft)
    return Made(sealed, last.version if last else "", diff, part, built.notes)


@dataclass(frozen=True, slots=True)
class Built:
    """What makers built, as it is in dev now, beside the newest release."""

    strategy: Strategy
    solution: Solution
    environment: Environment
    platform: Platform
    last: Release | None
    export: Export
    """As it was exported, whatever is taken out of it."""
    inspection: Inspection
    """Of what would be sealed."""
    diff: Diff | None
    """Since the newest release; None where there is none."""
    is_unchanged: bool
    seen: str
    """Fingerprint of what was exported."""
    forms: Mapping[Form, bytes]
    """What would be sealed and committed, but for its version."""
    edits: tuple[Transformation, ...] = ()
    """What was taken out of them, where that was asked for."""
    is_blanked: bool = False
    """Whether it was asked for."""

    @property
    def package(self) -> bytes:
        """What would be sealed, but for its version."""
        return self.forms[Form.PACKAGE]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the platform tells of the export, and whether there was nothing to take out of it."""
        is_idle = self.is_blanked and not self.edits
        return (*self.export.notes, NOTHING_LEFT) if is_idle else self.export.notes


def look_at_built(engine: Engine, name: str, place: str = "", *, blank: bool = False) -> Built:
    """Export a solution from where it is built, and compare it. Keeps nothing. Raises NotFoundError, PlatformError.

    With `blank`, what is compared is without the values that dev had left in as defaults; UsageError where there is no
    such thing.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        last = newest_release(reading, name)
        solution = strategy.solution(name)
        refuse_sandbox(reading, strategy, place)
    environment = strategy.environment(place or strategy.pipeline_of(solution.name).source)
    platform = engine.platform(environment.platform)
    known = scopes(strategy)
    export = platform.export(access_to(engine, environment), known[solution.name], known)
    seen = inspection = platform.format.inspect(export.package)
    forms = forms_of(export)
    edits: tuple[Transformation, ...] = ()
    if blank:
        forms, edits = take_out_of_forms(platform, forms)
    package = forms[Form.PACKAGE]
    if edits:
        inspection = platform.format.inspect(package)
    old = engine.packages.get(last.package.digest) if last else None
    return Built(
        strategy=strategy,
        solution=solution,
        environment=environment,
        platform=platform,
        last=last,
        export=export,
        inspection=inspection,
        diff=platform.format.diff(old, _following(platform, package, last)) if old and last else None,
        is_unchanged=last is not None
        and _is_unchanged(last, inspection)
        and last.depends_on == declared(solution.depends_on),
        seen=seen.inventory.fingerprint,
        forms=forms,
        edits=edits,
        is_blanked=blank,
    )


def _following(platform: Platform, package: bytes, last: Release) -> bytes:
    """Return what was exported under a version after the last one: what dev calls it says nothing about a change."""
    return platform.format.stamp(package, bump(last.version, "patch"))


@dataclass(frozen=True, slots=True)
class _Draft:
    solution: Solution
    version: str
    findings: tuple[Finding, ...]
    last: Release | None
    note: str
    environment: str
    diff: Diff | None = None
    is_blanked: bool = False


def find_faults(engine: Engine, inspection: Inspection) -> tuple[Finding, ...]:
    """Return the hardcoded secrets, endpoints and other faults in a package."""
    names = [v.name for v in inspection.inventory.variables]
    return inspection.faults(engine.scanner.scan(inspection.literals, names))


def with_source_faults(
    engine: Engine, platform: Platform, forms: Mapping[Form, bytes], found: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """Return the faults of what is sealed, and those that only the form has that is committed."""
    if Form.SOURCE not in forms:
        return found
    known = {(fault.rule, fault.place) for fault in found}
    also = find_faults(engine, platform.format.inspect(forms[Form.SOURCE]))
    return (*found, *(fault for fault in also if (fault.rule, fault.place) not in known))


def _is_unchanged(last: Release, inspection: Inspection) -> bool:
    new, old = inspection.inventory, last.inventory
    return (new.fingerprint, new.variables, new.connections) == (old.fingerprint, old.variables, old.connections)


def propose_version(request: MakeRelease, built: Built) -> tuple[str, str]:
    """Return which part of the version is raised, and the version. Raises UsageError."""
    if request.version and request.bump:
        raise UsageError("either --version or --bump, not both")
    if request.version:
        parse_version(request.version)
        return "", request.version
    if built.last is None or built.diff is None:
        return "", "1.0.0"
    part = request.bump or propose_bump(built.diff, built.last.inventory, built.inspection.inventory)
    return part, bump(built.last.version, part)


def _refuse_taken(engine: Engine, solution: str, version: str) -> None:
    with engine.store.reading() as reading:
        taken = reading.get(Release, f"{solution}@{version}")
    if taken is not None:
        raise RefusedError(
            f"{taken.name} is sealed already, with other content",
            hint="a sealed release never changes: leave --version out, or choose a higher one",
        )


def _seal(  # noqa: PLR0917 - sealing joins all of these
    engine: Engine, strategy: Strategy, platform: Platform, export: Export, actor: Actor, draft: _Draft
) -> Release:
    name, version = draft.solution.name, draft.version
    forms, transformations = to_be_sealed(platform, export, version, blank=draft.is_blanked)
    package = forms[Form.PACKAGE]
    inventory = platform.format.inspect(package).inventory
    folder = f"solutions/{name}/src"
    title = f"{name} {version}" + (f": {draft.note}" if draft.note else "")
    author = author_of(engine, strategy, actor)
    commit = commit_source(engine, folder, platform.format.unpack(forms.get(Form.SOURCE, package)), title, author)
    makers = _makers(engine, strategy, actor, (draft.last.commit if draft.last else "", commit, folder))
    digest = engine.packages.put(package)
    release = Release(
        solution=name,
        version=version,
        packages=(PackageReference(digest, len(package), platform.name, inventory.fingerprint),),
        inventory=inventory,
        commit=commit,
        makers=tuple(sorted({*makers, *_people(strategy, export.editors or ())})),
        editors_unknown=export.editors is None,
        sealed_by=actor.person,
        sealed_at=engine.now(),
        previous=draft.last.version if draft.last else "",
        note=draft.note,
        findings=draft.findings,
        change=change_facts(draft.diff, draft.last.inventory, inventory) if draft.diff and draft.last else None,
        depends_on=declared(draft.solution.depends_on),
        transformations=transformations,
    )
    record_release(engine, release, actor, draft.environment)
    return release


def record_release(
    engine: Engine, release: Release, actor: Actor, environment: str, also: Sequence[Event] = ()
) -> None:
    """Seal a release of what was built in `environment` in the ledger, with its signed provenance and what goes along.

    Raises RefusedError when its version was sealed meanwhile.
    """
    with engine.store.transaction() as transaction:
        if transaction.get(Release, release.name) is not None:
            raise RefusedError(f"{release.name} was sealed by somebody else meanwhile", hint="run the command again")
        told = [transaction.append(ReleaseSealed(release, release.digest), actor)]
        told += [transaction.append(event, actor) for event in also]
        told += [transaction.append(event, ENGINE) for event in _contained(transaction, release)]
        statements = attest_release(engine, transaction, release, environment)
        told += [transaction.append(event, ENGINE) for event in statements]
    engine.tell(told)


def _contained(reading: Reading, release: Release) -> list[BackportEnded]:
    """Return which back-ports end because this release contains them; a hotfix ends none, for it is beside the path."""
    if release.hotfix:
        return []
    tasks = reading.find(Backport, solution=release.solution, states=(BackportState.OPEN,))
    done = [task for task in tasks if not task.edited.lacks(release.inventory)]
    return [BackportEnded(task.id, BackportState.CONTAINED, release.name) for task in done]


def commit_source(engine: Engine, folder: str, files: Mapping[str, bytes], message: str, author: Author) -> str:
    """Commit a solution's source and push it where there is a remote. Returns the commit."""
    commit = engine.source.commit_tree(folder, files, message, author, engine.source.head())
    branch = engine.source.branch()
    if branch:
        engine.source.push([f"refs/heads/{branch}"])
    return commit


def author_of(engine: Engine, strategy: Strategy, actor: Actor) -> Author:
    """Return the author to commit as: the person who acts, by the name and e-mail the team knows them by."""
    person = strategy.person(actor.person)
    if person is not None and person.emails:
        return Author(person.name, person.emails[0])
    known = engine.source.identity()
    return Author(actor.name or known.name or actor.person, actor.email or known.email or actor.person)


def _makers(engine: Engine, strategy: Strategy, actor: Actor, span: tuple[str, str, str]) -> set[str]:
    since, until, folder = span
    authors = engine.source.authors(since, until, [folder])
    return {*_people(strategy, [a.email for a in authors]), *_people(strategy, [actor.person])}


def _people(strategy: Strategy, names: list[str] | tuple[str, ...]) -> set[str]:
    found = {name: strategy.person(name) for name in names}
    return {person.id if person else name for name, person in found.items()}
