"""A team on real Node-REDs: dev, test and prod under governance, and a twin of prod that nobody governs."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lampway.app import LocalSession, Platforms, cache_folder, open_engine
from lampway.cli import demo_flows
from lampway.cli.main import main as lampway
from lampway.engine.abilities import Launched
from lampway.engine.context import Engine
from lampway.engine.release import MakeRelease

PLACES = ("dev", "test", "prod", "twin")
_KEY = "key-of-the-erp-0123456789"
_PEOPLE = (
    "ada:Ada Maker:ada@example.org:maker,approver,platform-admin",
    "ben:Ben Approver:ben@example.org:approver,platform-admin",
)
_SOLUTION = """\
pipeline: standard
owner: ada
contains: [Orders]
rollback_plan: orders booked meanwhile stay in the ERP
checks:
  - name: order-is-booked
    kind: functional
    http:
      method: POST
      path: /orders
      json: {item: lamp, quantity: 2}
      expect: {status: 201, json: {accepted: true}}
"""


@dataclass(slots=True)
class NodeRedPlace:
    """A running Node-RED and its admin API as anybody may use it, over one connection that is kept open."""

    launched: Launched
    api: httpx.Client

    @property
    def url(self) -> str:
        """Return its address."""
        return self.launched.url

    def build(self, price: float) -> None:
        """Make its flows the order intake at this price, with the ERP it books in."""
        nodes = [*demo_flows.erp(_KEY), *at_price(demo_flows.orders(), price), demo_flows.surroundings(self.url)]
        secret = {demo_flows.node_id("orders"): {"ERP_KEY": _KEY}}
        self.api.post("/flows", json={"flows": nodes, "credentials": secret}).raise_for_status()

    def change(self, price: float) -> None:
        """Deploy another price: read the flows, change them, and send them back."""
        live = self.api.get("/flows").json()
        body = {"flows": at_price(live["flows"], price), "rev": live["rev"]}
        self.api.post("/flows", json=body, headers={"Node-RED-Deployment-Type": "nodes"}).raise_for_status()

    def order(self, patience: float = 10.0) -> httpx.Response:
        """Place an order of two, as a customer would."""
        return self.api.post("/orders", json={"item": "lamp", "quantity": 2}, timeout=patience)

    def total(self, patience: float = 10.0) -> float | None:
        """Return what an order of two costs now, or None when it is not booked in time."""
        try:
            answer = self.order(patience)
        except httpx.TimeoutException:
            return None
        return answer.json()["total"] if answer.status_code == 201 else None


@dataclass(slots=True)
class Team:
    """One governance repository and its places."""

    root: Path
    places: dict[str, NodeRedPlace]

    def engine(self) -> Engine:
        """Return an engine of its own over the repository's state."""
        return open_engine(self.root)

    def run(self, *words: str, user: str = "ada", expect: int = 0) -> None:
        """Run a command in this process, quietly. Raises AssertionError when it ends otherwise than expected."""
        os.environ["LAMPWAY_USER"] = user
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            code = lampway(["-C", str(self.root), *words])
        if code != expect:
            raise AssertionError(f"lampway {' '.join(words)} ended with {code}:\n{told.getvalue()}")

    def make_release(self, price: float) -> str:
        """Change the price in dev, release that and bring it to test; return its name."""
        self.places["dev"].change(price)
        session = LocalSession(self.root, (), "ada")
        try:
            release = session.run(MakeRelease("orders", bump="patch")).release
        finally:
            session.close()
        if release is None:
            raise AssertionError("nothing changed in dev")
        self.run("promote", release.name, "--to", "test")
        return release.name


def at_price(nodes: list[dict[str, Any]], price: float) -> list[dict[str, Any]]:
    """Return the order intake with this price in it."""
    env = [{"name": "PRICE", "type": "num", "value": str(price)}]
    return [{**node, "env": env} if node["id"] == demo_flows.node_id("totals") else node for node in nodes]


@contextlib.contextmanager
def start_team(folder: Path) -> Iterator[Team]:
    """Start everything in this folder, and stop it in the end, whatever happens."""
    platform: Any = Platforms()["node-red"]
    with contextlib.ExitStack() as ends:
        places = {}
        for name in PLACES:
            locked = name != "dev"
            launched = platform.launch(folder / name, name=name, locked=locked, cache=cache_folder())
            ends.callback(platform.stop, launched)
            places[name] = NodeRedPlace(launched, ends.enter_context(_client(launched)))
        team = Team(folder / "governance", places)
        _begin(team, folder / "secrets")
        yield team


def _client(launched: Launched) -> httpx.Client:
    token = launched.credentials["token"].reveal()
    headers = {"Authorization": f"Bearer {token}", "Node-RED-API-Version": "v2"}
    return httpx.Client(base_url=launched.url, headers=headers, timeout=10)


def _begin(team: Team, secrets: Path) -> None:
    """Set the repository up, build in dev, and bring the first release to prod."""
    team.root.mkdir()
    secrets.mkdir(mode=0o700)
    team.run("init", *(word for person in _PEOPLE for word in ("--person", person)))
    os.environ["LAMPWAY_KEY"] = str(secrets / "ben.pem")
    os.environ["LAMPWAY_PASSPHRASE"] = f"file:{_keep(secrets / 'passphrase', 'a passphrase of many words')}"
    team.run("key", "create", "--add", user="ben")
    key = _keep(secrets / "erp-key", _KEY)
    for name, place in team.places.items():
        if name in ("test", "prod"):
            place.api.post("/flows", json={"flows": demo_flows.erp(_KEY)}).raise_for_status()
        else:
            place.build(1)
        if name != "twin":
            _connect(team, name, secrets)
    (team.root / "solutions" / "orders").mkdir(parents=True)
    (team.root / "solutions" / "orders" / "solution.yaml").write_text(_SOLUTION, encoding="utf-8")
    for name in ("test", "prod"):
        with (team.root / "environments" / f"{name}.yaml").open("a", encoding="utf-8") as file:
            file.write(
                f"\nsolutions:\n  orders:\n    variables: {{ERP_URL: {team.places[name].url}/erp/main/orders}}\n"
            )
            file.write(f"    connections: {{Orders: {{ERP_KEY: 'file:{key}'}}}}\n")
    team.run("strategy", "apply", "-m", "First strategy")
    team.run("release", "orders")
    team.run("promote", "orders", "--to", "prod", expect=4)
    team.run("approve", "orders", user="ben")


def _connect(team: Team, name: str, secrets: Path) -> None:
    launched = team.places[name].launched
    token = _keep(secrets / f"{name}-token", launched.credentials["token"].reveal())
    password = _keep(secrets / f"{name}-maker", launched.maker_credentials["password"].reveal())
    maker = launched.maker_credentials["user"].reveal()
    access = ("--token", f"file:{token}", "--maker-user", maker, "--maker-password", f"file:{password}")
    team.run("connect", name, launched.url, *access)


def _keep(place: Path, secret: str) -> Path:
    place.touch(mode=0o600)
    place.write_text(secret, encoding="utf-8")
    return place
