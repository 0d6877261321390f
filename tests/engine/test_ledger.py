"""The ledger is the truth: every change of it is found, and the records are exactly what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from authenticator import Device
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update
from team import Team, unguard, with_environment

from lampway.domain.digest import digest_bytes
from lampway.domain.events import ENGINE, EVENTS, Actor, LockObserved, PasskeyRegistered, RehearsalStarted
from lampway.domain.health import WatchRule
from lampway.domain.passkeys import Passkey
from lampway.domain.projection import RECORDS
from lampway.domain.recertification import Cadence, RecertificationRules
from lampway.domain.rehearsal import RehearsalRun
from lampway.domain.release import Release
from lampway.domain.unlocking import UnlockRule
from lampway.engine.audit import Audit, History
from lampway.engine.backport import BackportDrift
from lampway.engine.certify import Recertify
from lampway.engine.decide import Decide
from lampway.engine.delegate import Delegate
from lampway.engine.drift import AcceptDrift, RevertDrift, ScanDrift
from lampway.engine.due import RunDue
from lampway.engine.hotfix import StartHotfix
from lampway.engine.invitations import Invite
from lampway.engine.locks import LockEnvironment
from lampway.engine.promote import Abort, Promote, Rollback
from lampway.engine.readiness import AnswerReadiness
from lampway.engine.reconcile import Reconcile
from lampway.engine.release import MakeRelease
from lampway.engine.retire import ApproveRetirement, Retire
from lampway.engine.sandboxes import CreateSandbox
from lampway.engine.schedules import fire_due, plan_everywhere
from lampway.engine.stops import LiftHold, PutOnHold, VetoRelease
from lampway.engine.tokens import IssueToken
from lampway.engine.unlock import ConfirmUnlock, ReviewUnlock, Unlock
from lampway.errors import LampwayError, StorageError
from lampway.runtime.timetable import CronCalendar
from lampway.storage.ledger import verify
from lampway.storage.rebuild import compare
from lampway.storage.schema import ledger, records
from lampway.storage.sql import SqlStore
from lampway.testing.world import CrashError, Fault, World


@contextmanager
def tampering(store: SqlStore) -> Iterator[Connection]:
    """Open the store as somebody with the file in their hands does; what they did is undone at the end."""
    with store._engine.connect() as connection:
        connection.info["write"] = True
        transaction = connection.begin()
        unguard(connection)
        try:
            yield connection
        finally:
            transaction.rollback()
            connection.info.pop("write", None)


def audit(connection: Connection) -> list[str]:
    """Return the places the store's own audit names, on this very connection."""
    found = list(verify(connection).damage) or list(compare(connection))
    return [damage.place for damage in found]


def other(value: Any) -> Any:
    """Return something as near to `value` as can be."""
    if isinstance(value, int):
        return value + 1000
    if value.startswith("sha256:"):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"


def unlock_prod(team: Team, number: int) -> None:
    """Let one of two people unlock production, where the rules have to let them first."""
    tier = team.rules.tiers[-1]
    if tier.unlock is None:
        team.govern(replace(team.rules, tiers=(*team.rules.tiers[:-1], replace(tier, unlock=UnlockRule(7200.0)))))
    second = ("", "", "ana")[number % 3]
    team.run(Unlock("prod", "it burns", 60.0 * (1 + number % 5), second), ("pam", "rita")[number % 2])


