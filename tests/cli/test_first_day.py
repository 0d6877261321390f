"""The first day: each thing that somebody new forgets is told with what to do, and the demo's Node-REDs can be used."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lampway.cli.demo import Story, write_exports
from lampway.cli.main import main
from lampway.domain.secret import Secret
from lampway.engine.abilities import Launched


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LAMPWAY_DIR", str(tmp_path / "governance"))
    monkeypatch.setenv("LAMPWAY_USER", "ada")


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(words)
    said = capsys.readouterr()
    return code, said.out + said.err


def test_whoever_applies_before_any_commit_is_told_how_to_commit(capsys: pytest.CaptureFixture[str]) -> None:
    person = "ada:Ada Maker:ada@example.org:maker,platform-admin"
    _, text = told(capsys, "init", "--person", person)
    assert "lampway connect dev http://... --token env:DEV_TOKEN    (or --anonymous; and test, and prod)" in text
    code, text = told(capsys, "status")
    assert (code, "hint: lampway strategy apply -m 'First strategy'" in text) == (1, True), text
    code, text = told(capsys, "strategy", "apply")
    assert (code, "not committed: " in text, "strategy apply -m 'why'" in text) == (2, True, True), text
    assert told(capsys, "strategy", "apply", "-m", "First strategy")[0] == 0


def test_a_shell_learns_where_the_demos_node_reds_are_and_no_secret_lies_in_the_file(tmp_path: Path) -> None:
    place = tmp_path / "with a blank"
    (place / "secrets").mkdir(parents=True)
    (place / "secrets" / "dev-token").write_text("t0ken")
    (place / "secrets" / "prod-maker").write_text("passw0rd")
    none: dict[str, Secret] = {}
    launched = Launched("http://127.0.0.1:1", 1, credentials=none, maker_credentials=none)
    file = write_exports(Story(place, quiet=True, places={"dev": launched}))
    assert "t0ken" not in file.read_text()
    assert "passw0rd" not in file.read_text()
    script = f'. "{file}"; echo "$DEV_URL $DEV_TOKEN $PROD_MAKER"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "http://127.0.0.1:1 t0ken passw0rd\n"
