"""Attesting: a tester says what came of a check that no program can run; and reading what is kept as evidence."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace

from lampway.domain.deployment import Attested, CheckOutcome, Evidence, KeptFile
from lampway.domain.digest import digest_bytes
from lampway.domain.events import ENGINE, Actor, Event, PromotionMoved
from lampway.domain.given import tested_statement
from lampway.domain.promotion import DeploymentKind
from lampway.domain.release import Release
from lampway.domain.secret import Secret, is_reference, mask, mask_bytes
from lampway.domain.standing import TESTER
from lampway.domain.strategy import Check, Person, Solution, Stage, Strategy
from lampway.engine.attestations import attest_given, kept
from lampway.engine.checking import add_evidence, printable, with_data
from lampway.engine.context import Engine, Request, find_release, rules_in_force
from lampway.engine.facts import Case, gather
from lampway.engine.recheck import named_release, refuse_edited, require_installed
from lampway.engine.signed import Draft, by_signature, keys_of, prove, refuse_replayed
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError, SecretError, UsageError

FILE_LIMIT = 20 * 1_048_576
"""Bytes of one file."""
FILES = 20
"""How many files one attestation may bring."""
_CASES = 10_000
_DATA_SET = 200
_NAME = 200
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file as it is given."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class AttestedNow:
    """What was recorded."""

    evidence: Evidence
    voided: tuple[str, ...]
    """Ids of promotions that lost their ground."""


@dataclass(frozen=True, slots=True)
class AttestCheck(Request[AttestedNow]):
    """Say what came of a check that people carry out."""

    release: str
    """`solution@version`, or `solution` for what is installed there."""
    environment: str
    check: str
    outcome: str
    """`passed` or `failed`."""
    cases: str
    """What was tried, in words."""
    data_set: str = ""
    """Name of the data it was tried with; the environment's own if empty."""
    files: tuple[GivenFile, ...] = ()
    data_digest: str = ""
    """`sha256:<hex>` of that data; the environment's own if empty and no other data is named."""
    envelope: str = ""
    """What the tester signed; empty where it was not signed."""


@dataclass(frozen=True, slots=True)
class DraftTested(Request[Draft]):
    """Ask for the statement that saying what came of a check would be."""

    release: str
    environment: str
    check: str
    outcome: str
    cases: str
    data_set: str = ""
    files: tuple[GivenFile, ...] = ()
    data_digest: str = ""


def attest_check(engine: Engine, request: AttestCheck, actor: Actor) -> AttestedNow:
    """Record what a named tester says about exactly the release that is installed there.

    Raises RefusedError for whoever is no tester or made what is in it, and where another release is installed;
    NotFoundError, UsageError for what was asked wrongly.
    """
    told = _tested(engine, request, actor)
    evidence, statement = told.evidence, None
    if request.envelope:
        expect = functools.partial(tested_statement, told.release, evidence)
        proof = prove(engine, request.envelope, (told.tester.id, told.tester), evidence.at, expect)
        place = (evidence.id, evidence.environment)
        statement = kept(proof.statement, told.release, place, (told.tester.id, proof.key, request.envelope))
        evidence, actor = _proved(evidence, proof.key, statement.id), by_signature(actor)
    for file in request.files:
        engine.packages.put(file.data)
    with engine.store.transaction() as transaction:
        refuse_replayed(transaction, request.envelope)
        require_installed(transaction, told.release, evidence.environment)
        vouched: tuple[Event, ...] = ()
        if actor.authenticated and not request.envelope:
            said = tested_statement(told.release, evidence, evidence.at)
            place = (evidence.id, evidence.environment)
            made, vouched = attest_given(engine, transaction, said, place, (told.release, actor.via))
            evidence = _proved(evidence, "", made)
        added = add_evidence(engine, transaction, evidence, actor, declared=told.declared, signed=statement)
        added += [transaction.append(event, ENGINE) for event in vouched]
    engine.tell(added)
    return AttestedNow(evidence, tuple(t.event.promotion for t in added if isinstance(t.event, PromotionMoved)))


def draft_tested(engine: Engine, request: DraftTested, actor: Actor) -> Draft:
    """Return what this tester would sign, and with which keys. Records nothing. Raises what attesting raises."""
    told = _tested(engine, request, actor)
    statement = tested_statement(told.release, told.evidence, told.evidence.at)
    return Draft(statement.payload().decode(), keys_of(told.tester, told.evidence.at))