@pytest.fixture(scope="module")
def full(new_team: Team) -> Iterator[Team]:
    """Return a team in whose ledger every kind of record has left something."""
    team = new_team.copy()
    (path,) = team.rules.pipelines
    rule = WatchRule(600.0, checks=("smoke",))
    stages = tuple(replace(s, watch=rule) if s.name == "prod" else s for s in path.stages)
    team.govern(replace(team.rules, pipelines=(replace(path, stages=stages),)))
    team.ship("1.19")
    team.prod.edit("p2", does="times 2")
    team.run(ScanDrift(("prod",)))
    team.run(Delegate("bob", "2026-01-01", "2026-02-01", "away"), "ana")
    team.run(PutOnHold("the year is closed", "orders", until="2026-01-05T10:00"))
    team.clock.move(hours=2)
    plan_everywhere(team.engine, CronCalendar())
    assert [f.row.kind for f in fire_due(team.engine, CronCalendar())] == ["hold"]
    team.run(VetoRelease("orders@1.0.0", "test", "it lost an order"))
    team.run(Recertify("orders"))
    team.run(AnswerReadiness("rollback-rehearsed", "yes", note="on Friday", until="2026-06-30"), "pam")
    team.run(IssueToken(name="night", digest=digest_bytes(b"secret"), until="2026-06-30"))
    passkey = Passkey("k1", "ana", "laptop", "Y3JlZA", Device().key, "link", team.engine.now())
    team.engine.record([PasskeyRegistered(passkey)], Actor("ana", "test"))
    team.run(Invite(person="zoe", digest=digest_bytes(b"secret")), "pam")
    unlock_prod(team, 0)
    asked = RecertificationRules("2026-01-01", (Cadence("medium", 12, 86_400.0),))
    team.govern(replace(team.rules, recertification=asked))
    plan_everywhere(team.engine, CronCalendar())
    assert [f.row.kind for f in fire_due(team.engine, CronCalendar())] == ["campaign"]
    team.run(Retire("orders", "it is old", "prod"))
    team.run(ApproveRetirement("orders"), "ana")
    team.run(BackportDrift("orders", "prod"), "pam")
    team.run(CreateSandbox("play"))
    team.run(StartHotfix("orders", "prod", "prices are wrong"))
    run = RehearsalRun("r1", "orders", "test", "prod", "1.0.0", "1.0.1", "1.0.0", (), "mia", team.engine.now())
    team.engine.record([RehearsalStarted(run)], Actor("mia", "test"))
    yield team
    team.store.close()


def test_an_untouched_store_is_sound(full: Team) -> None:
    verdict = full.run(Audit())
    assert verdict.damage == ()
    assert verdict.events == len(full.kinds())
    assert verdict.packages == 1
    assert all(full.find(kind) for kind in RECORDS)


@pytest.mark.parametrize("column", [c.name for c in ledger.columns])
def test_any_change_of_any_column_of_any_row_is_found(full: Team, column: str) -> None:
    last = len(full.kinds())
    for seq in range(1, last + 1):
        with tampering(full.store) as connection:
            here = ledger.c.seq == seq
            value = connection.execute(select(ledger.c[column]).where(here)).scalar_one()
            connection.execute(update(ledger).where(here).values({column: other(value)}))
            assert verify(connection).damage, f"row {seq}: {column} was {value!r}"


