"""Records that an older Lampway wrote lack keys that are known now; that is no damage, and anything else is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select, update
from team import Team

from lampway.domain.deployment import Evidence
from lampway.engine.audit import Audit
from lampway.storage.schema import records


def rewrite(team: Team, change: dict[str, Any], *, drop: tuple[str, ...] = ()) -> None:
    table = records[Evidence]
    with team.store._engine.begin() as connection:
        for row in connection.execute(select(table)).all():
            doc = {k: v for k, v in json.loads(row.doc).items() if k not in drop} | change
            text = json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            connection.execute(update(table).where(table.c.key == row.key).values(doc=text))


def test_a_key_that_did_not_exist_yet_is_no_damage(shipped: Team) -> None:
    rewrite(shipped, {}, drop=("output", "report", "attested"))
    assert shipped.run(Audit()).damage == ()


@pytest.mark.parametrize(
    "change", [{"summary": "no"}, {"output": "sha256:" + "1" * 64}, {"outcome": "failed"}, {"at": 1}]
)
def test_anything_else_is(shipped: Team, change: dict[str, Any]) -> None:
    rewrite(shipped, change, drop=("report",))
    assert shipped.run(Audit()).damage


def test_a_key_that_means_something_may_not_be_missing(shipped: Team) -> None:
    rewrite(shipped, {}, drop=("deployment",))
    assert shipped.run(Audit()).damage
