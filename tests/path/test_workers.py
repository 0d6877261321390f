"""Workers as processes on real Node-REDs: one beside the commands, and several machines that share a Postgres only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import private_postgres
import private_s3

pytestmark = pytest.mark.real

MACHINE = Path(__file__).with_name("machine.py")
DEPLOY = "step-started:deploy flows"


def soon(holds: Callable[[], Any], seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
    return found


@contextmanager
def machine(root: Path, moment: str = "-", number: str = "SIGKILL") -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker in this folder, which may stop itself at a moment; end it whatever became of it."""
    log = (root.parent / f"{root.name}.log").open("ab")
    started = subprocess.Popen([sys.executable, str(MACHINE), str(root), moment, number], stderr=log)
    try:
        yield started
    finally:
        if started.poll() is None:
            started.send_signal(signal.SIGCONT)
            started.terminate()
        try:
            started.wait(30)
        finally:
            started.kill()
            started.wait(10)
            log.close()


def said(root: Path) -> str:
    return (root.parent / f"{root.name}.log").read_text()


def alive(team: Any) -> list[str]:
    return [w["name"] for w in team.run("workers", "--json").json if w["alive"]]


def state(team: Any, promotion: str) -> str:
    return str(team.ok("show", promotion, "--json").json["state"])


def waiting(team: Any) -> str:
    team.ok("release", "orders")
    asked = team.run("promote", "orders", "--to", "prod", "--json")
    assert asked.code == 4, asked
    return str(asked.json["promotions"][-1]["id"])


def approve_and_die(team: Any, promotion: str) -> None:
    """Approve, and die before anything comes of it."""
    script = Path(__file__).with_name("killed.py")
    words = [sys.executable, str(script), str(team.root), promotion, "decision-made:"]
    env = {**os.environ, "LAMPWAY_USER": "ben", "LAMPWAY_KEY": str(team.key("ben"))}
    done = subprocess.run(words, env=env, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_worker_goes_on_by_itself_with_what_a_command_left_when_it_died(team: Any) -> None:
    promotion = waiting(team)
    with machine(team.root):
        soon(lambda: alive(team))
        approve_and_die(team, promotion)
        soon(lambda: state(team, promotion) == "succeeded", 10)
        status = team.ok("status").out
        assert "working: " in status
        assert "alive" in team.ok("workers").out
        assert "working: " in next(line for line in team.ok("doctor", user="ben").out.splitlines() if "workers" in line)
    assert alive(team) == []
    assert "worker" in team.run("workers").out
    assert "→ prod: deploy flows done" in said(team.root)
    team.ok("audit", "verify")


def test_commands_beside_a_worker_answer_as_they_do_without_one(team: Any) -> None:
    with machine(team.root):
        soon(lambda: alive(team))
        promotion = waiting(team)
        approved = team.ok("approve", "orders", user="ben")
        assert "deployed and verified" in approved.out
        assert state(team, promotion) == "succeeded"


def test_a_killed_worker_is_followed_by_the_next_one_which_repeats_nothing(team: Any) -> None:
    promotion = waiting(team)
    approve_and_die(team, promotion)
    with machine(team.root, "step-finished:deploy flows") as first:
        assert first.wait(30) == -signal.SIGKILL
    before = team.revision("prod")
    begun = time.monotonic()
    with machine(team.root):
        soon(lambda: state(team, promotion) == "succeeded", 10)
    assert time.monotonic() - begun < 10
    assert team.revision("prod") == before, "what had happened is not done again"


def test_a_worker_that_is_asked_to_leave_ends_its_step_and_the_next_one_goes_on(team: Any) -> None:
    promotion = waiting(team)
    approve_and_die(team, promotion)
    with machine(team.root, DEPLOY, "SIGTERM") as first:
        assert first.wait(30) == 0
    assert state(team, promotion) == "running"
    steps = team.ok("show", promotion, "--json")
    assert steps.code == 0
    assert alive(team) == []
    left = said(team.root)
    assert "deploy flows done" in left, "the step under way was ended"
    assert "read-back" not in left
    team.ok("worker", "--once")
    assert state(team, promotion) == "succeeded"


def test_a_second_signal_ends_it_at_once(team: Any) -> None:
    with machine(team.root) as one:
        soon(lambda: alive(team))
        os.kill(one.pid, signal.SIGSTOP)
        one.send_signal(signal.SIGTERM)
        one.send_signal(signal.SIGINT)
        one.send_signal(signal.SIGCONT)
        assert one.wait(10) in {128 + signal.SIGTERM, 128 + signal.SIGINT}


def test_what_only_a_worker_will_start_is_told_where_none_is(team: Any) -> None:
    gates = "- gate: soak\n            for: 1h\n          - gate: approval"
    text = (team.root / "lampway.yaml").read_text().replace("- gate: approval", gates)
    (team.root / "lampway.yaml").write_text(text)
    team.settle_strategy()
    promotion = waiting(team)
    left = team.run("approve", "orders", user="ben")
    assert "no worker is there to go on: lampway worker" in left.err
    with machine(team.root):
        soon(lambda: alive(team))
        assert "no worker" not in team.run("resume").err
    assert state(team, promotion) == "waiting"


@pytest.mark.parametrize(
    ("words", "hint"), [(("--lanes", "nowhere"), "there is: "), (("--at-once", "0"), "--at-once 64")]
)
def test_a_worker_that_is_asked_for_wrongly_says_how(team: Any, words: tuple[str, ...], hint: str) -> None:
    asked = team.run("worker", *words)
    assert asked.code == 2
    assert hint in asked.err


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    with private_s3.serving() as address:
        yield address


@pytest.fixture
def machines(
    start_team: Any, s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, Path, Path]]:
    """Return a team with its state in Postgres and its packages in S3, and two machines with nothing but a clone."""
    url = private_postgres.new_database()
    monkeypatch.setenv("LAMPWAY_STATE", url)
    for name, value in private_s3.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LAMPWAY_PACKAGES", private_s3.new_bucket(s3_server, f"b{abs(hash(str(tmp_path))):x}"))
    team = start_team()
    team.build()
    folders = []
    for name in ("one", "two"):
        folder = tmp_path / name / "governance"
        subprocess.run(["git", "clone", "--quiet", str(team.root), str(folder)], check=True)
        (folder.parent / "secrets").symlink_to(team.secrets)
        folders.append(folder)
    yield team, folders[0], folders[1]
    private_postgres.drop_database(url)


