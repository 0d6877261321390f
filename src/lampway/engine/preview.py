"""What a release of dev would hold, before it is made: nothing is committed, sealed or asked for."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.events import Actor
from lampway.domain.graph import Picture
from lampway.domain.package import Diff, Finding
from lampway.domain.transformation import Blank
from lampway.engine.blanking import BLOCKING, blanks_of, offered
from lampway.engine.context import Engine, Request
from lampway.engine.picture import compare, draw
from lampway.engine.release import MakeRelease, find_faults, look_at_built, propose_version, with_source_faults


@dataclass(frozen=True, slots=True)
class Preview:
    """What a release would hold."""

    solution: str
    environment: str
    """Where it is built."""
    last: str
    """The newest version there is; empty for none."""
    version: str
    """The version that it would get; empty where nothing changed."""
    diff: Diff
    """Since the newest release; of a first one, everything is added."""
    pictures: tuple[Picture, ...]
    blocking: tuple[Finding, ...]
    """What must be mended before it can be released."""
    findings: tuple[Finding, ...]
    """What else was found."""
    notes: tuple[str, ...]
    fingerprint: str
    """Of what is there; given to `MakeRelease`, it releases this and nothing else."""
    stages: tuple[str, ...]
    """Where it may be asked to go, in the order of the path."""
    offered: tuple[Blank, ...] = ()
    """What blocks it and could be taken out of the package."""
    blanked: tuple[Blank, ...] = ()
    """What was taken out of what is shown here, and would be out of the release."""


@dataclass(frozen=True, slots=True)
class PreviewRelease(Request[Preview]):
    """Ask what a release of what is in dev now would hold."""

    solution: str
    blank_defaults: bool = False
    """Show it without the values that dev left in as defaults."""


def preview_release(engine: Engine, request: PreviewRelease, actor: Actor) -> Preview:
    """Export, compare and scan; keep nothing. Raises NotFoundError, PlatformError."""
    del actor
    built = look_at_built(engine, request.solution, blank=request.blank_defaults)
    form, package = built.platform.format, built.package
    old = engine.packages.get(built.last.package.digest) if built.last else None
    diff = built.diff or compare(form, old, package)
    findings = with_source_faults(engine, built.platform, built.forms, find_faults(engine, built.inspection))
    _, version = propose_version(MakeRelease(built.solution.name), built)
    return Preview(
        solution=built.solution.name,
        environment=built.environment.name,
        last=built.last.version if built.last else "",
        version="" if built.is_unchanged else version,
        diff=diff,
        pictures=draw(form, old, package, diff),
        blocking=tuple(f for f in findings if f.severity in BLOCKING),
        findings=tuple(f for f in findings if f.severity not in BLOCKING),
        notes=built.notes,
        fingerprint=built.seen,
        stages=tuple(s.name for s in built.strategy.pipeline_of(built.solution.name).stages),
        offered=() if built.is_blanked else offered(form, built.forms, findings),
        blanked=blanks_of(built.edits),
    )
