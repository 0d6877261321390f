"""A change waits for what another team has under way there: everybody can see it, and it does not wait for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from team import Team

from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.promotion import PromotionState
from lampway.engine.context import Engine
from lampway.engine.describe import describe
from lampway.engine.drain import drain
from lampway.engine.progress import ShowProgress
from lampway.engine.promote import Abort
from lampway.engine.reconcile import Reconcile
from lampway.engine.views import Explain, Status
from lampway.errors import StorageError
from lampway.testing.world import CrashError, Fault

BUSY = ("2026-01-05T08:30:00Z", "Otto of another team")
WORDS = "waits for another import in prod since 2026-01-05 08:30 UTC, started by Otto of another team"
HOUR = 3600.0


@pytest.fixture
def approved(team: Team) -> str:
    """Return a promotion that will start as soon as prod's lock is seen, while another team's import hangs there."""
    team.release("1.19")
    team.prod.is_locked = False
    promotion = team.promote()
    team.approve(promotion)
    team.prod.is_locked = True
    team.prod.busy = BUSY
    return promotion


def engine_that(team: Team, does: Callable[[int], object]) -> Engine:
    """Return an engine whose every pause takes an hour; `does` is told how many there were."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        team.clock.move(hours=1)
        does(len(pauses))

    return replace(team.another(holder="two"), pause=pause)


def crash() -> None:
    raise CrashError


def start(team: Team, engine: Engine) -> None:
    """Let everybody see that production is locked; that opens the last gate."""
    from lampway.engine.promote import Promote

    team.run(Promote("orders", "prod"))
    drain(engine, "prod")


@pytest.mark.parametrize("lost", [True, False])
def test_what_is_waited_for_is_told_wherever_people_look(team: Team, approved: str, lost: bool) -> None:
    """Whether our change was answered and has not begun, or its answer was lost and nobody knows yet."""
    seen = []

    def look(pauses: int) -> None:
        if pauses == 2 + lost:
            seen.append(team.run(ShowProgress(approved)).waits_for)
            seen.append(next(c.hindered for c in team.run(Status()) if c.promotion == approved))
            seen.append(team.run(Explain("orders", "prod", plan=False)).hindered)
            team.prod.busy = None

    if lost:
        team.prod.fail(Fault.LATE)
    start(team, engine_that(team, look))
    assert seen == [(WORDS,), WORDS, WORDS]
    assert team.promotion(approved).state is PromotionState.SUCCEEDED, team.promotion(approved).note
    assert team.deployment(approved).waits_for == ""
    assert team.run(ShowProgress(approved)).waits_for == ()
    assert team.prod.applied == [("import", "orders", "1.0.0"), ("configure", "orders", "1.0.0")]
    assert team.store.audit() == ()


def test_it_is_said_once_and_again_only_where_it_is_something_else(team: Team, approved: str) -> None:
    def go_on(pauses: int) -> None:
        if pauses == 2:
            team.prod.busy = ("2026-01-05T10:45:00Z", "Nora")
        if pauses == 3:
            team.prod.busy = None

    start(team, engine_that(team, go_on))
    told = [r.event for r in team.store.events() if r.event.kind == "step-hindered"]
    assert [(e.step, e.by) for e in told] == [("import", "Otto of another team"), ("import", "Nora")]
    assert "waits for another import of Nora" in describe(told[-1], {})


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize(("given", "hours"), [(None, 4), (HOUR, 1)])
def test_what_does_not_end_is_left_to_a_person_who_must_say(
    team: Team, approved: str, lost: bool, given: float | None, hours: int
) -> None:
    """After the time that the environment gives; and the environment stays taken."""
    if given:
        places = tuple(replace(e, longest_wait=given) if e.name == "prod" else e for e in team.rules.environments)
        team.govern(replace(team.rules, environments=places))
    begun = team.clock.time
    if lost:
        team.prod.fail(Fault.LATE)
    start(team, engine_that(team, lambda _: None))
    assert team.promotion(approved).state is PromotionState.RECONCILE
    assert WORDS in team.promotion(approved).note
    assert f"after {hours} h" in team.promotion(approved).note
    assert "longest_wait" in team.promotion(approved).note
    assert (team.clock.time - begun).total_seconds() <= (hours + 2) * HOUR
    team.release("1.16")
    newer = team.promote()
    team.approve(newer)
    assert team.promotion(newer).state is PromotionState.WAITING, "the environment is not free"
    assert len(team.find(Deployment, environment="prod")) == 1
    assert team.prod.applied == []


def test_a_person_says_that_it_did_not_happen_and_the_environment_is_free(team: Team, approved: str) -> None:
    start(team, engine_that(team, lambda _: None))
    team.prod.busy = None
    team.prod.operations.clear()
    team.do(Reconcile("orders", "prod", False, "ours never began; I cancelled it"), "rita")
    assert team.promotion(approved).state is PromotionState.FAILED
    again = team.promote()
    team.approve(again)
    assert team.running("prod") == "1.0.0"


def test_whoever_waits_can_be_told_to_give_up(team: Team, approved: str) -> None:
    def give_up(pauses: int) -> None:
        if pauses == 2:
            team.run(Abort(approved, "the other team does not answer"), "rita")

    with pytest.raises(StorageError, match="out of our hands"):
        start(team, engine_that(team, give_up))
    assert team.promotion(approved).state is PromotionState.RECONCILE
    assert team.prod.applied == []


def test_how_long_it_was_waited_for_outlives_the_process(team: Team, approved: str) -> None:
    with pytest.raises(CrashError):
        start(team, engine_that(team, lambda pauses: crash() if pauses == 3 else None))
    assert team.deployment(approved).state is DeploymentState.RUNNING
    assert team.deployment(approved).waits_for == WORDS
    pauses: list[int] = []
    drain(engine_that(team, pauses.append), "prod")
    assert team.promotion(approved).state is PromotionState.RECONCILE
    assert len(pauses) <= 2, "what was waited before the process died counts"


def test_our_own_change_is_waited_for_however_long_it_takes(team: Team, approved: str) -> None:
    team.prod.busy = None
    team.prod.slowness = 30
    start(team, engine_that(team, lambda _: None))
    assert team.promotion(approved).state is PromotionState.SUCCEEDED
    assert "step-hindered" not in team.kinds()


def test_what_others_call_themselves_there_does_nothing_to_a_terminal(team: Team, approved: str) -> None:
    """Whoever may begin an import may choose their name, and whoever looks has a terminal."""
    team.prod.busy = (BUSY[0], "Otto\x1b]0;x\x07\r\u202e" + "o" * 10_000)

    def end(pauses: int) -> None:
        if pauses == 2:
            team.prod.busy = None

    start(team, engine_that(team, end))
    (told,) = [r.event for r in team.store.events() if r.event.kind == "step-hindered"]
    assert told.by.isprintable()
    assert told.by.startswith("Otto ]0;x")
    assert len(told.by) == 200
