"""One thing shown whole, as it is typed: the same facts as on the console's pages."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from team import Team

from lampway.app import LocalSession
from lampway.cli import document, whole
from lampway.domain.promotion import Promotion
from lampway.engine.stops import PutOnHold
from lampway.errors import SourceError

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def team() -> Team:
    made = Team()
    made.ship("1.19")
    made.release("1.30", note="raise the price")
    made.promote()
    return made


@pytest.fixture
def run(team: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner of these commands over a team in memory."""

    @contextlib.contextmanager
    def opened(*, quiet: bool = False) -> Iterator[LocalSession]:
        del quiet
        yield LocalSession(tmp_path, user="ana", _engine=team.engine)

    monkeypatch.setattr(whole, "session", opened)
    monkeypatch.setattr(document, "session", opened)

    def command(does: Callable[..., int], *words: str, **more: object) -> tuple[int, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = does(*words, **more)
        return code, out.getvalue()

    return command


def test_a_solution_is_shown_with_its_path(run: Run) -> None:
    code, told = run(whole.solution, "orders")
    assert code == 0
    assert "owner Mia" in told
    assert "1.0.1" in told
    assert "next: lampway explain orders --to prod" in told
    assert json.loads(run(whole.solution, "orders", json=True)[1])["next_stage"] == "prod"


def test_a_release_is_shown_with_what_is_signed_about_it(run: Run) -> None:
    _, told = run(whole.provenance, "orders@1.0.0")
    assert "runs in: prod" in told
    assert "signed by lampway: how it was made" in told
    assert json.loads(run(whole.provenance, "orders@1.0.0", json=True)[1])["where"] == ["prod"]


def test_a_change_is_shown_over_what_was_skipped(run: Run) -> None:
    _, told = run(whole.change, "orders", to="prod")
    assert "brings 1.0.1 by mia: raise the price" in told
    assert "canvas Orders: changed" in told
    assert json.loads(run(whole.change, "orders", to="prod", json=True)[1])["running"] == "1.0.0"


def test_a_preview_says_by_its_exit_code_whether_it_could_be_released(run: Run, team: Team) -> None:
    assert "nothing changed since 1.0.1" in run(whole.preview, "orders")[1]
    team.build("1.50")
    assert "would be 1.0.2" in run(whole.preview, "orders")[1]
    team.dev.edit("p2", does="hardcoded secret")
    code, told = run(whole.preview, "orders")
    assert code == 1
    assert "fix: take it out" in told
    assert run(whole.preview, "orders", json=True)[0] == 1


def test_a_receipt_and_the_progress_tell_what_was_decided_and_how_it_went(run: Run, team: Team) -> None:
    team.approve("orders", reason="fine")
    promotion = team.find(Promotion)[-1]
    _, told = run(whole.receipt, promotion.id)
    assert "approved by ana" in told
    assert "proven: smoke passed in test" in told
    assert "undone by: bringing back 1.0.0" in told
    assert "gate approval: passed" in told
    assert json.loads(run(whole.receipt, promotion.id, json=True)[1])["before"] == "1.0.0"
    _, went = run(whole.progress, promotion.id)
    assert "is succeeded" in went
    assert "done     read-back" in went
    assert json.loads(run(whole.progress, promotion.id, json=True)[1])["is_over"]


def test_the_calendar_is_told_in_lines(run: Run, team: Team) -> None:
    assert "deployments may start at any time" in run(whole.calendar)[1]
    team.run(PutOnHold(environment="prod", reason="stock taking"), "rita")
    assert "prod: hold on prod by rita: stock taking" in run(whole.calendar)[1]
    assert json.loads(run(whole.calendar, json=True)[1])[0]["kind"] == "hold"


def test_tasks_are_told_in_lines_and_as_facts(run: Run, team: Team) -> None:
    promotion = team.find(Promotion)[-1].id
    code, told = run(whole.tasks)
    assert (code, told.splitlines()[0]) == (0, f"decide        {promotion} orders@1.0.1 (prod): ")
    (task,) = json.loads(run(whole.tasks, json=True)[1])
    assert (task["kind"], task["promotion"], task["environment"]) == ("decide", promotion, "prod")
    team.approve(promotion)
    assert run(whole.tasks)[1] == "nothing waits for you\n"


def test_progress_says_for_what_it_waits(run: Run, team: Team) -> None:
    told = run(whole.progress, team.find(Promotion)[-1].id)[1]
    assert "  approval pending: 0 of 1 approvals" in told


def test_what_a_strategy_changed_and_what_the_rules_say_is_told(run: Run, team: Team) -> None:
    code, told = run(document.strategy_history)
    assert (code, "applied by pam, written by" in told, "first strategy" in told) == (0, True, True)
    assert json.loads(run(document.strategy_history, json=True)[1])[-1]["changes"] == ["first strategy"]
    code, told = run(document.strategy_judge)
    assert (code, told.splitlines()[-1]) == (0, "0 mistakes, by the static rules")

    def lose(_files: object) -> None:
        raise SourceError("the commit is gone")

    team.desk.load = lose  # type: ignore[assignment, method-assign]
    code, told = run(document.strategy_judge)
    assert (code, "cannot be told: the commit is gone" in told) == (1, True)
    assert json.loads(run(document.strategy_judge, json=True)[1])["unread"] == "the commit is gone"
