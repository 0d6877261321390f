"""Commands to govern with: strategy, audit, history, platforms, doctor."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway import __version__
from lampway.app import (
    LocalSession,
    Platforms,
    cache_folder,
    find_root,
    key_path,
    load_working_strategy,
    strategy_changes,
    strategy_effects,
)
from lampway.cli.keys import lines_for, own_public_key
from lampway.cli.output import emit, paint, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session, today, working_folder
from lampway.cli.worker import worker_line
from lampway.domain.capability import Capability
from lampway.domain.cautions import cautions
from lampway.engine.audit import Audit, History
from lampway.engine.locks import ShowLocks
from lampway.engine.strategy import ApplyStrategy
from lampway.engine.workers import ShowWorkers
from lampway.errors import LampwayError


def strategy_check(*, json: Json = False) -> int:
    """Check the governance files as they lie there: every mistake at once, with its place and a hint.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    strategy = load_working_strategy(find_root(working_folder()))
    counts = {
        "tiers": len(strategy.tiers),
        "environments": len(strategy.environments),
        "pipelines": len(strategy.pipelines),
        "people": len(strategy.people),
        "solutions": len(strategy.solutions),
    }
    warnings = cautions(strategy)
    if json:
        emit({"valid": True, **counts, "warnings": warnings})
    else:
        say("valid: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        for text in warnings:
            say(f"  note: {text}")
    return 0


def strategy_diff(*, json: Json = False) -> int:
    """Show what the files as they lie there would change in the rules in force.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    root = find_root(working_folder())
    changes, meaning = strategy_changes(root), strategy_effects(root)
    if json:
        emit({"changes": changes, "effects": meaning})
        return 0
    for line in changes or ("the files say what is in force",):
        say(line)
    if meaning:
        say()
        say(paint("what it means", "1"))
        for line in meaning:
            say(f"  {line}")
    return 0


def strategy_apply(
    revision: str = "HEAD", /, *, message: Annotated[str, Parameter(alias="-m")] = "", json: Json = False
) -> int:
    """Put the governance files of a commit in force.

    Parameters
    ----------
    revision
        The commit.
    message
        Commit the governance files as they lie there first, with this message.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        view = opened.run(ApplyStrategy(revision, message))
    if json:
        emit(view)
        return 0
    if not view.changes:
        say(f"in force already: {view.commit[:12]}")
    else:
        say(f"in force: {view.commit[:12]}")
        for line in view.changes:
            say(f"  {line}")
    return 0


def history(solution: str = "", /, *, limit: int = 50, everything: bool = False, json: Json = False) -> int:
    """Read the ledger, newest last.

    Parameters
    ----------
    solution
        Only what speaks of this one.
    limit
        At most so many lines.
    everything
        Also each step of a deployment, and each look that found nothing new.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        lines = opened.run(History(solution, limit, everything))
    if json:
        emit(lines)
        return 0
    for line in lines:
        proof = "" if line.authenticated else "?"
        say(f"{line.seq:>5}  {when(line.at)}  {line.who + proof:<14}  {line.what}")
    if any(not line.authenticated for line in lines):
        say("? who this was is not proved")
    return 0


def platforms(*, json: Json = False) -> int:
    """Show what each platform can do here.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    found = {name: platform.capabilities() for name, platform in Platforms().items()}
    if json:
        emit([{"platform": name, "capabilities": [_facts(c) for c in listed]} for name, listed in found.items()])
        return 0
    for name, listed in found.items():
        say(name)
        table([(f"  {c.name}", str(c.support), c.note) for c in listed], ("  ability", "support", "note"))
    return 0


def _facts(capability: Capability) -> dict[str, str]:
    return {"name": str(capability.name), "support": str(capability.support), "note": capability.note}


def doctor(*, json: Json = False) -> int:
    """Look whether everything Lampway needs is there. Exits with 1 when something is not.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    checks = [
        ("lampway", True, __version__),
        ("python", True, sys.version.split()[0]),
        ("git", shutil.which("git") is not None, shutil.which("git") or "not found: install git"),
        ("platforms", len(Platforms()) > 0, ", ".join(Platforms()) or "none installed"),
        ("cache", True, str(cache_folder())),
    ]
    checks += _workspace()
    if json:
        emit([{"check": name, "ok": ok, "detail": detail} for name, ok, detail in checks])
    else:
        for name, ok, detail in checks:
            say(f"{paint('✓', '32') if ok else paint('✗', '31')} {name}: {detail}")
    return 0 if all(ok for _, ok, _ in checks) else 1


def _key(root: Path, name: str) -> list[tuple[str, bool, str]]:
    """Say whether somebody can sign on this machine, where their approval counts only when it is signed."""
    strategy = load_working_strategy(root)
    person, public = strategy.person(name), own_public_key()
    if person is None:
        return [("key", True, f"none needed: {name} is nobody in people.yaml")]
    stages = [stage for pipeline in strategy.pipelines for stage in pipeline.every_stage]
    rules = [rule for stage in stages for rule in stage.rules_of("approval") if rule.signed]
    if public and any(key.key == public and key.is_valid(today()) for key in person.keys):
        return [("key", True, f"signs as {person.id}: {key_path()}")]
    if not any(person in strategy.holders(rule.roles, rule.people) for rule in rules):
        return [("key", True, f"none needed: nothing asks {person.id} for a signature")]
    lines = f"; below {person.id} in people.yaml belongs: {' '.join(line.strip() for line in lines_for(public))}"
    cure = f"lampway key show --add{lines}" if public else "lampway key create --add"
    missing = f"{key_path()} is none of theirs in people.yaml" if public else "no key here"
    return [("key", False, f"{missing}, and what {person.id} approves counts only when it is signed: {cure}")]


def _locks(opened: LocalSession) -> tuple[str, bool, str]:
    """Say from the records whether makers can edit where they must not, or nobody has reviewed that they could."""
    locks = [seen for seen in opened.run(ShowLocks()) if seen.must]
    wrong = [words for seen in locks for words in seen.remarks]
    never = [seen.environment for seen in locks if not seen.at]
    told = [f"{seen.environment} is {seen.state}" for seen in locks if seen.at]
    told += [f"nobody has looked at {', '.join(never)}: lampway lock"] if never else []
    return "locks", not wrong, "; ".join(wrong or told) or "no tier asks for one"


def _workspace() -> list[tuple[str, bool, str]]:
    try:
        root = find_root(working_folder())
    except LampwayError as error:
        return [("strategy", True, f"{error.message}; {error.hint}")]
    found = []
    try:
        load_working_strategy(root)
        found.append(("strategy", True, str(root)))
    except LampwayError as error:
        found.append(("strategy", False, f"{error.message}; lampway strategy check"))
    opened = LocalSession(root)
    try:
        verdict = opened.run(Audit())
        found.append(("ledger", not verdict.damage, f"{verdict.events} events, {len(verdict.damage)} damaged"))
        found.append(_locks(opened))
        working = opened.run(ShowWorkers())
        found.append(("workers", True, worker_line(working)))
        actor = opened.actor()
        found.append(("you", True, f"{actor.person}, known by {actor.via}, not proved"))
        found += _key(root, actor.person) if found[0][1] else []
    except LampwayError as error:
        found.append(("state", False, str(error)))
    finally:
        opened.close()
    return found
