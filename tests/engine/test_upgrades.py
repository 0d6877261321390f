"""Journals that earlier releases recorded, with work under way at every moment, are gone on with by this engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from team import Team

from lampway.domain.deployment import Deployment
from lampway.domain.digest import digest_bytes
from lampway.domain.promotion import PromotionState
from lampway.engine.cases import Resume
from lampway.engine.decide import Decide
from lampway.engine.store import Stored
from lampway.errors import VoidedError
from lampway.storage.codec import recorded_from
from lampway.storage.schema import ledger
from lampway.storage.sql import SqlStore, open_memory
from lampway.testing.world import App, Part, World

FILES = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))
STEPS = [("import", "orders", "1.0.1"), ("configure", "orders", "1.0.1")]


@dataclass(frozen=True)
class Recording:
    """What one release left behind."""

    rows: tuple[Stored, ...]
    packages: tuple[bytes, ...]
    cuts: tuple[dict[str, Any], ...]
    promotion: str
    last_id: int
    time: str


@cache
def read(file: Path) -> Recording:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    end = lines[-1]
    return Recording(
        tuple(Stored(**line["row"]) for line in lines if "row" in line),
        tuple(line["package"].encode() for line in lines if "package" in line),
        tuple(line["cut"] for line in lines if "cut" in line),
        end["promotion"],
        end["last_id"],
        end["time"],
    )


def fill(store: SqlStore, rows: tuple[Stored, ...]) -> None:
    """Put the rows into an empty store byte for byte, and fold them into its records."""
    with store.transaction() as transaction:
        for row in rows:
            values = {name: getattr(row, name) for name in ledger.c.keys()}  # noqa: SIM118 - columns, not a mapping
            transaction.connection.execute(insert(ledger).values(**values))
            transaction.fold(recorded_from(row))


def world_of(url: str, plain: dict[str, Any]) -> World:
    apps = {}
    for key, app in plain["apps"].items():
        parts = tuple(Part(**part) for part in app["parts"])
        apps[key] = App(app["id"], app["name"], parts, app["values"], app["passwords"], set(app["editors"]))
    applied = [tuple(unit) for unit in plain["applied"]]
    return World(url, apps=apps, revision=plain["revision"], applied=applied, is_locked=True)


def stand_in(team: Team, recording: Recording, cut: dict[str, Any]) -> None:
    """Let the team be where the earlier engine was at that moment."""
    team.store = open_memory(team.clock)
    fill(team.store, recording.rows[: cut["after"]])
    team.packages.kept = {digest_bytes(data): data for data in recording.packages}
    team.platform.worlds["memory://prod"] = team.prod = world_of("memory://prod", cut["prod"])
    team.clock.time = datetime.fromisoformat(recording.time)
    team.last_id = recording.last_id
    team.engine = team.another()


@pytest.fixture
def lent(new_team: Team) -> Iterator[Team]:
    copied = new_team.copy()
    copied.store.close()
    yield copied
    copied.store.close()


def decide_again(team: Team, promotion: str) -> str:
    """Approve what waits; return what stands in its place where it is void.

    These recordings were made when the digest of rules spelled out what is at its default. What only waited is bound
    to such a digest, so that it is void once, and is asked for again; what was approved goes on as it was.
    """
    with pytest.raises(VoidedError, match="the rules that govern this stage"):
        team.run(Decide(promotion, approved=True), "ana")
    assert team.promotion(promotion).state is PromotionState.VOIDED
    again = team.promote()
    team.run(Decide(again, approved=True), "ana")
    return again


CASES = [(file, number) for file in FILES for number in range(len(read(file).cuts))]


@pytest.mark.parametrize(("file", "number"), CASES, ids=lambda value: getattr(value, "stem", str(value)))
def test_work_that_an_earlier_release_left_is_gone_on_with(lent: Team, file: Path, number: int) -> None:
    recording = read(file)
    cut = recording.cuts[number]
    stand_in(lent, recording, cut)
    assert lent.store.audit() == ()
    promotion = recording.promotion
    if lent.promotion(promotion).decisions == ():
        promotion = decide_again(lent, promotion)
    lent.do(Resume())
    assert lent.promotion(promotion).state is PromotionState.SUCCEEDED
    assert lent.prod.applied[-2:] == STEPS
    assert len(lent.prod.applied) == 4
    assert (lent.running("prod"), lent.installed("prod").verified) == ("1.0.1", True)
    assert lent.store.audit() == ()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_moment_of_a_deployment_was_recorded(file: Path) -> None:
    recording = read(file)
    under_way = [row for row in recording.rows if row.kind in {"step-started", "step-finished"}]
    ends = {cut["after"] for cut in recording.cuts}
    steps = {json.loads(row.body)["step"] for row in under_way if row.seq > min(ends)}
    assert steps == {"pre-flight", "keep", "import", "configure", "read-back", "verify", "record"}
    assert len(recording.cuts) > 15


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_earlier_ledger_verifies_and_gives_its_records(lent: Team, file: Path) -> None:
    recording = read(file)
    stand_in(lent, recording, {"after": len(recording.rows), "prod": recording.cuts[-1]["prod"]})
    chain = lent.store.verify()
    assert (chain.damage, chain.events) == ((), len(recording.rows))
    assert [d.version for d in lent.find(Deployment, environment="prod")] == ["1.0.0", "1.0.1"]
