"""Commands along the path: promote, explain, inbox, approve, reject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from cyclopts import Parameter

from lampway.app import Session
from lampway.cli.duties import duty_facts, duty_lines
from lampway.cli.output import emit, gate_lines, note, say, when
from lampway.cli.session import session
from lampway.domain.judgement import OPENING, GateState
from lampway.domain.package import Reversibility
from lampway.domain.promotion import PromotionState
from lampway.domain.transformation import Transformation
from lampway.engine.backport import ShowBackports
from lampway.engine.decide import Decide
from lampway.engine.promote import Abort, Promote
from lampway.engine.questions import ShowOwed
from lampway.engine.recheck import ShowLapsed
from lampway.engine.views import Explain, Inbox, PromotionView, ShowPromotion
from lampway.errors import UnsignedError

Json = Annotated[bool, Parameter(name="--json", negative="")]
WAITING_FOR_PEOPLE = 4


def promote(
    release: str, /, *, to: str, reason: str = "", ticket: str = "", wait: bool = True, json: Json = False
) -> int:
    """Move a release to a stage, by way of every stage before it.

    Parameters
    ----------
    release
        SOLUTION@VERSION, or SOLUTION for its newest release.
    to
        Stage, or its environment.
    reason
        Why, for whoever decides.
    ticket
        The change ticket it goes by, where a stage asks for one.
    wait
        Until deployments have come to a rest; --no-wait asks alone, and leaves them to the server or a worker.
    json
        Print the facts as JSON.
    """
    wanted = Promote(release, to, reason, ticket=ticket)
    with session(quiet=json) as opened:
        asked = opened.run(wanted) if wait else opened.ask(wanted)
        views = [opened.run(ShowPromotion(p)) for p in asked.promotions]
        if json:
            emit({"promotions": [promotion_facts(v) for v in views], "already": asked.already})
        else:
            for stage in asked.already:
                say(f"{release} runs verified in {stage} already")
            for view in views:
                say_promotion(view)
            if asked.promotions and not wait:
                note(f"asked for, and not waited for: lampway progress {asked.promotions[-1]}")
        return exit_code(views)


def promotion_facts(view: PromotionView) -> dict[str, object]:
    """Return a promotion in the shape that scripts rely on."""
    p = view.promotion
    return {
        "id": p.id,
        "solution": p.solution,
        "version": p.version,
        "stage": p.stage,
        "environment": p.environment,
        "kind": p.kind,
        "state": p.state,
        "note": p.note,
        "digest": p.bound.digest,
        "requested_by": p.requested_by,
        "running": view.running,
        "rollback": view.rollback,
        "gates": view.gates,
        "decisions": p.decisions,
        "changes": list(view.diff.summaries()) if view.diff else [],
        "transformations": edits_of(view),
        "backports": list(view.backports),
        "reversibility": view.diff.reversibility if view.diff else None,
        "evidence": view.evidence,
        "ticket": p.ticket,
        **duty_facts(view),
    }


def edits_of(view: PromotionView) -> tuple[Transformation, ...]:
    """Return how the package that is asked for was edited before it was sealed."""
    return view.release.transformations if view.release is not None else ()


def say_promotion(view: PromotionView) -> None:
    """Print where a promotion stands, in a few lines."""
    p = view.promotion
    head = f"{p.solution}@{p.version} → {p.stage}"
    match p.state:
        case PromotionState.SUCCEEDED:
            say(f"{head}: deployed and verified")
        case PromotionState.WAITING:
            say(f"{head}: waits ({p.id})")
            for line in gate_lines([g for g in view.gates if g.state is not GateState.PASSED]):
                say(line)
            if p.note and all(g.state is GateState.PASSED for g in view.gates):
                say(f"  {p.note}")
        case _:
            say(f"{head}: {p.state}" + (f": {p.note}" if p.note else ""))


def exit_code(views: Sequence[PromotionView]) -> int:
    """Return the exit code for what became of promotions: the worst one decides."""
    codes = [_code(v) for v in views]
    return next((c for c in (3, 1, WAITING_FOR_PEOPLE) if c in codes), 0)


def _code(view: PromotionView) -> int:
    match view.promotion.state:
        case PromotionState.SUCCEEDED:
            return 0
        case PromotionState.WAITING | PromotionState.READY | PromotionState.RUNNING:
            if all(g.state in OPENING for g in view.gates) and not view.promotion.note:
                return WAITING_FOR_PEOPLE  # for nobody in particular: a worker goes on with it
            refused = any(g.state in (GateState.FAILED, GateState.INCONCLUSIVE, GateState.ERRORED) for g in view.gates)
            return 1 if refused or (view.gates and not _pending(view)) else WAITING_FOR_PEOPLE
        case PromotionState.ERRORED | PromotionState.RECONCILE:
            return 3
        case _:
            return 1


def _pending(view: PromotionView) -> bool:
    return any(g.state in (GateState.PENDING, GateState.EXPIRED) for g in view.gates)


def explain(release: str, /, *, to: str, json: Json = False) -> int:
    """Say why a release may or may not enter a stage, and what would be done.

    Parameters
    ----------
    release
        SOLUTION@VERSION, or SOLUTION for its newest release.
    to
        Stage, or its environment.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(Explain(release, to))
    if json:
        emit(found)
        return 0
    say(f"{found.release} → {found.stage}: {'may enter' if found.allowed else 'not yet'} ({found.state})")
    for line in gate_lines(found.gates):
        say(line)
    if found.note:
        say(f"  last: {found.note}")
    if found.hindered:
        say(f"  {found.hindered}")
    for words in found.backports:
        say(f"  open: {words}")
    if found.plan:
        say("plan:")
        for number, line in enumerate(found.plan, 1):
            say(f"  {number}. {line}")
    for problem in found.problems:
        say(f"  ✗ pre-flight: {problem}")
    return 0


