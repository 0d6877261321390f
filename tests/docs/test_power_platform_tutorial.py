"""The tutorial for Power Platform is run, line by line, against the emulator."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lampway.cli.main import main
from lampway.testing.dataverse import DataverseEmulator

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial-power-platform.md"
BLOCK = re.compile(r"^```(console|file|append)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Reader:
    """Does what the tutorial says, as somebody who reads it would."""

    def __init__(self, folder: Path, emulator: DataverseEmulator) -> None:
        self.folder = folder
        self.emulator = emulator
        self.commands = 0

    def follow(self, kind: str, name: str, text: str) -> None:
        path = self.folder / name
        if kind == "console":
            self.console(text)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if kind == "append" else "w") as file:
            file.write(("\n" if kind == "append" else "") + text)

    def console(self, text: str) -> None:
        said = ""
        for line in text.splitlines():
            if not line.startswith("$ "):
                assert _flat(line) in _flat(said), f"the tutorial promises {line!r}, and this is what came:\n{said}"
                continue
            said = self.run(os.path.expandvars(line.removeprefix("$ ")))

    def run(self, line: str) -> str:
        self.commands += 1
        words, user = shlex.split(line), "ada"
        if words[0].startswith("LAMPWAY_USER="):
            user = words.pop(0).partition("=")[2]
        match words:
            case ["python", "-m", "lampway.testing.dataverse", "--load", load]:
                self.emulator.environment("dev").maker.load((self.folder / load.partition("=")[2]).read_bytes())
                return ""
            case ["python", script]:
                with contextlib.chdir(self.folder):
                    runpy.run_path(script)
                return ""
            case ["curl", address, *rest]:
                return _curl(address, rest[1:])
        os.environ["LAMPWAY_USER"] = user
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main(["-C", str(self.folder), *words[1:]])
        return out.getvalue()


def _curl(address: str, body: list[str]) -> str:
    answer = httpx.post(address, json=json.loads(body[0])) if body else httpx.get(address)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return json.dumps(told)


def _flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    with DataverseEmulator() as emulator:
        (tmp_path / "passphrase").write_text("correct horse")
        for name, value in {
            "HOME": str(tmp_path / "home"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "LAMPWAY_DIR": str(tmp_path),
            "LAMPWAY_USER": "ada",
            "LAMPWAY_KEY": str(tmp_path / "home" / "key.pem"),
            "LAMPWAY_PASSPHRASE": f"file:{tmp_path / 'passphrase'}",
            "AUTHORITY": emulator.authority,
            "TENANT": emulator.tenant_id,
            "CLIENT": emulator.client_id,
            "CLIENT_SECRET": emulator.client_secret,
            **{place.name.upper(): place.url for place in emulator.environments},
        }.items():
            monkeypatch.setenv(name, value)
        folder = tmp_path / "governance"
        folder.mkdir()
        yield Reader(folder, emulator)


def test_every_line_of_the_tutorial_for_power_platform_does_what_it_says(reader: Reader) -> None:
    for kind, name, text in BLOCK.findall(TUTORIAL.read_text()):
        reader.follow(kind, name, text)
    assert reader.commands > 20
