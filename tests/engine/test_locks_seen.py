"""Locks, unlockings and labels as they are seen: in status and readiness, by the clock, in notices and offline."""

from __future__ import annotations

from dataclasses import replace

from glass import CALENDAR, CHAT, HOUR, LABEL, gates, tend, unlock, with_prod_tier
from team import Team
from test_evidence import faults, forge, without

from lampway.domain.deployment import LockRecord
from lampway.domain.judgement import GateState
from lampway.domain.promotion import PromotionState
from lampway.domain.schedules import DriftSchedule, Schedules
from lampway.domain.strategy import Tier
from lampway.domain.unlocking import Unlocking, UnlockRule
from lampway.engine.deliver import ShowNotices
from lampway.engine.drift import ScanDrift
from lampway.engine.evidence import ExportEvidence
from lampway.engine.locks import LockEnvironment, LockHistory, LookAtLocks, ShowLocks
from lampway.engine.readiness import ShowReadiness
from lampway.engine.schedules import fire_due, plan_everywhere
from lampway.engine.unlock import ConfirmUnlock, ReviewUnlock
from lampway.engine.views import Status
from lampway.testing.world import Fault

# Seen everywhere.


def test_it_shows_in_status_readiness_and_the_list_of_locks(glass: Team) -> None:
    glass.run(LookAtLocks())
    score = _readiness(glass)
    assert score[0] == 1.0
    unlock(glass)
    (line,) = {line for cell in glass.run(Status()) for line in cell.lock if "is unlocked" in line}
    assert "by rita: the warehouse stands still" in line
    assert _readiness(glass)[0] == 0.0
    (prod,) = [seen for seen in glass.run(ShowLocks()) if seen.environment == "prod"]
    assert any("somebody reviews that prod was unlocked" in words for words in prod.remarks)
    glass.run(LockEnvironment("prod"), "ana")
    assert _readiness(glass)[0] == 1.0
    glass.clock.move(days=2)
    assert _readiness(glass) == (0.0, "lampway unlock prod --review '...'")


def _readiness(team: Team, item: str = "prod-locked") -> tuple[float, str]:
    found = next(line for line in team.run(ShowReadiness()).items if line.item == item)
    return found.score, found.next


def test_the_history_says_when_what_was_seen_and_by_whom(glass: Team) -> None:
    glass.run(LookAtLocks(), "pam")
    unlock(glass)
    glass.clock.move(hours=2)
    tend(glass)
    glass.run(ReviewUnlock("prod", "fine"), "ana")
    lines = glass.run(LockHistory("prod"))
    told = [(line.by, line.kind, line.state) for line in lines if line.seq > lines[-1].seq - 9]
    assert told == [
        ("pam", "lock-observed", "locked"),
        ("rita", "unlocked", ""),
        ("rita", "lock-observed", "open"),
        ("lampway", "lock-observed", "locked"),
        ("lampway", "relocked", ""),
        ("ana", "unlock-reviewed", ""),
    ]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert len(glass.run(LockHistory("prod", limit=2))) == 2
    assert [line for line in glass.run(LockHistory("test")) if line.kind != "lock-observed"] == []


def test_all_that_must_be_locked_is_looked_at_and_one_that_does_not_answer_holds_up_no_other(glass: Team) -> None:
    tiers = (Tier("dev"), Tier("test", locked=True), glass.rules.tiers[-1])
    glass.govern(replace(glass.rules, tiers=tiers))
    glass.test.fail(Fault.UNREACHABLE, on="observe_lock")
    seen = {one.environment: (one.state, bool(one.error), one.is_well) for one in glass.run(LookAtLocks())}
    assert seen == {"test": ("never", True, False), "prod": ("locked", False, True)}


def test_locks_are_looked_at_by_the_clock_once_over_all_workers(glass: Team) -> None:
    hourly = Schedules(lock=(DriftSchedule("0 * * * *", "UTC"),))
    glass.govern(replace(glass.rules, schedules=hourly))
    plan_everywhere(glass.engine, CALENDAR)
    looks = glass.prod.calls["observe_lock"]
    second = glass.another(holder="two")
    for _ in range(24):
        glass.clock.move(hours=1)
        list(fire_due(glass.engine, CALENDAR))
        list(fire_due(second, CALENDAR))
        plan_everywhere(second, CALENDAR)
    assert glass.prod.calls["observe_lock"] == looks + 24
    glass.prod.is_locked = False
    glass.clock.move(hours=1)
    list(fire_due(second, CALENDAR))
    assert gates(glass)["lock"][0] is GateState.FAILED, "seen open by the clock alone"
    assert any("prod is open" in words for cell in glass.run(Status()) for words in cell.lock)


def test_what_was_locked_when_it_was_asked_for_is_looked_at_again_before_it_starts(glass: Team) -> None:
    glass.release("1.10")
    promotion = glass.promote()
    looks = glass.prod.calls["observe_lock"]
    glass.clock.move(days=3)
    glass.prod.is_locked = False
    glass.approve(promotion)
    assert glass.promotion(promotion).state is PromotionState.WAITING
    assert gates(glass)["lock"][0] is GateState.FAILED
    assert glass.prod.calls["observe_lock"] == looks + 1
    glass.do(LockEnvironment("prod"), "rita")
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED


