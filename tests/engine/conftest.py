from __future__ import annotations

from collections.abc import Iterator

import pytest
from team import Team


@pytest.fixture
def team() -> Iterator[Team]:
    made = Team()
    yield made
    assert made.store.audit() == ()
    made.store.close()


@pytest.fixture
def shipped(team: Team) -> Team:
    """Return a team with orders 1.0.0 in production and 1.0.1 after it."""
    team.ship("1.19")
    team.ship("1.16")
    return team
