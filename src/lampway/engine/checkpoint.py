"""Making a checkpoint: the newest row, stated so that whoever keeps the statement elsewhere can hold us to it."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.checkpoint import Checkpoint
from lampway.domain.events import Actor, CheckpointMade
from lampway.engine.audit import Audit, audit
from lampway.engine.context import Engine, Request
from lampway.errors import RefusedError, SourceError


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """A checkpoint that was made."""

    seq: int
    hash: str
    at: str
    statement: str
    """The bytes to keep elsewhere. They are not signed: that they are kept elsewhere is the proof."""
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
    checkpoint = Checkpoint(verdict.last, verdict.head, engine.now())
    pushed, note = _tag(engine, checkpoint) if request.tag else (False, "")
    made = CheckpointMade(checkpoint.seq, checkpoint.hash, checkpoint.at, checkpoint.tag if request.tag else "", pushed)
    engine.record([made], actor)
    return CheckpointView(made.seq, made.hash, made.at, checkpoint.statement, tag=made.tag, pushed=pushed, note=note)


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
