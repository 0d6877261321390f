"""Signed approvals and evidence from the command line, on real Node-REDs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Team

pytestmark = pytest.mark.real


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the key of whoever decides lies."""
    (tmp_path / "passphrase").write_text("correct horse\n")
    monkeypatch.setenv("LAMPWAY_KEY", str(tmp_path / "keys" / "ben.pem"))
    monkeypatch.setenv("LAMPWAY_PASSPHRASE", f"file:{tmp_path / 'passphrase'}")
    return tmp_path / "keys" / "ben.pem"


def ask_for_signatures(team: Team, lines: str) -> None:
    """Put in force that approvals are signed, and ben's key."""
    rules = team.root / "lampway.yaml"
    rules.write_text(rules.read_text().replace("# signed: true", "signed: true"))
    people = team.root / "people.yaml"
    people.write_text(people.read_text().replace("    name: Ben Approver\n", f"    name: Ben Approver\n{lines}"))
    team.settle_strategy()


def test_only_a_signed_approval_counts_and_the_evidence_is_verified_without_us(
    team: Team, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = team.ok("key", "create", user="ben").out
    assert team.run("key", "create", user="ben").code == 1
    assert team.ok("key", "show", user="ben").out == lines
    ask_for_signatures(team, lines)
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod").code == 4

    monkeypatch.delenv("LAMPWAY_KEY")
    refused = team.run("approve", "orders", user="ben")
    assert (refused.code, "not signed" in refused.err, "lampway key create" in refused.err) == (1, True, True)
    monkeypatch.setenv("LAMPWAY_KEY", str(key))
    assert team.run("approve", "orders", user="cleo").code == 1  # with ben's key
    assert "signed with your key" in team.ok("approve", "orders", user="ben").out
    assert team.order("prod")["total"]

    lent = ("delegate", "--to", "cleo", "--from", "2026-01-01", "--until", "2099-01-01", "--reason", "away")
    assert "signed with your key" in team.ok(*lent, user="ben").out
    safe = tmp_path / "safe.jsonl"
    team.ok("audit", "checkpoint", "--out", str(safe))
    assert team.ok("audit", "verify", "--checkpoint", str(safe))
    file = tmp_path / "orders.evidence"
    team.ok("evidence", "export", "orders", "--out", str(file))
    monkeypatch.setenv("LAMPWAY_DIR", str(tmp_path))  # nothing is needed but the two files
    words = ("evidence", "verify", str(file), "--keys", str(team.root / "people.yaml"))
    found = team.ok(*words, "--json").json
    assert found["holds"]
    assert all(check["holds"] for check in found["checks"])
    assert "it holds" in team.ok(*words).out
    assert "no published checkpoint was compared" in team.ok(*words).out
    assert "are those of the ledger when its checkpoint" in team.ok(*words, "--checkpoint", str(safe)).out
    assert team.ok("audit", "verify")

    wrong = tmp_path / "people.yaml"
    wrong.write_text("people:\n  ben: {name: Ben, email: ben@example.org}\n")
    told = team.run("evidence", "verify", str(file), "--keys", str(wrong))
    assert (told.code, "not ben's" in told.out) == (1, True)
    file.write_bytes(file.read_bytes().replace(b"Ben", b"Bob", 1))
    assert team.run(*words).code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evidence", "verify", "none", "--keys", "none"), "no such file"),
        (("evidence", "export", "orders@9.9.9"), "no release"),
        (("key", "show"), "no key here"),
    ],
)
def test_what_is_not_there_is_one_clear_error(team: Team, words: tuple[str, ...], said: str) -> None:
    told = team.run(*words)
    assert told.code == 2
    assert said in told.err


def test_a_wrong_passphrase_decides_nothing(
    team: Team, key: Path, tmp_path: Path, start_team: Callable[..., Team]
) -> None:
    del start_team
    ask_for_signatures(team, team.ok("key", "create", user="ben").out)
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod").code == 4
    (tmp_path / "passphrase").write_text("wrong")
    told = team.run("approve", "orders", user="ben")
    assert (told.code, "passphrase is wrong" in told.err, "horse" in told.err) == (2, True, False)
    assert json.loads(team.ok("inbox", "--everybody", "--json").out)[0]["decisions"] == []
    assert key.exists()
