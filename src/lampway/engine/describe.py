"""Events in words: one line each, for histories and progress."""

from __future__ import annotations

from lampway.domain import events
from lampway.domain.digest import short


def describe(event: events.Event) -> str:  # noqa: C901, PLR0911, PLR0912 - one line per kind of event
    """Return what happened, in one line."""
    match event:
        case events.StrategyApplied():
            return f"strategy of commit {event.commit[:12]} in force"
        case events.ReleaseSealed(release=release):
            return f"{release.name} sealed as {short(event.digest)}"
        case events.Adopted():
            return f"{event.solution}@{event.version} adopted from {event.environment}"
        case events.Seeded():
            return f"{event.environment} given the content of {event.solution}@{event.version}"
        case events.PromotionRequested(promotion=p):
            return f"{p.kind} of {p.solution}@{p.version} to {p.stage} asked for ({p.id})"
        case events.DecisionMade(decision=d):
            return f"promotion {event.promotion} {'approved' if d.approved else 'rejected'} by {d.by}"
        case events.PromotionMoved():
            return f"promotion {event.promotion} is {event.state}: {event.reason}"
        case events.DeploymentStarted(deployment=d):
            return f"deployment {d.id} of {d.solution}@{d.version} to {d.environment} started"
        case events.StepStarted():
            return f"{event.step} started"
        case events.StepFinished():
            return f"{event.step} {event.state}"
        case events.Installed():
            return f"deployment {event.deployment}: read back, what is there is what was released"
        case events.Verified():
            return f"deployment {event.deployment}: verified, known-good"
        case events.DeploymentFinished():
            return f"deployment {event.deployment} {event.state}: {event.note}"
        case events.Reconciled():
            return f"step {event.step} of deployment {event.deployment} {'happened' if event.reached else 'did not happen'}"
        case events.EvidenceRecorded(evidence=e):
            return f"check {e.check} {e.outcome} in {e.environment}: {e.summary}"
        case events.EnvironmentObserved():
            return f"{event.environment} looked at: {len(event.clean)} as deployed, {len(event.drifted)} edited live"
        case events.DriftFound(finding=f):
            return f"{f.solution} in {f.environment} edited live: {f.changes[0]}"
        case events.DriftResolved():
            return f"drift {event.finding} {event.state}: {event.reason}"
        case events.LockObserved():
            return f"{event.environment} is {event.state}: {event.summary}"
        case events.Tagged():
            return f"{event.tag} set on {event.commit[:12]}"
        case _:
            return event.kind
