"""`lampway demo`: the whole story on three real Node-RED instances, each line of it a real command."""

from __future__ import annotations

import contextlib
import io
import json as json_text
import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lampway.app import Platforms, cache_folder
from lampway.cli import demo_flows
from lampway.cli.output import emit, note, paint, say
from lampway.domain.secret import Secret
from lampway.engine.abilities import Launchable, Launched
from lampway.errors import BrokenError, InterruptedByUserError, PlatformError

_ISOLATED = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LAMPWAY_USER": "ada"}
_SETTLES = 10.0
"""Seconds after which a flow that was edited must answer."""
_CHECKS = """
checks:
  - name: order-is-booked
    kind: functional
    http:
      method: POST
      path: /orders
      json: {item: lamp, quantity: 2}
      expect: {status: 201, json: {accepted: true, total: 25}}
  - name: nonsense-is-refused
    kind: functional
    command: [python, checks/nonsense.py]
"""
_NONSENSE = """\
import json, os, urllib.error, urllib.request

request = urllib.request.Request(
    os.environ["LAMPWAY_URL"] + "/orders",
    data=json.dumps({"item": "", "quantity": 0}).encode(),
    headers={"content-type": "application/json"},
)
try:
    urllib.request.urlopen(request, timeout=5)
except urllib.error.HTTPError as error:
    assert error.code == 400, error.code
    print("turned down with 400")
else:
    raise SystemExit("an order without an item was accepted")
"""


@dataclass(slots=True)
class Fact:
    """One thing the demo did."""

    title: str
    command: str
    user: str
    exit_code: int
    expected: int
    seconds: float
    output: str

    @property
    def ok(self) -> bool:
        """Whether it did what it should."""
        return self.exit_code == self.expected


@dataclass(slots=True)
class Story:
    """What has happened so far, and on which instances."""

    folder: Path
    quiet: bool
    facts: list[Fact] = field(default_factory=list)
    places: dict[str, Launched] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def tell(self, text: str) -> None:
        """Say what happens next, in a sentence."""
        if not self.quiet:
            say()
            say(paint(text, "1"))

    def run(self, *words: str, user: str = "ada", expect: int = 0, contains: str = "") -> str:
        """Run a command as somebody, show it, and hold what came of it against what should have."""
        from lampway.cli.main import main

        out = io.StringIO()
        started = time.monotonic()
        with _variables(self.identity(user)), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(words)
        if code == InterruptedByUserError.exit_code:
            raise KeyboardInterrupt
        text = out.getvalue().rstrip()
        shown = " ".join(_quoted(w) for w in words)
        fact = Fact(shown, f"lampway {shown}", user, code, expect, round(time.monotonic() - started, 3), text)
        if contains not in text:
            fact.exit_code = -1
            fact.output += f"\n(the demo expected to read: {contains})"
        self.keep(fact)
        return text

    def identity(self, user: str) -> dict[str, str]:
        """Return what makes somebody themselves on a laptop of their own: a name, and a key to sign with."""
        place = self.folder / "secrets"
        key, passphrase = place / f"{user}.pem", place / "passphrase"
        return {"LAMPWAY_USER": user, "LAMPWAY_KEY": str(key), "LAMPWAY_PASSPHRASE": f"file:{passphrase}"}

    def keep(self, fact: Fact) -> None:
        """Record one thing that was done and show it. Raises BrokenError when it is not what it should be."""
        self.facts.append(fact)
        if not self.quiet:
            say(f"{paint(f'{fact.user} $', '36')} {fact.command}   {paint(f'{fact.seconds:.2f} s', '2')}")
            for line in fact.output.splitlines():
                say(f"    {line}")
        if not fact.ok:
            raise BrokenError(
                f"the demo went another way than it should: exit code {fact.exit_code} instead of {fact.expected}",
                where=fact.command,
                details=tuple(fact.output.splitlines()),
            )


