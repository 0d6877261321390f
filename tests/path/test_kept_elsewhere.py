"""The whole path with its ledger in Postgres and every package kept twice, through loss and restoration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import private_postgres

pytestmark = pytest.mark.real


@pytest.fixture
def team(start_team: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    url = private_postgres.new_database()
    monkeypatch.setenv("LAMPWAY_STATE", url)
    monkeypatch.setenv("LAMPWAY_PACKAGES_COPY", str(tmp_path / "second copy"))
    made = start_team()
    made.build()
    yield made
    private_postgres.stop()


def to_prod(team: Any) -> None:
    """Bring what is in dev to prod; on Postgres it is workers that deploy."""
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod").code == 4
    team.ok("worker", "--once")
    assert team.run("approve", "orders", user="ben").code in (0, 4)
    team.ok("worker", "--once")


def test_what_was_released_survives_the_loss_of_packages_and_of_the_database(
    team: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_prod(team)
    assert team.order("prod")
    assert not (team.root / ".lampway" / "lampway.db").exists()
    kept = [file for file in (team.root / ".lampway" / "packages" / "sha256").rglob("*") if file.is_file()]
    kept[0].write_bytes(b"damaged")
    for file in kept[1:]:
        file.unlink()
    assert team.run("packages", "verify").code == 1
    team.ok("packages", "repair")
    team.ok("packages", "verify")
    team.ok("audit", "verify")
    status = team.ok("status", "--json").json
    team.ok("backup", str(tmp_path / "x.backup"))
    monkeypatch.setenv("LAMPWAY_STATE", f"sqlite:///{tmp_path / 'restored' / 'lampway.db'}")
    monkeypatch.setenv("LAMPWAY_PACKAGES", str(tmp_path / "restored" / "packages"))
    team.ok("restore", str(tmp_path / "x.backup"), "--verify")
    assert team.ok("status", "--json").json == status
    team.ok("drift", "scan")
    team.build(rush=True)
    team.ok("release", "orders")
    team.ok("promote", "orders", "--to", "test")
    team.ok("audit", "verify")
