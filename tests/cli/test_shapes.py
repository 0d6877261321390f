"""JSON that scripts rely on keeps its keys."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lampway.cli import demo_flows
from lampway.cli.main import main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Any]]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LAMPWAY_USER", "ada")
    monkeypatch.setenv("LAMPWAY_DIR", str(tmp_path))

    def run_one(*words: str) -> tuple[int, Any]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            code = main(["-C", str(tmp_path), *words, "--json"])
        return code, json.loads(out.getvalue())

    return run_one


@pytest.fixture
def exports(tmp_path: Path) -> tuple[str, str]:
    """Return two exports as an editor gives them: before and after rush orders."""
    files = []
    for name, rush in (("old.json", False), ("new.json", True)):
        (tmp_path / name).write_text(json.dumps(demo_flows.orders(rush=rush)))
        files.append(str(tmp_path / name))
    return files[0], files[1]


def test_inspect(run: Any, exports: tuple[str, str]) -> None:
    code, facts = run("inspect", exports[1])
    assert code == 0
    assert set(facts) >= {
        *("platform", "solution", "version", "managed", "sha256", "fingerprint", "components"),
        *("variables", "connections", "dependencies", "findings", "notes"),
    }
    assert set(facts["components"][0]) >= {"type", "name", "id", "fingerprint"}
    assert {v["name"] for v in facts["variables"]} == {"ERP_URL", "RUSH_URL"}
    assert set(facts["variables"][0]) >= {"name", "type", "required", "has_default"}
    assert set(facts["connections"][0]) >= {"name", "connector"}
    assert (facts["managed"], len(facts["sha256"])) == (None, 64)


def test_findings(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "leak.json"
    file.write_text(json.dumps(demo_flows.orders(hardcoded="sk_" + "live_" + "A1b2C3d4E5f6G7h8I9j0")))
    code, found = run("scan", str(file))
    assert code == 1
    (finding,) = found[0]["findings"]
    assert set(finding) >= {"rule", "severity", "place", "summary", "fix"}
    assert finding["severity"] == "secret"
    assert "A1b2C3d4" not in json.dumps(found)


def test_diff(run: Any, exports: tuple[str, str]) -> None:
    code, facts = run("diff", *exports)
    assert code == 0
    assert set(facts) >= {"from", "to", "added", "removed", "changed", "unchanged", "reversibility", "notes"}
    assert {c["name"] for c in facts["added"]} == {"rush?", "Ask rush line", "Rush answer"}
    assert set(facts["changed"][0]) == {"component", "changes"}
    assert set(facts["changed"][0]["changes"][0]) == {"path", "summary"}


def test_platforms(run: Any) -> None:
    code, facts = run("platforms")
    assert code == 0
    (node_red,) = [p for p in facts if p["platform"] == "node-red"]
    assert {c["support"] for c in node_red["capabilities"]} <= {
        *("full", "partial", "not_yet", "impossible", "unknown"),
    }
    assert set(node_red["capabilities"][0]) == {"name", "support", "note"}


def test_status_of_a_team_that_begins(run: Any) -> None:
    run_plain = main
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert run_plain(["-C", os.environ["LAMPWAY_DIR"], "init"]) == 0
        assert run_plain(["-C", os.environ["LAMPWAY_DIR"], "strategy", "apply", "-m", "First"]) == 0
    assert run("status") == (0, [])
    assert run("inbox") == (0, [])
    code, verdict = run("audit", "verify")
    assert (code, verdict["damage"]) == (0, [])
