"""What going back would destroy: tables and columns that go, with whatever people have written into them by then."""

from __future__ import annotations

from lampway.domain.package import Reversibility
from lampway.domain.release import Release
from lampway.engine.abilities import DataHolding
from lampway.engine.context import Engine
from lampway.errors import LampwayError

_UNTOLD = "data that the platform cannot bring back"


def loss_between(engine: Engine, release: Release | None, running: str, target: str) -> tuple[str, ...]:
    """Return in words what is destroyed where the package `running` gives way to `target`; empty where nothing is.

    Both are digests of packages; `release` is the one that runs. What cannot be compared is told as a loss.
    """
    if release is None or running == target:
        return ()
    form = engine.platform(release.package.platform).format
    try:
        change = form.diff(engine.packages.get(running), engine.packages.get(target))
    except LampwayError as error:
        return (f"it cannot be told what is lost: {error}",)
    return (change.notes or (_UNTOLD,)) if change.reversibility is Reversibility.FORWARD_ONLY else ()


def loss_of_removal(engine: Engine, release: Release | None, package: str) -> tuple[str, ...]:
    """Return in words what is destroyed where a package, given by its digest, is taken out; empty where nothing is."""
    form = engine.platform(release.package.platform).format if release is not None else None
    if not isinstance(form, DataHolding):
        return ()
    try:
        return tuple(f"{name}, with its data" for name in form.holds_data(engine.packages.get(package)))
    except LampwayError as error:
        return (f"it cannot be told what is lost: {error}",)
