"""Looking at the in-memory product: what of a world belongs to a solution, and how it differs from what was given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lampway.domain.configuration import EXTERNAL, ConfigurationSet
from lampway.domain.digest import digest
from lampway.domain.package import Component, Edit, Scope
from lampway.engine.platform import Installed, Problem, Wanted
from lampway.errors import NotFoundError
from lampway.testing.memory_package import Package, names_in, read_package
from lampway.testing.world import App, World


def in_scope(world: World, scope: Scope, *, lenient: bool = False) -> list[App]:
    """Return the apps of a solution, by id. Raises NotFoundError for a name that no app has, unless lenient."""
    found = []
    for name in scope.contains:
        matches = [app for app in world.apps.values() if name in {app.name, app.id}]
        if not matches and not lenient:
            known = ", ".join(app.name for app in world.apps.values()) or "none"
            raise NotFoundError(f"no app named *{name}*", where=world.url, hint=f"there is: {known}")
        found += matches
    return sorted(found, key=lambda app: app.id)


def troubles(world: World, app: App) -> Iterator[str]:
    """Yield why parts of an app cannot run there. The live values and passwords are not told."""
    live = world.apps.get(app.id)
    if live is None:
        yield f"app {app.name} is not there"
        return
    for part in live.parts:
        values = [name for name in sorted(names_in(part)) if name not in live.values]
        yield from (f"part {part.name}: {name} has no value" for name in values)
        if part.account and part.account not in live.passwords:
            yield f"part {part.name}: {part.account} has no password"
        if part.plugin and part.plugin not in world.plugins:
            yield f"part {part.name}: plug-in {part.plugin} is not installed"


def bare(app: App) -> App:
    """Return an app without what its world gives it."""
    return App(app.id, app.name, app.parts)


def top(app: App) -> Component:
    """Return an app as a container."""
    return Component("app", app.name, app.id, digest(app.name))


def live(world: World, package: Package) -> Package:
    """Return the package as it would be if it were exported now."""
    return replace(package, apps=tuple(bare(world.apps[a.id]) for a in package.apps if a.id in world.apps))


def edits(world: World, package: Package, installed: Installed) -> Iterator[Edit]:
    """Yield values that differ from what was given, and passwords that are gone. The live value is not told."""
    for app in package.apps:
        if app.id not in world.apps:
            continue
        live, wanted_values = world.apps[app.id], given(app, package, installed.configuration)
        for name in sorted(live.values.keys() | wanted_values.keys()):
            if live.values.get(name) != wanted_values.get(name):
                yield Edit(f"variable {name}", f"{name} has another value than the one that was given")
        wanted = {part.account for part in app.parts if part.account in installed.configuration.connections}
        for account in sorted(wanted - live.passwords.keys()):
            yield Edit(f"connection {account}", f"the password of {account} is no longer stored")


def given(app: App, package: Package, configuration: ConfigurationSet) -> dict[str, Any]:
    """Return the values one app shall have."""
    names = {name for part in app.parts for name in names_in(part)}
    values = {**configuration.variables, **package.constants}
    return {name: values[name] for name in sorted(names & values.keys()) if values[name] != EXTERNAL}


def missing(world: World, wanted: Wanted) -> bool:
    """Return whether an app of what is wanted is not there."""
    apps = read_package(wanted.package).apps if wanted.package else ()
    return any(app.id not in world.apps for app in apps)


def found_there(world: World, package: Package, wanted: Wanted) -> Iterator[Problem]:
    """Yield apps that a deployment would overwrite and that no release brought."""
    recorded = {app.id for app in read_package(wanted.installed).apps} if wanted.installed else set()
    recorded |= {component.id for inventory in wanted.others.values() for component in inventory.components}
    for app in package.apps:
        if app.id in world.apps and app.id not in recorded:
            yield Problem(f"app {app.name} is there already, and no release brought it", "adopt it first")
