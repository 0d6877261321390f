"""Events in words: one line each, for histories and progress."""

from __future__ import annotations

from collections.abc import Mapping

from lampway.domain import attestation, events
from lampway.domain.digest import short
from lampway.domain.moments import shown
from lampway.domain.quorum import voice_name
from lampway.engine.describe_governing import describe_governing


def name_subjects(event: events.Event, names: dict[str, str]) -> None:  # noqa: C901, PLR0912 - a case per kind
    """Remember what the ids that later events speak of stand for."""
    match event:
        case events.PromotionRequested(promotion=p):
            names[p.id] = f"{p.solution}@{p.version} → {p.stage}"
        case events.DeploymentStarted(deployment=d):
            names[d.id] = f"{d.solution}@{d.version} → {d.environment}"
        case events.DriftFound(finding=f):
            names[f.id] = f"{f.solution} in {f.environment}"
        case events.Held(hold=h):
            names[h.id] = f"{'emergency stop of' if h.emergency else 'hold on'} {h.scope}"
        case events.HotfixStarted(hotfix=h):
            names[h.id] = h.solution
        case events.SandboxCreated(sandbox=s):
            names[s.id] = s.name
        case events.PasskeyRegistered(passkey=k):
            names[k.id] = f"{k.name} of {k.person}"
        case events.InvitationMade(invitation=i):
            names[i.id] = f"of {i.person} by {i.by}"
        case events.Delegated(delegation=g):
            names[g.id] = f"of {g.by} to {g.to}"
        case events.CampaignOpened(questions=questions):
            names.update((q.id, q.solution) for q in questions)
        case events.RetirementRequested(retirement=r):
            names[r.id] = r.scope
        case events.SwitchAsked(switch=s):
            names[s.id] = f"{s.solution} in {s.environment}"
        case _:
            pass