@pytest.fixture(scope="module", autouse=True)
def server_ends() -> Iterator[None]:
    yield
    private_postgres.stop()


def test_two_machines_that_share_only_postgres_and_s3_bring_a_release_to_prod(
    machines: tuple[Any, Path, Path],
) -> None:
    team, one, two = machines
    with machine(one), machine(two):
        soon(lambda: len(alive(team)) == 2)
        promotion = waiting(team)
        approved = team.ok("approve", "orders", user="ben")
        assert "deployed and verified" in approved.out
        assert "✓ read-back" in approved.err, "what workers do is shown where it was asked for"
    assert state(team, promotion) == "succeeded"
    assert team.order("prod")["accepted"] is True
    assert not (one / ".lampway" / "packages").exists()
    team.ok("audit", "verify")


def test_without_a_worker_a_command_says_that_it_left_its_work_behind(machines: tuple[Any, Path, Path]) -> None:
    team, one, _ = machines
    team.ok("release", "orders")
    left = team.run("promote", "orders", "--to", "test")
    assert left.code == 4
    assert "no worker is there to go on: lampway worker" in left.err
    with machine(one):
        soon(lambda: team.ok("status", "--json").json[0]["state"] == "verified")


@pytest.mark.parametrize("moment", [DEPLOY, "step-finished:deploy flows"])
def test_the_work_of_a_machine_that_is_killed_goes_on_elsewhere_within_15_seconds(
    machines: tuple[Any, Path, Path], moment: str
) -> None:
    team, one, two = machines
    with machine(two):
        soon(lambda: alive(team))
        promotion = waiting(team)
    soon(lambda: not alive(team))
    with machine(one, moment) as first:
        soon(lambda: alive(team))
        approving = subprocess.Popen(
            [sys.executable, "-m", "lampway", "-C", str(team.root), "approve", "orders"],
            env={**os.environ, "LAMPWAY_USER": "ben", "LAMPWAY_KEY": str(team.key("ben"))},
        )
        assert first.wait(30) == -signal.SIGKILL
        begun = time.monotonic()
        with machine(two):
            soon(lambda: state(team, promotion) == "succeeded", 40)
            assert time.monotonic() - begun < 20, "15 seconds, and the start of a process"
            approving.wait(60)
    assert team.order("prod")["accepted"] is True
    team.ok("audit", "verify")


def test_a_machine_that_comes_back_from_the_dead_changes_nothing(machines: tuple[Any, Path, Path]) -> None:
    team, one, two = machines
    with machine(two):
        soon(lambda: alive(team))
        promotion = waiting(team)
    soon(lambda: not alive(team))
    with machine(one, DEPLOY, "SIGSTOP") as zombie:
        soon(lambda: alive(team))
        approving = subprocess.Popen(
            [sys.executable, "-m", "lampway", "-C", str(team.root), "approve", "orders"],
            env={**os.environ, "LAMPWAY_USER": "ben", "LAMPWAY_KEY": str(team.key("ben"))},
        )
        soon(lambda: "T" in Path(f"/proc/{zombie.pid}/stat").read_text().split()[2])
        with machine(two):
            soon(lambda: state(team, promotion) == "succeeded", 60)
            approving.wait(60)
            rows = team.ok("audit", "verify", "--json").json["last"]
            before = team.revision("prod")
            zombie.send_signal(signal.SIGCONT)
            soon(lambda: len(alive(team)) == 2, 20)
            time.sleep(2)
            assert team.revision("prod") == before, "it changed nothing"
            assert team.ok("audit", "verify", "--json").json["last"] == rows, "it recorded nothing"
