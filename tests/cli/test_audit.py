"""The auditor's commands, as they are typed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from typist import Run, begin, enforce, typist


def begun(patch: pytest.MonkeyPatch, folder: Path) -> Run:
    """Return a runner in a folder whose strategy is in force."""
    run = typist(patch, folder, inside="team")
    (folder / "team").mkdir()
    begin(run)
    enforce(run)
    return run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    return begun(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Return a runner for those who only ask, in a folder they share."""
    with pytest.MonkeyPatch.context() as patch:
        yield begun(patch, tmp_path_factory.mktemp("asked"))


def cut(folder: Path, last: int) -> None:
    """Cut the ledger off after a row, as whoever holds the file can."""
    with contextlib.closing(sqlite3.connect(folder / "team" / ".lampway" / "lampway.db")) as store, store:
        for (trigger,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            store.execute(f"DROP TRIGGER {trigger}")
        store.execute("DELETE FROM ledger WHERE seq > ?", (last,))
        store.execute("DELETE FROM record_checkpoint WHERE first > ?", (last,))


def test_a_ledger_cut_off_at_its_end_is_found_by_a_file_kept_elsewhere(run: Run, tmp_path: Path) -> None:
    safe = tmp_path / "safe.jsonl"
    for _ in range(3):
        assert run("audit", "checkpoint", "--out", str(safe))[0] == 0
    assert len(safe.read_text().splitlines()) == 3
    code, out, _ = run("audit", "verify", "--checkpoint", str(safe))
    assert code == 0
    assert "compared with 3 checkpoints, the newest of row 3" in out
    cut(tmp_path, 2)
    code, out, _ = run("audit", "verify")
    assert code == 0
    assert "whether rows were cut off at the end cannot be told" in out
    code, out, _ = run("audit", "verify", "--checkpoint", str(safe))
    assert code == 1
    assert "row 3 is gone: the ledger ends at row 2" in out


def test_a_ledger_cut_off_at_its_end_is_found_by_a_tag_of_the_repository(run: Run, tmp_path: Path) -> None:
    code, out, err = run("audit", "checkpoint", "--tag")
    assert (code, out.startswith("row 1 is sha256:")) == (0, True)
    assert "lampway/checkpoint-1" in err
    assert "there is no remote" in err
    run("audit", "checkpoint", "--tag")
    assert run("audit", "verify", "--chain-only")[0] == 0
    cut(tmp_path, 1)
    code, out, _ = run("audit", "verify", "--json")
    verdict = json.loads(out)
    assert code == 1
    assert verdict["damage"] == [
        {"place": "tag lampway/checkpoint-2", "what": "row 2 is gone: the ledger ends at row 1"}
    ]
    code, _, err = run("audit", "checkpoint")
    assert code == 1
    assert "nobody should vouch" in err


def test_a_tag_goes_to_the_remote_at_once(run: Run, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    subprocess.run(["git", "-C", tmp_path / "team", "remote", "add", "origin", remote], check=True)
    made = json.loads(run("audit", "checkpoint", "--tag", "--json")[1])
    assert made["pushed"] is True
    shown = subprocess.run(
        ["git", "-C", remote, "tag", "-l", "--format=%(refname:strip=2) %(contents:subject)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.strip() == f"lampway/checkpoint-1 {made['statement']}"


def test_a_checkpoint_is_one_line_of_json_on_the_screen(run: Run) -> None:
    code, out, _ = run("audit", "checkpoint")
    assert code == 0
    assert set(json.loads(out)) == {"type", "seq", "hash", "at", "root", "envelope"}


def test_an_export_to_a_file_is_what_the_screen_would_show(run: Run, tmp_path: Path) -> None:
    run("audit", "checkpoint")
    for form in ("jsonl", "cloudevents", "csv"):
        file = tmp_path / f"out.{form}"
        code, out, _ = run("audit", "export", "--format", form, "--out", str(file))
        assert (code, out) == (0, "")
        assert file.read_text(encoding="utf-8") == run("audit", "export", "--format", form)[1]
    assert len(run("audit", "export", "--since", "2")[1].splitlines()) == 1
    assert not list(tmp_path.glob(".*.part"))


def test_search_coverage_and_who_answer_people_and_programs(run: Run) -> None:
    code, out, _ = run("audit", "search", "--person", "ada@example.org", "--from", "2020-01-01")
    assert code == 0
    assert "strategy of commit" in out
    assert json.loads(run("audit", "search", "--kind", "strategy-applied", "--json")[1])["total"] == 1
    code, out, _ = run("audit", "coverage", "--from", "2020-01-01", "--to", "2999-12-31", "--gap", "7d")
    assert code == 0
    assert "of the time before it nothing is known" in out
    assert (
        json.loads(run("audit", "coverage", "--from", "2020-01-01", "--to", "2999-12-31", "--json")[1])["unseen"] == []
    )
    code, out, _ = run("audit", "who", "--could", "approve", "--in", "prod", "--on", "2999-01-01")
    assert code == 0
    assert "ben" in out
    assert "ada" not in out
    answer = json.loads(run("audit", "who", "--could", "deploy", "--in", "prod", "--on", "2999-01-01", "--json")[1])
    assert [p["person"] for p in answer["periods"][0]["people"]] == ["ada", "ben"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "--checkpoint", "nowhere.json"), "cannot read the checkpoint"),
        (("verify", "--checkpoint", "FOLDER"), "cannot read the checkpoint"),
        (("verify", "--checkpoint", "EMPTY"), "no checkpoint in it"),
        (("verify", "--checkpoint", "BINARY"), "it is no text"),
        (("verify", "--checkpoint", "OTHER"), "not a checkpoint"),
        (("export", "--format", "xml"), "xml"),
        (("export", "--since", "soon"), "not a date or time"),
        (("search", "--kind", "nothing"), "no such kind"),
        (("search", "--from", "soon"), "not a date or time"),
        (("search", "--limit", "-1"), "not negative"),
        (("coverage", "--from", "2020-01-01"), "--to"),
        (("coverage", "--from", "2020-01-02", "--to", "2020-01-01"), "no time between"),
        (("coverage", "--from", "2020-01-02", "--to", "2999-01-01", "--gap", "0h"), "not a length of time"),
        (("coverage", "--from", "2020-01-02", "--to", "2999-01-01", "--environment", "nowhere"), "nowhere"),
        (("who", "--could", "fly", "--in", "prod", "--on", "2999-01-01"), "fly"),
        (("who", "--could", "approve", "--in", "nowhere", "--on", "2999-01-01"), "nowhere"),
        (("who", "--could", "approve", "--in", "prod", "--on", "2020-01-01"), "no strategy was in force"),
    ],
)
def test_asking_wrongly_is_one_clear_error_and_records_nothing(
    asked: Run, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    for name, content in {"EMPTY": b"\n", "BINARY": b"\xff\xfe\x00", "OTHER": b"{}\n"}.items():
        (tmp_path / name).write_bytes(content)
    places = {"FOLDER": tmp_path, **{name: tmp_path / name for name in ("EMPTY", "BINARY", "OTHER")}}
    before = asked("audit", "export")[1]
    code, out, err = asked("audit", *(str(places.get(word, word)) for word in words))
    assert code == 2, (out, err)
    assert err.startswith("error: ")
    assert said in err
    assert not out
    assert asked("audit", "export")[1] == before


def test_a_file_that_cannot_be_written_leaves_nothing_by_halves(run: Run, tmp_path: Path) -> None:
    assert run("audit", "export", "--out", str(tmp_path / "no" / "where.jsonl"))[0] == 3
    assert run("audit", "export", "--out", str(tmp_path))[0] == 3
    assert not list(tmp_path.parent.glob(".*.part"))