def test_a_row_taken_out_put_in_or_cut_off_is_found(full: Team) -> None:
    """Rows at the end that no record speaks of are missed only by their hash, noted elsewhere: see the next test."""
    last = len(full.kinds())
    for cut in (ledger.c.seq == 1, ledger.c.seq == last // 2, ledger.c.seq >= last - 1):
        with tampering(full.store) as connection:
            connection.execute(delete(ledger).where(cut))
            assert audit(connection)
    with tampering(full.store) as connection:
        row = connection.execute(select(ledger).where(ledger.c.seq == last)).mappings().one()
        connection.execute(insert(ledger).values({**row, "seq": last + 1, "hash": "sha256:" + "1" * 64}))
        assert audit(connection)


def test_the_newest_hash_noted_elsewhere_proves_that_nothing_was_cut_off(full: Team) -> None:
    noted = full.run(Audit()).head
    assert noted == [r.hash for r in full.store.events()][-1]
    with full.store.reading() as reading:
        hashes = reading.connection.execute(select(ledger.c.hash)).scalars().all()
    assert hashes.count(noted) == 1


def test_two_rows_that_changed_places_are_found(full: Team) -> None:
    with tampering(full.store) as connection:
        first, second = (
            dict(connection.execute(select(ledger).where(ledger.c.seq == seq)).mappings().one()) for seq in (3, 4)
        )
        connection.execute(delete(ledger).where(ledger.c.seq.in_([3, 4])))
        connection.execute(insert(ledger).values({**first, "seq": 4}))
        connection.execute(insert(ledger).values({**second, "seq": 3}))
        assert audit(connection)


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_any_change_of_any_column_of_any_record_is_found(full: Team, kind: type) -> None:
    table = records[kind]
    with full.store.reading() as reading:
        rows = [dict(row) for row in reading.connection.execute(select(table)).mappings()]
    for column in [c.name for c in table.columns]:
        row = rows[-1]
        with tampering(full.store) as connection:
            changed = {column: other(row[column])}
            connection.execute(update(table).where(table.c.key == row["key"]).values(changed))
            assert audit(connection), f"{kind.__name__}: {column} was {row[column]!r}"


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_a_record_taken_out_or_made_up_is_found(full: Team, kind: type) -> None:
    table = records[kind]
    with tampering(full.store) as connection:
        row = dict(connection.execute(select(table)).mappings().first())
        connection.execute(delete(table).where(table.c.key == row["key"]))
        assert audit(connection)
        connection.execute(insert(table).values(row))
        assert audit(connection) == []
        connection.execute(insert(table).values({**row, "key": "made-up"}))
        assert audit(connection)


def test_the_database_itself_refuses_to_rewrite_the_ledger(full: Team) -> None:
    for statement in (update(ledger).values(kind="x"), delete(ledger)):
        with pytest.raises(StorageError, match="append-only"), full.store.transaction() as transaction:
            transaction.connection.execute(statement)


def test_one_flipped_bit_in_any_package_is_found(full: Team) -> None:
    (key,) = [r.package.digest for r in full.find(Release)]
    whole = full.packages.kept[key]
    for place in range(0, len(whole), 97):
        full.packages.kept[key] = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        assert [d.place for d in full.run(Audit()).damage] == [f"package {key}"]
    del full.packages.kept[key]
    assert [d.place for d in full.run(Audit()).damage] == [f"package {key}"]
    full.packages.kept[key] = whole


def test_a_record_that_cannot_even_be_read_is_told_and_does_not_stop_the_audit(full: Team) -> None:
    table = records[Release]
    with full.store.transaction() as transaction:
        whole = transaction.connection.execute(select(table.c.doc)).scalar_one()
        transaction.connection.execute(update(table).values(doc="{"))
    verdict = full.run(Audit())
    with full.store.transaction() as transaction:
        transaction.connection.execute(update(table).values(doc=whole))
    assert [d.place for d in verdict.damage] == ["release orders@1.0.0"]
    assert verdict.packages == 1


def test_either_all_of_a_transaction_is_kept_or_nothing(team: Team) -> None:
    count = len(team.kinds())
    event = LockObserved("prod", "open", "somebody can edit", "lock it")

    def die_after_appending() -> None:
        with team.store.transaction() as transaction:
            transaction.append(event, ENGINE)
            raise CrashError

    with pytest.raises(CrashError):
        die_after_appending()
    assert len(team.kinds()) == count


def test_observers_are_told_only_of_what_is_durable(team: Team) -> None:
    with pytest.raises(StorageError):
        team.engine.record([LockObserved("prod", "open", "x", "y")], ENGINE, fence=("prod", 99))
    assert [r.event.kind for r in team.seen] == []
    team.ship("1.19")
    assert [r.seq for r in team.seen] == list(range(2, 2 + len(team.seen)))


def test_the_history_says_who_did_what_in_words(full: Team) -> None:
    lines = full.run(History(limit=500, everything=True))
    assert len(lines) == len(full.kinds())
    assert all(line.what for line in lines)
    assert {line.who for line in lines} == {"pam", "mia", "ana", "lampway"}
    assert not any(line.authenticated for line in lines if line.who != "lampway")
    assert [line.seq for line in full.run(History(limit=3, everything=True))] == [
        len(lines) - 2,
        len(lines) - 1,
        len(lines),
    ]


# A long random life.


def world(team: Team, n: int) -> World:
    return (team.test, team.prod)[n % 2]


ACTIONS = {
    "build": lambda team, n: team.build(f"1.{n}", by="mia" if n % 2 else "max"),
    "release": lambda team, n: team.run(MakeRelease("orders", bump=("", "minor", "major")[n % 3])),
    "test": lambda team, n: team.do(Promote("orders", "test"), "mia"),
    "prod": lambda team, n: team.do(Promote("orders", "prod"), ("mia", "rita", "ana")[n % 3]),
    "approve": lambda team, n: team.do(Decide("orders", approved=True), ("ana", "bob", "max")[n % 3]),
    "reject": lambda team, n: team.do(Decide("orders", approved=False, reason="no"), "bob"),
    "abort": lambda team, n: team.do(Abort("orders", "never mind"), "mia"),
    "rollback": lambda team, n: team.do(Rollback("orders", ("test", "prod")[n % 2], "back", remove=n % 5 == 0), "rita"),
    "edit": lambda team, n: team.price_in(world(team, n)) and world(team, n).edit("p2", does=f"times {n}"),
    "scan": lambda team, n: team.do(ScanDrift()),
    "accept": lambda team, n: team.do(AcceptDrift("orders", ("test", "prod")[n % 2], "for now"), "rita"),
    "revert": lambda team, n: team.do(RevertDrift("orders", ("test", "prod")[n % 2]), "rita"),
    "govern": lambda team, n: team.govern(with_environment(team.rules, ("test", "prod")[n % 2], CURRENCY=f"C{n}")),
    "check": lambda team, n: team.bench.fail("smoke", ("test", "prod")[n % 2]) if n % 3 else team.bench.results.clear(),
    "fault": lambda team, n: (team.test, team.prod)[n % 2].fail(list(Fault)[n % 7]),
    "reconcile": lambda team, n: team.do(Reconcile("orders", ("test", "prod")[n % 2], n % 3 == 0, "I looked"), "rita"),
    "crash": lambda team, n: team.prod.fail(Fault.CRASH_AFTER),
    "resume": lambda team, n: team.settle(),
    "hold": lambda team, n: team.run(PutOnHold("wait", environment=("test", "prod")[n % 2]), "rita"),
    "lift": lambda team, n: team.do(LiftHold(environment=("test", "prod")[n % 2]), "rita"),
    "unlock": unlock_prod,
    "confirm": lambda team, n: team.run(ConfirmUnlock("prod"), "ana"),
    "relock": lambda team, n: team.do(LockEnvironment("prod"), "rita") if n % 2 else team.do(RunDue()),
    "review": lambda team, n: team.do(ReviewUnlock("prod", "fine"), ("ana", "bob")[n % 2]),
    "veto": lambda team, n: team.do(VetoRelease(f"orders@1.0.{n % 4}", ("test", "prod")[n % 2], "never"), "rita"),
}


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 20)), min_size=25, max_size=45))
def test_after_any_life_the_records_are_what_the_ledger_says(new_team: Team, life: list[tuple[str, int]]) -> None:
    """And production never ran anything that was not verified in test and approved, however the life went."""
    team = new_team.copy()
    for name, number in (("release", 0), ("prod", 0), ("approve", 0), *life):
        team.clock.move(minutes=1)
        try:
            ACTIONS[name](team, number)
        except (LampwayError, CrashError):
            continue
    assert team.store.audit() == ()
    verified = [good.release for good in team.find(_known_good(), environment="test")]
    assert {good.release for good in team.find(_known_good(), environment="prod")} <= set(verified)
    for promotion in team.find(_promotion(), environment="prod"):
        if promotion.deployment and promotion.kind == "forward":
            approvers = {d.by for d in promotion.decisions if d.approved and d.digest == promotion.bound.digest}
            release = team.get(Release, f"orders@{promotion.version}")
            assert approvers - {promotion.requested_by, *release.makers}
    team.store.close()


def _known_good() -> type:
    from lampway.domain.deployment import KnownGood

    return KnownGood


def _promotion() -> type:
    from lampway.domain.promotion import Promotion

    return Promotion


def test_every_event_and_actor_survives_being_written_and_read(full: Team) -> None:
    from lampway.storage.codec import actor_from, event_from, to_text

    seen = {r.event.kind for r in full.store.events()}
    assert seen <= EVENTS.keys()
    for recorded in full.store.events():
        text = to_text(recorded.event)
        assert event_from(recorded.event.kind, 1, text, where="") == recorded.event
        assert actor_from(to_text(recorded.actor), where="") == recorded.actor
    actor = Actor("mia", "git", name="Mia \u2028 \x00 \U0001f9be", email="a@b\n")
    assert actor_from(to_text(actor), where="") == actor
