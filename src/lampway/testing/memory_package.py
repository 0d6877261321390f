"""The packages of the in-memory platform: canonical JSON, the pure half of the port in the fewest lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

from lampway.domain.digest import canonical, digest
from lampway.domain.graph import Graph, GraphEdge, GraphNode
from lampway.domain.package import (
    Change,
    Component,
    Connection,
    Dependency,
    Diff,
    Edit,
    Finding,
    Inspection,
    Inventory,
    Literal,
    Role,
    Severity,
    Variable,
    fingerprint_of,
)
from lampway.domain.transformation import Blank
from lampway.engine.abilities import Blanked
from lampway.errors import InvalidPackageError
from lampway.testing.world import App, Part

NAME = "memory"
"""Of the platform."""

PASSWORD = "password"  # noqa: S105 - the name of the one field that an account has

_VALUE = re.compile(r"\$\{(\w+)(?::[^}]*)?\}")
"""A value of the environment; after a colon, the one that dev had when it was saved."""
_KEPT = re.compile(r"\$\{(\w+):[^}]+\}")


@dataclass(frozen=True, slots=True)
class Package:
    """What the bytes of a package say."""

    solution: str
    version: str
    apps: tuple[App, ...]
    """With neither values nor passwords in them."""
    constants: Mapping[str, Any]
    """Values that are the same everywhere, and therefore part of the package."""

    @property
    def names(self) -> dict[str, list[str]]:
        """Return every value that an environment must give, with the parts that read it."""
        found: dict[str, list[str]] = {}
        for app in self.apps:
            for part in app.parts:
                for name in names_in(part):
                    if name not in self.constants:
                        found.setdefault(name, []).append(part.name)
        return dict(sorted(found.items()))

    @property
    def accounts(self) -> dict[str, str]:
        """Return every account that parts sign in with, and the first part that does."""
        return {p.account: p.id for app in reversed(self.apps) for p in reversed(app.parts) if p.account}

    def to_bytes(self) -> bytes:
        """Return the same bytes for the same content, always."""
        apps = [plain(app) for app in self.apps]
        head = {"memory": 1, "solution": self.solution, "version": self.version}
        return canonical({**head, "apps": apps, "constants": self.constants})


def names_in(part: Part) -> list[str]:
    """Return the names of the values that a part reads."""
    return _VALUE.findall(part.does)


def plain(app: App) -> dict[str, Any]:
    """Return the definition of an app as JSON, with nothing in it that its world gave."""
    return {"id": app.id, "name": app.name, "parts": [asdict(part) for part in app.parts]}


def read_package(data: bytes) -> Package:
    """Return what a package says. Raises InvalidPackageError."""
    try:
        told = json.loads(data)
        if told["memory"] != 1:
            raise InvalidPackageError(f"a package of layout {told['memory']}", hint="export it again")
        apps = tuple(App(a["id"], a["name"], tuple(Part(**p) for p in a["parts"])) for a in told["apps"])
        return Package(told["solution"], told["version"], apps, told["constants"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidPackageError(f"no package of the in-memory platform: {error}") from error


class MemoryFormat:
    """Implements the pure half of the port."""

    def inspect(self, package: bytes) -> Inspection:
        """Return what is inside. Raises InvalidPackageError."""
        held = read_package(package)
        components = tuple(_components(held.apps))
        inventory = Inventory(
            platform=NAME,
            solution=held.solution,
            version=held.version,
            managed=None,
            fingerprint=fingerprint_of(components),
            components=components,
            variables=tuple(Variable(n, "string", True, False, tuple(parts)) for n, parts in held.names.items()),
            connections=tuple(Connection(n, "account", (PASSWORD,), part) for n, part in sorted(held.accounts.items())),
            dependencies=tuple(
                Dependency("plug-in", name) for name in sorted({p.plugin for a in held.apps for p in a.parts} - {""})
            ),
        )
        return Inspection(inventory, tuple(_literals(held)), tuple(_findings(held)))

    def diff(self, old: bytes, new: bytes) -> Diff:
        """Return what separates two packages. Raises InvalidPackageError."""
        return compare(read_package(old), read_package(new))

    def draw(self, package: bytes) -> tuple[Graph, ...]:
        """Return one graph per app: its parts from left to right, each after the one before."""
        return tuple(_drawn(app) for app in read_package(package).apps)

    def unpack(self, package: bytes) -> Mapping[str, bytes]:
        """Return one file per app, and one about the package."""
        held = read_package(package)
        about = {"solution": held.solution, "version": held.version, "constants": held.constants}
        files = {f"apps/{app.id}.json": _pretty(plain(app)) for app in held.apps}
        return {"package.json": _pretty({**about, "apps": [app.id for app in held.apps]}), **files}

    def pack(self, source: Mapping[str, bytes]) -> bytes:
        """Return the package of what `unpack` gave. Raises InvalidPackageError."""
        try:
            about = json.loads(source["package.json"])
            apps = [json.loads(source[f"apps/{id_}.json"]) for id_ in about.pop("apps")]
        except (KeyError, ValueError, AttributeError) as error:
            raise InvalidPackageError(f"no source of an in-memory package: {error}") from error
        return read_package(canonical({"memory": 1, **about, "apps": apps})).to_bytes()

    def stamp(self, package: bytes, version: str) -> bytes:
        """Return the same package carrying `version`."""
        return replace(read_package(package), version=version).to_bytes()

    def blank(self, package: bytes) -> Blanked:
        """Return the package without the values that parts keep from where they were saved."""
        held = read_package(package)
        blanks = [
            Blank(place, name) for place, part in _parts(held) for name in dict.fromkeys(_KEPT.findall(part.does))
        ]
        apps = tuple(replace(a, parts=tuple(_emptied(part) for part in a.parts)) for a in held.apps)
        return Blanked(replace(held, apps=apps).to_bytes() if blanks else package, tuple(blanks))

    def recognises(self, package: bytes) -> bool:
        """Return whether these bytes are a package of ours; never raises."""
        try:
            read_package(package)
        except InvalidPackageError:
            return False
        return True


def _pretty(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _components(apps: tuple[App, ...]) -> Iterator[Component]:
    for app in apps:
        yield Component("app", app.name, app.id, digest(app.name))
        for part in app.parts:
            does = digest([part.name, part.does, part.account, part.plugin])  # and not where it stands
            yield Component("part", part.name, part.id, does, parent=app.id)


def _drawn(app: App) -> Graph:
    nodes = tuple(
        GraphNode(part.id, part.name, "part", 100.0 + 200 * number, 60.0 + part.at)
        for number, part in enumerate(app.parts)
    )
    return Graph(app.id, app.name, nodes, tuple(GraphEdge(a.id, b.id) for a, b in pairwise(nodes)))


def _parts(package: Package) -> Iterator[tuple[str, Part]]:
    for app in package.apps:
        for part in app.parts:
            yield f"app {app.name} / part {part.name} / does", part


def _emptied(part: Part) -> Part:
    return replace(part, does=_KEPT.sub(r"${\1}", part.does))


def _findings(package: Package) -> Iterator[Finding]:
    for place, part in _parts(package):
        if _KEPT.search(part.does):
            summary, fix = "a value of dev is kept as default", "take it out"
            yield Finding("dev-value-as-default", Severity.ENDPOINT, place, summary, fix)


def _literals(package: Package) -> Iterator[Literal]:
    for place, part in _parts(package):
        yield Literal(place, "does", part.does, Role.CODE)
    for name, value in package.constants.items():
        yield Literal(f"constant {name}", name, str(value), Role.TEXT)


def compare(old: Package, new: Package) -> Diff:
    """Return what separates two packages, in a maker's words."""
    before, after = ({c.id: c for c in _components(p.apps)} for p in (old, new))
    kept = before.keys() & after.keys()
    changed = [after[id_] for id_ in after if id_ in kept and before[id_] != after[id_]]
    return Diff(
        added=tuple(c for id_, c in after.items() if id_ not in kept),
        removed=tuple(c for id_, c in before.items() if id_ not in kept),
        changed=tuple(Change(c, (Edit("does", "does something else"),)) for c in changed),
        unchanged=len(kept) - len(changed),
    )
