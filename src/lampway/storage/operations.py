"""What is merely operational: which workers were seen last, and what is due when.

None of it is in the ledger or proves anything. What is due is computed from records and may be computed anew; a row is
taken by comparing and setting it in the transaction that acts upon it, so that one worker of many does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Index, LargeBinary, Table, delete, func, insert, select, update

from lampway.engine.store import AnsweredOnce, Parked, Scheduled, SeenWorker, Visit
from lampway.storage import leases
from lampway.storage.schema import _NUMBER, _text, metadata
from lampway.storage.schema import leases as held

workers = Table(
    "worker",
    metadata,
    Column("name", _text(120), primary_key=True),
    Column("lanes", _text(), nullable=False),
    Column("started_at", _text(40), nullable=False),
    Column("seen_at", _text(40), nullable=False),
)
"""Operational: who works, and when they were last seen; `lanes` are names joined by commas, empty for all."""

schedule = Table(
    "schedule",
    metadata,
    Column("key", _text(200), primary_key=True),
    Column("kind", _text(20), nullable=False),
    Column("scope", _text(80), nullable=False),
    Column("environment", _text(80), nullable=False),
    Column("at", _text(40), nullable=False),
    Column("words", _text(), nullable=False),
    Column("promotion", _text(80), nullable=False),
    Column("tries", _NUMBER, nullable=False),
    Index("ix_schedule_at", "at"),
    Index("ix_schedule_scope", "scope"),
)
"""Operational: what time alone will bring about, and when."""

answered = Table(
    "answered",
    metadata,
    Column("key", _text(200), primary_key=True),
    Column("asked", _text(80), nullable=False),
    Column("at", _text(40), nullable=False),
    Column("status", _NUMBER, nullable=False),
    Column("body", _text(), nullable=False),
    Index("ix_answered_at", "at"),
)
"""Operational: how requests over the network were answered, so that asking twice does it once; 0 for not yet."""

visits = Table(
    "visit",
    metadata,
    Column("key", _text(80), primary_key=True),
    Column("kind", _text(20), nullable=False),
    Column("person", _text(200), nullable=False),
    Column("via", _text(200), nullable=False),
    Column("at", _text(40), nullable=False),
    Column("proved_at", _text(40), nullable=False),
    Column("until", _text(40), nullable=False),
    Index("ix_visit_until", "until"),
)
"""Operational: who is signed in with a browser, and sign-in codes not used yet, by the digest of their secret."""

parked = Table(
    "parked",
    metadata,
    Column("key", _text(80), primary_key=True),
    Column("person", _text(200), nullable=False),
    Column("until", _text(40), nullable=False),
    Column("data", LargeBinary(), nullable=False),
    Index("ix_parked_until", "until"),
)
"""Operational: what people sent and have yet to sign, by the digest of a secret; bounded, and soon forgotten."""

_SQLITE_NOW = func.strftime("%Y-%m-%dT%H:%M:%f+00:00", "now")
_POSTGRES_NOW = func.to_char(func.timezone("UTC", func.clock_timestamp()), 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')


class OperationRows:
    """The operational part of the reading port."""

    connection: Connection

    def time(self) -> str:
        """Return the time by the database's own clock."""
        now = _SQLITE_NOW if self.connection.dialect.name == "sqlite" else _POSTGRES_NOW
        return str(self.connection.execute(select(now)).scalar_one())

    def workers(self) -> tuple[SeenWorker, ...]:
        """Return every worker that was seen, the one that began first first."""
        rows = self.connection.execute(select(workers).order_by(workers.c.started_at, workers.c.name))
        return tuple(SeenWorker(r.name, _split(r.lanes), r.started_at, r.seen_at) for r in rows)

    def scheduled(self, scope: str) -> tuple[Scheduled, ...]:
        """Return what is due some day in this scope, by key."""
        rows = self.connection.execute(select(schedule).where(schedule.c.scope == scope).order_by(schedule.c.key))
        return tuple(_scheduled(row) for row in rows)

    def due_by(self, at: str, lanes: Sequence[str] = (), limit: int = 100) -> tuple[Scheduled, ...]:
        """Return what is due by a moment, earliest first; of these environments and what belongs to none, or of all."""
        query = select(schedule).where(schedule.c.at <= at).order_by(schedule.c.at, schedule.c.key).limit(limit)
        if lanes:
            query = query.where(schedule.c.environment.in_(["", *lanes]))
        return tuple(_scheduled(row) for row in self.connection.execute(query))

    def next_due(self, lanes: Sequence[str] = ()) -> str:
        """Return when something is due next; empty for never."""
        query = select(func.min(schedule.c.at))
        if lanes:
            query = query.where(schedule.c.environment.in_(["", *lanes]))
        return str(self.connection.execute(query).scalar() or "")

    def visit(self, key: str) -> Visit | None:
        """Return who is signed in under the digest of a secret, until when and since when; None for nobody."""
        row = self.connection.execute(select(visits).where(visits.c.key == key)).first()
        return Visit(row.key, row.kind, row.person, row.via, row.at, row.proved_at, row.until) if row else None

    def parked(self, key: str) -> Parked | None:
        """Return what is parked under the digest of a secret; None for nothing."""
        row = self.connection.execute(select(parked).where(parked.c.key == key)).first()
        return Parked(row.key, row.person, row.until, bytes(row.data)) if row else None

    def has_parked(self, before: str) -> bool:
        """Return whether something parked has ended before a moment."""
        query = select(parked.c.key).where(parked.c.until < before).limit(1)
        return self.connection.execute(query).first() is not None

    def held(self) -> frozenset[str]:
        """Return the environments that somebody holds."""
        query = select(held.c.environment).where(held.c.holder != "")
        return frozenset(self.connection.execute(query).scalars())

    def abandoned(self, asking: str) -> tuple[str, ...]:
        """Return the environments whose holder has gone, or may have: whoever asks is not meant."""
        return leases.abandoned(self.connection, asking)