def describe(event: events.Event, names: Mapping[str, str]) -> str:  # noqa: C901, PLR0911, PLR0912, PLR0915 - a line per kind
    """Return what happened, in one line. `names` says what promotions, deployments and findings stand for."""
    match event:
        case events.StrategyApplied():
            return f"strategy of commit {event.commit[:12]} in force"
        case events.ReleaseSealed(release=release):
            edited = "".join(f"; {done.words}" for done in release.transformations)
            return f"{release.name} sealed as {short(event.digest)}{edited}"
        case events.Adopted():
            return f"{event.solution}@{event.version} adopted from {event.environment}"
        case events.Seeded():
            return f"{event.environment} given the content of {event.solution}@{event.version}"
        case events.Gathered():
            return f"{event.type} *{event.name}* put into {event.into} in {event.environment}"
        case events.PromotionRequested(promotion=p):
            return f"{p.kind} of {p.solution}@{p.version} to {p.stage} asked for ({p.id})"
        case events.DecisionMade(decision=d):
            said = "approved" if d.approved else "rejected"
            return f"{names.get(event.promotion, event.promotion)} {said} by {voice_name(d.by, d.on_behalf_of)}"
        case events.PromotionMoved():
            return f"{names.get(event.promotion, event.promotion)} is {event.state}: {event.reason}"
        case events.DeploymentStarted(deployment=d):
            return f"deployment {d.id} of {d.solution}@{d.version} to {d.environment} started"
        case events.StepStarted():
            return f"{names.get(event.deployment, event.deployment)}: {event.step} started"
        case events.StepRunning():
            return f"{names.get(event.deployment, event.deployment)}: {event.step} runs on there"
        case events.StepHindered():
            began = f" of {event.by}" if event.by else ""
            return f"{names.get(event.deployment, event.deployment)}: {event.step} waits for {event.what}{began}"
        case events.StepFinished():
            return f"{names.get(event.deployment, event.deployment)}: {event.step} {event.state}"
        case events.Installed():
            return f"{names.get(event.deployment, event.deployment)}: read back, what is there is what was released"
        case events.Verified():
            good = "known-good once it was watched" if event.watched else "known-good"
            return f"{names.get(event.deployment, event.deployment)}: verified, {good}"
        case events.WatchStarted(watch=w):
            return f"{names.get(w.id, w.id)}: watched until {shown(w.until)}"
        case events.WatchLooked():
            return f"{names.get(event.deployment, event.deployment)}: looked at, {event.seen}: {event.summary}"
        case events.WatchEnded():
            return f"{names.get(event.deployment, event.deployment)}: watch {event.state}: {event.note}"
        case events.DeploymentFinished():
            return f"{names.get(event.deployment, event.deployment)}: deployment {event.state}: {event.note}"
        case events.Reconciled():
            said = "happened" if event.reached else "did not happen"
            what = event.step or "it"
            return f"{names.get(event.deployment, event.deployment)}: {what} {said}: {event.reason}"
        case events.EvidenceRecorded(evidence=e):
            return f"{e.solution}@{e.version}: check {e.check} {e.outcome} in {e.environment}: {e.summary}"
        case events.EnvironmentObserved():
            return f"{event.environment} looked at: {len(event.clean)} as deployed, {len(event.drifted)} edited live"
        case events.DriftFound(finding=f):
            return f"{f.solution} in {f.environment} edited live: {f.changes[0]}"
        case events.DriftResolved():
            return f"drift of {names.get(event.finding, event.finding)} {event.state}: {event.reason}"
        case events.LockObserved():
            return f"{event.environment} is {event.state}: {event.summary}"
        case events.Tagged():
            return f"{event.tag} set on {event.commit[:12]}"
        case events.Held(hold=h):
            return h.words
        case events.HoldLifted():
            return f"{names.get(event.hold, event.hold)} lifted: {event.reason or 'no reason given'}"
        case events.Vetoed(veto=v):
            return v.words
        case events.CheckpointMade():
            return f"checkpoint: row {event.seq} was {short(event.hash)}{f', tag {event.tag}' if event.tag else ''}"
        case events.GateWaived(waiver=w):
            named = names.get(event.promotion, event.promotion)
            return f"{named}: gate {w.gate} waived by {w.by} until {shown(w.until)}: {w.reason}"
        case events.Remarked(remark=r):
            said = "asked" if r.is_question else "answered"
            return f"{names.get(event.promotion, event.promotion)}: {r.by} {said}: {r.text}"
        case events.ChecklistAnswered(answer=a):
            note = f": {a.note}" if a.note else ""
            return f"{names.get(event.promotion, event.promotion)}: {a.by} answered {a.item} with {a.reply}{note}"
        case events.Revoked(revocation=r):
            return f"{r.words} counts no more since {shown(r.since)}: {r.reason}"
        case events.RolesClaimed():
            given = f"gives {event.person}: {', '.join(event.roles)}, until {event.until}" if event.roles else ""
            return f"{event.issuer} {given or f'gives {event.person} no role any more'}"
        case events.TokenIssued(token=t):
            return f"token {t.name} of {t.person} issued until {shown(t.until)}, to {', '.join(t.scopes)}"
        case events.TokenRevoked():
            return f"token {names.get(event.token, event.token)} revoked: {event.reason or 'no reason given'}"
        case events.PasskeyRegistered(passkey=k):
            return f"passkey {k.name} of {k.person} registered"
        case events.PasskeyRemoved():
            return f"passkey {names.get(event.passkey, event.passkey)} removed: {event.reason}"
        case events.InvitationMade(invitation=i):
            return f"{i.person} invited to sign in until {shown(i.until)} ({i.id})"
        case events.InvitationUsed():
            return f"invitation {names.get(event.invitation, event.invitation)} followed"
        case events.InvitationRevoked():
            named = names.get(event.invitation, event.invitation)
            return f"invitation {named} revoked: {event.reason or 'no reason given'}"
        case events.Delegated(delegation=g):
            return f"{g.to} approves for {g.by} from {shown(g.start)} until {shown(g.until)}: {g.reason}"
        case events.DelegationEnded():
            return f"delegation {names.get(event.delegation, event.delegation)} ended"
        case events.ApprovalAsked(people=asked):
            return f"{names.get(event.promotion, event.promotion)}: asked for approval: {', '.join(asked)}"
        case events.AttestationRecorded(attestation=a):
            said = attestation.WORDS.get(a.predicate, a.predicate.rstrip("/"))
            return f"{a.solution}@{a.version}: {said}, signed by {a.signer}"
        case events.RanOut():
            return f"ran out on {shown(event.due)}: {event.words}"
        case events.Reminded():
            return f"{names.get(event.promotion, event.promotion)}: {', '.join(event.people)} reminded: it waits"
        case events.EngineKeyRecorded():
            return f"the engine signs with {event.key}"
        case events.TicketGiven():
            return f"{names.get(event.promotion, event.promotion)}: goes by change ticket {event.ticket}"
        case events.Certified(certification=c):
            note = f": {c.reason}" if c.reason else ""
            return f"{c.solution} certified as still needed by {c.by} until {shown(c.until)}{note}"
        case events.PackagesRemoved():
            return f"{len(event.digests)} packages and outputs of {', '.join(event.releases)} removed"
        case events.ReadinessAnswered(answer=a):
            return f"readiness: {a.by} answered {a.item} with {a.reply} until {shown(a.until)}: {a.note}"
        case events.UnlockAsked(unlocking=u) | events.Unlocked(unlocking=u):
            return u.words
        case events.UnlockFailed():
            return f"{event.environment} could not be unlocked: {event.reason}"
        case events.Relocked():
            return f"{event.environment} is locked again: {event.note}"
        case events.RelockFailed():
            return f"{event.environment} could not be locked again, and it is tried again: {event.reason}"
        case events.UnlockReviewed():
            return f"it was reviewed that {event.environment} was unlocked: {event.note}"
        case events.LedgerVerified():
            return f"verified up to row {event.last}, with {event.packages} packages: as they were written"
        case events.HotfixStarted(hotfix=h):
            return f"hotfix {h.id} of {h.solution}@{h.version} in {h.environment} begun in {h.place}: {h.reason}"
        case events.HotfixReleased():
            return f"hotfix {event.hotfix} released as {names.get(event.hotfix, '')}@{event.version}"
        case events.HotfixEnded():
            return f"hotfix {event.hotfix} {event.state}: {event.reason}"
        case events.SandboxCreated(sandbox=s):
            filled = f" from {s.origin}" if s.origin else ""
            return f"sandbox {s.name} ({s.id}) of {s.platform} for {s.owner} until {shown(s.until)}{filled}"
        case events.SandboxStarted():
            return f"sandbox {names.get(event.sandbox, event.sandbox)} started at {event.url}"
        case events.SandboxExtended():
            return f"sandbox {names.get(event.sandbox, event.sandbox)} lasts until {shown(event.until)}"
        case events.SandboxReminded():
            return (
                f"sandbox {names.get(event.sandbox, event.sandbox)}: its owner reminded, it ends {shown(event.until)}"
            )
        case events.SandboxEnded():
            return f"sandbox {names.get(event.sandbox, event.sandbox)} is gone: {event.reason}"
        case events.RehearsalStarted(rehearsal=r):
            return f"rehearsal {r.id} of {r.solution} in {r.environment} asked for: {r.way}"
        case events.RehearsalEnded():
            return f"rehearsal {event.rehearsal} {event.state}: {event.note}"
        case events.BackportOpened(backport=b):
            return f"{b.words}: on branch {b.branch}"
        case events.BackportEnded():
            how = f"contained in {event.release}" if event.release else event.reason
            return f"back-port {event.backport} {event.state}: {how}"
        case _:
            return describe_governing(event, names)
