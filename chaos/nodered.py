"""The same on real Node-REDs: engines are killed while they deploy to test and prod, and a door counts what came in.

Test and prod stand behind a door of their own each, which lets everything through and notes every change that Node-RED
accepted. It lives in another process than the engines, as Node-RED does: what was sent arrives, whoever died meanwhile.
"""

from __future__ import annotations

import hashlib
import http.client
import http.server
import itertools
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chaos.life import Child, Countdown, Told, fork
from chaos.story import Act, Player, ship
from lampway.app import LocalSession, open_engine
from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.engine.context import Engine
from lampway.engine.release import MakeRelease

NODERED = "real Node-RED"
_PLACES = ("test", "prod")
_HANGS = 120.0
_PEOPLE = ("ada", "ben", "ben")


@dataclass(frozen=True, slots=True)
class NodeRedTown:
    """A governance repository over real Node-REDs."""

    folder: Path
    root: Path
    versions: tuple[str, ...]
    is_haunted: bool = False
    """Node-RED refuses what was made from an old state."""

    def engine(self, ids: random.Random) -> Engine:
        """Return an engine as the program opens it."""
        del ids
        return open_engine(self.root)


def kill_on_nodered(seed: str, kills: int, folder: Path) -> Told:
    """Ship release after release while engines are killed, and judge what the doors counted."""
    says, hears = os.pipe(), os.pipe()

    def hold(_: Callable[[bytes], None]) -> None:
        os.close(hears[1])  # or it would wait for itself
        _hold(folder, 2 + kills // 12, (says[1], hears[0]))

    holder = fork(hold)
    os.close(says[1])
    os.close(hears[0])
    told = Told(0, "releases one after the other", NODERED)
    try:
        with os.fdopen(says[0]) as file:
            line = file.readline()
        if not line:
            raise AssertionError(f"no Node-RED to kill engines on: {holder.said()}")
        given = json.loads(line)
        os.environ.update(given["keys"])
        town = NodeRedTown(folder, Path(given["root"]), tuple(given["versions"]))
        acts = tuple(ship(f"orders@{version}") for version in town.versions)
        chance = random.Random(f"{seed}/nodered")
        while _live(town, acts, told, chance, is_last=told.kills >= kills) == "killed":
            pass
        if not told.faults:
            _judge(town, told)
    finally:
        for name in ("LAMPWAY_KEY", "LAMPWAY_PASSPHRASE"):
            os.environ.pop(name, None)
        os.close(hears[1])  # whoever holds the places lets them go
        holder.wait(_HANGS)
    return told


def _live(town: NodeRedTown, acts: tuple[Act, ...], told: Told, chance: random.Random, *, is_last: bool) -> str:
    by_time = chance.random() < 0.3
    dies_at = 0 if is_last or by_time else 1 + int(chance.expovariate(1 / 25))
    dies_after = 0.05 + chance.expovariate(1 / 0.3) if by_time and not is_last else 0.0

    def run(say: Callable[[bytes], None]) -> None:
        os.environ["LAMPWAY_USER"] = _PEOPLE[0]
        points = Countdown(dies_at, say, signal.SIGKILL)
        engine = points.wrap(town.engine(random.Random()))
        Player(town, engine, people=_PEOPLE).play(acts)  # type: ignore[arg-type] # as much of a town as it takes

    child = fork(run)
    status = child.wait(dies_after or _HANGS)
    if status is None:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(None)
    said = child.said()
    if status is None and not dies_after:
        told.faults.append("lost: a process hangs")
    elif status is None or os.WIFSIGNALED(status):
        told.died(said or "anywhere")
        return "killed"
    elif os.WEXITSTATUS(status):
        told.faults.append(f"lost: {said}")
    return "ended"


def _judge(town: NodeRedTown, told: Told) -> None:
    def run(say: Callable[[bytes], None]) -> None:
        say(json.dumps(list(_faults(town))).encode())

    child: Child = fork(run)
    status = child.wait(_HANGS)
    said = child.said()
    if status != 0:
        told.faults.append(f"damage: it could not be judged: {said}")
        return
    *faults, counts = json.loads(said)
    told.faults += faults
    told.counts = counts


def _faults(town: NodeRedTown) -> Iterator[Any]:
    engine = town.engine(random.Random())
    yield from (f"damage: {d.place}: {d.what}" for d in (*engine.store.verify().damage, *engine.store.compare()))
    with engine.store.reading() as reading:
        deployments = [d for d in reading.find(Deployment) if d.version in town.versions]
        opened = reading.find(Promotion, states=OPEN_STATES)
    yield from (f"lost: promotion {p.id} is still {p.state}: {p.note}" for p in opened)
    counts = {"deployments": len(deployments), "units": 0, "recovered": 0}
    for place in _PLACES:
        done = [d for d in deployments if d.environment == place and d.state is DeploymentState.SUCCEEDED]
        noted = [json.loads(line) for line in (town.folder / f"{place}.door").read_text().splitlines()]
        changes = [key for key, _ in itertools.groupby(note["content"] for note in noted)]
        counts["units"] += len(changes)
        counts["recovered"] += sum(1 for d in done for s in d.steps if s.detail.get("recovered"))
        if len(changes) < len(done):
            yield f"lost: {place}: {len(done)} deployments are done, {len(changes)} changes came in"
        if len(changes) > len(done) or len(set(changes)) < len(changes):
            yield f"twice: {place}: {len(done)} deployments are done, {len(changes)} changes came in"
        yield from (f"interleaved: {place}" for note in noted if note["busy"])
    engine.store.close()
    yield counts


def _hold(folder: Path, count: int, pipes: tuple[int, int]) -> None:
    """Start the places and their doors, make the releases, say so, and keep all of it until the other end is closed."""
    from bench.team import start_team

    says, hears = pipes
    with start_team(folder / "places") as team:
        doors = {name: _open_door(team.places[name].url, folder / f"{name}.door") for name in _PLACES}
        for name, door in doors.items():
            file = team.root / "environments" / f"{name}.yaml"
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(f"url: {team.places[name].url}", f"url: {door}"), encoding="utf-8")
        git = ["git", "-C", str(team.root), "-c", "user.name=Ada Maker", "-c", "user.email=ada@example.org"]
        subprocess.run([*git, "commit", "-qam", "Put a door in front"], check=True)
        team.run("strategy", "apply", user="ben")
        versions = []
        session = LocalSession(team.root, (), "ada")
        for number in range(count):
            team.places["dev"].change(100 + number)
            made = session.run(MakeRelease("orders", bump="patch")).release
            versions += [made.version] if made else []
        session.close()
        for name in _PLACES:
            (folder / f"{name}.door").write_text("")
        keys = {name: os.environ[name] for name in ("LAMPWAY_KEY", "LAMPWAY_PASSPHRASE")}
        given = {"root": str(team.root), "versions": versions, "keys": keys}
        os.write(says, json.dumps(given).encode() + b"\n")
        os.read(hears, 1)