class OperationChanges(OperationRows):
    """The operational part of the transaction port."""

    def see_worker(self, name: str, lanes: Sequence[str]) -> None:
        """Write down that a worker is alive now."""
        now = self.time()
        changed = self.connection.execute(update(workers).where(workers.c.name == name).values(seen_at=now)).rowcount
        if not changed:
            row = {"name": name, "lanes": ",".join(lanes), "started_at": now, "seen_at": now}
            self.connection.execute(insert(workers).values(**row))

    def forget_worker(self, name: str) -> None:
        """Take a worker that has left off the list."""
        self.connection.execute(delete(workers).where(workers.c.name == name))

    def plan(self, row: Scheduled) -> None:
        """Keep what is due in place of what was kept under this key."""
        self.connection.execute(delete(schedule).where(schedule.c.key == row.key))
        values: dict[str, Any] = {name: getattr(row, name) for name in schedule.c.keys()}  # noqa: SIM118 - columns
        self.connection.execute(insert(schedule).values(**values))

    def claim(self, key: str, asked: str, *, forget: str) -> AnsweredOnce | None:
        """Take it upon us to answer a request, or return how far another one is. Forgets what is older."""
        self.connection.execute(delete(answered).where(answered.c.at < forget))
        row = self.connection.execute(select(answered).where(answered.c.key == key)).first()
        if row is not None:
            return AnsweredOnce(row.asked, row.status, row.body)
        values = {"key": key, "asked": asked, "at": self.time(), "status": 0, "body": ""}
        self.connection.execute(insert(answered).values(**values))
        return None

    def settle_claim(self, key: str, status: int, body: str) -> None:
        """Keep how it was answered; a status of 0 gives it free again."""
        if not status:
            self.connection.execute(delete(answered).where(answered.c.key == key))
            return
        change = update(answered).where(answered.c.key == key).values(status=status, body=body)
        self.connection.execute(change)

    def keep_visit(self, visit: Visit, *, forget: str) -> None:
        """Keep who is signed in, in place of what was kept under this key. Forgets those that ended before a moment."""
        self.connection.execute(delete(visits).where((visits.c.until < forget) | (visits.c.key == visit.key)))
        values: dict[str, Any] = {name: getattr(visit, name) for name in visits.c.keys()}  # noqa: SIM118 - columns
        self.connection.execute(insert(visits).values(**values))

    def end_visit(self, key: str) -> bool:
        """Forget who is signed in under this key. Returns whether somebody was."""
        return bool(self.connection.execute(delete(visits).where(visits.c.key == key)).rowcount)

    def park(self, sent: Parked, *, forget: str, most: tuple[int, int]) -> None:
        """Keep what somebody sent, beside at most so many others of theirs and in all; older ones are forgotten."""
        self.connection.execute(delete(parked).where((parked.c.until < forget) | (parked.c.key == sent.key)))
        newest = select(parked.c.key).order_by(parked.c.until.desc(), parked.c.key)
        for query, left in ((newest.where(parked.c.person == sent.person), most[0]), (newest, most[1])):
            over = self.connection.execute(query.offset(left)).scalars().all()
            self.connection.execute(delete(parked).where(parked.c.key.in_(over)))
        row = {"key": sent.key, "person": sent.person, "until": sent.until, "data": sent.data}
        self.connection.execute(insert(parked).values(**row))

    def unpark(self, key: str = "", *, before: str = "") -> None:
        """Forget what is parked under this key, and what ended before a moment."""
        self.connection.execute(delete(parked).where((parked.c.key == key) | (parked.c.until < before)))

    def take_due(self, row: Scheduled, *, until: str = "") -> bool:
        """Take what is due, if nobody was faster; put off until a moment, or for good. Returns whether it was there."""
        same = (schedule.c.key == row.key) & (schedule.c.at == row.at)
        if until:
            changed = update(schedule).where(same).values(at=until, tries=row.tries + 1)
            return bool(self.connection.execute(changed).rowcount)
        return bool(self.connection.execute(delete(schedule).where(same)).rowcount)


def _scheduled(row: Any) -> Scheduled:
    return Scheduled(row.key, row.kind, row.scope, row.environment, row.at, row.words, row.promotion, row.tries)


def _split(lanes: str) -> tuple[str, ...]:
    return tuple(lanes.split(",")) if lanes else ()
