"""Verifying an evidence file: no store, no network, nothing taken on trust but the keys that are handed in.

Each check says in words what it looked at. Where something is missing, nothing becomes more allowed by it: every
deployment must have its judgement, its approvals, its summary and its statements, or the file does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from lampway.domain import attestation as kinds
from lampway.domain.attestation import read_statement
from lampway.domain.digest import digest_bytes
from lampway.domain.evidence import Content, read_content, split_seal
from lampway.engine.dossier import Checked, Dossier, Tools, Trusted, take_apart
from lampway.engine.relive import Look, relive
from lampway.engine.verify_given import check_given, unsigned
from lampway.engine.verify_judgements import check_duties, check_judgements, judged_starts, remarks
from lampway.engine.verify_rows import check_rows, check_subject
from lampway.engine.verify_statements import (
    check_chain,
    check_decisions,
    check_order,
    check_policy,
    check_signatures,
)
from lampway.engine.verify_tree import check_inclusion, check_published, covered
from lampway.errors import LampwayError, UsageError

__all__ = ["Checked", "Tools", "Trusted", "verify_evidence"]

_VOUCHED = " (who was signed in, says the engine)"
_BROKEN = (LampwayError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
"""What reading something that was made up may come to."""


def verify_evidence(data: bytes, trusted: Trusted, tools: Tools) -> tuple[Checked, ...]:
    """Return every check with what came of it. Whatever cannot be read is a check that does not hold."""
    try:
        _match_seal(data, tools)
        content = read_content(data)
        _match_head(content, tools)
        file = take_apart(content, trusted, tools)
        _verify_seal(file)
    except LampwayError as error:
        return (Checked("the file is whole", False, error.message),)
    except _BROKEN as error:
        return (Checked("the file is whole", False, f"not readable: {type(error).__name__}"),)
    found = [Checked("the file is whole", True, f"{len(content.rows)} rows, as they were sealed"), _engine_key(file)]
    for name, check in _CHECKS.items():
        found += _done(name, check, file)
    looks, relived = _relive(file)
    found.append(relived)
    for name, again in _AGAIN.items():
        found += _done(name, lambda whole, judged=again: judged(whole, looks), file)  # type: ignore[misc]
    return (*found, *_remarks(file, looks)) if all(one.holds for one in found) else tuple(found)


def _done(name: str, check: Callable[[Dossier], Iterable[str]], file: Dossier) -> list[Checked]:
    try:
        faults = list(check(file))
    except _BROKEN as error:
        faults = [f"cannot be judged: {error}"]
    return [Checked(name, False, fault) for fault in faults] or [Checked(name, True, _HOLDS[name])]


def _relive(file: Dossier) -> tuple[tuple[Look, ...], Checked]:
    name = "what was known can be told again"
    try:
        looks = relive(file.told, file.release)
    except _BROKEN as error:
        return (), Checked(name, False, f"cannot be judged: {error}")
    return looks, Checked(name, True, f"{len(looks)} moments of decision, from the rows before each")


def _match_seal(data: bytes, tools: Tools) -> None:
    """Look first whether anything was changed at all: that takes no more than a hash."""
    covered, seal = split_seal(data)
    said = read_statement(tools.signing.open(seal).payload)
    if said.predicate_type != kinds.EVIDENCE or said.subjects[0].digest != digest_bytes(covered):
        raise UsageError("it was changed after it was sealed")


def _match_head(content: Content, tools: Tools) -> None:
    head = content.head
    covered = digest_bytes(content.covered)
    if kinds.sealing(head.solution, head.version, covered, (head.row, head.hash)) != read_statement(
        tools.signing.open(content.seal).payload
    ):
        raise UsageError("its seal is about something else")


def _verify_seal(file: Dossier) -> None:
    envelope = file.tools.signing.open(file.content.seal)
    wanted = [file.trusted.engine_key] if file.trusted.engine_key else list(file.engine_keys)
    if not any(file.tools.signing.is_signed_by(envelope, key) for key in wanted):
        raise UsageError("its seal is not signed with the engine's key")


def _engine_key(file: Dossier) -> Checked:
    if file.trusted.engine_key:
        return Checked("the engine's key is the one you know", True, file.trusted.engine_key)
    reason = f"the engine's key was not compared: add --engine-key; the file says {', '.join(file.engine_keys)}"
    return Checked("remark", True, reason)


def _remarks(file: Dossier, looks: tuple[Look, ...]) -> Iterator[Checked]:
    """Yield what holds and yet should be known."""
    for done in file.release.transformations:
        places = "; ".join(blank.place for blank in done.blanked)
        yield Checked("remark", True, f"{done.words}: {places}")
    for words in remarks(file, looks):
        yield Checked("remark", True, words)
    for promotion, facts, _ in judged_starts(file, looks):
        unproved = sorted({f"{d.by}{_VOUCHED if d.authenticated else ''}" for d in facts.decisions if not d.key})
        if unproved:
            names = ", ".join(unproved)
            what = f"{promotion.environment}: the yes of {names} is not signed, and the rules did not ask"
            yield Checked("remark", True, what)
    yield from (Checked("remark", True, words) for words in unsigned(file))
    yield Checked("remark", True, _proven(file))
    gaps = file.content.head.row - len(file.content.rows)
    if gaps:
        what = f"{gaps} rows about other things are not in it; audit verify over the ledger with this head covers them"
        yield Checked("remark", True, what)


def _proven(file: Dossier) -> str:
    """Return what stands behind the rows, in words."""
    newest = covered(file)
    if not newest:
        return (
            "no published checkpoint was compared: that these rows are the whole truth is the word of whoever holds the"
            " engine's key; add --checkpoint FILE with one that was kept elsewhere"
        )
    after = sum(row.seq > newest for row in file.content.rows)
    rest = f"; the {after} rows after it are the word of whoever holds the engine's key" if after else ""
    return f"the rows up to {newest} are those of the ledger when its checkpoint was published{rest}"


_CHECKS: dict[str, Callable[[Dossier], Iterator[str]]] = {
    "the rows are the ledger's": check_rows,
    "the rows are in the tree over the ledger": check_inclusion,
    "it is the ledger that was published": check_published,
    "it is about the thing in hand": check_subject,
    "every statement is signed by whom it must be": check_signatures,
    "every signed decision is what was signed": check_decisions,
    "everything else that was signed is what was signed": check_given,
    "the rules are those that were in force": check_policy,
    "every step is attested": check_chain,
    "everything happened in order": check_order,
}
_AGAIN: dict[str, Callable[[Dossier, tuple[Look, ...]], Iterator[str]]] = {
    "every gate was open": check_judgements,
    "nobody decided about their own": check_duties,
}
_HOLDS = {
    "the rows are the ledger's": "each hash covers its row, and adjacent rows follow from each other",
    "the rows are in the tree over the ledger": "each leads to the root of the checkpoint that the engine signed",
    "it is the ledger that was published": "it has only grown since the checkpoints in hand, if there are any",
    "it is about the thing in hand": "release and package have the digests that everything speaks of",
    "every statement is signed by whom it must be": "the engine's by the engine, people's with keys valid that day",
    "every signed decision is what was signed": "promotion, evidence, reason and roles are as signed",
    "everything else that was signed is what was signed": "delegations, waivers, answers and tests, where they were",
    "every gate was open": "judged again as the engine judges, from the facts that it signed at the time",
    "nobody decided about their own": "neither makers nor whoever asked",
    "the rules are those that were in force": "digests match, and the summaries name them",
    "every step is attested": "provenance, tests, summaries with all their inputs, deployments as read back",
    "everything happened in order": "sealed, tested, asked for, decided, summed up, deployed",
}