def demo(*, keep: bool = False, json: bool = False, folder: Path | None = None) -> int:
    """See a solution go from dev to test to prod under governance, on three real Node-RED instances.

    Parameters
    ----------
    keep
        Leave everything running to play with.
    json
        Print the facts as JSON.
    folder
        Where to work; a temporary folder if left out.
    """
    place = Path(tempfile.mkdtemp(prefix="lampway-demo-")) if folder is None else folder.resolve()
    if folder is not None and place.exists() and any(place.iterdir()):
        raise BrokenError("the folder is not empty", where=str(place), hint="name one that does not exist yet")
    place.mkdir(parents=True, exist_ok=True)
    story = Story(place, quiet=json)
    started = time.monotonic()
    kept = False
    try:
        with _variables({**_ISOLATED, "LAMPWAY_DIR": str(place / "governance")}):
            installed = _start(story)
            _play(story)
        took = time.monotonic() - started
        kept = keep
        _end(story, took, installed, as_json=json, keep=keep)
    finally:
        if not kept:
            _clear(story, remove=folder is None)
    return 0


def _start(story: Story) -> float:
    """Start the three instances and return the seconds it took."""
    started = time.monotonic()
    platform = _launcher()
    note("starting three Node-RED instances on loopback")
    for name in ("dev", "test", "prod"):
        locked = name != "dev"
        story.places[name] = platform.launch(
            story.folder / name, name=name, locked=locked, cache=cache_folder(), say=note
        )
        story.keys[name] = secrets.token_hex(12)
    return time.monotonic() - started


def _launcher() -> Launchable:
    platform = Platforms()["node-red"]
    if not isinstance(platform, Launchable):
        raise PlatformError("this Node-RED adapter cannot start instances")
    return platform


def _play(story: Story) -> None:
    _begin(story)
    _build(story)
    _to_production(story)
    _edited_live(story)
    _bad_release(story)
    story.tell("An auditor asks whether the record is whole.")
    story.run("audit", "verify", contains="are as they were written")
    story.run("status", contains="1.0.0")


def _begin(story: Story) -> None:
    story.tell("A team writes its strategy down: who, where, and what must hold.")
    people = (
        "ada:Ada Maker:ada@example.org:maker,approver,platform-admin",
        "ben:Ben Approver:ben@example.org:approver,platform-admin",
    )
    story.run("init", "--team", "Order desk", "--person", people[0], "--person", people[1])
    story.tell("A name proves nothing, so an approval for prod is signed: each of them makes a key, once.")
    _keep_secret(story, "passphrase", Secret(secrets.token_hex(16)))
    for user in ("ada", "ben"):
        story.run("key", "create", "--add", user=user, contains=f"{user} signs with")
    story.tell("They connect their environments, and put the rules in force.")
    for name, launched in story.places.items():
        _edit(story, name, demo_flows.erp(story.keys[name]))
        references = _store_secrets(story, name, launched)
        story.run("connect", name, launched.url, *references, contains="may deploy")
    _write_solution(story)
    story.run("strategy", "apply", "-m", "First strategy", contains="in force")
    story.run("adopt", "prod", contains="ERP stand-in")


def _build(story: Story) -> None:
    story.tell("Ada builds an order intake in dev, in a hurry: with the key in the code.")
    _edit(story, "dev", demo_flows.orders(hardcoded=f"sk_live_{secrets.token_hex(12)}"))
    story.run("release", "orders", expect=1, contains="hardcoded")
    story.tell("She makes the key a credential, and releases.")
    _edit(story, "dev", demo_flows.orders())
    story.run("release", "orders", "--message", "Order intake", contains="orders@1.0.0")


def _to_production(story: Story) -> None:
    story.tell("One command moves it on: test runs at once, prod waits for a second person.")
    story.run("promote", "orders", "--to", "prod", expect=4, contains="0 of 1 approvals")
    story.run("approve", "orders", expect=1, contains="Ada Maker asked for it")
    story.run("inbox", user="ben", contains="orders@1.0.0")
    story.run("approve", "orders", user="ben", contains="signed with your key")
    _order(story, 201)
    story.run("status", contains="1.0.0")
    _show_tag(story)


