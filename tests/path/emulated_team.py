"""A team of one whose environments are Power Platform's, emulated."""

from __future__ import annotations

from pathlib import Path

from conftest import Team  # type: ignore[import-not-found]
from lampway.testing.dataverse import DataverseEmulator

PERSON = "ada:Ada Maker:ada@example.org:maker,approver,platform-admin"


def found_team(folder: Path, emulator: DataverseEmulator) -> Team:
    """Return a team with its environments connected and its first strategy in force."""
    team = Team(folder / "governance", folder / "secrets", {})
    team.ok("init", str(team.root), "--platform", "power-platform", "--preset", "solo", "--person", PERSON)
    secret = folder / "client-secret"
    secret.write_text(emulator.client_secret)
    secret.chmod(0o600)
    told = {"tenant": emulator.tenant_id, "client_id": emulator.client_id, "authority": emulator.authority}
    words = [word for key, value in told.items() for word in ("--setting", f"{key}={value}")]
    words += ["--access", f"client_secret=file:{secret}", "--platform", "power-platform"]
    for place in ("dev", "test", "prod"):
        team.ok("connect", place, emulator.environment(place).url, *words)
    team.ok("strategy", "apply", "-m", "First strategy")
    return team
