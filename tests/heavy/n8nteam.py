"""A team that governs real n8n by commands, as its tests need it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path

import pytest
from n8nkit import Maker

from lampway.app import Platforms
from lampway.cli.main import main


def stand_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep git's configuration and the user's home out of it, and let n8n be found where it is not installed."""
    monkeypatch.setenv("LAMPWAY_USER", "ada")
    monkeypatch.setenv("LAMPWAY_KEY", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LAMPWAY_DIR", str(tmp_path))
    (tmp_path / "passphrase").write_text("correct horse\n")
    monkeypatch.setenv("LAMPWAY_PASSPHRASE", f"file:{tmp_path / 'passphrase'}")
    if "n8n" not in Platforms():
        told = tmp_path / "site" / "n8n_of_tests-1.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text("Metadata-Version: 2.1\nName: n8n-of-tests\nVersion: 1\n")
        (told / "entry_points.txt").write_text("[lampway.platforms]\nn8n = lampway.platforms.n8n:create\n")
        monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), *sys.path[1:]]))


def lampway(root: Path, *words: str, user: str = "ada", code: int = 0) -> str:
    key = root.parent / "keys" / f"{user}.pem"
    os.environ |= {"LAMPWAY_USER": user, "LAMPWAY_KEY": str(key) if key.exists() or words[0] == "key" else ""}
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = main(["-C", str(root), *words])
    assert ended == code, (words, ended, out.getvalue(), err.getvalue())
    return out.getvalue() + err.getvalue()


def keep_secrets(folder: Path, name: str, maker: Maker) -> list[str]:
    """Keep an instance's credentials outside git, and return the options that refer to them."""
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = {f"{name}-{part}": secret for part, secret in maker.launched.credentials.items()}
    kept |= {f"{name}-maker-{part}": secret for part, secret in maker.launched.maker_credentials.items()}
    for file, secret in kept.items():
        (folder / file).touch(mode=0o600)
        (folder / file).write_text(secret.reveal())
    own = ["--token", f"file:../secrets/{name}-token", "--password", f"file:../secrets/{name}-password"]
    own += ["--user", maker.launched.credentials["user"].reveal()]
    own += ["--maker-user", maker.launched.maker_credentials["user"].reveal()]
    return [*own, "--maker-password", f"file:../secrets/{name}-maker-password"]


def start_team(folder: Path, places: dict[str, Maker]) -> Path:
    """Set up two people over three instances, with what each gives to the solution."""
    root = folder / "governance"
    root.mkdir()
    roles = {"ada": "maker,approver,platform-admin", "ben": "approver,platform-admin"}
    people = [f"{who}:{who.title()} Tester:{who}@example.org:{role}" for who, role in roles.items()]
    lampway(root, "init", "--platform", "n8n", *(word for person in people for word in ("--person", person)))
    lampway(root, "key", "create", "--add", user="ben")
    for name, maker in places.items():
        references = keep_secrets(folder / "secrets", name, maker)
        told = lampway(root, "connect", name, maker.url, "--platform", "n8n", *references)
        assert "n8n 2.41.1" in told
    solution = root / "solutions" / "orders"
    solution.mkdir(parents=True)
    text = "pipeline: standard\nowner: ada\ncontains: [Orders, Orders tax]\nrollback_plan: nothing is kept\n"
    (solution / "solution.yaml").write_text(text + ANSWERS)
    for name in ("test", "prod"):
        bound = {"ERP": {"connection": places[name].credential}}
        given = {"variables": {"ERP_URL": f"https://erp.{name}.test"}, "connections": bound}
        with (root / "environments" / f"{name}.yaml").open("a") as file:
            file.write(f"\nsolutions:\n  orders: {json.dumps(given)}\n")
    lampway(root, "strategy", "apply", "-m", "First strategy")
    return root


ANSWERS = """checks:
  - name: answers
    kind: functional
    http: {method: GET, path: /webhook/orders, expect: {status: 200}}
"""
