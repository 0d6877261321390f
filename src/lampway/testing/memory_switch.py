"""Switching apps of the in-memory platform off and on, and what it knows about their use."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.domain.package import Edit
from lampway.engine.abilities import Usage
from lampway.engine.platform import Installed
from lampway.testing.memory_package import Package, read_package
from lampway.testing.world import App, World


def installed_apps(world: World, installed: Installed) -> list[App]:
    """Return the apps of what is installed that are there."""
    return [world.apps[app.id] for app in read_package(installed.package).apps if app.id in world.apps]


def switch(world: World, installed: Installed, *, on: bool) -> None:
    """Switch every app of what is installed; what is so already stays."""
    for app in installed_apps(world, installed):
        if app.is_on is not on:
            app.is_on = on
            world.switched.append((app.id, on))
            world.revision += 1


def switch_edits(world: World, package: Package, installed: Installed) -> Iterator[Edit]:
    """Yield apps that somebody switched on or off, past what was recorded."""
    for app in package.apps:
        live = world.apps.get(app.id)
        if live is not None and live.is_on is not installed.is_on:
            yield Edit(f"app {app.name}", f"{app.name} was switched {'on' if live.is_on else 'off'}")


def usage_of(world: World, installed: Installed) -> Usage:
    """Return when an app ran last and when one was saved last."""
    apps = installed_apps(world, installed)
    ids = {app.id for app in apps}
    return Usage(
        last_run=max((run.at for run in world.executions if run.app in ids), default=""),
        last_change=max((app.saved_at for app in apps), default=""),
    )
