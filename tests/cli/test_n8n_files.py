"""n8n packages and exports on the command line: no set-up, told in a maker's words, one clear error."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lampway.app import Platforms
from lampway.cli import demo_flows
from lampway.cli.main import main
from lampway.domain.digest import digest_bytes
from lampway.domain.package import Scope
from lampway.platforms.n8n.package import build_package

Run = Callable[..., tuple[int, str, str]]
SCOPE = Scope("orders", version="1.0.0", contains=("Orders",))


@pytest.fixture(autouse=True)
def _registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let n8n be found as a platform, its packages at least."""
    if "n8n" in Platforms():
        return
    told = tmp_path / "site" / "n8n_stand_in-1.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: n8n-stand-in\nVersion: 1\n")
    (told / "entry_points.txt").write_text("[lampway.platforms]\nn8n = n8n_stand_in:create\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_one(*words: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["-C", str(tmp_path), *words])
        return code, out.getvalue(), err.getvalue()

    return run_one


def orders(url: str = "https://erp.corp.internal/orders", every: int = 5) -> dict[str, Any]:
    """Return a workflow as the editor downloads it."""
    rule = {"interval": [{"field": "minutes", "minutesInterval": every}]}
    fields = [{"id": "f1", "name": "ERP_URL", "type": "string", "value": "https://erp.dev.corp"}]
    nodes = [
        {"name": "Now and then", "type": "scheduleTrigger", "parameters": {"rule": rule}},
        {"name": "Configuration", "type": "set", "parameters": {"assignments": {"assignments": fields}}},
        {
            "name": "ERP",
            "type": "httpRequest",
            "parameters": {"url": url},
            "credentials": {"httpHeaderAuth": {"id": "dev-1", "name": "ERP key"}},
        },
    ]
    whole = [
        {**n, "id": f"n{i}", "type": f"n8n-nodes-base.{n['type']}", "typeVersion": 3.4, "position": [i * 200, 0]}
        for i, n in enumerate(nodes)
    ]
    ends = {a: {"main": [[{"node": b, "type": "main", "index": 0}]]} for a, b in pairwise(n["name"] for n in whole)}
    settings = {"executionOrder": "v1"}
    return {"id": "o1", "name": "Orders", "nodes": whole, "connections": ends, "settings": settings, "active": True}


def write(folder: Path, name: str, content: Any) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / name).write_bytes(data)
    return str(folder / name)


def test_a_package_is_inspected_without_any_set_up(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("inspect", write(tmp_path, "orders.zip", build_package([orders()], SCOPE)))
    assert code == 0
    assert "n8n: orders@1.0.0" in out
    assert "variable ERP_URL: string, required, used by Orders / Configuration" in out
    assert "connection ERP key (httpHeaderAuth): connection" in out
    assert "endpoint: workflow Orders / http request ERP / url: a fixed address" in out
    assert "fix: put the address into a field of a *Configuration* node" in out
    assert "erp.corp" not in out


def test_an_export_from_the_editor_is_told_in_the_shape_that_scripts_rely_on(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, "orders.json", orders())
    code, out, _ = run("inspect", file, "--json")
    assert code == 0
    facts = json.loads(out)
    assert facts["platform"] == "n8n"
    assert (facts["solution"], facts["version"], facts["managed"]) == ("", "", None)
    assert facts["sha256"] == digest_bytes(Path(file).read_bytes()).removeprefix("sha256:")
    assert {(c["type"], c["name"]) for c in facts["components"]} == {
        ("workflow", "Orders"),
        ("schedule trigger", "Now and then"),
        ("set", "Configuration"),
        ("http request", "ERP"),
    }
    (variable,) = facts["variables"]
    assert (variable["name"], variable["type"], variable["required"]) == ("ERP_URL", "string", True)
    (connection,) = facts["connections"]
    assert (connection["name"], connection["connector"]) == ("ERP key", "httpHeaderAuth")
    assert [f["severity"] for f in facts["findings"]] == ["endpoint"]
    assert "erp.dev.corp" not in out
    assert "dev-1" not in out


def test_two_exports_are_compared_in_a_makers_words(run: Run, tmp_path: Path) -> None:
    old = write(tmp_path, "old.json", orders())
    new = write(tmp_path, "new.json", orders(url="={{ $('Configuration').first().json.ERP_URL }}", every=10))
    code, out, _ = run("diff", old, new)
    assert code == 0
    assert "~ schedule trigger *Now and then*: runs every 10 minutes instead of every 5 minutes" in out
    assert "~ http request *ERP*: url changed from `https://erp.corp.internal/orders`" in out
    assert "no difference in what it does" in run("diff", old, old)[1]
    facts = json.loads(run("diff", old, new, "--json")[1])
    assert [c["component"]["name"] for c in facts["changed"]] == ["Now and then", "ERP"]
    assert (facts["unchanged"], facts["reversibility"]) == (2, "reversible")


def test_a_package_and_an_export_are_compared(run: Run, tmp_path: Path) -> None:
    old = write(tmp_path, "old.zip", build_package([orders()], SCOPE))
    new = write(tmp_path, "new.json", [orders(every=10)])
    assert "runs every 10 minutes instead of every 5 minutes" in run("diff", old, new)[1]


def test_a_folder_of_exports_is_scanned_next_to_those_of_others(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "orders.json", orders())
    write(tmp_path, "flows.json", demo_flows.orders(rush=False))
    write(tmp_path, "package.json", {"name": "no workflow"})
    code, out, _ = run("scan", str(tmp_path))
    assert code == 1
    assert "orders.json" in out
    assert "flows.json" in out
    assert "package.json" not in out
    clean = write(tmp_path, "clean.json", orders(url="={{ $('Configuration').first().json.ERP_URL }}"))
    assert run("scan", clean)[0] == 0


def test_flows_of_node_red_are_still_node_red(run: Run, tmp_path: Path) -> None:
    flows = write(tmp_path, "flows.json", demo_flows.orders(rush=False))
    assert json.loads(run("inspect", flows, "--json")[1])["platform"] == "node-red"
    code, _, err = run("diff", flows, write(tmp_path, "orders.json", orders()))
    assert code == 2
    assert "is of node-red" in err


def test_a_broken_export_is_told_with_its_place(run: Run, tmp_path: Path) -> None:
    broken = orders()
    del broken["nodes"][1]["name"]
    code, _, err = run("inspect", write(tmp_path, "broken.json", broken))
    assert code == 2
    assert "for n8n: file, node 2: `name` is missing or not a text" in err
