"""Presets: what each strategy to begin with is for, and whom it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """A strategy to begin with."""

    name: str
    summary: str
    needs: tuple[tuple[str, int], ...] = ()
    """How many people must hold a role from the first day; approvers must make nothing."""


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("solo", "one person: checks and a pause stand in for a second opinion"),
        Preset("team", "one team: somebody else approves what enters production"),
        Preset(
            "coe",
            "a Center of Excellence: small changes on evidence alone, exceptions by a release manager",
            (("approver", 1), ("release-manager", 1), ("platform-admin", 2)),
        ),
        Preset(
            "regulated",
            "under regulation: acceptance on a tier of its own, two signed approvals, no exceptions",
            (("approver", 2), ("tester", 1), ("release-manager", 1), ("platform-admin", 2), ("auditor", 1)),
        ),
    )
}
"""By name, the simplest first."""