def _open_door(url: str, notes: Path) -> str:
    """Return the address of a door to this place; it notes each change that was accepted there."""
    target = urlsplit(url).netloc
    busy = threading.Semaphore(1)
    notes.touch()

    class Door(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_change = self.command == "POST" and self.path == "/flows"
            is_alone = not is_change or busy.acquire(blocking=False)
            try:
                answer, content = _forward(target, self.command, self.path, dict(self.headers), body)
            finally:
                if is_change and is_alone:
                    busy.release()
            if is_change and answer.status < 300:
                with notes.open("ab", buffering=0) as file:
                    note = {"content": _content(body), "busy": not is_alone}
                    file.write(json.dumps(note).encode() + b"\n")
            try:
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"transfer-encoding", "connection", "content-length", "date", "server"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                self.close_connection = True  # whoever asked has died

        do_GET = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815 - the library's names

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # whoever asked has died, and not politely
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def _forward(target: str, method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
    for _ in range(20):
        connection = http.client.HTTPConnection(target, timeout=60 if path == "/flows" else 2)
        try:
            connection.request(method, path, body=body or None, headers={**headers, "Connection": "close"})
            answer = connection.getresponse()
            return answer, answer.read()
        except TimeoutError:
            if path == "/flows":
                raise
            time.sleep(0.05)  # Node-RED loses what reaches it within milliseconds of a deployment
        finally:
            connection.close()
    raise TimeoutError(path)


def _content(body: bytes) -> str:
    """Return what a change brings: the flows, without secrets and the revision they were made from."""
    flows = json.loads(body)["flows"]
    return hashlib.sha256(json.dumps(flows, sort_keys=True).encode()).hexdigest()