@dataclass(frozen=True, slots=True)
class _Tested:
    evidence: Evidence
    release: Release
    tester: Person
    declared: tuple[Solution, Check]


def _tested(engine: Engine, request: AttestCheck | DraftTested, actor: Actor) -> _Tested:
    """Return what would be recorded; nothing is kept yet."""
    outcome = _outcome(request.outcome)
    _refuse_malformed(request)
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        solution = strategy.solution(request.release.partition("@")[0])
        check = _declared(solution, request.check)
        stage = strategy.stage(solution.name, request.environment)
        release = named_release(reading, request.release, stage)
        here = require_installed(reading, release, stage.environment)
        refuse_edited(reading, here)
        tester = _tester(reading, strategy, release, stage, actor, engine.now())
    secrets = _known_secrets(engine, strategy, stage.environment, here.configuration.connections)
    evidence = Evidence(
        id=engine.new_id(),
        solution=solution.name,
        version=release.version,
        release=release.digest,
        environment=stage.environment,
        check=check.name,
        kind=check.kind,
        outcome=outcome,
        summary=mask(printable(f"{tester.name}: {_short(request.cases)}"), secrets),
        at=engine.now(),
        seconds=0.0,
        deployment=here.deployment,
        attested=Attested(
            by=tester.id,
            cases=mask(request.cases.strip(), secrets),
            data_set=mask(request.data_set.strip(), secrets),
            files=_kept_files(request.files, secrets),
            authenticated=actor.authenticated,
        ),
    )
    place, named = strategy.environment(stage.environment), mask(request.data_set.strip(), secrets)
    evidence = with_data(evidence, place, named, request.data_digest)
    return _Tested(evidence, release, tester, (solution, check))


def _proved(evidence: Evidence, key: str, attestation: str) -> Evidence:
    said = evidence.attested
    proved = replace(said, authenticated=True, key=key, attestation=attestation) if said else None
    return replace(evidence, attested=proved)


def _outcome(text: str) -> CheckOutcome:
    if text not in ("passed", "failed"):
        raise UsageError(f"an outcome is passed or failed, not {text[:40]!r}", hint="--outcome passed")
    return CheckOutcome(text)


def _refuse_malformed(request: AttestCheck | DraftTested) -> None:
    if not request.cases.strip():
        raise UsageError("say what was tried", hint="--cases 'two orders, one with a discount'")
    if len(request.cases) > _CASES or len(request.data_set) > _DATA_SET:
        raise UsageError(
            f"cases may have {_CASES} characters, a data set {_DATA_SET}", hint="put the rest into a file: --file PATH"
        )
    if request.data_digest and not _DIGEST.fullmatch(request.data_digest):
        raise UsageError(
            f"not a digest: {request.data_digest[:80]!r}", hint="write sha256: and 64 hexadecimal digits, in lower case"
        )
    if len(request.files) > FILES:
        raise UsageError(f"at most {FILES} files belong to one attestation", hint="put them into one archive")
    names = [file.name for file in request.files]
    if len(set(names)) != len(names):
        raise UsageError("two files have the same name", hint="give each its own")
    odd = [name for name in names if not _is_file_name(name)]
    if odd:
        raise UsageError(
            f"not the name of a file: {odd[0][:80]!r}",
            hint=f"1 to {_NAME} characters that can be seen, without folders",
        )
    for file in request.files:
        if len(file.data) > FILE_LIMIT:
            raise UsageError(f"larger than {FILE_LIMIT // 1_048_576} MiB", where=file.name)


def _is_file_name(name: str) -> bool:
    """Return whether a name is only a name: it is shown, and the file is asked for and saved by it."""
    is_short = 0 < len(name) <= _NAME and name not in {".", ".."}
    return is_short and name.isprintable() and not set(name) & {"/", "\\"}


def _declared(solution: Solution, name: str) -> Check:
    found = next((c for c in solution.checks if c.name == name), None)
    attested = ", ".join(c.name for c in solution.checks if c.attested) or "none"
    if found is None:
        raise NotFoundError(f"{solution.name} has no check named *{name}*", hint=f"people attest: {attested}")
    if not found.attested:
        raise UsageError(f"check *{name}* is run, not attested", hint=f"people attest: {attested}; lampway check run")
    return found


