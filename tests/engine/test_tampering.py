"""Whoever holds the database can change anything in it; a checkpoint kept elsewhere, and the chain, give them away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from team import Team, unguard

from lampway.domain.checkpoint import TYPE, Checkpoint, parse_checkpoint
from lampway.domain.digest import EMPTY
from lampway.engine.audit import Audit, Verdict
from lampway.engine.checkpoint import CheckpointView, MakeCheckpoint
from lampway.errors import RefusedError, SourceError, StorageError, UsageError
from lampway.storage.ledger import link, verify
from lampway.storage.schema import APPEND_ONLY, records

COLUMNS = ("seq", "at", "kind", "schema", "actor", "body", "prev", "hash")
many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def small(new_team: Team) -> Iterator[Team]:
    """Return a team with a short ledger that ends after something was asked for."""
    team = new_team.copy()
    team.release("1.19")
    team.promote("test")
    yield team
    team.store.close()


@contextmanager
def opened(team: Team) -> Iterator[Connection]:
    """Open the ledger as whoever administers the database does; what they did is undone at the end."""
    require_sqlite(team)
    with team.store._engine.connect() as connection:
        connection.info["write"] = True
        transaction = connection.begin()
        unguard(connection)
        try:
            yield connection
        finally:
            transaction.rollback()
            connection.info.pop("write", None)


def require_sqlite(team: Team) -> None:
    """Skip what is written in the SQL of SQLite; tests/storage/test_postgres.py has its like."""
    if team.store._engine.dialect.name != "sqlite":
        pytest.skip("these statements are SQLite's")


def rows_of(connection: Connection) -> list[dict[str, Any]]:
    found = connection.exec_driver_sql(f"SELECT {', '.join(COLUMNS)} FROM ledger ORDER BY seq")
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def write(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Put these rows in place of the whole ledger."""
    connection.exec_driver_sql("DELETE FROM ledger")
    for row in rows:
        values = tuple(row[column] for column in COLUMNS)
        connection.exec_driver_sql("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def chained(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows numbered and hashed anew, as somebody who knows how does it."""
    made, prev = [], EMPTY
    for seq, row in enumerate(rows, 1):
        new = {**row, "seq": seq, "prev": prev}
        new["hash"] = link(prev, seq, row["at"], (row["kind"], row["schema"]), (row["actor"], row["body"]))
        made.append(new)
        prev = new["hash"]
    return made


def test_every_byte_of_a_ledger_flipped_in_turn_is_found(small: Team) -> None:
    checked = 0
    with opened(small) as connection:
        for row in rows_of(connection):
            for column in ("at", "kind", "actor", "body", "prev", "hash"):
                whole = row[column].encode()
                change = f"UPDATE ledger SET {column} = CAST(? AS TEXT) WHERE seq = {row['seq']}"
                for place in range(0, len(whole), 1 if len(whole) < 500 else 7):
                    broken = whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :]
                    connection.exec_driver_sql(change, (broken,))
                    assert verify(connection).damage, f"row {row['seq']}: byte {place} of {column}"
                    checked += 1
                connection.exec_driver_sql(change, (whole,))
        assert not verify(connection).damage
    assert checked > 3000


@many
@given(data=st.data())
def test_any_bit_of_any_number_or_text_is_covered(small: Team, data: st.DataObject) -> None:
    with opened(small) as connection:
        row = data.draw(st.sampled_from(rows_of(connection)))
        column = data.draw(st.sampled_from(COLUMNS))
        old = row[column]
        if column == "seq":
            new: Any = old ^ (1 << data.draw(st.integers(0, 40)))
        elif column == "schema":
            new = data.draw(st.one_of(st.integers(2, 2**40), st.floats(1.1, 1.9)))
        else:
            place, bit = divmod(data.draw(st.integers(0, len(old.encode()) * 8 - 1)), 8)
            new = bytes(byte ^ (1 << bit) if n == place else byte for n, byte in enumerate(old.encode()))
        place_of = "CAST(? AS TEXT)" if isinstance(new, bytes) else "?"
        assume(column != "seq" or new not in [other["seq"] for other in rows_of(connection)])
        connection.exec_driver_sql(f"UPDATE ledger SET {column} = {place_of} WHERE seq = {row['seq']}", (new,))
        assert verify(connection).damage


@pytest.mark.parametrize("value", [None, b"\xff\x00", 7, 1.5, "x"])
@pytest.mark.parametrize("column", ["at", "kind", "schema", "actor", "body", "prev", "hash"])
def test_a_value_of_another_type_is_damage_and_does_not_stop_the_audit(small: Team, column: str, value: Any) -> None:
    with opened(small) as connection:
        shape = "seq INTEGER PRIMARY KEY, " + ", ".join(COLUMNS[1:])
        connection.exec_driver_sql(f"CREATE TEMP TABLE other ({shape})")
        connection.exec_driver_sql("INSERT INTO other SELECT * FROM ledger")
        connection.exec_driver_sql(f"UPDATE other SET {column} = ? WHERE seq = 2", (value,))
        connection.exec_driver_sql("ALTER TABLE ledger RENAME TO kept")
        connection.exec_driver_sql(f"CREATE TABLE ledger ({shape})")
        connection.exec_driver_sql("INSERT INTO ledger SELECT * FROM other")
        assert "ledger row 2" in [damage.place for damage in verify(connection).damage]


