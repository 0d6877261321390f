"""A team whose engine is asked over the network: a real server on loopback, and a session per person."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from served import Served, serving
from team import Team

from lampway.storage.sql import open_sqlite
from lampway.web.api import build_api


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Return a server over a team with rules in force and orders built in dev; it is gone afterwards."""
    team = Team(lambda clock: open_sqlite(tmp_path / "lampway.db", clock))
    with serving(build_api(tmp_path, team.engine)) as url:
        made = Served(team, tmp_path, url)
        yield made
        made.close()
    team.store.close()
