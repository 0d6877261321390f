"""A team whose engine is asked over the network: a real server on loopback, and a session per person."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from served import Served, serving_team


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Return a server over a team with rules in force and orders built in dev; it is gone afterwards."""
    with serving_team(tmp_path) as made:
        yield made
