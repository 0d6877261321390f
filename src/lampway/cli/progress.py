"""Progress: what the engine records while it works, as short lines on stderr."""

from __future__ import annotations

from datetime import datetime

from lampway.cli.output import note
from lampway.domain import events
from lampway.domain.deployment import StepState


class Progress:
    """An observer of the ledger that tells a person how a deployment goes."""

    def __init__(self) -> None:
        self._begun: dict[str, datetime] = {}

    def __call__(self, recorded: events.Recorded) -> None:
        """Print the line for one event, if it is worth one."""
        now = datetime.fromisoformat(recorded.at)
        match recorded.event:
            case events.DeploymentStarted(deployment=d):
                note(f"{d.solution}@{d.version} → {d.environment}" + (f" ({d.kind})" if d.kind != "forward" else ""))
            case events.StepStarted() as event:
                self._begun[event.step] = now
            case events.StepHindered() as event:
                began = f", started by {event.by}" if event.by else ""
                note(f"  … {event.step.ljust(14)} waits for {event.what}{began}")
            case events.StepFinished() as event:
                took = (now - self._begun.get(event.step, now)).total_seconds()
                mark = "✓" if event.state is StepState.DONE else "✗"
                note(f"  {mark} {event.step.ljust(14)} {took * 1000:6.0f} ms")
            case events.EvidenceRecorded(evidence=e):
                note(f"    check *{e.check}* {e.outcome}: {e.summary}")
            case _:
                pass