def inbox(*, everybody: bool = False, lapsed: bool = False, json: Json = False) -> int:
    """Show what waits for your decision, and what you asked for or decided that no longer stands.

    Parameters
    ----------
    everybody
        Show what waits for anybody.
    lapsed
        Show only what no longer stands.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        tasks = opened.run(ShowBackports(mine=True)) if not (lapsed or json) else ()
        gone = opened.run(ShowLapsed())
        views = opened.run(Inbox(everybody)) if not lapsed else ()
        owed = opened.run(ShowOwed(everybody)) if not lapsed else ()
    if json:
        emit(list(gone) if lapsed else [promotion_facts(v) for v in views])
        return 0
    for promotion in gone:
        say(f"{promotion.id}  {promotion.solution}@{promotion.version} → {promotion.stage} is void: {promotion.note}")
    if lapsed:
        return 0
    if not views and not owed:
        say("nothing waits for a decision" if everybody else "nothing waits for your decision")
    for view in views:
        _say_decision(view)
    for line in owed:
        say(line)
    for task in tasks:
        say(f"yours to bring into a release: {task.task.words} (lampway backport list)")
    return 0


_BACK_WORDS = {
    Reversibility.REVERSIBLE: "reversible",
    Reversibility.DATA_STEP: "reversible with a data step",
    Reversibility.FORWARD_ONLY: "forward-only: a rollback cannot take them back",
}


def _say_decision(view: PromotionView) -> None:
    """Print what an approver needs, in the order they ask for it."""
    p = view.promotion
    say(f"{p.id}  {p.solution}@{p.version} → {p.stage}, asked for by {p.requested_by} at {when(p.requested_at)}")
    if p.reason:
        say(f"  why: {p.reason}")
    if p.ticket:
        say(f"  change ticket: {p.ticket}")
    if view.may_decide:
        say(f"  not yours to decide: {view.may_decide}")
    say(f"  runs there now: {view.running or 'nothing'}; a rollback {_back(view)}")
    if view.diff is not None:
        lines = view.diff.summaries()
        say(f"  changes ({len(lines)}), {_BACK_WORDS[view.diff.reversibility]}:")
        for line in lines[:12]:
            say(f"    {line}")
        if len(lines) > 12:
            say(f"    and {len(lines) - 12} more: lampway diff {p.solution}@{view.running} {p.solution}@{p.version}")
    elif view.release is not None:
        say(f"  first deployment: {len(view.release.inventory.components)} components")
    edits = [done.words for done in edits_of(view)]
    checks = [f"check *{e.check}* {e.outcome} in {e.environment}: {e.summary}" for e in view.evidence]
    for line in (*edits, *(f"would be lost: {words}" for words in view.backports), *checks):
        say(f"  {line}")
    for line in (*gate_lines(view.gates), *duty_lines(view)):
        say(line)
    say(f"  decide: lampway approve {p.id}   or   lampway reject {p.id} --reason '...'")


def _back(view: PromotionView) -> str:
    return f"brings back {view.rollback}" if view.rollback else "removes it again"


def show(promotion: str, /, *, json: Json = False) -> int:
    """Show one promotion whole.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION] for the open one.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        view = opened.run(ShowPromotion(promotion))
    if json:
        facts = promotion_facts(view)
        facts["deployment"] = view.deployment
        emit(facts)
        return 0
    say_promotion(view)
    _say_decision(view)
    if view.deployment:
        say(f"  deployment {view.deployment.id}: {view.deployment.state}")
        for step in view.deployment.steps:
            say(f"    {step.name}: {step.state}, attempt {step.attempt}")
    return 0


