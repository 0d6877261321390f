"""Folded: records made from ledger rows in memory, to ask what the engine could have asked at any row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

from lampway.domain.deployment import STILL_THERE, DriftFinding
from lampway.domain.events import Recorded
from lampway.domain.projection import project

T = TypeVar("T")


class Folded:
    """Implements the reading port, and the records that a projection folds into, over dictionaries."""

    def __init__(self) -> None:
        self._kept: dict[type, dict[str, object]] = {}
        self._last = (0, "")

    def fold(self, recorded: Recorded) -> None:
        """Fold one event in. Raises StorageError when it does not follow from what came before."""
        project(recorded, self)
        self._last = (recorded.seq, recorded.hash)

    def head(self) -> tuple[int, str]:
        """Return number and hash of the row that was folded in last."""
        return self._last

    def get(self, kind: type[T], key: str) -> T | None:
        """Return the record under this key, or None."""
        return cast("T | None", self._kept.get(kind, {}).get(key))

    def find(
        self,
        kind: type[T],
        *,
        solution: str = "",
        environment: str = "",
        states: Sequence[str] = (),
        newest_first: bool = False,
        limit: int = 0,
    ) -> tuple[T, ...]:
        """Return records in the order in which the rows first spoke of them. Empty filters match everything."""
        wanted: dict[str, tuple[str, ...]] = {
            "solution": (solution,) if solution else (),
            "environment": (environment,) if environment else (),
            "state": tuple(str(state) for state in states),
        }
        found = [r for r in self._kept.get(kind, {}).values() if _matches(r, wanted.items())]
        if newest_first:
            found.reverse()
        return cast("tuple[T, ...]", tuple(found[:limit] if limit else found))

    def open_drift(self, environment: str, solution: str) -> tuple[DriftFinding, ...]:
        """Return the findings of what still is to be seen there."""
        return self.find(DriftFinding, environment=environment, solution=solution, states=STILL_THERE)

    def put(self, key: str, record: object) -> None:
        """Keep the record in place of the one under this key."""
        self._kept.setdefault(type(record), {})[key] = record

    def delete(self, kind: type, key: str) -> None:
        """Forget the record, if there is one."""
        self._kept.get(kind, {}).pop(key, None)


def _matches(record: object, wanted: Iterable[tuple[str, tuple[str, ...]]]) -> bool:
    return all(not values or str(getattr(record, name, "")) in values for name, values in wanted)
