"""Back-ports: tasks that stay open until a release contains what was changed past the path, in a live edit or a hotfix.

Whether a release contains it is decided by what its components do, not by words: each component that was added or
changed must be in it with the same fingerprint, and none that was taken out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lampway.domain.package import Component, Diff, Inventory


class Cause(StrEnum):
    """What has to be brought back into the path."""

    DRIFT = "drift"
    HOTFIX = "hotfix"


class BackportState(StrEnum):
    """Where a back-port stands."""

    OPEN = "open"
    CONTAINED = "contained"
    """A release contains it."""
    CLOSED = "closed"
    """Somebody said that nothing more is to be done; no release was found to contain it."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What a live edit or a hotfix did, as far as a release can be held against it."""

    fingerprint: str
    """Of the whole of it: a release that is the same contains it."""
    wanted: tuple[Component, ...]
    """What was added or changed, as it is since."""
    gone: tuple[Component, ...]
    """What was taken out."""
    variables: tuple[str, ...] = ()
    """Names of values that are asked for since."""

    def lacks(self, inventory: Inventory) -> tuple[str, ...]:
        """Return what a package with this inventory does not contain of it, in words; empty where it contains all."""
        if inventory.fingerprint == self.fingerprint:
            return ()
        there = {c.id: c for c in inventory.components}
        asked = {v.name for v in inventory.variables}
        lines = [f"{c.type} *{c.name}*" for c in self.wanted if not _does_the_same(there.get(c.id), c)]
        lines += [f"{c.type} *{c.name}* taken out" for c in self.gone if c.id in there]
        lines += [f"variable {name}" for name in self.variables if name not in asked]
        if not (self.wanted or self.gone or self.variables):
            lines.append("what was edited is no component: only the same content as a whole contains it")
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class Backport:
    """A task: bring into a release what runs already, or soon will, and came past the path."""

    id: str
    solution: str
    environment: str
    """Where it was edited live, or where the hotfix goes."""
    cause: Cause
    version: str
    """What it was made from."""
    branch: str
    """In git: it holds the edit as source."""
    commit: str
    changes: tuple[str, ...]
    """One line per difference, in a maker's words."""
    edited: Edited
    by: str
    at: str
    reason: str = ""
    state: BackportState = BackportState.OPEN
    release: str = ""
    """The release that contains it."""
    ended_by: str = ""
    ended_at: str = ""
    note: str = ""
    """Why somebody closed it."""

    @property
    def words(self) -> str:
        """The task for people, in one line."""
        more = f" and {len(self.changes) - 1} more" if len(self.changes) > 1 else ""
        first = f": {self.changes[0]}{more}" if self.changes else ""
        what = "hotfix for" if self.cause is Cause.HOTFIX else "live edit in"
        return f"back-port {self.id} of {self.solution}, {what} {self.environment}{first}"


def what_was_edited(old: Inventory, new: Inventory, diff: Diff) -> Edited:
    """Return what separates two packages, to be held against releases to come."""
    before, after = {c.id: c for c in old.components}, {c.id: c for c in new.components}
    told = {c.id for c in diff.added} | {change.component.id for change in diff.changed}
    differs = {c.id for c in new.components if not _does_the_same(before.get(c.id), c)}
    wanted = tuple(c for c in new.components if c.id in told | differs)
    gone = tuple(c for c in old.components if c.id not in after)
    asked = {v.name for v in new.variables} - {v.name for v in old.variables}
    return Edited(new.fingerprint, wanted, gone, tuple(sorted(asked)))


def _does_the_same(one: Component | None, other: Component) -> bool:
    return one is not None and (one.fingerprint, one.parent) == (other.fingerprint, other.parent)


def standing_words(tasks: Sequence[Backport], inventory: Inventory | None = None) -> tuple[str, ...]:
    """Return the open tasks in words, each with what a release of this inventory does not contain of it."""
    lines = []
    for task in tasks:
        lacks = task.edited.lacks(inventory) if inventory is not None else ()
        lines.append(task.words + (f"; it does not contain {', '.join(lacks[:3])}" if lacks else ""))
    return tuple(lines)