def _edited_live(story: Story) -> None:
    story.tell("Somebody changes a price directly in production.")
    _edit_live(story)
    _order(story, 201)
    story.run("drift", "scan", "prod", expect=1, contains="code changed")
    story.tell("Meanwhile Ada has 1.1.0 ready. It stops at the live edit, until that is dealt with.")
    _edit(story, "dev", demo_flows.orders(rush=True))
    story.run("release", "orders", "--bump", "minor", "--message", "Rush line", contains="orders@1.1.0")
    story.run("promote", "orders", "--to", "prod", expect=1, contains="edited live")
    story.run("drift", "revert", "orders", "--in", "prod", "--reason", "prices are changed in dev", user="ben")
    story.run("drift", "scan", "prod", contains="as deployed")


def _bad_release(story: Story) -> None:
    story.tell("1.1.0 is approved. In prod it fails its checks: the rush line is closed there.")
    story.run("approve", "orders", user="ben", expect=1, contains="order-is-booked")
    story.run("explain", "orders@1.1.0", "--to", "prod")
    story.tell("The release that was good is one command away.")
    story.run("rollback", "orders", "--in", "prod", "--reason", "rush line is closed", user="ben", contains="verified")
    _order(story, 201)


def _store_secrets(story: Story, name: str, launched: Launched) -> list[str]:
    """Keep the credentials outside git and return the options that refer to them."""
    kept = {
        f"{name}-token": launched.credentials["token"],
        f"{name}-maker": launched.maker_credentials["password"],
        f"{name}-erp-key": Secret(story.keys[name]),
    }
    for key, secret in kept.items():
        _keep_secret(story, key, secret)
    maker = launched.maker_credentials["user"].reveal()
    return [
        *("--token", f"file:../secrets/{name}-token"),
        *("--maker-user", maker, "--maker-password", f"file:../secrets/{name}-maker"),
    ]


def _keep_secret(story: Story, name: str, secret: Secret) -> None:
    folder = story.folder / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / name).touch(mode=0o600)
    (folder / name).write_text(secret.reveal(), encoding="utf-8")


def _write_solution(story: Story) -> None:
    """Write what a maker would type: the solution, its checks, and each environment's values."""
    root = story.folder / "governance"
    solution = root / "solutions" / "orders"
    (solution / "checks").mkdir(parents=True)
    (solution / "checks" / "nonsense.py").write_text(_NONSENSE, encoding="utf-8")
    text = (
        "pipeline: standard\nowner: ada\ncontains: [Orders]\nrollback_plan: orders booked meanwhile stay in the ERP\n"
    )
    (solution / "solution.yaml").write_text(text + _CHECKS.lstrip(), encoding="utf-8")
    for name in ("test", "prod"):
        url = story.places[name].url
        rush = "closed" if name == "prod" else "rush"
        values = {
            "variables": {"ERP_URL": f"{url}/erp/main/orders", "RUSH_URL": f"{url}/erp/{rush}/orders"},
            "connections": {"Orders": {"ERP_KEY": f"file:../secrets/{name}-erp-key"}},
        }
        with (root / "environments" / f"{name}.yaml").open("a", encoding="utf-8") as file:
            file.write(f"\nsolutions:\n  orders: {json_text.dumps(values)}\n")


def _edit(story: Story, name: str, nodes: list[dict[str, Any]]) -> None:
    """Do in an editor what a maker or admin does: replace the tabs that `nodes` hold and leave the others."""
    with _editor(story, name) as api:
        live = api.get("/flows").json()
        homes = {n["id"] for n in nodes if n["type"] in ("tab", "subflow")}
        ids = {n["id"] for n in nodes} | homes
        others = [n for n in live["flows"] if n["id"] not in ids and n.get("z") not in homes]
        body: dict[str, Any] = {"flows": [*others, *nodes], "rev": live["rev"]}
        if name == "dev" and demo_flows.node_id("orders") in homes:
            body["credentials"] = {demo_flows.node_id("orders"): {"ERP_KEY": story.keys[name]}}
            if not any(n["type"] == "global-config" for n in others):
                body["flows"].append(demo_flows.surroundings(story.places[name].url))
        api.post("/flows", json=body).raise_for_status()


def _edit_live(story: Story) -> None:
    """Change the price in production, past everybody."""
    with _editor(story, "prod") as api:
        live = api.get("/flows").json()
        for one in live["flows"]:
            if one["id"] == demo_flows.node_id("sum"):
                one["func"] = one["func"].replace("* each", "* each * 1.1")
        api.post("/flows", json=live).raise_for_status()


