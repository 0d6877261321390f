"""Making a checkpoint: the newest row, stated so that whoever keeps the statement elsewhere can hold us to it."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.checkpoint import Checkpoint
from lampway.domain.events import ENGINE, Actor, CheckpointMade
from lampway.engine.audit import Audit, audit
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.store import Due
from lampway.engine.witness import next_checkpoint, whole_checkpoint
from lampway.errors import LampwayError, RefusedError, SourceError


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """A checkpoint that was made."""

    seq: int
    hash: str
    at: str
    statement: str
    """The bytes to keep elsewhere, signed by the engine. That they are kept elsewhere is the proof."""
    tag: str
    pushed: bool
    note: str
    """What is left to do; empty for nothing."""


@dataclass(frozen=True, slots=True)
class MakeCheckpoint(Request[CheckpointView]):
    """State the newest row."""

    tag: bool = False
    """Also as a git tag, pushed where there is a remote."""


def make_checkpoint(engine: Engine, request: MakeCheckpoint, actor: Actor) -> CheckpointView:
    """State the newest row, and record that it was stated.

    Raises RefusedError when the chain is damaged, does not fit an earlier checkpoint, or is empty; SourceError when
    the tag cannot be made; then nothing is recorded.
    """
    verdict = audit(engine, Audit(chain_only=True), actor)
    if verdict.damage:
        first = verdict.damage[0]
        raise RefusedError(
            f"nobody should vouch for a damaged ledger: {first.place}: {first.what}", hint="lampway audit verify"
        )
    if not verdict.last:
        raise RefusedError("the ledger is empty", hint="lampway strategy apply")
    checkpoint = whole_checkpoint(engine, verdict.last, verdict.head)
    pushed, note = _tag(engine, checkpoint) if request.tag else (False, "")
    made = made_event(checkpoint, checkpoint.tag if request.tag else "", pushed=pushed)
    engine.record([made], actor)
    return CheckpointView(made.seq, made.hash, made.at, checkpoint.statement, tag=made.tag, pushed=pushed, note=note)


def made_event(checkpoint: Checkpoint, tag: str, *, pushed: bool) -> CheckpointMade:
    """Return the event that a checkpoint was made."""
    return CheckpointMade(
        seq=checkpoint.seq,
        hash=checkpoint.hash,
        at=checkpoint.at,
        tag=tag,
        pushed=pushed,
        root=checkpoint.root,
        envelope=checkpoint.envelope,
        peaks=checkpoint.peaks,
    )


def keep_checkpoint(engine: Engine, key: str) -> None:
    """Make the checkpoint that is due under this key, and owe its tag where the strategy asks for one.

    What cannot be made stays due: the next checkpoint covers the same rows.
    """
    try:
        checkpoint = next_checkpoint(engine)
    except RefusedError:
        return  # nobody vouches for a damaged ledger: the audit says what is wrong
    with engine.store.reading() as reading:
        asked = rules_in_force(reading).strategy.checkpoints == "tag"
    commit = engine.source.head() if asked else ""
    with engine.store.transaction() as transaction:
        told = []
        if checkpoint is not None:
            tags = bool(commit)
            made = made_event(checkpoint, checkpoint.tag if tags else "", pushed=False)
            told = [transaction.append(made, ENGINE)]
            if tags:
                doc = {"tag": checkpoint.tag, "commit": commit, "message": checkpoint.statement}
                transaction.remember(Due(f"tag {checkpoint.tag}", "checkpoint-tag", doc, 0))
        transaction.forget(key)
    engine.tell(told)


def publish(engine: Engine, due: Due) -> None:
    """Set and push the tag of a checkpoint; what fails stays due."""
    doc = due.doc
    try:
        engine.source.tag(doc["tag"], doc["commit"], doc["message"])
        engine.source.push([f"refs/tags/{doc['tag']}"])
    except LampwayError:
        with engine.store.transaction() as transaction:
            transaction.remember(Due(due.key, due.kind, doc, due.attempts + 1))
        return
    with engine.store.transaction() as transaction:
        transaction.forget(due.key)


def _tag(engine: Engine, checkpoint: Checkpoint) -> tuple[bool, str]:
    """Tag the commit that is checked out, push the tag, and return whether it was pushed and what is left to do."""
    commit = engine.source.head()
    if not commit:
        raise RefusedError("there is no commit to tag yet", hint="lampway strategy apply -m 'First strategy'")
    engine.source.tag(checkpoint.tag, commit, checkpoint.statement)
    try:
        pushed = engine.source.push([f"refs/tags/{checkpoint.tag}"])
    except SourceError as error:
        return False, f"not pushed: {error.message}; push it yourself: git push origin {checkpoint.tag}"
    return pushed, "" if pushed else "there is no remote: the tag can be removed by whoever can write here"
