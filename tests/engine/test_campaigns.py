"""Owners are asked by the calendar; what follows when nobody answers is announced, comes once, and is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from governing import CALENDAR, DAY, RULES, SAID, governed, run_for, rungs, told, work
from team import MortalStore, Team

from lampway.domain.capability import Ability, Support
from lampway.domain.certification import Certification
from lampway.domain.deployment import DriftFinding
from lampway.domain.notify import Channel, Notify, Route
from lampway.domain.recertification import Campaign, Question, QuestionState
from lampway.domain.retirement import Retirement
from lampway.domain.stops import Hold, HoldState
from lampway.domain.switches import Switch, SwitchState
from lampway.engine.certify import Recertify, ReviewAnswer
from lampway.engine.context import Engine
from lampway.engine.drain import drain, environments_with_work
from lampway.engine.drift import ScanDrift
from lampway.engine.promote import Rollback
from lampway.engine.questions import ShowCampaigns, ShowOwed, ShowQuestion
from lampway.engine.readiness import ShowReadiness
from lampway.engine.retire import Retire
from lampway.engine.schedules import fire, fire_due, plan_everywhere
from lampway.engine.stops import LiftHold
from lampway.engine.switching import MarkSwitched
from lampway.errors import LampwayError, NotFoundError, RefusedError, UsageError
from lampway.testing.world import CrashError, Execution, Fault


@pytest.fixture
def asked(shipped: Team) -> Team:
    """Return a team whose owner was asked about orders on the first of February."""
    shipped.govern(governed(shipped.rules))
    run_for(shipped, days=28)
    assert [q.state for q in shipped.find(Question)] == [QuestionState.OPEN]
    return shipped


def question(team: Team) -> Question:
    return team.find(Question, newest_first=True)[0]


def is_on(team: Team, place: str = "prod") -> bool:
    world = team.platform.world(f"memory://{place}")
    return all(app.is_on for app in world.apps.values())


def dark(team: Team) -> Team:
    """Let nobody answer until it is switched off."""
    run_for(team, days=30 + 28 + 1)
    assert rungs(team) == ["remind", "escalate", "switch-off"]
    assert not is_on(team)
    return team


def test_a_campaign_opens_on_its_day_and_asks_the_owner_of_everything_installed(asked: Team) -> None:
    (campaign, *_) = [c for c in asked.find(Campaign) if c.criticality == "medium"]
    assert campaign.slot == "2026-02-01T08:00:00.000+00:00", "nine o'clock in Vienna"
    assert campaign.asked == ("orders",), "billing is installed nowhere"
    (high,) = [c for c in asked.find(Campaign) if c.criticality == "high"]
    assert high.asked == ()
    assert (question(asked).profile.owner, question(asked).due[:10]) == ("mia", "2026-03-03")
    (owed,) = asked.run(ShowCampaigns()).questions
    assert (owed.by, owed.following, owed.following_at[:10]) == ("mia", "remind", "2026-03-10")
    assert [o.at[:10] for o in asked.run(ShowCampaigns()).calendar] == ["2026-05-01", "2027-02-01"]


def test_the_owner_answers_and_is_certified_until_the_next_answers_are_due(asked: Team) -> None:
    given = asked.do(Recertify("orders", reason="the desk works with it", **SAID))
    assert given.until[:10] == "2027-03-03"
    assert question(asked).state is QuestionState.CONFIRMED
    assert question(asked).answers[-1].profile.purpose == "takes orders"
    run_for(asked, days=300)
    assert rungs(asked) == []


def test_what_nobody_has_said_yet_has_to_be_said_once(asked: Team) -> None:
    with pytest.raises(UsageError, match="purpose, users, data class") as caught:
        asked.run(Recertify("orders"))
    assert caught.value.hint == "lampway recertify orders --purpose '...' --users '...' --data-class '...'"
    asked.do(Recertify("orders", **SAID))
    run_for(asked, days=366)
    assert question(asked).campaign == "medium/2027-02-01"
    asked.do(Recertify("orders", data_class="public"))
    assert question(asked).answers[-1].profile.users == "the desk"
    assert asked.run(ShowQuestion("orders")).differs == (
        "solutions/orders/solution.yaml says data_class: nothing; the owner says public",
    )


@pytest.mark.parametrize(
    ("request_", "by", "error"),
    [
        (Recertify("orders", **{**SAID, "data_class": "secret"}), "mia", UsageError),
        (Recertify("orders", **SAID, owner="nobody"), "mia", UsageError),
        (Recertify("orders", **{**SAID, "purpose": "x" * 301}), "mia", UsageError),
        (Recertify("orders", **SAID), "rita", RefusedError),
        (Recertify("orders", **SAID), "ana", RefusedError),
        (ReviewAnswer("orders", True), "pam", NotFoundError),
        (ReviewAnswer("orders", False), "pam", UsageError),
        (MarkSwitched("orders", "prod", "did it"), "pam", NotFoundError),
    ],
    ids=str,
)
def test_what_may_not_be_said_is_refused_and_leaves_nothing(
    asked: Team, request_: object, by: str, error: type[LampwayError]
) -> None:
    before = asked.kinds()
    with pytest.raises(error) as caught:
        asked.run(request_, by)
    assert caught.value.hint
    assert asked.kinds() == before


def test_without_a_campaign_there_is_nothing_to_answer(shipped: Team) -> None:
    for request in (Recertify("orders", needed=False), Recertify("orders", purpose="takes orders")):
        with pytest.raises(UsageError, match="now"):
            shipped.run(request)
    assert shipped.do(Recertify("orders")).until[:10] == "2026-07-04", "as before there were campaigns"


def test_every_rung_comes_after_its_grace_and_announces_the_next(asked: Team) -> None:
    run_for(asked, days=200)
    found = [(r.event.then, r.at[:10], r.event.following, r.event.following_at[:10]) for r in told(asked, "rung-taken")]
    assert found == [
        ("remind", "2026-03-10", "escalate", "2026-03-17"),
        ("escalate", "2026-03-17", "switch-off", "2026-03-31"),
        ("switch-off", "2026-03-31", "retire", "2026-06-29"),
        ("retire", "2026-06-29", "", ""),
    ]
    people = [r.event.people for r in told(asked, "rung-taken")]
    assert people == [("mia",), ("mia", "rita"), ("mia", "rita", "pam"), ("mia", "rita", "pam")]


def test_downtime_never_takes_away_a_grace_and_never_skips_a_rung(asked: Team) -> None:
    """Nobody worked for half a year: each rung still is announced, and waits for its own grace from then on."""
    asked.clock.move(days=180)
    work(asked)
    assert rungs(asked) == ["remind"]
    begin = asked.clock.time
    run_for(asked, days=120)
    found = [datetime.fromisoformat(r.at) - begin for r in told(asked, "rung-taken")]
    assert [f.days for f in found] == [0, 7, 21, 111]
    assert is_on(asked, "dev"), "where makers build nothing is installed"


def test_a_row_is_taken_once_however_many_workers_there_are(asked: Team) -> None:
    asked.clock.move(days=38)
    with asked.store.reading() as reading:
        rows = [row for row in reading.due_by("9999") if row.kind == "rung"]
    other = asked.another(holder="two")
    assert [fire(engine, CALENDAR, rows[0]) is None for engine in (asked.engine, other)] == [False, True]
    assert rungs(asked) == ["remind"]


def test_a_campaign_that_was_missed_many_times_opens_once(shipped: Team) -> None:
    """Of four quarters without a worker the newest stands for all."""
    shipped.govern(governed(shipped.rules, criticality="high"))
    shipped.clock.move(days=365)
    work(shipped)
    assert [c.id for c in shipped.find(Campaign) if c.criticality == "high"] == ["high/2026-11-01"]
    assert len(shipped.find(Question)) == 1
    run_for(shipped, days=40)
    assert [c.id for c in shipped.find(Campaign) if c.criticality == "high"][1:] == ["high/2027-02-01"]
    assert len(shipped.find(Question)) == 1, "who owes an answer is not asked a second time"


def test_once_it_is_escalated_the_backup_owner_may_answer(asked: Team) -> None:
    run_for(asked, days=46)
    assert rungs(asked) == ["remind", "escalate"]
    given = asked.do(Recertify("orders", **SAID), "rita")
    assert (given.by, given.role) == ("rita", "backup-owner")


def test_what_is_switched_off_does_not_run_and_cannot_be_deployed_and_is_no_drift(asked: Team) -> None:
    dark(asked)
    assert not is_on(asked, "test")
    assert [s.state for s in asked.find(Switch)] == [SwitchState.OFF] * 2
    scanned = asked.run(ScanDrift())
    assert all(not s.findings and s.clean == ("orders",) for s in scanned)
    with pytest.raises(RefusedError, match="nobody answered"):
        asked.run(Rollback("orders", "prod", "we want it back"))
    release = asked.release("2.00")
    asked.promote("test", release.name)
    assert asked.running("test") == "1.0.1"
    before = list(asked.prod.switched)
    work(asked)
    assert asked.prod.switched == before


def test_a_maker_who_switches_it_on_again_is_seen(asked: Team) -> None:
    dark(asked)
    for app in asked.prod.apps.values():
        app.is_on = True
    asked.run(ScanDrift(("prod",)))
    (finding,) = asked.find(DriftFinding, states=("open",))
    assert finding.changes[0].endswith("was switched on")


def test_answering_brings_everything_back(asked: Team) -> None:
    dark(asked)
    asked.do(Recertify("orders", **SAID))
    assert is_on(asked)
    assert is_on(asked, "test")
    assert asked.find(Hold, states=(HoldState.STANDING,)) == ()
    assert [s.state for s in asked.find(Switch)] == [SwitchState.ON] * 2
    assert asked.run(ScanDrift())[0].findings == ()
    release = asked.release("2.00")
    asked.promote("test", release.name)
    assert asked.running("test") == release.version


def test_answering_takes_back_the_retirement_that_followed(asked: Team) -> None:
    run_for(asked, days=160)
    (asked_for,) = asked.find(Retirement)
    assert (asked_for.requested_by, asked_for.state) == ("lampway", "requested")
    asked.do(Recertify("orders", **SAID))
    assert asked.find(Retirement)[0].state == "undone"
    assert is_on(asked)


def test_who_says_no_longer_needed_asks_for_its_retirement(asked: Team) -> None:
    asked.do(Recertify("orders", needed=False, reason="the desk has a new tool"))
    assert question(asked).state is QuestionState.UNNEEDED
    (ending,) = asked.find(Retirement)
    assert (ending.requested_by, ending.reason) == ("mia", "the desk has a new tool")
    assert asked.find(Certification) == ()
    run_for(asked, days=300)
    assert rungs(asked) == []


def reviewed(team: Team) -> Team:
    rules = replace(RULES, reviewer="platform-admin", review=5 * DAY)
    team.govern(governed(team.rules, rules))
    run_for(team, days=28)
    return team


def test_while_the_reviewer_is_late_the_owners_clock_stands_still(shipped: Team) -> None:
    team = reviewed(shipped)
    run_for(team, days=10)
    team.do(Recertify("orders", **SAID))
    assert team.find(Certification) == ()
    before = question(team).due
    run_for(team, days=60)
    assert rungs(team) == []
    assert len(told(team, "review-reminded")) == 12
    with pytest.raises(RefusedError, match="waits for its review"):
        team.run(Recertify("orders", **SAID))
    with pytest.raises(RefusedError, match="does not hold the role"):
        team.run(ReviewAnswer("orders", True), "rita")
    team.do(ReviewAnswer("orders", False, "for what exactly?"), "pam")
    assert datetime.fromisoformat(question(team).due) - datetime.fromisoformat(before) == timedelta(days=60)
    run_for(team, days=30)
    assert rungs(team) == ["remind"], "what was left of the month, and a week"
    team.do(Recertify("orders", **{**SAID, "purpose": "takes orders of the north"}))
    team.do(ReviewAnswer("orders", True), "pam")
    (given,) = team.find(Certification)
    assert (given.by, question(team).state) == ("mia", QuestionState.CONFIRMED)


def test_an_answer_that_is_sent_back_lets_what_was_taken_back_come_again(shipped: Team) -> None:
    team = dark(reviewed(shipped))
    team.do(Recertify("orders", **SAID))
    assert is_on(team), "the reviewer's delay is nobody else's"
    team.do(ReviewAnswer("orders", False, "who uses it?"), "pam")
    run_for(team, days=13)
    assert is_on(team)
    run_for(team, days=2)
    assert not is_on(team)
    assert rungs(team).count("switch-off") == 2


def test_nobody_reviews_their_own_answer(shipped: Team) -> None:
    team = shipped
    team.govern(governed(team.rules, replace(RULES, reviewer="maker"), owner="mia"))
    run_for(team, days=28)
    team.do(Recertify("orders", **SAID))
    with pytest.raises(RefusedError, match="somebody else"):
        team.run(ReviewAnswer("orders", True), "mia")
    team.do(ReviewAnswer("orders", True), "max")
    assert len(team.find(Certification)) == 1


def test_a_platform_that_cannot_switch_makes_it_a_task_for_its_admin(asked: Team) -> None:
    limit = "this product has no such button"
    able = asked.platform.capabilities
    asked.platform.capabilities = lambda: tuple(
        replace(c, support=Support.IMPOSSIBLE, note=limit) if c.name is Ability.SWITCH else c for c in able()
    )
    run_for(asked, days=60)
    assert is_on(asked)
    found = asked.find(Switch)
    assert [s.state for s in found] == [SwitchState.OFF_BY_HAND] * 2
    assert limit in found[0].words
    asked.do(MarkSwitched("orders", "prod", "took it offline"), "pam")
    assert asked.get(Switch, "prod/orders").state is SwitchState.OFF
    asked.do(Recertify("orders", **SAID))
    assert {s.environment: s.state for s in asked.find(Switch)} == {
        "prod": SwitchState.ON_BY_HAND,
        "test": SwitchState.ON_BY_HAND,
    }


def test_nothing_is_switched_while_something_is_deployed(asked: Team) -> None:
    """The deployment came first and ends as it would; what it brought is switched off right after."""
    promotion = asked.promote("prod", asked.release("2.00").name)
    asked.prod.fail(Fault.CRASH_BEFORE)
    with pytest.raises(CrashError):
        asked.approve(promotion)
    asked.clock.move(days=38)
    for days in (0, 7, 14):
        asked.clock.move(days=days)
        plan_everywhere(asked.engine, CALENDAR)
        list(fire_due(asked.engine, CALENDAR))
    assert rungs(asked)[-1] == "switch-off"
    assert asked.prod.switched == []
    asked.settle()
    drain(asked.engine, "prod")
    assert asked.running("prod") == "1.0.2"
    assert not is_on(asked)
    assert asked.prod.applied.count(("import", "orders", "1.0.2")) == 1


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.UNREACHABLE, Fault.LOST, Fault.UNSENT])
def test_whatever_happens_while_it_is_switched_it_is_off_once_in_the_end(asked: Team, fault: Fault) -> None:
    asked.prod.fail(fault, on="switch")
    for days in (38, 7, 14):
        asked.clock.move(days=days)
        try:
            work(asked)
        except CrashError:
            asked.engine = asked.another(holder="two")
    work(asked)
    drain(asked.engine, "prod")
    assert not is_on(asked)
    assert sorted(asked.prod.switched) == [("a1", False), ("a2", False)]
    assert asked.get(Switch, "prod/orders").state is SwitchState.OFF
    assert asked.holders() == {}
    assert asked.store.audit() == ()


def test_a_platform_that_refuses_leaves_it_to_its_admin(asked: Team) -> None:
    asked.prod.fail(Fault.REFUSED, on="switch")
    run_for(asked, days=60)
    assert asked.get(Switch, "prod/orders").state is SwitchState.OFF_BY_HAND
    assert asked.get(Switch, "test/orders").state is SwitchState.OFF


def test_what_is_known_of_its_use_is_shown_with_its_limits(asked: Team) -> None:
    asked.prod.executions = [Execution("a1", "2026-01-20T10:00:00.000+00:00", went_well=True)]
    asked.prod.apps["a2"].saved_at = "2025-11-03T10:00:00.000+00:00"
    asked.test.fail(Fault.UNREACHABLE, on="tell_usage")
    asked.prod.edit("p2", does="times 3")
    asked.run(ScanDrift(("prod",)))
    view = asked.run(ShowQuestion("orders"))
    known = {facts.environment: facts for facts in view.usage}
    assert (known["prod"].last_run[:10], known["prod"].last_change[:10]) == ("2026-01-20", "2025-11-03")
    assert (known["prod"].runs, known["prod"].edited[:10]) == (1, "2026-02-02")
    assert (known["test"].last_run, known["test"].runs) == ("", None)
    assert "last run unknown" in known["test"].words
    assert "it could not be asked" in known["test"].words
    asked.do(Recertify("orders", **SAID))
    assert len(question(asked).answers[-1].usage) == 2


def test_people_are_told_of_each_step_and_nobody_else_is(asked: Team) -> None:
    notify = Notify((Channel("all", webhook="https://hooks.test/all"),), (Route(("all",)),))
    asked.govern(replace(asked.rules, notify=notify))
    run_for(asked, days=60)
    found = [d.doc["notice"] for d in asked.store.due() if d.kind == "notice"]
    titles = [(n["title"], tuple(n["people"])) for n in found if n["kind"] in ("certify", "switched", "retirement")]
    assert titles[:4] == [
        ("reminder: orders", ("mia",)),
        ("escalated: orders", ("mia", "rita")),
        ("switch-off: orders", ("mia", "rita", "pam")),
        ("switched off: orders in test", ("mia", "rita", "pam")),
    ]
    assert "On 2026-03-31 08:00 UTC follows: switch-off" in next(n["text"] for n in found if "escalated" in n["title"])


def test_recertification_counts_as_scheduled_once_campaigns_are_declared(shipped: Team) -> None:
    def state() -> str:
        items = shipped.run(ShowReadiness()).items
        return next(i.state for i in items if i.item == "recertification-scheduled")

    before = state()
    shipped.govern(governed(shipped.rules))
    assert (before, state()) == ("unknown", "yes")


def test_the_ledger_tells_the_same_records_again(asked: Team) -> None:
    dark(asked)
    asked.do(Recertify("orders", **SAID))
    assert asked.store.audit() == ()


def test_whoever_lifts_the_hold_may_deploy_and_it_is_off_again_at_once(asked: Team) -> None:
    """The question is still open: what was deployed is there, and does not run."""
    dark(asked)
    asked.do(LiftHold("orders"), "rita")
    release = asked.release("2.00")
    asked.promote("test", release.name)
    work(asked)
    assert asked.running("test") == release.version
    assert not is_on(asked, "test")
    assert asked.run(ScanDrift(("test",)))[0].findings == ()


def test_a_new_owner_is_the_one_who_is_told_and_answers(asked: Team) -> None:
    asked.govern(governed(asked.rules, owner="max"))
    run_for(asked, days=37)
    assert told(asked, "rung-taken")[0].event.people == ("max",)
    assert asked.run(ShowCampaigns()).questions[0].by == "max"
    with pytest.raises(RefusedError, match="does not own"):
        asked.run(Recertify("orders", **SAID))
    assert asked.do(Recertify("orders", **SAID, owner="max"), "max").by == "max"


def test_nothing_follows_for_what_is_no_longer_in_the_strategy(asked: Team) -> None:
    asked.govern(replace(asked.rules, solutions=tuple(s for s in asked.rules.solutions if s.name != "orders")))
    run_for(asked, days=200)
    assert rungs(asked) == []
    assert is_on(asked)


def test_an_answer_whose_review_was_abolished_is_given_again(shipped: Team) -> None:
    team = reviewed(shipped)
    team.do(Recertify("orders", **SAID))
    team.govern(governed(team.rules))
    team.do(Recertify("orders", **SAID))
    assert question(team).state is QuestionState.CONFIRMED
    assert len(team.find(Certification)) == 1


def test_what_its_owner_needs_no_more_ends_once_that_was_reviewed(shipped: Team) -> None:
    team = reviewed(shipped)
    team.do(Recertify("orders", needed=False, reason="it is old"))
    assert team.find(Retirement) == ()
    team.do(ReviewAnswer("orders", True), "pam")
    assert team.find(Retirement)[0].reason == "it is old"
    assert question(team).state is QuestionState.UNNEEDED


def test_a_process_that_dies_at_any_point_of_switching_is_taken_over(asked: Team) -> None:
    for days in (38, 7):
        asked.clock.move(days=days)
        work(asked)
    asked.clock.move(days=14)
    plan_everywhere(asked.engine, CALENDAR)
    counted = asked.copy()
    store = MortalStore(counted.store)
    _switch_all(counted.another(store))
    points = len(store.points)
    assert points > 10
    for point in range(1, points + 1):
        team = asked.copy()
        with pytest.raises(CrashError):
            _switch_all(team.another(MortalStore(team.store, point)))
        _switch_all(team.another(holder="two"))
        assert rungs(team) == ["remind", "escalate", "switch-off"]
        assert sorted(team.prod.switched) == [("a1", False), ("a2", False)]
        assert [s.state for s in team.find(Switch)] == [SwitchState.OFF] * 2
        assert team.store.audit() == ()
        team.store.close()


def _switch_all(engine: Engine) -> None:
    plan_everywhere(engine, CALENDAR)
    list(fire_due(engine, CALENDAR))
    for name in environments_with_work(engine):
        drain(engine, name)


def test_everybody_sees_what_they_owe_and_nothing_of_others(shipped: Team) -> None:
    team = reviewed(shipped)
    people = ("mia", "rita", "pam", "ana", "zoe", "nobody")

    def owed() -> dict[str, str]:
        found = {who: team.run(ShowOwed(), who) for who in people}
        return {who: lines[0].rpartition(": ")[2] for who, lines in found.items() if lines}

    assert owed() == {"mia": "lampway recertify orders --show"}
    run_for(team, days=46)
    assert owed().keys() == {"mia", "rita"}, "it was escalated"
    team.do(Recertify("orders", **SAID), "rita")
    assert owed() == {"pam": "lampway review orders --accept|--send-back"}
    team.do(ReviewAnswer("orders", True), "pam")
    assert owed() == {}
    team.do(Retire("orders", "it is old"), "max")
    assert owed() == {"ana": "lampway retire orders --approve"}
    assert team.run(ShowOwed(), "max") == ()
    assert len(team.run(ShowOwed(everybody=True), "nobody")) == 1
