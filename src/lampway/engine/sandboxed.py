"""What is kept apart from sandboxes: releases are not made in one, and no path leads through one."""

from __future__ import annotations

from lampway.domain.sandbox import TIER, Sandbox, SandboxState
from lampway.domain.strategy import Strategy
from lampway.engine.store import Reading
from lampway.errors import RefusedError


def find_sandbox(reading: Reading, name: str) -> Sandbox | None:
    """Return the sandbox of this name that is there, or None."""
    return next((s for s in reading.find(Sandbox, states=(SandboxState.LIVE,)) if s.name == name), None)


def refuse_sandbox(reading: Reading, strategy: Strategy, name: str) -> None:
    """Insist that this is no sandbox: nothing is released out of one. Raises RefusedError."""
    declared = next((e for e in strategy.environments if e.name == name), None)
    if find_sandbox(reading, name) is not None or (declared is not None and declared.tier == TIER):
        raise RefusedError(
            f"{name} is a sandbox, and nothing is released out of one",
            hint="build it in the environment where the path begins; a sandbox is for trying things out",
        )


def refuse_as_place(reading: Reading, strategy: Strategy) -> None:
    """Insist that no environment of a strategy is a sandbox of ours. Raises RefusedError."""
    live = reading.find(Sandbox, states=(SandboxState.LIVE,))
    for environment in strategy.environments:
        same = next((s for s in live if environment.name == s.name or (s.url and environment.url == s.url)), None)
        if same is not None:
            raise RefusedError(
                f"environment {environment.name} is the sandbox {same.name} of {same.owner}, which will be taken away",
                where=f"environments/{environment.name}.yaml",
                hint="give it another name, and the address of a place that lasts",
            )