def approve(
    promotion: str,
    /,
    *,
    reason: str = "",
    digest: str = "",
    on_behalf_of: Annotated[str, Parameter(name="--for")] = "",
    passphrase_file: str = "",
    json: Json = False,
) -> int:
    """Approve a promotion; if it was the last gate, the deployment starts.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION].
    reason
        For the record.
    digest
        Approve only if this still is the promotion's digest.
    on_behalf_of
        Whose place you take, where several people let you approve for them.
    passphrase_file
        A file that holds your key's passphrase; else LAMPWAY_PASSPHRASE, else you are asked.
    json
        Print the facts as JSON.
    """
    request = Decide(promotion, approved=True, reason=reason, digest=digest, on_behalf_of=on_behalf_of)
    return _decide(request, passphrase_file, as_json=json)


def reject(promotion: str, /, *, reason: str = "", passphrase_file: str = "", json: Json = False) -> int:
    """Reject a promotion, with a reason.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION].
    reason
        What must change.
    passphrase_file
        A file that holds your key's passphrase; else LAMPWAY_PASSPHRASE, else you are asked.
    json
        Print the facts as JSON.
    """
    return _decide(Decide(promotion, approved=False, reason=reason), passphrase_file, as_json=json)


def _decide(request: Decide, passphrase_file: str, *, as_json: bool) -> int:
    from lampway.cli.keys import sign, signature_line, what_is_missing

    with session(quiet=as_json) as opened:
        signed, why_not = sign(opened, request, passphrase_file)
        try:
            decided = opened.run(signed)
        except UnsignedError as error:
            raise what_is_missing(error, why_not) from None
        view = opened.run(ShowPromotion(decided.promotion))
        if as_json:
            emit(promotion_facts(view))
        else:
            word = "approved" if request.approved else "rejected"
            say(f"{word} {decided.solution}@{decided.version} → {decided.stage}")
            say(signature_line(why_not, signed=bool(signed.envelope)))
            say_promotion(view)
        return 0 if view.promotion.state is PromotionState.REJECTED else exit_code([view])


def abort(promotion: str, /, *, reason: str = "") -> int:
    """Take back a promotion that has not started, or give up a deployment that does not come to its end.

    What a deployment that is given up did is not known: look there, then `lampway reconcile`.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION].
    reason
        For the record; needed to give up a deployment.
    """
    with session() as opened:
        state = opened.run(Abort(promotion, reason))
        view = opened.run(ShowPromotion(promotion)) if state is PromotionState.RECONCILE else None
    if view is None:
        say(f"taken back: {promotion}")
        return 0
    p = view.promotion
    say(f"given up: {promotion}; look in {p.environment}, then say what happened:")
    say(f"  lampway reconcile {p.solution} --in {p.environment} --happened|--did-not-happen --reason '...'")
    return 0


def follow(
    opened: Session, promotions: Sequence[str], *, as_json: bool, beside: Mapping[str, object] | None = None
) -> int:
    """Print what became of promotions and return the exit code; as JSON, with other facts beside it."""
    views = [opened.run(ShowPromotion(p)) for p in promotions]
    if as_json:
        emit({**(beside or {}), "promotions": [promotion_facts(v) for v in views]})
    else:
        for view in views:
            say_promotion(view)
    return exit_code(views)
