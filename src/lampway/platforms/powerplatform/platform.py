"""Power Platform behind the platform port: its packages whole; a live environment not yet, and said so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from lampway.domain.capability import Ability, Capability, Support
from lampway.domain.package import Scope
from lampway.engine.platform import (
    Access,
    AdapterPlan,
    Export,
    Found,
    Installed,
    Observation,
    Outcome,
    Rights,
    Wanted,
)
from lampway.errors import UsageError
from lampway.platforms.powerplatform.inventory import NAME
from lampway.platforms.powerplatform.package import SolutionFormat


class PowerPlatform:
    """Power Platform and Dataverse. Packages only: every call that needs an environment is refused, with what works."""

    name = NAME

    def __init__(self) -> None:
        self.format = SolutionFormat()

    def capabilities(self) -> tuple[Capability, ...]:
        """Return what this platform can do, one entry per ability."""
        return _CAPABILITIES

    def probe(self, access: Access) -> Rights:
        """Refuse. Raises UsageError."""
        _refuse(access)

    def export(self, access: Access, scope: Scope, known: Mapping[str, Scope]) -> Export:
        """Refuse. Raises UsageError."""
        del scope, known
        _refuse(access)

    def observe(self, access: Access, installed: Mapping[str, Installed]) -> Observation:
        """Refuse. Raises UsageError."""
        del installed
        _refuse(access)

    def plan(self, access: Access, wanted: Wanted) -> AdapterPlan:
        """Refuse. Raises UsageError."""
        del wanted
        _refuse(access)

    def intend(self, access: Access, wanted: Wanted, step: str) -> Mapping[str, Any]:
        """Refuse. Raises UsageError."""
        del wanted, step
        _refuse(access)

    def perform(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Outcome:
        """Refuse; nothing is sent. Raises UsageError."""
        del wanted, step, intent
        _refuse(access)

    def poll(self, access: Access, handle: Mapping[str, Any]) -> Outcome:
        """Refuse. Raises UsageError."""
        del handle
        _refuse(access)

    def look_up(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Found:
        """Refuse. Raises UsageError."""
        del wanted, step, intent
        _refuse(access)


def _refuse(access: Access) -> NoReturn:
    raise UsageError(
        "Power Platform environments cannot be reached yet, only packages can be read",
        where=access.environment,
        hint="export the solution and use: lampway inspect, scan, diff, unpack, pack",
    )


_PACKAGES = "packages are read, scanned, compared, unpacked and packed"
_PICTURE = "cloud flows and the screens of canvas apps; tables, forms and model-driven apps are told in words"
_CAPABILITIES = tuple(
    Capability(ability, Support.NOT_YET, _PACKAGES if ability in (Ability.EXPORT, Ability.DEPLOY) else "")
    if ability is not Ability.PICTURE
    else Capability(ability, Support.PARTIAL, _PICTURE)
    for ability in Ability
)
