"""A company on Power Platform for tests of the path: a team, three environments of the emulator, and what makers do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lampway.testing.dataverse import DataverseEmulator, Environment
from lampway.testing.solutions import Solution, call, column, compose, flow

SHAREPOINT = "shared_sharepointonline"


def orders(version: int = 1) -> Solution:
    """Return what a maker has built: a flow that calls another, a variable, a connection, in version 2 a table."""
    price = flow({"Price": compose(f"times {version}")}, references={SHAREPOINT: "con_sharepoint"})
    take = flow({"Take": call(SHAREPOINT, "GetItems")}, references={SHAREPOINT: "con_sharepoint"})
    made = Solution(name="Orders", version="1.0.0.0")
    made = made.reference("con_sharepoint").variable("con_Site").flow("Price", price).flow("Take", take)
    return made.table("Order", [column("con_number")]) if version == 2 else made


@dataclass
class Company:
    """A team whose environments are Power Platform."""

    team: Any
    emulator: DataverseEmulator

    def place(self, name: str) -> Environment:
        return self.emulator.environment(name)

    def give(self, solution: str, variables: Mapping[str, Any], references: tuple[str, ...]) -> None:
        """Write down what test and prod give to a solution, and make the connections that they name."""
        for name in ("test", "prod"):
            connections = {one: {"connection": f"{name}-{one.lower()}"} for one in references}
            for one in references:
                self.place(name).maker.add_connection(f"{name}-{one.lower()}")
            values = {"variables": dict(variables), "connections": connections}
            with (self.team.root / "environments" / f"{name}.yaml").open("a", encoding="utf-8") as file:
                file.write(f"\nsolutions:\n  {solution}: {json.dumps(values)}\n")

    def promote(self, solution: str) -> Any:
        assert self.team.run("promote", solution, "--to", "prod").code == 4, self.team.said[-1]
        return self.team.ok("approve", solution, user="ben")

    def cell(self, solution: str, environment: str) -> dict[str, Any]:
        listed = self.team.ok("status", "--json").json
        return next(c for c in listed if (c["environment"], c["solution"]) == (environment, solution))

    def change_price(self, name: str, inputs: str) -> None:
        def change(whole: dict[str, Any]) -> None:
            whole["properties"]["definition"]["actions"]["Price"]["inputs"] = inputs

        self.edit(name, "Price", change)

    def price(self, name: str) -> str:
        return str(self.place(name).maker.definition("Price")["properties"]["definition"]["actions"]["Price"]["inputs"])

    def edit_description(self, name: str, flow: str, text: str) -> None:
        def change(whole: dict[str, Any]) -> None:
            whole["properties"]["definition"]["description"] = text

        self.edit(name, flow, change)

    def edit(self, name: str, flow: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit a flow; in prod somebody lifts the lock for it."""
        maker = self.place(name).maker
        maker.unlock()
        maker.edit_flow(flow, change)
        if name == "prod":
            maker.lock()

    def imports(self, name: str) -> int:
        """Return how many imports did something there."""
        return sum(1 for job in self.place(name).organisation.state.jobs.values() if job.completed is not None)

    def kill(self, promotion: str, moment: str) -> None:
        """Approve as ben in a process of its own that is killed at a moment."""
        script = Path(__file__).with_name("killed.py")
        environment = {**os.environ, "LAMPWAY_USER": "ben", "LAMPWAY_KEY": str(self.team.key("ben"))}
        words = [sys.executable, str(script), str(self.team.root), promotion, moment]
        ended = subprocess.run(words, env=environment, check=False, capture_output=True, timeout=60)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()

    def has_table(self, name: str) -> bool:
        return "entity:con_order" in self.place(name).organisation.state.components

    def version_in(self, name: str, solution: str) -> str:
        return self.place(name).organisation.state.solutions[solution.lower()].version


def found_company(team: Any, emulator: DataverseEmulator, secrets: Path, name: str, unique_name: str) -> Company:
    """Found a team around one solution of the platform; its client secret is kept in a folder."""
    people = (
        "ada:Ada Maker:ada@example.org:maker,approver,platform-admin",
        "ben:Ben Approver:ben@example.org:approver,platform-admin",
    )
    team.ok("init", "--platform", "power-platform", *(word for one in people for word in ("--person", one)))
    team.ok("key", "create", "--add", user="ben")
    (secrets / "client-secret").write_text(emulator.client_secret)
    (secrets / "client-secret").chmod(0o600)
    told = {"tenant": emulator.tenant_id, "client_id": emulator.client_id, "authority": emulator.authority}
    told |= {"poll_seconds": "0.01"}
    words = [word for key, value in told.items() for word in ("--setting", f"{key}={value}")]
    words += ["--access", f"client_secret=file:{secrets / 'client-secret'}", "--platform", "power-platform"]
    emulator.environment("prod").maker.lock()
    for place in ("dev", "test", "prod"):
        admin = ["--setting", f"environment_id={emulator.environment(place).id}"]
        admin += ["--setting", f"admin_url={emulator.authority}"]
        team.ok("connect", place, emulator.environment(place).url, *words, *admin)
    folder = team.root / "solutions" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checks").mkdir()
    (folder / "checks" / "smoke.py").write_text("")
    check = "checks:\n  - {name: smoke, kind: functional, command: [python, checks/smoke.py]}\n"
    text = f"pipeline: standard\nowner: ada\ncontains: [{unique_name}]\nrollback_plan: rows stay or go with tables\n"
    (folder / "solution.yaml").write_text(text + check)
    return Company(team, emulator)


def with_orders(company: Company) -> Company:
    """Let a company have an order intake in dev, and what test and prod give to it in force."""
    company.place("dev").maker.load(orders().build())
    company.give("orders", {"con_Site": "https://contoso.example.org/sites/orders"}, ("con_sharepoint",))
    company.team.ok("strategy", "apply", "-m", "First strategy")
    return company
