"""Judging every decision once more, with the very functions the engine judges with, from nothing but the file's rows.

Absence never allows: a start without its judgement, a judgement whose facts are not those the engine signed, and a
gate that does not open are all faults.
"""

from __future__ import annotations

from collections.abc import Iterator

from lampway.domain import attestation as kinds
from lampway.domain import events
from lampway.domain.events import Recorded
from lampway.domain.gates import judge
from lampway.domain.judged import gates_of, parts_of
from lampway.domain.judgement import OPENING, Eligibility, Facts, GateResult, GateState
from lampway.domain.promotion import DeploymentKind, Promotion
from lampway.domain.rights import objection
from lampway.engine.dossier import Dossier
from lampway.engine.relive import Look


def check_judgements(file: Dossier, looks: tuple[Look, ...]) -> Iterator[str]:
    """Yield every deployment that what was known then does not allow."""
    for row, _, promotion in file.started():
        place = f"{promotion.stage}, promotion {promotion.id}"
        if promotion.bound.release != file.release.digest:
            yield f"promotion {promotion.id} is bound to another release"
        look = _start_of(looks, row, promotion)
        if look is None:
            yield f"{place}: nothing says that it was judged before it began"
        elif look.facts is None:
            yield f"{place}: its stage was not in the rules in force"
        else:
            judged = judge(look.facts)
            closed = [f"{gate.gate} {gate.state}: {gate.reason}" for gate in judged.closed]
            yield from (f"{place}: {reason}" for reason in closed or ([] if judged.gates else ["no gate at all"]))
            yield from (f"{place}: {reason}" for reason in _moved(look))
            yield from (f"{place}: {reason}" for reason in _unlike(file, row, look, judged))


def check_duties(file: Dossier, looks: tuple[Look, ...]) -> Iterator[str]:
    """Yield everybody whose yes was taken although they made it, asked for it or may not decide."""
    started = {promotion.id: row.seq for row, _, promotion in file.started()}
    for look in looks:
        event, facts = look.row.event, look.facts
        if not isinstance(event, events.DecisionMade) or look.row.seq > started.get(look.promotion.id, 0):
            continue
        place = f"{look.promotion.stage}, promotion {look.promotion.id}"
        rules = facts.stage.rules_of("approval") if facts else ()
        reasons = [objection(rule, facts, event.decision.by) for rule in rules] if facts else []
        if not reasons:
            yield f"{place}: {event.decision.by} decided where no approval is asked for"
        elif all(reasons):
            yield f"{place}: {reasons[0]}"


def judged_starts(file: Dossier, looks: tuple[Look, ...]) -> Iterator[tuple[Promotion, Facts, Eligibility]]:
    """Yield how every start was judged, for those who tell of it."""
    for row, _, promotion in file.started():
        look = _start_of(looks, row, promotion)
        if look is not None and look.facts is not None:
            yield promotion, look.facts, judge(look.facts)


def remarks(file: Dossier, looks: tuple[Look, ...]) -> Iterator[str]:
    """Yield what opened a gate where it was anything else than that everything was as it should be."""
    for promotion, _, judged in judged_starts(file, looks):
        for gate in judged.gates:
            yield from (f"{promotion.stage}: {words}" for words in _words(gate))


def _words(gate: GateResult) -> Iterator[str]:
    """Yield what to know of an open gate and of those it is made of."""
    if gate.state is GateState.WAIVED:
        otherwise = f"; without that it is {gate.original}" if gate.original else ""
        yield f"gate {gate.gate} did not pass, it was {gate.reason}{otherwise}"
    elif gate.state is GateState.WARNED or (gate.gate in {"approval", "named-person"} and gate.state in OPENING):
        yield f"gate {gate.gate} {gate.state}: {gate.reason}"
    for part in gate.parts:
        yield from _words(part)


def _start_of(looks: tuple[Look, ...], row: Recorded, promotion: Promotion) -> Look | None:
    """Return the look at the judgement by which a deployment began: the last one before its row."""
    found = (k for k in reversed(looks) if k.row.seq < row.seq and k.promotion.id == promotion.id)
    return next((k for k in found if isinstance(k.row.event, events.PromotionMoved)), None)


def _moved(look: Look) -> Iterator[str]:
    """Yield what a forward promotion was bound to and what was no longer so when it began.

    The digest of the rules is left to the approvals that were signed over it: how it is made may change.
    """
    bound, ground = look.promotion.bound, look.ground
    if look.promotion.kind is not DeploymentKind.FORWARD or ground is None:
        return
    for part in bound.changed_since(ground):
        if part != "the rules that govern this stage":
            yield f"changed since it was asked for: {part}"


def _unlike(file: Dossier, row: Recorded, look: Look, judged: Eligibility) -> Iterator[str]:
    """Yield where the judgement, or what it was made from, is not what the engine recorded and signed at the time."""
    event, facts = look.row.event, look.facts
    if facts is None or not isinstance(event, events.PromotionMoved):
        return
    if [{"gate": g.get("gate"), "state": g.get("state")} for g in event.gates] != gates_of(judged):
        yield "the gates that were recorded are not what comes of judging again"
    said = [s[2].predicate for s in file.statements(kinds.SUMMARY, look.promotion.id) if s[0].seq > row.seq]
    basis = said[0].get(kinds.JUDGED) if said else None
    if not isinstance(basis, dict):
        yield "no summary says what was judged, and from what"
        return
    if (basis.get("at"), basis.get("gates")) != (facts.now, gates_of(judged)):
        yield "the summary tells of another judgement"
    parts, found = basis.get("parts"), parts_of(facts)
    names = sorted(found.keys() | (parts.keys() if isinstance(parts, dict) else set()))
    differing = [name for name in names if not isinstance(parts, dict) or parts.get(name) != found.get(name)]
    if differing:
        yield f"the engine judged from other facts than the file tells: {', '.join(differing).replace('_', ' ')}"
