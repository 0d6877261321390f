"""The engine's port to governance files, filled by this room."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from lampway.config import editing, loading
from lampway.config.document import Document, read_document
from lampway.domain.strategy import Environment, Solution, Strategy, Values
from lampway.domain.strategy_diff import compare


@functools.lru_cache(maxsize=16)
def read_once(file: str, content: bytes) -> Document:
    """Return the document in a file; remembered, because several places in one are asked for in a row."""
    return read_document(file, content)


class GovernanceFiles:
    """Reads and edits the governance files; holds no state."""

    def load(self, files: Mapping[str, bytes]) -> Strategy:
        """Return the strategy in these files, by path. Raises InvalidStrategyError with every mistake."""
        return loading.load_strategy(files)

    def read_folder(self, root: Path) -> Mapping[str, bytes]:
        """Return the governance files below `root`, by path. Raises NotFoundError, BrokenError."""
        return loading.read_folder(root)

    def line_of(self, file: str, content: bytes, path: tuple[str | int, ...]) -> int:
        """Return the line of what these keys lead to, or of the nearest thing that holds it; 0 for none."""
        return read_once(file, content).mistake(path, "", at_key=True).line

    def compare(self, old: Strategy, new: Strategy) -> tuple[str, ...]:
        """Return what a change of the strategy changes, one line each."""
        return tuple(f"{change.place}: {change.summary}" for change in compare(old, new))

    def with_environment(self, text: str | None, environment: Environment, *, anonymous: bool = False) -> str:
        """Return the environment file, new or with these settings put in. Raises InvalidStrategyError, UsageError."""
        return editing.with_environment(text, environment, anonymous=anonymous)

    def with_values(self, text: str, solution: str, values: Values) -> str:
        """Return the environment file with values for one solution added. Raises InvalidStrategyError, UsageError."""
        return editing.with_values(text, solution, values)

    def hand_over(self, files: Mapping[str, bytes], person: str, to: str, roles: tuple[str, ...]) -> Mapping[str, str]:
        """Return the files in which one person's duties are another's, who also gets these roles."""
        from lampway.config import handing_over

        return handing_over.hand_over(files, person, to, roles)

    def new_solution(self, solution: Solution) -> str:
        """Return a commented solution file. Raises InvalidStrategyError."""
        return editing.new_solution(solution)
