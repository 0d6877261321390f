"""Checklists: what must be answered before a release enters a stage, and what was answered by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lampway.domain.duties import ChecklistItem

REPLIES = ("yes", "no", "n/a")


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered to one item."""

    item: str
    reply: str
    """yes, no or n/a."""
    by: str
    """Id of a person."""
    at: str
    note: str = ""
    authenticated: bool = False
    """Whether the person was proved to be who they say."""
    key: str = ""
    """The public key it was signed with; empty where it was not signed."""
    attestation: str = ""
    """Digest of the envelope that was signed: theirs, or without a key the engine's, of who was signed in."""


@dataclass(frozen=True, slots=True)
class ChecklistLine:
    """One item with the answer that holds, as it is shown to whoever decides."""

    item: str
    text: str
    by: str
    """Whose part it is to answer."""
    reply: str = ""
    """yes, no or n/a; empty while nobody answered."""
    answered_by: str = ""
    """A person, or the gate that is the evidence."""
    note: str = ""
    at: str = ""


def with_answer(item: ChecklistItem, answer: Answer | None) -> ChecklistLine:
    """Return the item with the answer that holds, if there is one."""
    if answer is None:
        return ChecklistLine(item.item, item.text, item.by)
    return ChecklistLine(item.item, item.text, item.by, answer.reply, answer.by, answer.note, answer.at)


def unanswered(lines: Sequence[ChecklistLine]) -> tuple[ChecklistLine, ...]:
    """Return the items without an answer."""
    return tuple(line for line in lines if not line.reply)
