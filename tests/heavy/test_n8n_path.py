"""The governed path on real n8n, by commands: released in dev, approved by somebody else, live in prod, and back."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from n8nkit import Maker, fields

from lampway.app import Platforms, cache_folder
from lampway.cli.main import main
from lampway.platforms.n8n.platform import N8n


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep git's configuration and the user's home out of it, and let n8n be found where it is not installed."""
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


@pytest.fixture
def between(instances: tuple[Maker, Maker], tmp_path: Path) -> Iterator[Maker]:
    """Return a maker on one more instance, for test."""
    del instances
    launched = N8n().launch(tmp_path / "n8n-of-test", name="test", locked=True, cache=cache_folder())
    try:
        maker = Maker(launched, "test")
        yield maker
        maker.close()
    finally:
        N8n().stop(launched)


def test_a_change_in_dev_reaches_prod_by_two_people_and_comes_back(
    tmp_path: Path, dev: Maker, prod: Maker, between: Maker
) -> None:
    root = start_team(tmp_path, {"dev": dev, "test": between, "prod": prod})
    dev.build(1)
    assert "orders@1.0.0" in lampway(root, "release", "orders")
    lampway(root, "promote", "orders", "--to", "prod", code=4)
    assert between.answer("version 1")["url"] == "https://erp.test.test"
    lampway(root, "approve", "orders", code=1)
    assert not prod.workflows()
    lampway(root, "approve", "orders", user="ben")
    assert prod.answer("version 1")["url"] == "https://erp.prod.test"
    assert lampway(root, "drift", "scan", "prod")

    prod.change("Orders", "Answer", publish=False, parameters=fields(text="hotter", url="no"))
    assert "a draft was saved and not published" in lampway(root, "drift", "scan", "prod", code=1)
    lampway(root, "drift", "revert", "orders", "--in", "prod", "--reason", "nobody asked for it")
    assert lampway(root, "drift", "scan", "prod")

    dev.build(2)
    lampway(root, "release", "orders", "--promote", "prod", code=4)
    lampway(root, "approve", "orders", user="ben")
    prod.answer("version 2")
    lampway(root, "rollback", "orders", "--in", "prod", "--reason", "the old one was better", user="ben")
    assert prod.answer("version 1")["url"] == "https://erp.prod.test"
    assert "1.0.0" in lampway(root, "status")
    lampway(root, "audit", "verify")
    whole = b"".join(file.read_bytes() for file in (root / ".lampway").rglob("*") if file.is_file())
    secrets = [file.read_text() for file in (tmp_path / "secrets").iterdir() if "user" not in file.name]
    assert [secret for secret in secrets if secret.encode() in whole] == []
