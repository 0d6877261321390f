"""Projection of what is done beside the path: how each of its events changes the records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lampway.domain import events
from lampway.domain.backport import Backport
from lampway.domain.hotfix import Hotfix
from lampway.domain.rehearsal import RehearsalRun
from lampway.domain.sandbox import Sandbox, SandboxState
from lampway.errors import StorageError

if TYPE_CHECKING:
    from lampway.domain.projection import Records

APART: tuple[type, ...] = (Backport, RehearsalRun, Sandbox, Hotfix)
"""Kinds of record that this keeps."""


def project_apart(recorded: events.Recorded, records: Records) -> None:
    """Fold one event into the records. Raises StorageError when it does not follow from what came before."""
    match recorded.event:
        case events.BackportOpened(backport=backport):
            records.put(backport.id, backport)
        case events.BackportEnded() as event:
            task = records.get(Backport, event.backport)
            if task is None:
                raise StorageError(f"the ledger ends a back-port that it never recorded: {event.backport}")
            who, at, why = recorded.actor.person, recorded.at, event.reason
            ended = replace(task, state=event.state, release=event.release, ended_by=who, ended_at=at, note=why)
            records.put(task.id, ended)
        case events.RehearsalStarted(rehearsal=run):
            records.put(run.id, run)
        case events.RehearsalEnded() as event:
            begun = records.get(RehearsalRun, event.rehearsal)
            if begun is None:
                raise StorageError(f"the ledger ends a rehearsal that it never recorded: {event.rehearsal}")
            records.put(begun.id, replace(begun, state=event.state, note=event.note, ended_at=recorded.at))
        case events.SandboxCreated(sandbox=sandbox):
            records.put(sandbox.id, sandbox)
        case _:
            _sandbox(recorded, records)


def _sandbox(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.SandboxStarted(sandbox=key, url=url, content=content):
            records.put(key, replace(_known(records, key), url=url, content=content))
        case events.SandboxExtended(sandbox=key, until=until):
            records.put(key, replace(_known(records, key), until=until, reminded_at=""))
        case events.SandboxReminded(sandbox=key):
            records.put(key, replace(_known(records, key), reminded_at=recorded.at))
        case events.SandboxEnded(sandbox=key, reason=reason):
            ended = replace(_known(records, key), state=SandboxState.ENDED, ended_at=recorded.at, note=reason)
            records.put(key, ended)
        case events.HotfixStarted(hotfix=hotfix):
            records.put(hotfix.id, hotfix)
        case _:
            _hotfix(recorded, records)


def _hotfix(recorded: events.Recorded, records: Records) -> None:
    match recorded.event:
        case events.HotfixReleased() as event:
            known = _begun(records, event.hotfix)
            made = (*known.releases, event.version)
            records.put(known.id, replace(known, releases=made, backport=event.backport))
        case events.HotfixEnded() as event:
            known = _begun(records, event.hotfix)
            records.put(known.id, replace(known, state=event.state, ended_at=recorded.at, note=event.reason))
        case events.Gathered():
            pass  # a fact for the auditor; no record answers from it
        case other:
            raise StorageError(f"no projection for an event of kind {other.kind}", hint="use a newer Lampway")


def _known(records: Records, key: str) -> Sandbox:
    sandbox = records.get(Sandbox, key)
    if sandbox is None:
        raise StorageError(f"the ledger speaks of a sandbox that it never recorded: {key}")
    return sandbox


def _begun(records: Records, key: str) -> Hotfix:
    hotfix = records.get(Hotfix, key)
    if hotfix is None:
        raise StorageError(f"the ledger speaks of a hotfix that it never recorded: {key}")
    return hotfix