def test_a_lock_that_was_just_seen_is_not_looked_at_again(glass: Team) -> None:
    glass.release("1.10")
    promotion = glass.promote()
    looks = glass.prod.calls["observe_lock"]
    glass.clock.move(minutes=30)
    glass.approve(promotion)
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED
    assert glass.prod.calls["observe_lock"] == looks


def test_a_lock_that_somebody_else_opened_is_set_on_demand(glass: Team) -> None:
    glass.prod.is_locked = False
    assert glass.run(LockEnvironment("prod"), "ana").state == "locked"
    assert glass.prod.is_locked
    glass.prod.is_locked = False
    glass.prod.has_lock_switch = False
    seen = glass.run(LockEnvironment("prod"), "ana")
    assert (seen.state, seen.note) == ("open", "its lock has no switch")


def test_an_environment_that_needs_no_lock_is_only_looked_at(glass: Team) -> None:
    glass.run(LockEnvironment("dev"), "ana")
    assert not glass.dev.is_locked


# Told.


def test_everybody_concerned_is_told_of_every_turn_it_takes(glass: Team) -> None:
    glass.vault.known["env:CHAT"] = "json://chat.example/pass-word"
    glass.govern(replace(glass.rules, notify=CHAT))
    glass.run(LookAtLocks())
    unlock(glass, second="ana")
    glass.run(ConfirmUnlock("prod"), "ana")
    glass.clock.move(hours=2)
    glass.prod.fail(Fault.UNREACHABLE, on="set_lock")
    tend(glass)
    glass.clock.move(hours=1)
    tend(glass)
    found = [(one.kind, one.people, one.title) for one in glass.run(ShowNotices())]
    assert [kind for kind, _, _ in found] == ["unlocked"] * 4, "that it is open is told as what it is, and once"
    assert [set(people) for _, people, _ in found] == [{"ana"}, *[{"rita", "ana"}] * 3]
    assert [title.partition(" until")[0] for _, _, title in found] == [
        "confirm that prod is unlocked",
        "prod is unlocked",
        "prod could not be locked again",
        "prod is locked again",
    ]


# Proved offline.


def test_what_was_unlocked_is_judged_again_from_the_evidence_file(glass: Team) -> None:
    unlock(glass)
    glass.do(LockEnvironment("prod"), "rita")
    glass.ship("1.10")
    data = glass.run(ExportEvidence("orders"), "zoe").content.encode()
    assert faults(data) == []
    without_review = "\n".join(c.reason for c in faults(forge(data, without("unlocked"))))
    assert "never recorded" in without_review
    still_open = "\n".join(c.reason for c in faults(forge(data, without("relocked"))))
    assert "break-glass" in still_open, "nothing may have entered an open environment"


def test_records_folded_anew_are_those_that_stand(glass: Team) -> None:
    unlock(glass, second="ana")
    unlock(glass)
    glass.prod.fail(Fault.UNREACHABLE, on="set_lock")
    glass.clock.move(hours=2)
    for _ in range(2):
        tend(glass)
        glass.clock.move(minutes=1)
    glass.run(ReviewUnlock("prod", "fine"), "ana")
    assert [one.state for one in glass.find(Unlocking)] == ["asked", "closed"]
    assert glass.store.compare() == ()


# Labels.


def labelled(team: Team) -> Team:
    team.govern(with_prod_tier(team.rules, label=LABEL))
    return team


def test_a_missing_label_is_a_finding_that_blocks_nothing_and_is_set_on_demand(shipped: Team) -> None:
    team = labelled(shipped)
    team.run(LookAtLocks())
    assert f"no label: {LABEL!r}" in team.get(LockRecord, "prod").mislabelled
    (scanned,) = team.run(ScanDrift(("prod",)))
    assert scanned.mislabelled
    assert _readiness(team, "separate-environments")[1] == "lampway lock prod"
    assert any("no label" in words for cell in team.run(Status()) for words in cell.lock)
    team.ship("1.10")
    assert team.run(LockEnvironment("prod"), "pam").mislabelled == ""
    assert (team.prod.label, team.get(LockRecord, "prod").label) == (LABEL, LABEL)
    assert not any(cell.lock for cell in team.run(Status()))


def test_a_wrong_label_is_told_with_both_texts_and_more_around_it_is_fine(shipped: Team) -> None:
    team = labelled(shipped)
    team.prod.label = "TEST"
    team.run(LookAtLocks())
    assert team.get(LockRecord, "prod").mislabelled == f"people there see 'TEST' where its tier asks for {LABEL!r}"
    team.prod.label = f"Node {LABEL} (eu)"
    team.run(LookAtLocks())
    assert team.get(LockRecord, "prod").mislabelled == ""


def test_a_label_that_cannot_be_set_or_seen_is_told_and_the_lock_still_seen(shipped: Team) -> None:
    team = labelled(shipped)
    team.prod.fail(Fault.REFUSED, on="set_label")
    seen = team.run(LockEnvironment("prod"), "pam")
    assert (seen.state, bool(seen.mislabelled), bool(seen.note)) == ("locked", True, True)
    team.prod.fail(Fault.UNREACHABLE, on="read_label")
    team.run(LookAtLocks())
    assert team.get(LockRecord, "prod").mislabelled.startswith("its label cannot be seen")


def test_label_and_break_glass_rules_void_no_promotion(team: Team) -> None:
    team.release("1.19")
    promotion = team.promote()
    team.govern(with_prod_tier(team.rules, label=LABEL, unlock=UnlockRule(HOUR)))
    team.settle()
    assert team.promotion(promotion).state is PromotionState.WAITING
