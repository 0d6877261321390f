"""Hotfixes: from exactly what runs, by a short path that is tested and approved, and back into the path afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import PROD_GATES, TEST_GATES, MortalStore, Team
from test_evidence import PEOPLE, TOOLS

from lampway.domain.backport import Backport, BackportState, Cause
from lampway.domain.deployment import CheckOutcome
from lampway.domain.events import Actor
from lampway.domain.hotfix import Hotfix, HotfixState
from lampway.domain.package import Severity
from lampway.domain.promotion import Promotion, PromotionState
from lampway.domain.sandbox import Sandbox, SandboxState
from lampway.domain.strategy import GateRule, Stage, Strategy
from lampway.engine.audit import Audit
from lampway.engine.cases import CASES
from lampway.engine.decide import Decide
from lampway.engine.delivery import ShowDelivery
from lampway.engine.dossier import Trusted
from lampway.engine.drift import ScanDrift
from lampway.engine.due import RunDue
from lampway.engine.evidence import ExportEvidence
from lampway.engine.hotfix import HotfixView, StartHotfix
from lampway.engine.hotfixed import AbandonHotfix, Finished, FinishHotfix, ShowHotfixes
from lampway.engine.promote import Promote, Rollback
from lampway.engine.release import MakeRelease
from lampway.engine.sandboxes import CreateSandbox, ExpireSandbox, ResetSandbox
from lampway.engine.verify import verify_evidence
from lampway.engine.views import Explain, ShowPromotion, Status
from lampway.errors import NotFoundError, RefusedError, UsageError
from lampway.testing.world import CrashError, World

SOAK = GateRule("soak", wait=86_400.0)


def with_short_path(rules: Strategy) -> Strategy:
    """Let the path ask for a day in test, and the short one for everything but that."""
    (path,) = rules.pipelines
    long = tuple(replace(s, gates=(*s.gates, SOAK)) if s.name == "prod" else s for s in path.stages)
    short = (Stage("hotfix-test", "test", TEST_GATES), Stage("hotfix-prod", "prod", PROD_GATES))
    return replace(rules, pipelines=(replace(path, stages=long, hotfix=short),))


@pytest.fixture
def running(shipped: Team) -> Team:
    """Return a team with 1.0.1 in production, a short path for hotfixes, and 1.1.0 in the making."""
    shipped.govern(with_short_path(shipped.rules))
    shipped.release("5", version="1.1.0")
    return shipped


def start(team: Team, by: str = "mia", **more: str) -> HotfixView:
    given = {"solution": "orders", "environment": "prod", "reason": "prices are wrong", **more}
    view = team.do(StartHotfix(**given), by)
    assert isinstance(view, HotfixView)
    return view


def place(team: Team) -> World:
    (sandbox,) = team.find(Sandbox, states=(SandboxState.LIVE,))
    return team.platform.worlds[sandbox.url]


def finish(team: Team, by: str = "mia") -> Finished:
    made = team.do(FinishHotfix("orders"), by)
    assert isinstance(made, Finished)
    return made


def mend(team: Team, price: str = "1.15") -> Finished:
    start(team)
    place(team).edit("p2", does=f"times {price}")
    return finish(team)


def task(team: Team) -> Backport:
    return team.find(Backport)[-1]


def test_what_runs_in_production_is_in_a_place_of_its_own_with_the_next_command(running: Team) -> None:
    view = start(running)
    assert running.price_in(place(running)) == "1.16"
    assert running.price_in(running.dev) == "5", "what is in the making is left alone"
    assert view.next == "lampway hotfix finish orders"
    assert view.hotfix.version == "1.0.1"


def test_one_command_and_one_decision_bring_it_in(running: Team) -> None:
    made = mend(running)
    assert (made.release.name, made.is_short) == ("orders@1.0.2", True)
    test, prod = (running.promotion(p) for p in made.promotions)
    assert (test.stage, test.state) == ("hotfix-test", PromotionState.SUCCEEDED)
    assert (prod.stage, prod.state) == ("hotfix-prod", PromotionState.WAITING)
    running.approve(prod.id)
    assert running.running("prod") == "1.0.2"
    assert running.price_in(running.prod) == "1.15"


def test_test_and_approver_stay(running: Team) -> None:
    running.bench.fail("smoke", "test", CheckOutcome.FAILED, "it falls over")
    made = mend(running)
    running.run(Decide(made.promotions[-1], approved=True), "ana")
    running.settle()
    assert running.running("prod") == "1.0.1"
    running.bench.results.clear()
    place(running).edit("p2", does="times 1.14")
    again = finish(running)
    with pytest.raises(RefusedError):
        running.approve(again.promotions[-1], "mia")
    with pytest.raises(RefusedError):
        running.approve(again.promotions[-1], "zoe")
    assert running.running("prod") == "1.0.1"
    running.approve(again.promotions[-1])
    assert running.running("prod") == again.release.version == "1.0.3"


def test_what_else_the_short_path_asks_for_is_judged(running: Team) -> None:
    start(running)
    place(running).edit("p2", does=f"times hardcoded {Severity.SECRET}")
    with pytest.raises(RefusedError, match="hardcoded value"):
        finish(running)
    assert running.source.branches == {}
    place(running).edit("p2", does="times 1.15")
    running.prod.is_locked = False
    made = finish(running)
    running.approve(made.promotions[-1])
    assert running.running("prod") == "1.0.1", "the lock is still asked for"


def test_only_hotfixes_take_the_short_path(running: Team) -> None:
    promotion = running.promote("hotfix-prod", "orders@1.1.0")
    running.approve(promotion)
    assert running.running("prod") == "1.0.1"
    closed = [g for g in running.run(Explain("orders@1.1.0", "hotfix-prod")).gates if g.gate == "hotfix"]
    assert "is for hotfixes, and orders@1.1.0 is none" in closed[0].reason
    assert running.run(Explain("orders@1.1.0", "prod")).stage == "prod"


def test_a_hotfix_of_what_no_longer_runs_there_does_not_go_in(running: Team) -> None:
    made = mend(running)
    running.do(Rollback("orders", "prod", "it is wrong"), "rita")
    again = running.do(Promote(made.release.name, "prod"))
    running.approve(again.promotions[-1])
    assert running.running("prod") == "1.0.0"
    closed = [g.reason for g in running.run(Explain(made.release.name, "prod")).gates if g.gate == "hotfix"]
    assert closed == ["it was made from 1.0.1, and 1.0.0 runs in prod now"]


def test_to_a_hotfix_the_environment_means_the_short_path(running: Team) -> None:
    made = mend(running)
    assert running.run(Explain(made.release.name, "prod")).stage == "hotfix-prod"
    assert running.do(Promote(made.release.name, "prod")).promotions == (made.promotions[-1],)


def test_where_no_short_path_is_declared_it_takes_the_whole_one(shipped: Team) -> None:
    made = mend(shipped)
    assert not made.is_short
    assert [shipped.promotion(p).stage for p in made.promotions] == ["test", "prod"]
    shipped.approve(made.promotions[-1])
    assert shipped.running("prod") == "1.0.2"


# Back into the path


def test_the_task_stays_open_until_a_release_of_the_path_contains_it(running: Team) -> None:
    made = mend(running)
    running.approve(made.promotions[-1])
    assert (task(running).cause, task(running).state) == (Cause.HOTFIX, BackportState.OPEN)
    assert task(running).id == made.backport
    assert "hotfix for prod" in running.run(Explain("orders", "prod")).backports[0]
    cells = {c.environment: c.backports for c in running.run(Status("orders"))}
    assert len(cells["prod"]) == 1
    running.release("6")
    assert task(running).state is BackportState.OPEN
    release = running.release("1.15")
    assert (task(running).state, task(running).release) == (BackportState.CONTAINED, release.name)


def test_the_path_goes_on_from_where_it_was(running: Team) -> None:
    made = mend(running)
    running.approve(made.promotions[-1])
    release = running.release("7")
    assert (release.previous, release.version) == ("1.1.0", "1.1.1")
    assert running.run(Explain("orders", "prod")).release == "orders@1.1.1", "the newest of the path"
    promotion = running.promote("prod")
    running.clock.move(days=2)
    running.settle()
    running.approve(promotion)
    assert running.running("prod") == "1.1.1"
    (asked,) = [p for p in running.find(Promotion, environment="prod") if p.id == promotion]
    assert asked.state is PromotionState.SUCCEEDED


def test_makers_of_what_the_path_skipped_still_count(running: Team) -> None:
    made = mend(running)
    running.approve(made.promotions[-1])
    running.release("7", by="max")
    promotion = running.promote("prod")
    with pytest.raises(RefusedError, match="Max"):
        running.approve(promotion, "max")


def test_unchanged_in_dev_still_means_no_release(running: Team) -> None:
    running.approve(mend(running).promotions[-1])
    assert running.run(MakeRelease("orders")).release is None


def test_its_source_is_on_a_branch_from_what_it_mends(running: Team) -> None:
    made = mend(running)
    assert running.source.branches[made.branch].id == made.release.commit
    assert made.branch.startswith("hotfix/orders-1.0.2-")
    assert made.release.commit != running.source.head()


def test_whoever_approves_a_release_without_the_mend_is_told(running: Team) -> None:
    running.approve(mend(running).promotions[-1])
    promotion = running.promote("prod", "orders@1.1.0")
    (words,) = running.run(ShowPromotion(promotion), "ana").backports
    assert "it does not contain part *Price*" in words
    running.release("1.15")
    promotion = running.promote("prod")
    assert running.run(ShowPromotion(promotion), "ana").backports == ()


# Its life


def test_once_it_runs_its_place_goes_by_itself(running: Team) -> None:
    made = mend(running)
    running.do(RunDue())
    assert len(running.find(Sandbox, states=(SandboxState.LIVE,))) == 1
    running.approve(made.promotions[-1])
    done = running.do(RunDue())
    assert done.sandboxes == ("hotfix of orders is done; it is still to be back-ported",)
    (hotfix,) = running.find(Hotfix)
    assert (hotfix.state, hotfix.releases) == (HotfixState.DONE, ("1.0.2",))
    assert running.find(Sandbox, states=(SandboxState.LIVE,)) == ()
    assert not [url for url in running.platform.worlds if "sandboxes" in url]
    assert running.run(ShowHotfixes()) == ()
    assert task(running).state is BackportState.OPEN


def test_it_can_be_finished_again_and_only_the_last_one_is_to_be_back_ported(running: Team) -> None:
    first = mend(running)
    assert running.run(ShowHotfixes())[0].next == "lampway explain orders@1.0.2 --to prod"
    place(running).edit("p2", does="times 1.14")
    second = finish(running)
    states = {t.id: t.state for t in running.find(Backport)}
    assert states == {first.backport: BackportState.CLOSED, second.backport: BackportState.OPEN}
    assert running.promotion(first.promotions[-1]).state is PromotionState.SUPERSEDED
    running.approve(second.promotions[-1])
    assert running.price_in(running.prod) == "1.14"


def test_finishing_twice_without_a_change_makes_no_second_release(running: Team) -> None:
    first = mend(running)
    second = finish(running)
    assert (second.release.name, second.backport) == (first.release.name, first.backport)
    assert second.promotions == (first.promotions[-1],)


def test_finishing_before_anything_was_changed_says_so(running: Team) -> None:
    start(running)
    with pytest.raises(RefusedError, match="nothing was changed yet"):
        finish(running)


def test_one_at_a_time_and_it_can_be_given_up(running: Team) -> None:
    start(running)
    with pytest.raises(RefusedError, match="mia is on a hotfix of orders already") as refused:
        start(running, "max")
    assert "lampway hotfix finish orders" in refused.value.hint
    with pytest.raises(UsageError, match="reason"):
        running.do(AbandonHotfix("orders", ""))
    running.do(AbandonHotfix("orders", "it was the network"))
    assert running.find(Sandbox, states=(SandboxState.LIVE,)) == ()
    with pytest.raises(NotFoundError, match="no hotfix of orders"):
        finish(running)
    assert start(running, "max").hotfix.by == "max"


def test_of_two_who_begin_at_once_one_is_told_and_nothing_of_hers_stays(running: Team) -> None:
    begin = running.platform.start_sandbox

    def slow(*words: object, **more: object) -> object:
        running.platform.start_sandbox = begin
        start(running, "max")
        return begin(*words, **more)

    running.platform.start_sandbox = slow
    with pytest.raises(RefusedError, match="max is on a hotfix"):
        start(running)
    (sandbox,) = running.find(Sandbox, states=(SandboxState.LIVE,))
    assert sandbox.owner == "max"
    assert len([url for url in running.platform.worlds if "sandboxes" in url]) == 1


def test_where_going_back_helps_it_says_so(running: Team) -> None:
    running.bench.fail("smoke", "prod", CheckOutcome.FAILED, "it falls over")
    made = mend(running)
    running.approve(made.promotions[-1])
    running.do(AbandonHotfix("orders", "no good"))
    with pytest.raises(RefusedError, match="go back first") as refused:
        start(running)
    assert refused.value.hint.startswith("lampway rollback orders --in prod")


def test_it_is_for_the_end_of_the_path_and_for_what_runs_there(running: Team) -> None:
    with pytest.raises(RefusedError, match="a hotfix is for prod"):
        start(running, environment="test")
    with pytest.raises(NotFoundError, match="not installed"):
        start(running, solution="billing")
    with pytest.raises(UsageError, match="reason"):
        start(running, reason=" ")
    assert running.find(Sandbox) == ()


def test_a_live_edit_that_is_in_the_way_is_told_at_once(running: Team) -> None:
    running.prod.edit("p2", does="times 9")
    running.run(ScanDrift(("prod",)))
    view = start(running)
    assert "prod was edited live, which is not in here" in view.notes[0]
    assert "lampway drift backport orders --in prod" in view.notes[1]
    assert running.price_in(place(running)) == "1.16"


def test_a_sandbox_that_died_can_be_started_again_and_nothing_is_lost(running: Team) -> None:
    view = start(running)
    place(running).edit("p2", does="times 1.15")
    place(running).is_down = True
    with pytest.raises(RefusedError, match="does not run") as refused:
        finish(running)
    assert refused.value.hint == f"lampway sandbox reset {view.hotfix.place} --keep"
    running.run(ResetSandbox(view.hotfix.place, keep=True))
    assert finish(running).release.version == "1.0.2"


def test_a_sandbox_that_is_gone_is_said_and_the_hotfix_can_be_given_up(running: Team) -> None:
    view = start(running)
    running.run(ExpireSandbox(view.hotfix.place))
    with pytest.raises(NotFoundError, match="is gone"):
        finish(running)
    running.do(AbandonHotfix("orders", "its sandbox is gone"))
    assert start(running).hotfix.state is HotfixState.OPEN


def test_nobody_else_releases_out_of_its_place(running: Team) -> None:
    view = start(running)
    with pytest.raises(RefusedError, match="nothing is released out of one"):
        running.run(MakeRelease("orders", view.hotfix.place))


def test_it_counts_as_rework_and_as_what_was_brought(running: Team) -> None:
    (before,) = (d for d in running.run(ShowDelivery("orders")))
    running.approve(mend(running).promotions[-1])
    (after,) = (d for d in running.run(ShowDelivery("orders")))
    assert (after.deployments, after.rework) == (before.deployments + 1, before.rework + 1)
    running.release("7")
    promotion = running.promote("prod")
    running.clock.move(days=2)
    running.settle()
    running.approve(promotion)
    (last,) = (d for d in running.run(ShowDelivery("orders")))
    assert (last.deployments, last.rework) == (after.deployments + 1, after.rework)


def test_it_can_be_proved_to_others_and_the_ledger_tells_all_of_it(running: Team) -> None:
    made = mend(running)
    running.approve(made.promotions[-1])
    running.do(RunDue())
    assert running.run(Audit()).damage == ()
    data = running.run(ExportEvidence(made.release.name), "zoe").content.encode()
    assert [c for c in verify_evidence(data, Trusted(PEOPLE), TOOLS) if not c.holds] == []
    running.release("7")
    promotion = running.promote("prod")
    running.clock.move(days=2)
    running.settle()
    running.approve(promotion)
    data = running.run(ExportEvidence("orders"), "zoe").content.encode()
    assert [c for c in verify_evidence(data, Trusted(PEOPLE), TOOLS) if not c.holds] == []


# Where no sandbox can be started


@pytest.fixture
def bare(shipped: Team) -> Team:
    """Return a team on a machine without a place for sandboxes, with 1.1.0 sealed and in dev."""
    shipped.govern(with_short_path(shipped.rules))
    shipped.engine = replace(shipped.engine, grounds=None)
    shipped.release("5", version="1.1.0")
    return shipped


def test_it_is_built_where_makers_build_which_gets_its_own_back(bare: Team) -> None:
    view = start(bare)
    assert (view.hotfix.place, view.hotfix.is_sandbox) == ("dev", False)
    assert bare.price_in(bare.dev) == "1.16"
    bare.dev.edit("p2", does="times 1.15")
    made = finish(bare)
    bare.approve(made.promotions[-1])
    bare.do(RunDue())
    assert bare.running("prod") == "1.0.2"
    assert bare.price_in(bare.dev) == "5", "what was in the making is back"
    (hotfix,) = bare.find(Hotfix)
    assert hotfix.state is HotfixState.DONE


def test_unreleased_work_there_is_never_overwritten(bare: Team) -> None:
    bare.build("6")
    with pytest.raises(RefusedError, match="holds work on orders that no release has") as refused:
        start(bare)
    assert "lampway release orders" in refused.value.hint
    assert bare.price_in(bare.dev) == "6"
    assert bare.find(Hotfix) == ()


def test_what_was_built_there_after_the_mend_is_never_overwritten(bare: Team) -> None:
    start(bare)
    bare.dev.edit("p2", does="times 1.15")
    finish(bare)
    bare.dev.edit("p2", does="times 8")
    view = bare.do(AbandonHotfix("orders", "other things"))
    assert "was left as it is" in view.notes[0]
    assert bare.price_in(bare.dev) == "8"


# Dying


def test_whoever_dies_while_finishing_finishes_the_next_time(running: Team) -> None:
    mia = Actor("mia", "test", name="Mia")
    start(running)
    place(running).edit("p2", does="times 1.15")
    whole = running.copy()
    store = MortalStore(whole.store)
    CASES[FinishHotfix](whole.another(store), FinishHotfix("orders"), mia)
    whole.store.close()
    for point in range(1, len(store.points) + 1):
        team = running.copy()
        with pytest.raises(CrashError):
            CASES[FinishHotfix](team.another(MortalStore(team.store, point)), FinishHotfix("orders"), mia)
        made = finish(team)
        assert made.release.version == "1.0.2", store.points[point - 1]
        assert [t.state for t in team.find(Backport)] == [BackportState.OPEN]
        team.approve(made.promotions[-1])
        assert team.running("prod") == "1.0.2"
        team.store.close()


def test_sandboxes_of_hotfixes_do_not_use_up_what_one_may_have(running: Team) -> None:
    for number in range(5):
        running.run(CreateSandbox(f"play{number}"))
    assert start(running).hotfix.is_sandbox