@many
@given(data=st.data())
def test_rows_swapped_doubled_renumbered_or_left_out_are_found(small: Team, data: st.DataObject) -> None:
    with opened(small) as connection:
        rows = rows_of(connection)
        one, other = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True))
        match data.draw(st.sampled_from(["swap", "double", "renumber", "leave out", "shift"])):
            case "swap":
                rows[one], rows[other] = {**rows[other], "seq": one + 1}, {**rows[one], "seq": other + 1}
            case "double":
                rows.append({**rows[one], "seq": len(rows) + 1, "hash": rows[one]["hash"][:-1] + "x"})
            case "renumber":
                rows[one] = {**rows[one], "seq": len(rows) + 1 + other}
            case "shift":
                rows = [{**row, "seq": row["seq"] + 1 + other} for row in rows]
            case _:
                del rows[min(one, len(rows) - 2)]
        write(connection, rows)
        assert verify(connection).damage


@many
@given(data=st.data())
def test_a_tail_that_was_cut_off_or_rewritten_with_care_is_found_by_a_checkpoint_outside(
    small: Team, data: st.DataObject
) -> None:
    noted = small.store.verify()
    outside = Checkpoint(noted.last, noted.head, "2026-01-05T10:00:00.000+00:00")
    with opened(small) as connection:
        rows = rows_of(connection)
        place = data.draw(st.integers(0, len(rows) - 1))
        if data.draw(st.booleans()):
            rows = rows[:place]
        else:
            rows[place] = {**rows[place], "at": "2026-01-05T08:59:59.999+00:00"}
        if data.draw(st.booleans()):
            rows += [rows[-1] if rows else rows_of(connection)[0]] * data.draw(st.integers(0, 5))
        write(connection, chained(rows))
        chain = verify(connection, {outside.seq})
        assert not chain.damage, "the chain alone cannot tell"
        assert chain.hashes.get(outside.seq) != outside.hash


def test_the_audit_names_the_checkpoint_that_the_ledger_no_longer_fits(team: Team) -> None:
    team.release("1.19")
    made: CheckpointView = team.run(MakeCheckpoint())
    assert team.run(Audit(checkpoints=(("safe", made.statement),))).damage == ()
    later = Checkpoint(made.seq + 5, made.hash, made.at).statement
    other = Checkpoint(made.seq, "sha256:" + "1" * 64, made.at).statement
    verdict: Verdict = team.run(Audit(checkpoints=(("late", later), ("other", other), ("safe", made.statement))))
    assert [(d.place, d.what.split(": ")[0]) for d in verdict.damage] == [
        ("checkpoint late", f"row {made.seq + 5} is gone"),
        ("checkpoint other", f"row {made.seq} is not what it was at {made.at}"),
    ]
    assert verdict.checkpoints == 3


def test_a_checkpoint_is_recorded_and_its_tag_is_compared_without_being_asked(team: Team) -> None:
    made: CheckpointView = team.run(MakeCheckpoint(tag=True))
    assert made.tag == f"lampway/checkpoint-{made.seq}"
    assert made.pushed
    assert team.source.pushed[-1] == f"refs/tags/{made.tag}"
    assert parse_checkpoint(team.source.messages[made.tag], "").hash == made.hash
    assert team.kinds()[-1] == "checkpoint-made"
    verdict = team.run(Audit(chain_only=True))
    assert (verdict.checkpoints, verdict.covered, verdict.damage) == (1, made.seq, ())
    team.source.messages[made.tag] = replace(parse_checkpoint(made.statement, ""), hash="sha256:" + "2" * 64).statement
    assert [d.place for d in team.run(Audit()).damage] == [f"tag {made.tag}"]
    team.source.messages[made.tag] = "nothing of the kind"
    assert [d.what for d in team.run(Audit()).damage] == ["not a checkpoint of a ledger"]
    team.source.messages[made.tag] = Checkpoint(made.seq + 1, made.hash, made.at).statement
    assert [d.what for d in team.run(Audit()).damage] == [f"speaks of row {made.seq + 1}"]


def test_nobody_vouches_for_a_ledger_that_does_not_fit_an_earlier_checkpoint(team: Team) -> None:
    made: CheckpointView = team.run(MakeCheckpoint(tag=True))
    team.source.messages[made.tag] = Checkpoint(made.seq, "sha256:" + "3" * 64, made.at).statement
    count = len(team.kinds())
    with pytest.raises(RefusedError, match="damaged"):
        team.run(MakeCheckpoint(tag=True))
    assert len(team.kinds()) == count


