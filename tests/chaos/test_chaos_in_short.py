"""The short form of `make chaos`: kills in every way of dying, and nothing lost, repeated or interleaved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.life import WAYS
from chaos.story import STORIES
from chaos.town import Town
from chaos.verdict import Verdict, _align

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import Deployment, PlannedStep, Step, StepState
from lampway.domain.promotion import DeploymentKind
from lampway.testing.world import World

ROOT = Path(__file__).parents[2]
_IMPORT = ("import", "orders", "1.0.0")


def chaos(*words: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-m", "chaos", *words]
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=280, check=False)


def test_engines_are_killed_and_nothing_is_lost_or_done_twice(tmp_path: Path) -> None:
    elsewhere = [word for place in ("--production", "--nodered", "--postgres") for word in (place, "0")]
    report = tmp_path / "report.json"
    done = chaos("--kills", "80", "--seed", "short", *elsewhere, "--report", str(report))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "crash points" in done.stdout
    found = json.loads(report.read_text())
    assert found["kills"] >= 80, "stopped and woken up again is not killed"
    assert found["kills"] == sum(story["kills"] for story in found["stories"]) == sum(found["points"].values())
    assert {"points", "times", "platform", "blind", "zombies", "blind-zombies"} <= {s["how"] for s in found["stories"]}
    assert {story["again"].split("/")[0] for story in found["stories"]} <= {"short", "short+"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--seed", "1/points"), "SEED/WAY/NUMBER"),
        (("--seed", "1/swords/3"), "one of points, times"),
        (("--kills", "10"), "part of --kills"),
    ],
)
def test_what_is_asked_wrongly_is_told_before_anything_is_killed(words: tuple[str, ...], why: str) -> None:
    asked = chaos(*words)
    assert asked.returncode == 2
    assert why in asked.stderr


def test_the_parts_of_the_ways_are_the_whole() -> None:
    assert sum(way.share for way in WAYS.values()) == pytest.approx(1.0)


def deployment(number: int, *, state: StepState = StepState.DONE, changes: bool = True) -> Deployment:
    """Return a deployment whose one change is journalled like this."""
    step = Step("import", state, 1, "", intent={"before": "a", "after": "b" if changes else "a"})
    return Deployment(
        id=f"d{number}",
        promotion="p",
        solution="orders",
        version="1.0.0",
        environment="prod",
        kind=DeploymentKind.FORWARD,
        release="r",
        package="p",
        configuration=ConfigurationSet(),
        plan=(PlannedStep("import", True, "import"),),
        fence=1,
        started_at="",
        steps=(step,),
    )


@pytest.mark.parametrize(
    ("applied", "deployments", "found"),
    [
        ([_IMPORT], [deployment(1)], ""),
        ([_IMPORT, _IMPORT], [deployment(1)], "twice"),
        ([], [deployment(1)], "lost"),
        ([_IMPORT], [deployment(1), deployment(2)], "lost"),
        ([_IMPORT], [deployment(1), deployment(2, changes=False)], ""),
        ([_IMPORT], [deployment(1, state=StepState.STARTED)], "twice"),
        ([], [deployment(1, state=StepState.FAILED)], ""),
    ],
)
def test_the_verdict_sees_what_it_is_there_to_see(applied: list, deployments: list[Deployment], found: str) -> None:
    verdict = Verdict()
    _align(verdict, "prod", World("http://prod.test", applied=applied), deployments, Town(Path()))
    assert {fault.partition(":")[0] for fault in verdict.faults} == ({found} if found else set())


def test_what_somebody_who_came_back_sent_once_more_is_told_apart_from_what_was_lost() -> None:
    haunted = Town(Path(), has_precondition=False, is_haunted=True)
    verdict = Verdict()
    _align(verdict, "prod", World("http://prod.test", applied=[_IMPORT, _IMPORT]), [deployment(1)], haunted)
    assert verdict.faults == []
    assert verdict.counts["came late"] == 1
    _align(verdict, "prod", World("http://prod.test", applied=[]), [deployment(1)], haunted)
    assert [fault.partition(":")[0] for fault in verdict.faults] == ["lost"]


def test_changes_that_overlapped_are_seen() -> None:
    verdict = Verdict()
    _align(verdict, "prod", World("http://prod.test", interleaved=1), [], Town(Path()))
    assert verdict.faults == ["interleaved: prod: 1 changes were begun during another one"]


def test_every_story_ends_with_something_in_prod() -> None:
    assert all(any(act.version for act in acts) for acts in STORIES.values())
