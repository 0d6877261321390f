"""Teams to test with. Each is brought to its state once and copied for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from glass import unlockable
from team import OPENED, Team

import private_postgres


@pytest.fixture(scope="session", autouse=True)
def closing() -> Iterator[None]:
    """Close every store that a test left open."""
    yield
    for store in OPENED:
        store.close()
    private_postgres.stop()


@pytest.fixture(scope="session")
def new_team() -> Team:
    return Team()


@pytest.fixture(scope="session")
def team_that_shipped(new_team: Team) -> Team:
    team = new_team.copy()
    team.ship("1.19")
    team.ship("1.16")
    return team


@pytest.fixture
def team(new_team: Team) -> Iterator[Team]:
    """Return a team with rules in force, orders built in dev, and no release yet."""
    yield from _lent(new_team)


@pytest.fixture
def shipped(team_that_shipped: Team) -> Iterator[Team]:
    """Return a team with orders 1.0.0 in production and 1.0.1 after it."""
    yield from _lent(team_that_shipped)


@pytest.fixture
def glass(shipped: Team) -> Team:
    """Return a team with orders in production that may unlock it for four hours, one person alone."""
    return unlockable(shipped)


def _lent(original: Team) -> Iterator[Team]:
    copied = original.copy()
    yield copied
    copied.store.close()
