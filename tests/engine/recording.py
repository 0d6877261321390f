"""Records what an engine leaves behind at every moment of a deployment, for later engines to go on from.

Usage: python recording.py FILE [SLOWNESS], with the sources of the release to be recorded. The file holds JSON Lines:
first the ledger's rows as they are stored, then the packages, and then *cuts*: the number of the last row that was
durable at a moment, and what the world in prod was then. A release is recorded once and its file never changes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from team import Team, with_environment

from lampway.engine.decide import Decide
from lampway.engine.drain import drain
from lampway.testing.world import World


class Watcher:
    """A store that notes what was durable, and what was there, before each append and after each commit."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._durable = team.store.verify().last
        self.cuts: list[dict[str, Any]] = []

    def note(self) -> None:
        cut = {"after": self._durable, "prod": plain_world(self._team.prod)}
        if cut not in self.cuts:
            self.cuts.append(cut)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._team.store.transaction() as transaction:
            noting = _Noting(transaction, self.note)
            yield noting
        self._durable += noting.count
        self.note()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._team.store, name)


class _Noting:
    def __init__(self, transaction: Any, note: Callable[[], None]) -> None:
        self._transaction = transaction
        self._note = note
        self.count = 0

    def append(self, *words: Any) -> Any:
        self._note()
        self.count += 1
        return self._transaction.append(*words)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)


def plain_world(world: World) -> dict[str, Any]:
    """Return as JSON what an environment holds, and what was ever applied to it."""
    apps = {key: {**asdict(app), "editors": sorted(app.editors)} for key, app in world.apps.items()}
    return {"apps": apps, "revision": world.revision, "applied": [list(unit) for unit in world.applied]}


def record(file: Path, slowness: int) -> None:
    """Bring a second release to prod and write down every moment of it."""
    team = Team()
    team.ship("1.19")
    team.govern(with_environment(team.rules, "prod", CURRENCY="CHF"))
    team.release("1.16")
    promotion = team.promote()
    team.prod.slowness = slowness
    watcher = Watcher(team)
    team.run(Decide(promotion, approved=True), "ana")
    drain(replace(team.engine, store=watcher), "prod")
    lines: list[dict[str, Any]] = [{"row": asdict(row)} for row in team.store.stored()]
    lines += [{"package": data.decode()} for data in team.packages.kept.values()]
    lines += [{"cut": cut} for cut in watcher.cuts]
    lines += [{"promotion": promotion, "last_id": team.last_id, "time": team.clock.time.isoformat()}]
    text = "".join(json.dumps(line, sort_keys=True, ensure_ascii=False) + "\n" for line in lines)
    file.write_text(text, encoding="utf-8")
    print(f"{len(lines)} lines, {len(watcher.cuts)} cuts")  # noqa: T201


if __name__ == "__main__":
    record(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
