"""The town that engines are killed in: a governance repository with sealed releases, and worlds that count.

It is built once and copied for every story. What fails a release's checks in prod is fixed: see `BAD`.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lampway.app import LocalSession, open_engine
from lampway.domain.deployment import CheckOutcome
from lampway.domain.strategy import Check
from lampway.engine.context import Engine
from lampway.engine.ports import CheckResult
from lampway.engine.release import MakeRelease
from lampway.engine.strategy import ApplyStrategy
from lampway.testing.counting import CountingPlatform
from lampway.testing.world import App, Part

PLACES = ("dev", "test", "prod")
RELEASES = {"orders": ("1.0.0", "1.0.1", "1.0.2", "1.0.3"), "billing": ("1.0.0", "1.0.1")}
APPS = {"orders": ("Orders", "Refunds"), "billing": ("Billing",)}
BAD = {("orders", "1.0.2", "http://prod.test")}
"""Release and address at which it does not do what it should."""

_STRATEGY = """\
team: Back office
next_review: 2030-01-01
rules: {second_person_applies: true}
tiers:
  dev: {purpose: makers build here}
  test: {purpose: releases prove here that they work}
  prod: {purpose: people rely on what runs here, locked: true}
roles: [maker, approver, release-manager, platform-admin]
pipelines:
  standard:
    from: dev
    stages:
      - {name: test, gates: [{gate: findings}, {gate: configuration}, {gate: drift}]}
      - name: prod
        gates:
          - {gate: previous-stage}
          - {gate: checks}
          - {gate: findings}
          - {gate: configuration}
          - {gate: drift}
          - {gate: lock}
          - {gate: rollback-target}
          - {gate: approval, roles: [approver], quorum: 1}
"""
_PEOPLE = """\
people:
  mia: {name: Mia, email: mia@example.test, roles: [maker]}
  ana: {name: Ana, email: ana@example.test, roles: [approver]}
  rita: {name: Rita, email: rita@example.test, roles: [release-manager]}
  pam: {name: Pam, email: pam@example.test, roles: [platform-admin]}
"""
_ENVIRONMENT = """\
tier: {name}
platform: memory
url: http://{name}.test
access: {{token: "env:CHAOS_TOKEN"}}
maker_access: {{token: "env:CHAOS_MAKER"}}
variables: {{ERP_URL: "https://erp.{name}", CURRENCY: EUR}}
connections: {{ERP: {{password: "env:CHAOS_ERP"}}}}
"""
_SOLUTION = """\
pipeline: standard
owner: mia
contains: [{contains}]
rollback_plan: nothing is lost
checks: [{{name: works, kind: functional, http: {{path: /}}}}]
"""
SECRETS = {"CHAOS_TOKEN": "engine-token", "CHAOS_MAKER": "maker-token", "CHAOS_ERP": "erp-password"}
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **SECRETS}
"""What the process that plays needs around it."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Runs checks: a release passes unless it is a bad one there."""

    def run(self, check: Check, base_url: str, files: Mapping[str, bytes], facts: Mapping[str, str]) -> CheckResult:
        """Return what is known beforehand."""
        del check, files
        is_bad = (facts["SOLUTION"], facts["VERSION"], base_url) in BAD
        return CheckResult(CheckOutcome.FAILED if is_bad else CheckOutcome.PASSED, "as expected", 0.0)


@dataclass(frozen=True, slots=True)
class Town:
    """One copy of it."""

    folder: Path
    has_precondition: bool = True
    scale: float = 0.001
    """How long waiting is, of what it would be in production."""
    is_haunted: bool = False
    """Whether somebody who was taken over can still change something there: then people see to what differs."""

    @property
    def root(self) -> Path:
        """The governance repository."""
        return self.folder / "governance"

    def platform(self) -> CountingPlatform:
        """Return the platform over the town's worlds."""
        return CountingPlatform(self.folder / "worlds.db", has_precondition=self.has_precondition)

    def engine(self, ids: random.Random | None = None) -> Engine:
        """Return an engine over the town's state, as a process of its own would open it."""
        ids = ids or random.Random(os.urandom(8))
        return replace(
            open_engine(self.root),
            platforms={"memory": self.platform()},
            checks=Judge(),
            pause=lambda seconds: time.sleep(seconds * self.scale),
            new_id=lambda: f"{ids.getrandbits(48):012x}",
        )

    def copy(self, folder: Path, **changes: object) -> Town:
        """Return a town in exactly the same state elsewhere."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return replace(self, folder=folder, **changes)


def build(folder: Path) -> Town:
    """Build the town: rules in force, every release sealed, nothing deployed anywhere."""
    town = Town(folder)
    _write(town.root)
    platform = town.platform()
    for name in PLACES:
        with platform.at(f"http://{name}.test") as world:
            world.is_locked = name != "dev"
    engine = town.engine()
    try:
        LocalSession(town.root, (), "pam", _engine=engine).run(ApplyStrategy())
        maker = LocalSession(town.root, (), "mia", _engine=engine)
        for number in range(max(map(len, RELEASES.values()))):
            _draw(platform, number)
            for solution, versions in RELEASES.items():
                if number < len(versions):
                    maker.run(MakeRelease(solution, version=versions[number]))
    finally:
        engine.store.close()
        platform.close()
    return town


def _write(root: Path) -> None:
    root.mkdir(parents=True)
    files = {
        "lampway.yaml": _STRATEGY,
        "people.yaml": _PEOPLE,
        ".gitignore": ".lampway/\n",
        "solutions/orders/solution.yaml": _SOLUTION.format(contains=", ".join(APPS["orders"])),
        "solutions/billing/solution.yaml": _SOLUTION.format(contains=", ".join(APPS["billing"])),
        **{f"environments/{name}.yaml": _ENVIRONMENT.format(name=name) for name in PLACES},
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    git = ["git", "-C", str(root), "-c", "user.name=Mia", "-c", "user.email=mia@example.test"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "First strategy"]):
        subprocess.run([*git, *words], check=True, capture_output=True)


def _draw(platform: CountingPlatform, number: int) -> None:
    """Let makers build the next version of everything in dev."""
    fetch, price = Part("p1", "Fetch", "get ${ERP_URL}", account="ERP"), Part("p2", "Price", f"times {number}")
    with platform.at("http://dev.test") as world:
        values = {"ERP_URL": "https://erp.dev"}
        world.draw(App("a1", "Orders", (fetch, price), values, {"ERP": "typed-in-dev"}), by="mia@example.test")
        refunds = App("a2", "Refunds", (Part("p3", "Pay back", f"in ${{CURRENCY}} {number}"),), {"CURRENCY": "DEM"})
        world.draw(refunds, by="mia@example.test")
        billing = App("b1", "Billing", (Part("q1", "Send", f"post ${{ERP_URL}} {number}"),), dict(values))
        world.draw(billing, by="mia@example.test")
