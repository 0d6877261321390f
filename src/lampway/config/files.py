"""The engine's port to governance files, filled by this room."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lampway.config import editing, loading
from lampway.domain.strategy import Environment, Solution, Strategy, Values
from lampway.domain.strategy_diff import compare


class GovernanceFiles:
    """Reads and edits the governance files; holds no state."""

    def load(self, files: Mapping[str, bytes]) -> Strategy:
        """Return the strategy in these files, by path. Raises InvalidStrategyError with every mistake."""
        return loading.load_strategy(files)

    def read_folder(self, root: Path) -> Mapping[str, bytes]:
        """Return the governance files below `root`, by path. Raises NotFoundError, BrokenError."""
        return loading.read_folder(root)

    def compare(self, old: Strategy, new: Strategy) -> tuple[str, ...]:
        """Return what a change of the strategy changes, one line each."""
        return tuple(f"{change.place}: {change.summary}" for change in compare(old, new))

    def with_environment(self, text: str | None, environment: Environment, *, anonymous: bool = False) -> str:
        """Return the environment file, new or with these settings put in. Raises InvalidStrategyError, UsageError."""
        return editing.with_environment(text, environment, anonymous=anonymous)

    def with_values(self, text: str, solution: str, values: Values) -> str:
        """Return the environment file with values for one solution added. Raises InvalidStrategyError, UsageError."""
        return editing.with_values(text, solution, values)

    def new_solution(self, solution: Solution) -> str:
        """Return a commented solution file. Raises InvalidStrategyError."""
        return editing.new_solution(solution)