def require_tester(reading: Reading, strategy: Strategy, what: tuple[str, str, str], actor: Actor, now: str) -> Person:
    """Return who attests: `what` is a release, an environment and a check, by name.

    Raises NotFoundError, UsageError for a check that is not attested, RefusedError.
    """
    name, environment, check = what
    solution = strategy.solution(name.partition("@")[0])
    _declared(solution, check)
    stage = strategy.stage(solution.name, environment)
    release = named_release(reading, name, stage)
    refuse_edited(reading, require_installed(reading, release, stage.environment))
    return _tester(reading, strategy, release, stage, actor, now)


def _tester(  # noqa: PLR0917 - who may attest depends on all of these
    reading: Reading, strategy: Strategy, release: Release, stage: Stage, actor: Actor, now: str
) -> Person:
    """Return the person who attests. Raises RefusedError for whoever may not."""
    person = strategy.person(actor.person)
    if person is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
    if TESTER not in person.roles_at(now):
        testers = ", ".join(p.id for p in strategy.holders((TESTER,))) or "nobody yet; give somebody the role"
        raise RefusedError(f"{person.name} is no tester", hint=f"testers are: {testers}")
    facts = gather(reading, Case(release, _next(strategy, release, stage), DeploymentKind.FORWARD, person.id), now)
    if person in [strategy.person(maker) for maker in facts.makers]:
        raise RefusedError(f"{person.name} made what is in it", hint="somebody else must test it")
    if facts.editors_unknown and "maker" in person.roles:
        raise RefusedError(
            f"{person.name} may edit in dev, and the platform does not say who did", hint="somebody else must test it"
        )
    return person


def _next(strategy: Strategy, release: Release, stage: Stage) -> Stage:
    """Return the stage that the evidence will open: its makers are those who matter."""
    stages = strategy.pipeline_of(release.solution).stages
    return next((s for s in stages[stages.index(stage) + 1 :]), stage)


def _known_secrets(
    engine: Engine, strategy: Strategy, environment: str, connections: dict[str, dict[str, str]]
) -> tuple[Secret, ...]:
    """Return those secrets of the environment that can be resolved here; a tester need not hold any."""
    references = {*strategy.environment(environment).access.values()}
    references |= {reference for fields in connections.values() for reference in fields.values()}
    found = []
    for reference in sorted(references):
        if not is_reference(reference):
            continue
        try:
            found.append(engine.secrets.resolve(reference))
        except SecretError:
            continue
    return tuple(found)


def _kept_files(files: tuple[GivenFile, ...], secrets: tuple[Secret, ...]) -> tuple[KeptFile, ...]:
    for file in files:
        if mask_bytes(file.data, secrets) != file.data:
            raise RefusedError(
                "the file holds a secret, and secrets are never kept",
                where=file.name,
                hint="take it out, and change the secret: somebody has written it down",
            )
    return tuple(KeptFile(printable(file.name), digest_bytes(file.data), len(file.data)) for file in files)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:157] + "..."


@dataclass(frozen=True, slots=True)
class ShowEvidence(Request[tuple[Evidence, ...]]):
    """Everything that checks told about one release."""

    release: str


def show_evidence(engine: Engine, request: ShowEvidence, actor: Actor) -> tuple[Evidence, ...]:
    """Return the evidence about a release, oldest first. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        release = find_release(reading, request.release)
        digest = release.digest
        return tuple(e for e in reading.find(Evidence, solution=release.solution) if e.release == digest)


@dataclass(frozen=True, slots=True)
class ReadKept(Request[bytes]):
    """Read what is kept of one piece of evidence."""

    evidence: str
    """Its id."""
    name: str = "output"
    """`output`, `report`, or the name of a file that a tester gave."""


def read_kept(engine: Engine, request: ReadKept, actor: Actor) -> bytes:
    """Return the bytes as they were kept, verified against their digest. Raises NotFoundError, StorageError."""
    del actor
    with engine.store.reading() as reading:
        found = reading.get(Evidence, request.evidence)
    if found is None:
        raise NotFoundError(f"no evidence {request.evidence}", hint="lampway check show SOLUTION")
    files = {file.name: file.digest for file in found.attested.files} if found.attested else {}
    kept = {"output": found.output, "report": found.report, **files}
    if not kept.get(request.name):
        known = ", ".join(name for name, digest in kept.items() if digest) or "nothing"
        raise NotFoundError(f"evidence {found.id} has no {request.name}", hint=f"kept of it: {known}")
    return engine.packages.get(kept[request.name])
