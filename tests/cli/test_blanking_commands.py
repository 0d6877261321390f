"""Taking out what dev left in while releasing, as it is typed."""

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
from lampway.cli import build, path, whole
from lampway.cli import hotfix as hotfix_commands
from lampway.engine.hotfix import StartHotfix
from lampway.errors import RefusedError
from lampway.testing.world import App, Part

Run = Callable[..., tuple[int, str]]
PLACE = "app Orders / part Fetch / does"


def leave(team: Team) -> None:
    parts = (Part("p1", "Fetch", "get ${ERP_URL:https://erp.dev/kept}", account="ERP"), Part("p2", "Price", "times 2"))
    team.dev.draw(App("a1", "Orders", parts, {"ERP_URL": "https://erp.dev"}), by="mia@example.test")


@pytest.fixture
def run(team: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner of these commands over a team in memory."""

    @contextlib.contextmanager
    def opened(*, quiet: bool = False) -> Iterator[LocalSession]:
        del quiet
        yield LocalSession(tmp_path, user="mia", _engine=team.engine)

    for module in (build, path, whole, hotfix_commands):
        monkeypatch.setattr(module, "session", opened)

    def command(does: Callable[..., int], *words: str, **more: object) -> tuple[int, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = does(*words, **more)
        return code, out.getvalue()

    return command


@pytest.fixture
def team() -> Team:
    return Team()


def test_it_is_offered_done_and_shown(run: Run, team: Team) -> None:
    leave(team)
    code, told = run(whole.preview, "orders")
    assert code == 1
    assert "lampway release orders --blank-defaults takes 1 of them out" in told
    code, told = run(whole.preview, "orders", blank_defaults=True)
    assert (code, f"taken out: {PLACE}" in told) == (0, True)
    with pytest.raises(RefusedError):
        run(build.release, "orders")
    _, told = run(build.release, "orders", blank_defaults=True)
    edited = "1 default value that dev had left in was taken out of the package before it was sealed: "
    assert edited in told
    assert f"    {PLACE}" in told
    _, told = run(whole.provenance, "orders")
    assert edited in told
    assert "erp.dev/kept" not in told


def test_the_facts_are_there_as_json(run: Run, team: Team) -> None:
    leave(team)
    (done,) = json.loads(run(build.release, "orders", blank_defaults=True, json=True)[1])["transformations"]
    assert done["blanked"] == [{"place": PLACE, "name": "ERP_URL"}]
    assert json.loads(run(whole.provenance, "orders", json=True)[1])["release"]["transformations"] == [done]
    assert done["kind"] == "blank-defaults"


def test_whoever_decides_is_told(run: Run, team: Team) -> None:
    leave(team)
    run(build.release, "orders", blank_defaults=True)
    promotion = team.promote()
    _, told = run(path.show, promotion)
    assert "  1 default value that dev had left in was taken out of the package before it was sealed" in told
    (done,) = json.loads(run(path.show, promotion, json=True)[1])["transformations"]
    assert done["blanked"][0]["place"] == PLACE


def test_where_there_was_nothing_that_is_said(run: Run) -> None:
    _, told = run(build.release, "orders", blank_defaults=True)
    assert "note: dev had left no value in as a default: nothing was taken out" in told
    assert "taken out of the package" not in told


def test_a_hotfix_takes_them_out_too(run: Run, team: Team) -> None:
    team.ship("1.19")
    team.do(StartHotfix("orders", "prod", "prices are wrong"))
    (url,) = [url for url in team.platform.worlds if url not in {f"memory://{n}" for n in ("dev", "test", "prod")}]
    team.platform.worlds[url].edit("p2", does="times ${RATE:1.15}")
    _, told = run(hotfix_commands.finish, "orders", blank_defaults=True)
    assert "1 default value that dev had left in was taken out" in told
