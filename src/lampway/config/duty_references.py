"""What must fit together in what a stage asks of people: roles, evidence, and whether anybody can give it."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.config.document import Document, Path
from lampway.config.role_section import held_roles
from lampway.config.section import closest
from lampway.errors import Mistake


def check_duties(strategy: Document, people: Document, stage: Path) -> Iterator[Mistake]:
    """Yield every mistake in waivers, checklist and the finer terms of approvals of one stage."""
    for path, role in strategy.items(*stage, "waivers", "roles"):
        yield from _role(strategy, path, role)
    yield from _checklist(strategy, stage)
    for path, _ in strategy.items(*stage, "gates"):
        if strategy.at(*path, "gate") == "approval":
            yield from _approval(strategy, people, stage, path)


def _role(strategy: Document, path: Path, role: object) -> Iterator[Mistake]:
    known = strategy.words("roles")
    if known is not None and isinstance(role, str) and role not in known:
        yield strategy.mistake(path, f"unknown role: {role[:80]}", closest(role, known) or "add it to roles")


def _kinds(strategy: Document, stage: Path) -> tuple[str, ...]:
    return tuple(str(strategy.at(*path, "gate")) for path, _ in strategy.items(*stage, "gates"))


def _checklist(strategy: Document, stage: Path) -> Iterator[Mistake]:
    kinds = _kinds(strategy, stage)
    items = strategy.items(*stage, "checklist")
    if items and "checklist" not in kinds:
        message = "the checklist is asked for by no gate"
        yield strategy.mistake((*stage, "checklist"), message, "add `- gate: checklist` to the gates", at_key=True)
    if "checklist" in kinds and not items:
        place = (*stage, "gates", kinds.index("checklist"), "gate")
        yield strategy.mistake(place, "the gate checklist has no checklist to judge", "give the stage a `checklist`")
    seen: set[str] = set()
    for path, _ in items:
        name, by = strategy.at(*path, "item"), strategy.at(*path, "by")
        if isinstance(name, str) and name in seen:
            yield strategy.mistake((*path, "item"), f"item given twice: {name[:80]}", "give each item its own name")
        seen.add(str(name))
        if by in ("maker", "release-manager", "approver"):
            yield from _role(strategy, (*path, "by"), by)
        yield from _evidence(strategy, path, kinds)


def _evidence(strategy: Document, path: Path, kinds: tuple[str, ...]) -> Iterator[Mistake]:
    gate = strategy.at(*path, "gate")
    known = tuple(kind for kind in kinds if kind not in ("checklist", "approval"))
    if isinstance(gate, str) and gate not in known:
        hint = closest(gate, known)
        yield strategy.mistake((*path, "gate"), f"no gate of this stage that is evidence: {gate[:80]}", hint)


def _approval(strategy: Document, people: Document, stage: Path, path: Path) -> Iterator[Mistake]:
    for want, _ in strategy.items(*path, "require"):
        yield from _role(strategy, (*want, "role"), strategy.at(*want, "role"))
        yield from _holders(strategy, people, want)
    kinds = _kinds(strategy, stage)
    for name in strategy.names(*path, "risk") or ():
        if strategy.at(*path, "risk", name, "approvals") == 0 and "checks" not in kinds:
            message = f"the risk class {name} goes on evidence alone, but no gate asks for any"
            yield strategy.mistake((*path, "risk", name), message, "add `- gate: checks` to the stage", at_key=True)
    if strategy.at(*path, "solo") is None:
        return
    team = people.names("people") or ()
    if len(team) > 1:
        message = f"solo is for a team of one, but people.yaml names {len(team)}"
        yield strategy.mistake((*path, "solo"), message, "take it out: somebody else can approve", at_key=True)
    if "checks" not in kinds:
        message = "solo goes on evidence, but no gate asks for any"
        yield strategy.mistake((*path, "solo"), message, "add `- gate: checks` to the stage", at_key=True)


def _holders(strategy: Document, people: Document, want: Path) -> Iterator[Mistake]:
    role, count = strategy.at(*want, "role"), strategy.at(*want, "count")
    needed = count if isinstance(count, int) else 1
    team = people.names("people")
    known = strategy.words("roles")
    if team is None or not isinstance(role, str) or (known is not None and role not in known):
        return
    able = [person for person in team if role in held_roles(people, person)]
    if len(able) < needed:
        who = f"only {', '.join(able)}" if able else "nobody"
        place = (*want, "role")
        yield strategy.mistake(place, f"{needed} of {role} must approve, but {who} holds it", "give it to more people")
