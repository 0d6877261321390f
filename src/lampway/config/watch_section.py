"""What a stage does in the time after a deployment: the part `watch` of a stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lampway.config.document import Document, Path
from lampway.config.section import Name, Section, Unique, closest, fault
from lampway.config.solution_file import HttpSection
from lampway.config.spans import Span
from lampway.domain.health import LOOKS, Probe, WatchRule
from lampway.errors import Mistake


class WatchSection(Section):
    """How long a release is watched after it was verified, by what, and what happens when it does badly."""

    length: Span | None = Field(alias="for", default=None)
    """How long, such as 10m. Without this key: only the verification right after the deployment counts."""
    every: Span = Field(default=30.0, validate_default=False)
    """How often somebody looks, such as 30s."""
    checks: Annotated[list[Name], Unique] = Field(default=[])
    """Checks of the solution that are run again at every look."""
    probes: list[HttpSection] = Field(default=[])
    """Requests to be made at every look, each with the answer that shows health."""
    failed_executions: int | None = Field(default=None, ge=0)
    """How many executions may fail meanwhile, on platforms that count them. Without this key: nobody asks."""
    failures: int = Field(default=2, ge=1, le=20)
    """How many bad looks in a row mean that it failed."""
    then: Literal["stop", "rollback"] = "stop"
    """What happens when verification or watch fails: stop and ask people, or go back to the release before."""

    @model_validator(mode="after")
    def _makes_sense(self) -> WatchSection:
        looks = bool(self.checks or self.probes or self.failed_executions is not None)
        if self.length is None:
            if looks:
                raise fault("a watch needs to know for how long", "add `for`, as in: for: 10m")
            if self.then == "stop":
                raise fault("a watch that says nothing", "add `for` and `probes`, or `then: rollback`")
            return self
        if not looks:
            raise fault("a watch needs something to look at", "add `probes`, or `checks` by name")
        if self.every > self.length:
            raise fault("a watch is over before its first look", "let `every` be shorter than `for`")
        if self.length / self.every > LOOKS:
            raise fault(f"a watch takes at most {LOOKS} looks, this one more", "let `every` be longer")
        return self

    def to_domain(self) -> WatchRule:
        """Return the rule."""
        return WatchRule(
            length=self.length or 0.0,
            every=self.every,
            checks=tuple(self.checks),
            probes=tuple(Probe(f"probe {_place(p)}", p.to_domain()) for p in self.probes),
            failed_executions=self.failed_executions,
            failures=self.failures,
            then=self.then,
        )


def _place(probe: HttpSection) -> str:
    return f"{probe.method} {probe.path or probe.url}"


def check_watch(strategy: Document, solutions: Mapping[str, Document], stage: Path) -> Iterator[Mistake]:
    """Yield checks that no solution on this path runs by itself, and so cannot be run again."""
    pipeline = stage[1] if len(stage) > 1 else ""
    known = tuple(
        dict.fromkeys(
            str(document.at(*check, "name"))
            for document in solutions.values()
            if document.at("pipeline") == pipeline
            for check, _ in document.items("checks")
            if not document.at(*check, "attested")
        )
    )
    for place, name in strategy.items(*stage, "watch", "checks"):
        if solutions and isinstance(name, str) and name not in known:
            yield strategy.mistake(place, f"no solution on this path runs a check {name[:80]}", closest(name, known))