@contextlib.contextmanager
def _editor(story: Story, name: str) -> Iterator[Any]:
    import httpx

    launched = story.places[name]
    token = launched.credentials["token"].reveal()
    headers = {"Authorization": f"Bearer {token}", "Node-RED-API-Version": "v2"}
    with httpx.Client(base_url=launched.url, headers=headers, timeout=10) as client:
        yield client


def _show_tag(story: Story) -> None:
    """Show that git knows what runs in production."""
    started = time.monotonic()
    done = subprocess.run(
        [
            "git",
            "-C",
            str(story.folder / "governance"),
            "tag",
            "--list",
            "--format=%(refname:short) on %(*objectname:short)",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found = 0 if "orders/v1.0.0" in done.stdout else 1
    took = round(time.monotonic() - started, 3)
    story.keep(Fact("tag", "git tag --list", "ada", found, 0, took, done.stdout.strip()))


def _order(story: Story, expected: int) -> None:
    """Place an order in production, as a customer would."""
    import httpx

    started = time.monotonic()
    url = story.places["prod"].url + "/orders"
    while True:
        response = httpx.post(url, json={"item": "lamp", "quantity": 2}, timeout=10)
        if response.status_code != httpx.codes.NOT_FOUND or time.monotonic() - started > _SETTLES:
            break
        time.sleep(0.05)  # Node-RED says that an edit is deployed before its flows answer
    took = round(time.monotonic() - started, 3)
    fact = Fact("order", "POST /orders in prod", "customer", response.status_code, expected, took, response.text)
    story.keep(fact)


def _end(story: Story, took: float, installed: float, *, as_json: bool, keep: bool) -> None:
    if as_json:
        steps = [
            {"command": f.command, "user": f.user, "exit_code": f.exit_code, "seconds": f.seconds, "ok": f.ok}
            for f in story.facts
        ]
        addresses = {name: launched.url for name, launched in story.places.items()}
        emit(
            {
                "ok": True,
                "seconds": round(took, 2),
                "start_seconds": round(installed, 2),
                "steps": steps,
                "environments": addresses if keep else {},
                "folder": str(story.folder) if keep else "",
            }
        )
        return
    say()
    say(
        paint(
            f"Everything did what it should: {len(story.facts)} steps in {took:.1f} s, "
            f"{installed:.1f} s of them to start Node-RED.",
            "32",
        )
    )
    if keep:
        say(f"Left running: {', '.join(f'{n} {launched.url}' for n, launched in story.places.items())}")
        say(f"  sign in as maker with: cat {story.folder}/secrets/prod-maker")
        say(f"  cd {story.folder}/governance && LAMPWAY_USER=ada lampway status")
        say("  in a browser, from that folder: lampway serve, and beside it LAMPWAY_USER=ada lampway console")
        say(f"  for rules of your own about them, in an empty folder: . {write_exports(story)}, then docs/tutorial.md")
        ben = " ".join(f"{name}={value}" for name, value in story.identity("ben").items())
        say(f"  approve as ben with: {ben} lampway approve orders")
        say(f"  stop them with: kill {' '.join(str(launched.pid) for launched in story.places.values())}")


def write_exports(story: Story) -> Path:
    """Write a file for a shell, with the variables by which the tutorial reaches the instances; return where it is.

    No secret is in it, only where each of them lies.
    """
    lines = []
    for name, launched in story.places.items():
        lines.append(f"export {name.upper()}_URL={launched.url}")
        lines.append(f'export {name.upper()}_TOKEN="$(cat {_at(story, f"{name}-token")})"')
    lines.append(f'export PROD_MAKER="$(cat {_at(story, "prod-maker")})"')
    file = story.folder / "environment.sh"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def _at(story: Story, name: str) -> str:
    return shlex.quote(str(story.folder / "secrets" / name))


def _clear(story: Story, *, remove: bool) -> None:
    platform = _launcher()
    for launched in story.places.values():
        platform.stop(launched)
    if remove:
        shutil.rmtree(story.folder, ignore_errors=True)


@contextlib.contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _quoted(word: str) -> str:
    return f"'{word}'" if " " in word else word
