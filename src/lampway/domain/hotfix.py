"""Hotfixes: a mend of exactly what runs at the end of a path, brought there by a short path of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from lampway.domain.judgement import Facts, GateResult, GateState
from lampway.domain.release import bump


class HotfixState(StrEnum):
    """Where a hotfix stands."""

    OPEN = "open"
    DONE = "done"
    """Its release runs where it was to run."""
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Hotfix:
    """A mend that is under way."""

    id: str
    solution: str
    environment: str
    """Where it is to run: the end of the path."""
    version: str
    """What runs there, and is mended."""
    reason: str
    by: str
    at: str
    place: str
    """Where it is built: a sandbox, or the environment where makers build."""
    is_sandbox: bool
    state: HotfixState = HotfixState.OPEN
    releases: tuple[str, ...] = ()
    """Versions that were made of it; the last one counts."""
    backport: str = ""
    """Id of the task to bring it back into the path."""
    ended_at: str = ""
    note: str = ""


def next_version(base: str, taken: Collection[str]) -> str:
    """Return the version of a mend of `base`: the next patch that no release has."""
    version = bump(base, "patch")
    while version in taken:
        version = bump(version, "patch")
    return version


def short_path(facts: Facts) -> tuple[GateResult, ...]:
    """Return why a release may not take the short path; nothing where it may, or takes the whole one.

    It is there for hotfixes only, and for those that were made from exactly what runs at its end.
    """
    pipeline = facts.strategy.pipeline_of(facts.solution)
    if facts.stage not in pipeline.hotfix:
        return ()
    end = pipeline.hotfix[-1].environment
    release = facts.release
    if not release.hotfix:
        reason = f"stage {facts.stage.name} is for hotfixes, and {release.name} is none"
        way = f"lampway promote {release.name} --to {facts.stage.environment}"
        return (GateResult("hotfix", GateState.FAILED, reason, way),)
    here = [i for i in facts.installations if (i.environment, i.solution) == (end, facts.solution)]
    runs = here[0].version if here else "nothing of it"
    if runs in (release.previous, release.version):
        return ()
    reason = f"it was made from {release.previous}, and {runs} runs in {end} now"
    again = f"begin again: lampway hotfix {facts.solution} --in {end} --reason '...'"
    return (GateResult("hotfix", GateState.FAILED, reason, again),)
