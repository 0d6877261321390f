"""Housekeeping removes what the strategy declares, and nothing about anything that is or was in production."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from team import MemoryPackages, Team, with_environment

from lampway.domain.deployment import CheckOutcome, Deployment, Evidence, Installation
from lampway.domain.events import ENGINE, ReleaseSealed
from lampway.domain.kept import NAMING, kept
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.domain.release import Release
from lampway.domain.retention import Removable
from lampway.engine.audit import Audit
from lampway.engine.decide import Decide
from lampway.engine.drift import RevertDrift, ScanDrift
from lampway.engine.packages import VerifyPackages
from lampway.engine.ports import CheckResult
from lampway.engine.promote import Abort, Promote, Rollback
from lampway.engine.release import MakeRelease
from lampway.engine.retention import Retain, RetentionView
from lampway.errors import LampwayError, RefusedError, StorageError
from lampway.storage.backup import back_up
from lampway.testing.world import CrashError, Fault

KEEP = timedelta(days=30)


def declare(team: Team, keep: timedelta = KEEP) -> None:
    team.govern(replace(team.rules, retention=keep.total_seconds()))


@pytest.fixture
def old(shipped: Team) -> Team:
    """Return a team with two releases that were in production, and three after them that only came to test."""
    declare(shipped)
    for price in ("1.20", "1.21", "1.22"):
        shipped.release(price)
        shipped.promote("test")
    return shipped


def may_go(team: Team) -> set[str]:
    view: RetentionView = team.run(Retain())
    assert not view.applied
    return {one.release for one in view.removable}


def test_nothing_goes_that_the_strategy_does_not_declare(shipped: Team) -> None:
    shipped.clock.move(days=4000)
    with pytest.raises(RefusedError, match="nothing is ever removed") as caught:
        shipped.run(Retain(apply=True))
    assert "retention: 180d" in caught.value.hint


def test_what_never_was_in_production_goes_when_its_time_is_over_and_not_before(old: Team) -> None:
    old.clock.move(days=29)
    assert may_go(old) == set()
    old.clock.move(days=2)
    assert may_go(old) == {"orders@1.0.2"}, "1.0.3 is what test goes back to, 1.0.4 runs there"
    before = dict(old.packages.kept)
    view: RetentionView = old.run(Retain(apply=True))
    assert view.applied
    gone = {one.digest for one in view.removable}
    assert old.packages.kept == {digest: data for digest, data in before.items() if digest not in gone}
    assert gone


def test_a_look_changes_nothing(old: Team) -> None:
    old.clock.move(days=400)
    packages, events = dict(old.packages.kept), len(old.kinds())
    assert may_go(old)
    assert old.packages.kept == packages
    assert len(old.kinds()) == events


def test_that_it_goes_is_recorded_and_no_audit_misses_it(old: Team, tmp_path: Path) -> None:
    old.clock.move(days=400)
    rows = list(old.store.stored())
    view: RetentionView = old.run(Retain(apply=True), "pam")
    *_, last = old.store.events()
    assert (last.event.kind, last.actor.person) == ("packages-removed", "pam")
    assert last.event.digests == tuple(one.digest for one in view.removable)
    assert list(old.store.stored())[: len(rows)] == rows, "no row of the ledger ever goes"
    assert old.run(Audit()).damage == ()
    assert old.run(VerifyPackages()).faults == ()
    assert old.store.compare() == ()
    assert back_up(old.store, old.packages, tmp_path / "x.backup", at="").missing == ()
    assert may_go(old) == set()
    count = len(old.kinds())
    assert old.run(Retain(apply=True)).removable == ()
    assert len(old.kinds()) == count, "nothing is recorded for nothing"


def test_both_copies_go(old: Team) -> None:
    from lampway.storage.mirror import MirroredPackages

    second = MemoryPackages()
    second.kept = dict(old.packages.kept)
    engine = replace(old.engine, packages=MirroredPackages(old.packages, second), second_copy=second)
    old.engine = engine
    old.clock.move(days=400)
    assert old.run(Retain(apply=True)).removable
    assert second.kept == old.packages.kept
    assert old.run(VerifyPackages()).faults == ()


def test_a_removal_that_broke_off_is_ended_by_the_next(old: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    old.clock.move(days=400)
    before = len(old.packages.kept)

    def fail(_: str) -> None:
        raise StorageError("the object store is away")

    with monkeypatch.context() as patched:
        patched.setattr(old.packages, "remove", fail)
        with pytest.raises(StorageError):
            old.run(Retain(apply=True))
    assert len(old.packages.kept) == before
    old.run(Retain(apply=True))
    assert len(old.packages.kept) < before
    assert old.run(Audit()).damage == ()


def test_bytes_that_come_back_in_a_later_release_are_kept_again(old: Team) -> None:
    old.clock.move(days=400)
    (before,) = [r for r in old.find(Release) if r.name == "orders@1.0.2"]
    data = old.packages.get(before.package.digest)
    old.run(Retain(apply=True))
    assert not old.packages.has(before.package.digest)
    again = replace(before, version="1.0.9")
    old.packages.put(data)
    old.engine.record([ReleaseSealed(again, again.digest)], ENGINE)
    assert kept(old.store.events())[before.package.digest] == "package of orders@1.0.9"
    assert may_go(old) == set()
    old.run(Retain(apply=True))
    assert old.packages.has(before.package.digest), "what was once removed is not removed again by itself"
    assert old.run(Audit()).damage == ()


def test_work_goes_on_after_it(old: Team) -> None:
    old.clock.move(days=400)
    old.run(Retain(apply=True))
    assert old.do(Rollback("orders", "test", "back"), "rita")
    assert old.running("test") == "1.0.3"
    assert old.ship("1.40").version == old.running("prod")


def test_outputs_of_checks_go_with_their_release_and_stay_with_what_was_in_production(shipped: Team) -> None:
    declare(shipped)
    output: dict[str, str] = {}
    for price, to in (("1.20", "prod"), ("1.21", "test"), ("1.22", "test"), ("1.23", "test")):
        result = CheckResult(CheckOutcome.PASSED, "fine", 0.1, output=f"output of {price}".encode())
        shipped.bench.results.update({("smoke", f"memory://{place}"): result for place in ("test", "prod")})
        release = shipped.release(price)
        promotion = shipped.promote(to)
        if to == "prod":
            shipped.approve(promotion)
        output[price] = next(e.output for e in shipped.find(Evidence) if e.release == release.digest)
    shipped.clock.move(days=400)
    view: RetentionView = shipped.run(Retain(apply=True))
    gone = {one.digest for one in view.removable}
    assert output["1.20"] not in gone
    assert output["1.21"] in gone


# Whatever happened, nothing about production goes.


def check_says(team: Team, n: int) -> None:
    """Let checks put out something of their own from now on."""
    result = CheckResult(CheckOutcome.PASSED if n % 4 else CheckOutcome.FAILED, "said", 0.1, output=f"{n}".encode())
    team.bench.results[("smoke", f"memory://{('test', 'prod')[n % 2]}")] = result


ACTIONS = {
    "check": check_says,
    "release": lambda team, n: team.run(MakeRelease("orders", bump=("", "minor", "major")[n % 3])),
    "build": lambda team, n: team.build(f"1.{n}", by="mia" if n % 2 else "max"),
    "test": lambda team, n: team.do(Promote("orders", "test"), "mia"),
    "prod": lambda team, n: team.do(Promote("orders", "prod"), ("mia", "rita", "ana")[n % 3]),
    "approve": lambda team, n: team.do(Decide("orders", approved=True), ("ana", "bob", "max")[n % 3]),
    "reject": lambda team, n: team.do(Decide("orders", approved=False, reason="no"), "bob"),
    "abort": lambda team, n: team.do(Abort("orders", "never mind"), "mia"),
    "rollback": lambda team, n: team.do(Rollback("orders", ("test", "prod")[n % 2], "back", remove=n % 5 == 0), "rita"),
    "edit": lambda team, n: team.price_in(team.prod) and team.prod.edit("p2", does=f"times {n}"),
    "scan": lambda team, n: team.do(ScanDrift()),
    "revert": lambda team, n: team.do(RevertDrift("orders", ("test", "prod")[n % 2]), "rita"),
    "govern": lambda team, n: team.govern(with_environment(team.rules, "prod", CURRENCY=f"C{n}")),
    "fault": lambda team, n: (team.test, team.prod)[n % 2].fail(list(Fault)[n % 7]),
    "ship": lambda team, n: team.ship(f"2.{n}"),
    "age": lambda team, n: team.clock.move(days=n * 3),
    "retain": lambda team, n: team.run(Retain(apply=True)),
}


def untouchable(team: Team) -> set[str]:
    """Return what must stay, told by the records instead of by the ledger."""
    releases = {r.digest: r for r in team.find(Release)}
    prod = {d.release for d in team.find(Deployment, environment="prod")}
    stays = {d.package for d in team.find(Deployment, environment="prod")}
    stays |= {i.package for i in team.find(Installation)}
    stays |= {p.digest for r in prod if r in releases for p in releases[r].packages}
    stays |= {
        p.digest for one in team.find(Promotion, states=OPEN_STATES) for p in releases[one.bound.release].packages
    }
    stays |= {digest for e in team.find(Evidence) if e.release in prod or e.environment == "prod" for digest in e.kept}
    for d in team.find(Deployment, environment="prod"):
        stays |= {step.detail["kept"] for step in d.steps if step.detail.get("kept")}
    return stays - {""}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(life=st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 20)), min_size=20, max_size=45))
def test_after_any_life_whatever_is_about_production_is_still_there(
    new_team: Team, life: list[tuple[str, int]]
) -> None:
    team = new_team.copy()
    declare(team, timedelta(days=1))
    removed: list[Removable] = []
    start = (("release", 0), ("prod", 0), ("approve", 0))
    end = (("build", 3), ("release", 1), ("test", 0), ("age", 20), ("retain", 0))
    for name, number in (*start, *life, *end):
        team.clock.move(minutes=1)
        before: Any = None
        try:
            before = ACTIONS[name](team, number)
        except (LampwayError, CrashError, AssertionError):
            if name == "retain":
                raise
        if name == "retain":
            removed += before.removable
        missing = untouchable(team) - team.packages.kept.keys()
        assert not missing, (name, missing)
    event(f"removed something: {bool(removed)}")
    assert kept(team.store.events(kinds=NAMING)).keys() <= team.packages.kept.keys()
    assert team.run(Audit()).damage == ()
    team.store.close()
