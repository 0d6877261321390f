"""Ask the platform itself, before anything changes, whether it would take a package: what it finds, as problems."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lampway.engine.platform import Problem
from lampway.errors import PlatformError
from lampway.platforms.powerplatform.client import Client

_PASSED = {"passed", "completed"}
"""What the status of a good staging is called; sources disagree, so both words count."""
_HARMLESS = ("warn", "info")


@dataclass(frozen=True, slots=True)
class Staged:
    """What staging a package told."""

    upload: str
    """Under which id the platform keeps the package; empty where it does not say."""
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def stage(client: Client, package: bytes) -> Staged:
    """Let the platform judge a package. Changes nothing there. Raises PlatformRefusedError, PlatformError."""
    body = {"CustomizationFile": base64.b64encode(package).decode()}
    told = client.action("StageSolution", body, is_change=False).get("StageSolutionResults")
    if not isinstance(told, dict):
        raise PlatformError("answers the staging of a package with no results", where=client.where)
    problems = [*_pending(told), *_missing(told)]
    notes = []
    for harmless, text in _validation(told):
        if harmless:
            notes.append(text)
        else:
            problems.append(Problem(f"the platform would refuse it: {text}", "mend it where it is built"))
    status = str(told.get("StageSolutionStatus") or "")
    if status.casefold() not in _PASSED and not problems:
        problems.append(Problem(f"the platform would refuse it: staging ended as {status[:60] or 'nothing'}"))
    return Staged(str(told.get("StageSolutionUploadId") or ""), tuple(problems), tuple(notes))


def _pending(told: Mapping[str, Any]) -> Iterator[Problem]:
    details = told.get("SolutionDetails")
    if isinstance(details, dict) and details.get("HasPendingUpgrade"):
        name = details.get("SolutionUniqueName")
        yield pending_upgrade(str(name))


def pending_upgrade(name: str) -> Problem:
    """Return the problem of an upgrade that was begun and neither ended nor given up."""
    hint = f"in the list of solutions there, apply the upgrade of {name}, or delete {name}_Upgrade"
    return Problem(f"an upgrade of {name} was begun there and not ended", hint)


def _missing(told: Mapping[str, Any]) -> Iterator[Problem]:
    needed: dict[tuple[str, str], str] = {}
    for one in told.get("MissingDependencies") or ():
        if isinstance(one, dict):
            name = one.get("RequiredComponentSchemaName") or one.get("RequiredComponentDisplayName")
            name = str(name or one.get("RequiredComponentId") or "something")
            solution = str(one.get("RequiredSolutionName") or "")
            user = one.get("DependentComponentDisplayName") or one.get("DependentComponentSchemaName") or ""
            needed.setdefault((name, solution), str(user))
    for (name, solution), user in needed.items():
        source = "no solution brings it: it is unmanaged where this was built"
        origin = "" if solution in {"", "Active"} else f" of {solution}"
        source = f"it is in {solution}" if origin else source
        used = f", which {user} needs" if user else ""
        yield Problem(f"{name}{origin} is missing there{used}", f"install it there first ({source})")


def _validation(told: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    for one in told.get("SolutionValidationResults") or ():
        if isinstance(one, dict):
            kind = str(one.get("SolutionValidationResultType") or "")
            words = " ".join(str(one.get("Message") or one.get("AdditionalInfo") or kind).split())[:400]
            code = one.get("ErrorCode")
            yield kind.casefold().startswith(_HARMLESS), words + (f" ({code})" if code else "")
