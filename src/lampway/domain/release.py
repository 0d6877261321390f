"""Releases: what was sealed, and how versions count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lampway.domain.digest import digest, sparse, to_plain
from lampway.domain.package import Dependency, Diff, Finding, Inventory, PackageReference
from lampway.domain.risk import ChangeFacts
from lampway.domain.transformation import Transformation
from lampway.errors import UsageError

_VERSION = re.compile(r"^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$")
BUMPS = ("patch", "minor", "major")
_LATER = frozenset({"caseless", "shared"})
"""What an inventory did not say when the first releases were sealed."""


@dataclass(frozen=True, slots=True)
class Release:
    """A solution in one version, sealed. Correcting it means a new version."""

    solution: str
    version: str
    packages: tuple[PackageReference, ...]
    inventory: Inventory
    commit: str
    """The git commit that holds its source."""
    makers: tuple[str, ...]
    """Ids of people, or e-mails that map to nobody, who wrote what is in it since the release before."""
    editors_unknown: bool
    """Whether the platform does not say who edited; then everybody who may edit dev is among the makers."""
    sealed_by: str
    sealed_at: str
    """ISO time, UTC."""
    previous: str = ""
    """The version it was compared with, if any."""
    note: str = ""
    findings: tuple[Finding, ...] = ()
    """What the scan found and the rules let pass."""
    change: ChangeFacts | None = None
    """What separates it from `previous`; None where that was not sealed."""
    depends_on: tuple[Dependency, ...] = ()
    """Other solutions it needs, as its owner had declared them when it was sealed."""
    hotfix: str = ""
    """Id of the hotfix that it is made of; empty for a release of the path."""
    transformations: tuple[Transformation, ...] = ()
    """How its package was edited between export and sealing."""

    @property
    def name(self) -> str:
        """Return `solution@version`."""
        return f"{self.solution}@{self.version}"

    @property
    def package(self) -> PackageReference:
        """The one package; platforms with several parts seal them as one for now."""
        return self.packages[0]

    @property
    def digest(self) -> str:
        """The digest that promotions, approvals and deployments are bound to."""
        return digest(
            {
                "solution": self.solution,
                "version": self.version,
                "packages": self.packages,
                "inventory": _as_sealed(self.inventory),
                "commit": self.commit,
                "makers": sorted(self.makers),
                "editors_unknown": self.editors_unknown,
                "findings": self.findings,
                "previous": self.previous,
                **({"change": self.change} if self.change else {}),
                **({"depends_on": self.depends_on} if self.depends_on else {}),
                **({"hotfix": self.hotfix} if self.hotfix else {}),
                **({"transformations": sparse(self.transformations)} if self.transformations else {}),
            }
        )


def _as_sealed(inventory: Inventory) -> dict[str, Any]:
    """Return an inventory as releases are sealed by it: what it did not say when some were sealed is left out."""
    plain: dict[str, Any] = to_plain(inventory)
    return {name: value for name, value in plain.items() if value is not False or name not in _LATER}


def parse_version(text: str) -> tuple[int, int, int]:
    """Return the three numbers of a version such as `1.4.0`. Raises UsageError."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise UsageError(f"not a version: {text!r}", hint="write three numbers, such as 1.4.0")
    return int(match[1]), int(match[2]), int(match[3])


def sealed_as(version: str) -> str:
    """Return the version under which a package is sealed that carries one of its platform: its first three numbers."""
    found = re.fullmatch(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.\d+)*", version)
    return ".".join(number or "0" for number in found.groups()) if found else version


def bump(version: str, part: str) -> str:
    """Return the next version: `part` is patch, minor or major."""
    major, minor, patch = parse_version(version)
    match part:
        case "major":
            return f"{major + 1}.0.0"
        case "minor":
            return f"{major}.{minor + 1}.0"
        case "patch":
            return f"{major}.{minor}.{patch + 1}"
        case _:
            raise UsageError(f"no such bump: {part}", hint=f"one of: {', '.join(BUMPS)}")


def propose_bump(diff: Diff, old: Inventory, new: Inventory) -> str:
    """Return the bump that a diff suggests.

    Major when an environment must do something new (a required variable or connection) or something goes that others
    may call; minor when something is added; patch otherwise.
    """
    asks = _needs(new) - _needs(old)
    if asks or any(component.parent == "" for component in diff.removed):
        return "major"
    return "minor" if diff.added else "patch"


def _needs(inventory: Inventory) -> set[str]:
    variables = {f"variable {v.name}" for v in inventory.variables if v.required}
    return variables | {f"connection {c.name}/{f}" for c in inventory.connections for f in c.fields}
