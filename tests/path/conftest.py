"""A team on three real Node-REDs: a maker, an approver, a governance repository of their own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from lampway.cli import demo, demo_flows
from lampway.cli.main import main
from lampway.engine.abilities import Launched

ERP_KEY = {name: f"key-of-{name}-0123456789" for name in ("dev", "test", "prod")}


@dataclass
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Team:
    """One governance repository over three environments."""

    root: Path
    secrets: Path
    places: dict[str, Launched]
    said: list[Answer] = field(default_factory=list)

    def key(self, user: str) -> Path:
        """Return where somebody's private key lies, on a laptop of their own as it were."""
        return self.root.parent / "keys" / f"{user}.pem"

    def run(self, *words: str, user: str = "ada") -> Answer:
        out, err = io.StringIO(), io.StringIO()
        os.environ["LAMPWAY_USER"] = user
        os.environ.pop("LAMPWAY_KEY", None)
        if self.key(user).exists() or words[0] == "key":
            os.environ["LAMPWAY_KEY"] = str(self.key(user))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["-C", str(self.root), *words])
        answer = Answer(code, out.getvalue(), err.getvalue())
        self.said.append(answer)
        return answer

    def ok(self, *words: str, user: str = "ada") -> Answer:
        answer = self.run(*words, user=user)
        assert answer.code == 0, (words, answer)
        return answer

    def api(self, name: str, method: str, path: str, **more: Any) -> httpx.Response:
        launched = self.places[name]
        headers = {
            "Authorization": f"Bearer {launched.credentials['token'].reveal()}",
            "Node-RED-API-Version": "v2",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        return httpx.request(method, launched.url + path, headers=headers, timeout=10, **more)

    def flows(self, name: str) -> list[dict[str, Any]]:
        return self.api(name, "GET", "/flows").json()["flows"]

    def revision(self, name: str) -> str:
        return self.api(name, "GET", "/flows").json()["rev"]

    def put(self, name: str, nodes: list[dict[str, Any]], credentials: dict[str, Any] | None = None) -> None:
        """Deploy as an editor does, past everybody."""
        body: dict[str, Any] = {"flows": nodes}
        if credentials:
            body["credentials"] = credentials
        answer = self.api(name, "POST", "/flows", content=json.dumps(body))
        assert answer.status_code == 200, answer.text

    def build(self, **options: Any) -> None:
        """Do what a maker does in dev's editor."""
        nodes = [*demo_flows.erp(ERP_KEY["dev"]), *demo_flows.orders(**options)]
        nodes.append(demo_flows.surroundings(self.places["dev"].url))
        self.put("dev", nodes, {demo_flows.node_id("orders"): {"ERP_KEY": ERP_KEY["dev"]}})

    def edit_live(self, name: str = "prod", old: str = "* each", new: str = "* each * 2") -> None:
        nodes = self.flows(name)
        for node in nodes:
            if node["id"] == demo_flows.node_id("sum"):
                node["func"] = node["func"].replace(old, new)
        self.put(name, nodes)

    def order(self, name: str, status: int = 201) -> Any:
        """Place an order, as a customer would, until it is answered as expected."""
        end = time.monotonic() + 5
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.post(f"{self.places[name].url}/orders", json={"item": "lamp", "quantity": 2}, timeout=2)
                if answer.status_code == status:
                    return answer.json() if status != 404 else None
            assert time.monotonic() < end, f"orders in {name} do not answer with {status}"
            time.sleep(0.02)

    def settle_strategy(self, message: str = "Change", user: str = "ben") -> None:
        """Commit what lies there as ada, and apply it as ben: nobody applies what they wrote."""
        import subprocess

        who = ["-c", "user.name=Ada Maker", "-c", "user.email=ada@example.org"]
        subprocess.run(["git", "-C", str(self.root), "add", "-A"], check=True, capture_output=True)
        subprocess.run(["git", "-C", str(self.root), *who, "commit", "-qm", message], check=True, capture_output=True)
        self.ok("strategy", "apply", user=user)

    def to_prod(self, version: str = "") -> None:
        """Release what is in dev and bring it to prod, with ben's approval."""
        words = ["--version", version] if version else []
        self.ok("release", "orders", *words)
        assert self.run("promote", "orders", "--to", "prod").code == 4
        self.ok("approve", "orders", user="ben")


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep git's configuration and the user's home out of it: a fresh machine has no identity."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LAMPWAY_USER", "ada")
    monkeypatch.setenv("LAMPWAY_DIR", str(tmp_path))
    (tmp_path / "passphrase").write_text("correct horse\n")
    monkeypatch.setenv("LAMPWAY_PASSPHRASE", f"file:{tmp_path / 'passphrase'}")
    monkeypatch.setenv("LAMPWAY_KEY", "")


@pytest.fixture
def gather_team(tmp_path: Path) -> Callable[[], Team]:
    """Return what makes a team in an empty folder, with no environments yet."""

    def gather() -> Team:
        team = Team(tmp_path / "governance", tmp_path / "secrets", {})
        team.root.mkdir()
        return team

    return gather


@pytest.fixture
def start_team(places: dict[str, Launched], tmp_path: Path) -> Callable[..., Team]:
    """Return what sets up a team in an empty folder, on empty environments."""

    def start(*, solution: bool = True) -> Team:
        team = Team(tmp_path / "governance", tmp_path / "secrets", places)
        for name in places:
            team.put(name, demo_flows.erp(ERP_KEY[name]))
        story = demo.Story(tmp_path, quiet=True, places=places, keys=dict(ERP_KEY))
        roles = ("maker,approver,platform-admin", "approver,platform-admin", "approver")
        people = [
            f"{who}:{name}:{who}@example.org:{role}"
            for who, name, role in zip(
                ("ada", "ben", "cleo"), ("Ada Maker", "Ben Approver", "Cleo Chief"), roles, strict=True
            )
        ]
        team.root.mkdir()
        team.ok("init", *(word for person in people for word in ("--person", person)))
        for who in ("ben", "cleo"):
            team.ok("key", "create", "--add", user=who)
        for name, launched in places.items():
            team.ok("connect", name, launched.url, *demo._store_secrets(story, name, launched))
        if solution:
            demo._write_solution(story)
        team.ok("strategy", "apply", "-m", "First strategy")
        return team

    return start


@pytest.fixture
def team(start_team: Callable[..., Team]) -> Team:
    """Return a team that has an order intake in dev and nothing else anywhere."""
    made = start_team()
    made.build()
    return made