def test_a_tag_that_cannot_be_pushed_says_how_to_and_one_that_cannot_be_made_records_nothing(team: Team) -> None:
    team.source.broken = 1
    made: CheckpointView = team.run(MakeCheckpoint(tag=True))
    assert not made.pushed
    assert f"git push origin {made.tag}" in made.note
    count = len(team.kinds())
    team.source.tags[f"lampway/checkpoint-{count}"] = "elsewhere"
    with pytest.raises(SourceError):
        team.run(MakeCheckpoint(tag=True))
    assert len(team.kinds()) == count


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        "[]",
        '{"type": "something-else/1"}',
        f'{{"type": "{TYPE}", "seq": 0, "hash": "sha256:{"0" * 64}", "at": ""}}',
        f'{{"type": "{TYPE}", "seq": true, "hash": "sha256:{"0" * 64}", "at": ""}}',
        f'{{"type": "{TYPE}", "seq": 1, "hash": "sha256:0", "at": ""}}',
        f'{{"type": "{TYPE}", "seq": 1, "hash": "sha256:{"0" * 64}"}}',
    ],
)
def test_what_is_no_checkpoint_is_asking_wrongly(team: Team, text: str) -> None:
    with pytest.raises(UsageError, match="not a checkpoint") as caught:
        team.run(Audit(checkpoints=(("file", text),)))
    assert caught.value.where == "file"
    assert caught.value.hint


def test_a_checkpoint_says_the_same_bytes_forever() -> None:
    """What is published must stay comparable, and signable, across versions."""
    said = Checkpoint(7, "sha256:" + "a" * 64, "2026-01-05T09:00:00.000+00:00").statement
    hash_ = "sha256:" + "a" * 64
    assert said == f'{{"at":"2026-01-05T09:00:00.000+00:00","hash":"{hash_}","seq":7,"type":"lampway-checkpoint/1"}}'
    assert parse_checkpoint(said, "").statement == said


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET kind = 'x' WHERE seq = 2",
        "UPDATE OR REPLACE ledger SET seq = 1 WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 2",
        "DELETE FROM ledger",
        "REPLACE INTO ledger SELECT seq, at, 'x', schema, actor, body, prev, hash || 'x' FROM ledger WHERE seq = 2",
        "INSERT OR REPLACE INTO ledger SELECT 9999, at, kind, schema, actor, body, prev, hash FROM ledger LIMIT 1",
        (
            "INSERT OR REPLACE INTO ledger SELECT (SELECT max(seq) + 1 FROM ledger), at, kind, schema, actor, body,"
            " prev, hash FROM ledger WHERE seq = 2"
        ),
        "INSERT OR IGNORE INTO ledger SELECT 0, at, kind, schema, actor, body, prev, 'x' FROM ledger WHERE seq = 2",
        (
            "INSERT INTO ledger SELECT 2, at, kind, schema, actor, body, prev, 'x' FROM ledger WHERE seq = 2"
            " ON CONFLICT (seq) DO UPDATE SET kind = 'x'"
        ),
    ],
)
def test_the_database_lets_nobody_change_or_replace_a_row(small: Team, statement: str) -> None:
    require_sqlite(small)
    before = small.store.verify()
    with pytest.raises(StorageError, match="append-only"), small.store.transaction() as transaction:
        transaction.connection.exec_driver_sql(statement)
    assert small.store.verify() == before


def test_records_may_be_written_from_inside_the_database_and_the_audit_finds_it(team: Team) -> None:
    """The database guards the ledger only: records are folded from it, and compared with it."""
    team.release("1.19")
    for table in records.values():
        with team.store.transaction() as transaction:
            transaction.connection.exec_driver_sql(f"UPDATE {table.name} SET state = 'x'")
    assert {d.what for d in team.run(Audit()).damage} == {"is not what the ledger says"}
    assert team.run(Audit(chain_only=True)).damage == ()


def test_triggers_that_somebody_took_away_come_back_when_the_store_is_opened(team: Team) -> None:
    from lampway.storage.sql import SqlStore

    require_sqlite(team)
    with team.store.transaction() as transaction:
        for trigger in APPEND_ONLY:
            transaction.connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
    again = SqlStore(team.store._engine, team.clock)
    with pytest.raises(StorageError, match="append-only"), again.transaction() as transaction:
        transaction.connection.exec_driver_sql("DELETE FROM ledger")


def test_records_put_aside_and_brought_back_are_compared_all_the_same(
    shipped: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for one record, every other one is put aside between any two events."""
    from lampway.storage import rebuild

    monkeypatch.setattr(rebuild, "_ROOM", 1)
    assert shipped.store.compare() == ()
    for table in records.values():
        with shipped.store.transaction() as transaction:
            transaction.connection.exec_driver_sql(f"UPDATE {table.name} SET doc = replace(doc, 'orders', 'borders')")
    found = {damage.place for damage in shipped.store.compare()}
    monkeypatch.undo()
    assert found == {damage.place for damage in shipped.store.compare()}
    assert found
