"""What a release would change in a stage, since what runs there now: in words, and as pictures. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.events import Actor
from lampway.domain.graph import Picture, pictures
from lampway.domain.package import Diff
from lampway.domain.release import Release
from lampway.engine.abilities import Drawable
from lampway.engine.context import Engine, Request, find_release, rules_in_force
from lampway.engine.facts import configuration_for, installed, releases_between
from lampway.engine.platform import PackageFormat


@dataclass(frozen=True, slots=True)
class Brought:
    """A release whose content would arrive, with what was said about it."""

    version: str
    sealed_by: str
    note: str
    edited: tuple[str, ...] = ()
    """How its package was edited after its export, one line each; empty where the bytes are those of the platform."""


@dataclass(frozen=True, slots=True)
class ChangeView:
    """What would change in an environment."""

    solution: str
    version: str
    stage: str
    environment: str
    running: str
    """The version that runs there now; empty for none."""
    brings: tuple[Brought, ...]
    """Every release whose content would arrive, also those that were skipped there; oldest first."""
    diff: Diff
    configuration: tuple[str, ...]
    """What becomes different in what the environment gives, one line each; values are not told."""
    pictures: tuple[Picture, ...]
    """The canvases that differ; empty where the platform's packages cannot be drawn."""
    can_draw: bool


@dataclass(frozen=True, slots=True)
class ShowChange(Request[ChangeView]):
    """Ask what a release would change in a stage, since what runs there now."""

    release: str
    """`solution@version`, or `solution` for its newest release."""
    to: str
    """Name of a stage or of its environment."""


def show_change(engine: Engine, request: ShowChange, actor: Actor) -> ChangeView:
    """Return what separates what runs there from the release, over everything skipped. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        release = find_release(reading, request.release)
        stage = strategy.stage(release.solution, request.to, hotfix=bool(release.hotfix))
        here = installed(reading, stage.environment, release.solution)
        between = releases_between(reading, here, release)
        given, _ = configuration_for(strategy, stage, release)
    form = engine.platform(release.package.platform).format
    new = engine.packages.get(release.package.digest)
    old = engine.packages.get(here.package) if here else None
    diff = compare(form, old, new)
    return ChangeView(
        solution=release.solution,
        version=release.version,
        stage=stage.name,
        environment=stage.environment,
        running=here.version if here else "",
        brings=tuple(map(brought, between)),
        diff=diff,
        configuration=values_between(here.configuration if here else ConfigurationSet(), given),
        pictures=draw(form, old, new, diff),
        can_draw=isinstance(form, Drawable),
    )


def brought(release: Release) -> Brought:
    """Return what is said about a release whose content would arrive."""
    edited = dict.fromkeys(f"{t.kind}: {blank.place}" for t in release.transformations for blank in t.blanked)
    return Brought(release.version, release.sealed_by, release.note, tuple(edited))


def compare(form: PackageFormat, old: bytes | None, new: bytes) -> Diff:
    """Return what separates two packages; of nothing, everything is added."""
    return form.diff(old, new) if old is not None else Diff(added=form.inspect(new).inventory.components)


def draw(form: PackageFormat, old: bytes | None, new: bytes, diff: Diff) -> tuple[Picture, ...]:
    """Return the canvases that differ between two packages; none where they cannot be drawn."""
    if not isinstance(form, Drawable):
        return ()
    return pictures(form.draw(old) if old is not None else (), form.draw(new), diff)


def values_between(now: ConfigurationSet, then: ConfigurationSet) -> tuple[str, ...]:
    """Return in words what one configuration gives otherwise than another. No value is told."""
    return (
        *_lines("variable", now.variables, then.variables, "another value"),
        *_lines("connection", now.connections, then.connections, "other references"),
    )


def _lines(what: str, now: Mapping[str, object], then: Mapping[str, object], other: str) -> list[str]:
    lines = []
    for name in sorted(now.keys() | then.keys()):
        if name not in now:
            lines.append(f"{what} *{name}* is given for the first time")
        elif name not in then:
            lines.append(f"{what} *{name}* is no longer given")
        elif now[name] != then[name]:
            lines.append(f"{what} *{name}* gets {other}")
    return lines
