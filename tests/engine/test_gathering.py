"""What is in no solution is listed with its owners, and put into one by name; each of them is recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import Team

from lampway.domain.events import Actor, Gathered
from lampway.engine.bringing import Loose
from lampway.engine.loose import GatherLoose, ShowLoose
from lampway.engine.permissions import require_permission
from lampway.engine.platform import Access
from lampway.errors import NotFoundError, PlatformRefusedError, RefusedError, UsageError
from lampway.testing.memory import MemoryPlatform

ASK = Loose("flow", "Ask", "f1", "Mia", "2026-10-01T08:00:00.000+00:00")
TELL = Loose("flow", "Tell", "f2")
TWINS = (Loose("flow", "Twin", "f3"), Loose("canvas app", "Twin", "a1"))


class Untidy(MemoryPlatform):
    """A product on which things are built outside of solutions."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, str] = {}

    def list_loose(self, access: Access) -> tuple[Loose, ...]:
        assert access.environment == "dev"
        return tuple(one for one in (ASK, TELL, *TWINS) if one.id not in self.held)

    def gather(self, access: Access, solution: str, loose: Loose) -> None:
        assert access.environment == "dev"
        if loose.name == "Tell":
            raise PlatformRefusedError("it is managed", where="dev")
        self.held[loose.id] = solution


@pytest.fixture
def untidy(team: Team) -> Untidy:
    platform = Untidy()
    team.engine = replace(team.engine, platforms={**team.engine.platforms, "memory": platform})
    return platform


def gathered(team: Team) -> list[tuple[str, str, str]]:
    return [(e.event.into, e.event.name, e.actor.person) for e in team.store.events() if isinstance(e.event, Gathered)]


@pytest.mark.usefixtures("untidy")
def test_what_is_in_no_solution_is_shown_with_its_owner(team: Team) -> None:
    assert team.run(ShowLoose("dev")) == (ASK, TELL, *TWINS)


def test_what_is_chosen_is_put_into_a_solution_and_recorded(team: Team, untidy: Untidy) -> None:
    assert team.run(GatherLoose("dev", "Orders", ("Ask", "a1", "Ask")), "mia") == (ASK, TWINS[1])
    assert untidy.held == {"f1": "Orders", "a1": "Orders"}
    assert gathered(team) == [("Orders", "Ask", "mia"), ("Orders", "Twin", "mia")]


@pytest.mark.parametrize(
    ("names", "said"), [((), "nothing to put"), (("Ask", "Nobody"), "nothing named"), (("Ask", "Twin"), "2 things")]
)
def test_nothing_is_done_where_a_name_does_not_say_which(
    team: Team, untidy: Untidy, names: tuple[str, ...], said: str
) -> None:
    with pytest.raises((UsageError, NotFoundError), match=said):
        team.run(GatherLoose("dev", "Orders", names), "mia")
    assert untidy.held == {}
    assert gathered(team) == []


def test_what_was_done_before_a_refusal_is_recorded(team: Team, untidy: Untidy) -> None:
    with pytest.raises(PlatformRefusedError):
        team.run(GatherLoose("dev", "Orders", ("Ask", "Tell")), "mia")
    assert untidy.held == {"f1": "Orders"}
    assert gathered(team) == [("Orders", "Ask", "mia")]


def test_a_platform_without_it_says_why(team: Team) -> None:
    with pytest.raises(UsageError, match="nothing outside of solutions") as caught:
        team.run(ShowLoose("dev"))
    assert caught.value.hint == "it has no solutions of its own"


def test_only_who_builds_or_keeps_releases_moving_may(team: Team) -> None:
    request = GatherLoose("dev", "Orders", ("Ask",))
    for person in ("mia", "rita", "pam"):
        require_permission(team.engine, request, Actor(person, "test"))
    with pytest.raises(RefusedError):
        require_permission(team.engine, request, Actor("ana", "test"))
