"""Readiness, document, presets, roles and handover as they are typed, over real files and a real store."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lampway.cli.questions import ask
from lampway.domain.presets import PRESETS
from typist import PEOPLE, Run, begin, enforce, typist, write_solution

OTHERS = (
    *("--person", "cleo:Cleo Manager:cleo@example.org:release-manager"),
    *("--person", "zoe:Zoe Auditor:zoe@example.org:auditor"),
)


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    return typist(monkeypatch, tmp_path)


@pytest.fixture
def run(anywhere: Run, tmp_path: Path) -> Run:
    """Return a runner in a folder whose strategy, with one solution, is in force."""
    begin(anywhere, *PEOPLE, *OTHERS)
    write_solution(tmp_path, "orders", "# ours\npipeline: standard\nowner: ben  # since 2025\ncontains: [Orders]\n")
    enforce(anywhere)
    return anywhere


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


def test_readiness_links_into_the_commit_in_force_and_ends_with_a_command(run: Run, tmp_path: Path) -> None:
    found = json.loads(run("readiness", "--json")[1])
    assert {"score", "level", "level_name", "proved", "areas", "items", "next"} <= set(found)
    (line,) = [x for x in found["items"] if x["item"] == "owners-named"]
    assert line["links"] == [{"kind": "file", "place": "solutions/orders/solution.yaml:3", "path": []}]
    before = (tmp_path / "lampway.yaml").read_text()
    (tmp_path / "lampway.yaml").write_text("# moved\n\n" + before)
    (gate,) = [x for x in json.loads(run("readiness", "--json")[1])["items"] if x["item"] == "approved-before-prod"]
    number = int(gate["links"][1]["place"].partition(":")[2])
    assert before.splitlines()[number - 1].strip() == "gates:", "the file as it is in force, not as it lies there"
    text = run("readiness")[1]
    assert "next: " in text
    assert "→ lampway" in text


def test_an_answer_is_recorded_and_shown_with_its_end(run: Run) -> None:
    words = ("readiness", "--answer", "rollback-rehearsed=yes", "--note", "on Friday", "--until", "2999-01-01")
    assert run(*words)[0] == 2, "a year at most"
    day = "2027-01-31"
    code, out, err = run(*words[:-1], day)
    assert (code, err) == (0, "")
    assert f"said: ada says yes: on Friday (until {day})" in out
    assert "readiness: ada answered rollback-rehearsed with yes" in run("history")[1]
    assert run(*words[:2], "prod-locked=yes", *words[3:-1], day)[0] == 1
    assert run(*words[:-1], day, by="zoe")[0] == 1


def test_a_verification_is_recorded_once_it_is_asked_for_and_only_by_who_may(run: Run) -> None:
    before = run("history", "--json")[1]
    assert run("audit", "verify")[0] == 0
    assert run("history", "--json")[1] == before
    assert run("audit", "verify", "--record", "--chain-only", by="zoe")[0] == 2
    assert run("audit", "verify", "--record", by="zoe")[0] == 0
    assert "verified up to row" in run("history")[1]
    (line,) = [x for x in json.loads(run("readiness", "--json")[1])["items"] if x["item"] == "audit-verified"]
    assert line["state"] == "yes"


def test_an_assessment_needs_nothing_at_all(anywhere: Run, tmp_path: Path) -> None:
    file = tmp_path / "here.yaml"
    assert anywhere("readiness", "--assess", "--template", str(file))[0] == 0
    assert anywhere("readiness", "--assess", "--template", str(file))[0] == 2, "never overwritten"
    empty = json.loads(anywhere("readiness", "--assess", str(file), "--json")[1])
    assert (empty["score"], empty["is_assessment"]) == (0, True)
    file.write_text(file.read_text().replace("answer: unknown", "answer: yes"))
    code, out, _ = anywhere("readiness", "--assess", str(file))
    assert code == 0
    assert "readiness 100 %, level 4 of 4: lasting" in out
    assert "said, not proved" in out
    assert not (tmp_path / ".lampway").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("owners-nmed: yes\n", "file.yaml:1:1: unknown item: owners-nmed"),
        ("owners-named: maybe\nknown-good: 3\n", "2 mistakes"),
        ("owners-named: {answer: yes, why: x}\n", "unknown key: why"),
        ("owners-named: {answer: yes, note: 3}\n", "note must be text"),
        ("- a\n", "must be a mapping"),
    ],
)
def test_mistakes_in_an_assessment_have_their_line(anywhere: Run, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "file.yaml").write_text(text)
    code, out, err = anywhere("readiness", "--assess", str(tmp_path / "file.yaml"))
    assert (code, out) == (2, "")
    assert told in err or "mistake" in err


@pytest.mark.parametrize("words", [("--assess",), ("--template",), ("x.yaml",), ("--assess", "--answer", "x=yes")])
def test_what_does_not_go_together_is_told(anywhere: Run, words: tuple[str, ...]) -> None:
    code, _, err = anywhere("readiness", *words)
    assert code == 2
    assert "hint:" in err


@pytest.mark.parametrize("form", ["html", "md", "pdf", "docx"])
def test_the_document_is_written_whole_in_every_format(run: Run, tmp_path: Path, form: str) -> None:
    pytest.importorskip("typst")
    file = tmp_path / f"strategy.{form}"
    code, out, _ = run("strategy", "document", "--out", str(file))
    assert (code, out) == (0, "")
    start = {"html": b"<!doctype html>", "md": b"# ALM", "pdf": b"%PDF", "docx": b"PK"}[form]
    assert file.read_bytes().startswith(start)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".strategy")]


def test_the_document_speaks_of_what_is_in_force_and_a_draft_of_what_lies_there(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lampway.yaml"
    path.write_text(path.read_text().replace("team: Our team", "team: Another team"))
    assert "Our team" in run("strategy", "document")[1]
    draft = run("strategy", "document", "--draft")[1]
    assert "Another team" in draft
    assert "Draft: not in force" in draft


@pytest.mark.parametrize("words", [("--format", "odt"), ("--format", "pdf"), ("--out", "x.odt")])
def test_a_document_that_cannot_be_is_told(run: Run, words: tuple[str, ...]) -> None:
    code, out, err = run("strategy", "document", *words)
    assert (code, out) == (2, "")
    assert "hint:" in err


def test_a_diff_says_what_it_means_for_whom(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(path.read_text().replace("roles: [release-manager]", "roles: [release-manager, approver]"))
    assert "Cleo Manager can now approve prod" in run("strategy", "diff")[1]
    assert "Cleo Manager can now approve prod" in json.loads(run("strategy", "diff", "--json")[1])["effects"][0]


def test_who_only_reads_is_refused_with_who_may(run: Run) -> None:
    code, _, err = run("release", "orders", by="zoe")
    assert code == 1
    assert "release takes one of the roles maker" in err
    assert "who may: ada, ben, cleo" in err


def test_a_handover_lists_edits_and_lends(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("handover", "ben", by="zoe")
    assert code == 0
    assert "owns orders" in out
    assert "is the only approver" in out
    assert git(tmp_path, "status", "--porcelain") == ""
    assert run("handover", "ben", "--to", "cleo", by="zoe")[0] == 1
    code, out, _ = run("handover", "ben", "--to", "cleo", by="ben")
    assert code == 0
    solution = (tmp_path / "solutions" / "orders" / "solution.yaml").read_text()
    assert solution == "# ours\npipeline: standard\nowner: cleo  # since 2025\ncontains: [Orders]\n"
    assert "roles: [release-manager, approver]" in (tmp_path / "people.yaml").read_text()
    assert [d["to"] for d in json.loads(run("delegations", "--json")[1])] == ["cleo"]
    assert run("strategy", "check")[0] == 0
    assert run("strategy", "apply", "-m", "Handover", by="ben")[0] == 1, "a second person applies it"


def test_somebody_else_hands_over_all_but_the_voice(run: Run) -> None:
    code, out, _ = run("handover", "ben", "--to", "cleo", by="ada")
    assert code == 0
    assert "lampway delegate --to cleo" in out
    assert json.loads(run("delegations", "--json")[1]) == []


def test_a_role_that_would_clash_stays_and_is_told(run: Run) -> None:
    code, out, _ = run("handover", "ben", "--to", "zoe", by="ada")
    assert code == 0
    assert "the role approver stays with ben: nobody holds auditor and approver at once" in out
    assert run("strategy", "check")[0] == 0


@pytest.mark.parametrize("words", [("ben", "--to", "ben"), ("nobody",), ("ben", "--to", "nobody")])
def test_a_handover_that_cannot_be_changes_nothing(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    code, _, err = run("handover", *words)
    assert code == 2
    assert "hint:" in err
    assert git(tmp_path, "status", "--porcelain") == ""


@pytest.mark.parametrize("preset", PRESETS)
def test_init_with_a_preset_gives_a_strategy_that_passes_the_check(anywhere: Run, preset: str) -> None:
    more = ("--person", "dan:Dan:dan@example.org:approver,tester")
    people = () if preset == "solo" else (*PEOPLE, *OTHERS, *more)
    assert anywhere("init", "--preset", preset, *people)[0] == 0
    code, out, err = anywhere("strategy", "check")
    assert (code, err) == (0, "")
    assert out.startswith("valid")


def test_init_that_cannot_be_writes_nothing(anywhere: Run, tmp_path: Path) -> None:
    code, _, err = anywhere("init", "new", "--preset", "regulated", *PEOPLE[:2])
    assert code == 2
    assert "2 approvers who make nothing" in err
    assert not (tmp_path / "new").exists()
    assert not (Path("new")).exists()


def test_the_questions_take_what_is_proposed_and_ask_again_for_what_there_is_not() -> None:
    given = iter(["Desk", "huge", "coe", "", "ada:Ada:a@x.org:maker", ""])
    found = ask(("node-red",), lambda _: next(given))
    assert (found.team, found.preset, found.platform, found.people) == (
        "Desk",
        "coe",
        "node-red",
        ("ada:Ada:a@x.org:maker",),
    )

    def ended(_: str) -> str:
        raise EOFError

    assert ask(("node-red",), ended).preset == "team"
