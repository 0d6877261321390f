"""Assessment: the readiness checklist answered by word of mouth, before anything is adopted. Said, never proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lampway.domain.readiness import DEFAULT_ITEMS, Readiness, ReadinessLine, summed_up

ANSWERS = {"yes": 1.0, "partly": 0.5, "no": 0.0, "n/a": 0.0, "unknown": 0.0}
"""What may be said, and what it is worth."""
FIRST_STEPS = {
    "separate-environments": "lampway init, then: lampway connect dev URL (and test, and prod)",
    "prod-locked": "lampway lock prod",
    "sandbox-offered": "lampway init --environment play:sandbox",
    "managed-packages": "lampway adopt prod",
    "nothing-hardcoded": "lampway scan FILE",
    "in-source-control": "lampway release SOLUTION",
    "approved-before-prod": "lampway init, then: lampway strategy apply -m 'First strategy'",
    "checklist-before-prod": "add `- gate: checklist` to the stage prod in lampway.yaml",
    "masked-test-data": "add `data: masked` to environments/test.yaml once it is",
    "rollback-planned": "write `rollback_plan` in solutions/SOLUTION/solution.yaml",
    "known-good": "lampway adopt prod",
    "drift-under-control": "lampway drift scan prod",
    "owners-named": "lampway adopt prod SOLUTION --owner PERSON",
    "roles-held": "give each role to somebody in people.yaml",
    "audit-verified": "lampway audit verify --record",
}
"""Item to the command that begins it, for a team that has nothing yet."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said about an item."""

    reply: str
    """One of ANSWERS."""
    note: str = ""


def assess(said: Mapping[str, Said]) -> Readiness:
    """Return the score of what was said, by the same items and levels as readiness; what was not said is unknown."""
    lines = []
    for item in DEFAULT_ITEMS:
        answer = said.get(item.item, Said("unknown"))
        reason = answer.note or {"unknown": "nobody said"}.get(answer.reply, "said")
        is_left = answer.reply in ("no", "partly", "unknown")
        lines.append(
            ReadinessLine(
                item=item.item,
                text=item.text,
                area=item.area,
                level=item.level,
                state=answer.reply,
                score=ANSWERS[answer.reply],
                source="none" if answer.reply == "unknown" else "said",
                reason=reason,
                next=FIRST_STEPS.get(item.item, f"lampway readiness --answer {item.item}=yes") if is_left else "",
            )
        )
    return summed_up(lines, is_assessment=True)
