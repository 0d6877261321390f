"""Signed approvals and evidence from the command line, on real Node-REDs: what every team begins with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import Team

pytestmark = pytest.mark.real


def waiting(team: Team) -> None:
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod").code == 4


def test_only_a_signed_approval_counts_and_the_evidence_is_verified_without_us(team: Team, tmp_path: Path) -> None:
    waiting(team)
    kept = team.key("ben").rename(tmp_path / "kept.pem")
    refused = team.run("approve", "orders", user="ben")
    assert (refused.code, "not signed" in refused.err, "LAMPWAY_KEY" in refused.err) == (1, True, True)
    team.key("cleo").rename(tmp_path / "cleos.pem")
    kept.rename(team.key("cleo"))
    assert team.run("approve", "orders", user="cleo").code == 2  # with ben's key, and a .pub beside it that is hers
    team.key("cleo").rename(team.key("ben"))
    assert "signed with your key" in team.ok("approve", "orders", user="ben").out
    assert team.order("prod")["total"]

    lent = ("delegate", "--to", "cleo", "--from", "2026-01-01", "--until", "2099-01-01", "--reason", "away")
    assert "signed with your key" in team.ok(*lent, user="ben").out
    safe = tmp_path / "safe.jsonl"
    team.ok("audit", "checkpoint", "--out", str(safe))
    assert team.ok("audit", "verify", "--checkpoint", str(safe))
    file = tmp_path / "orders.evidence"
    team.ok("evidence", "export", "orders", "--out", str(file))
    words = ("evidence", "verify", str(file), "--keys", str(team.root / "people.yaml"))
    found = team.ok(*words, "--json").json  # nothing is needed but the two files
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


def test_who_has_no_key_is_told_what_to_type_and_it_works(team: Team) -> None:
    for suffix in ("", ".pub"):
        team.key("ben").with_name(f"ben.pem{suffix}").unlink()
    people = team.root / "people.yaml"
    people.write_text("".join(line for line in people.read_text().splitlines(keepends=True) if "ed25519" not in line))
    people.write_text(people.read_text().replace("    keys:\n", ""))
    team.settle_strategy()
    waiting(team)
    assert "without a key yet: ben, cleo" in team.run("explain", "orders", "--to", "prod").out
    refused = team.run("approve", "orders", user="ben")
    assert refused.code == 1
    assert all(part in refused.err for part in ("you have no key", "lampway key create --add"))
    assert "no key here" in team.run("doctor", user="ben").out

    lines = team.ok("key", "create", user="ben").out
    refused = team.run("approve", "orders", user="ben")
    assert refused.code == 1
    assert all(line.strip() in refused.err for line in lines.splitlines())
    doctor = team.run("doctor", user="ben")
    assert (doctor.code, "lampway key show --add" in doctor.out) == (1, True)
    team.ok("key", "show", "--add", user="ben")
    team.settle_strategy()
    assert "signs as ben" in team.ok("doctor", user="ben").out
    assert "signed with your key" in team.ok("approve", "orders", user="ben").out


def test_a_key_stands_in_people_once_and_only_for_somebody_there(team: Team) -> None:
    before = (team.root / "people.yaml").read_text()
    assert team.run("key", "create", user="ben").code == 1
    assert team.ok("key", "show", user="ben").out.count("ed25519:") == 1
    twice = team.run("key", "show", "--add", user="ben")
    assert (twice.code, "stands there already" in twice.err) == (1, True)
    stranger = team.run("key", "create", "--add", user="zoe")
    assert (stranger.code, "nobody" in stranger.err) == (2, True)
    assert not team.key("zoe").exists()
    assert (team.root / "people.yaml").read_text() == before


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


def test_a_wrong_passphrase_decides_nothing(team: Team, tmp_path: Path) -> None:
    waiting(team)
    (tmp_path / "passphrase").write_text("wrong")
    told = team.run("approve", "orders", user="ben")
    assert (told.code, "passphrase is wrong" in told.err, "horse" in told.err) == (2, True, False)
    assert json.loads(team.ok("inbox", "--everybody", "--json").out)[0]["decisions"] == []
    assert team.key("ben").exists()
