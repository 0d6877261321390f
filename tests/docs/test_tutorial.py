"""The tutorial is run, line by line, on real Node-REDs."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lampway.cli.main import main

pytestmark = pytest.mark.real
TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(console|file|append)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def authorized(launched: Any) -> dict[str, str]:
    token = launched.credentials["token"].reveal()
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


class Reader:
    """Does what the tutorial says, as somebody who reads it would."""

    def __init__(self, folder: Path, places: dict[str, Any]) -> None:
        self.folder = folder
        self.places = places
        self.commands = 0

    def follow(self, kind: str, name: str, text: str) -> None:
        match kind:
            case "file":
                (self.folder / name).write_text(text)
            case "append":
                with (self.folder / name).open("a") as file:
                    file.write(text)
            case _:
                self.console(text)

    def console(self, text: str) -> None:
        said = ""
        for line in text.splitlines():
            if not line.startswith("$ "):
                assert _flat(line) in _flat(said), f"the tutorial promises {line!r}, and this is what came:\n{said}"
                continue
            said = self.run(os.path.expandvars(line.removeprefix("$ ")))

    def run(self, line: str) -> str:
        self.commands += 1
        self.before(line)
        words = shlex.split(line)
        user = "ada"
        if words[0].startswith("LAMPWAY_USER="):
            user = words.pop(0).partition("=")[2]
        if words[0] == "git":
            who = ["-c", "user.name=Ada Maker", "-c", "user.email=ada@example.org"]
            done = subprocess.run(
                ["git", "-C", str(self.folder), *who, *words[1:]], capture_output=True, text=True, check=True
            )
            return done.stdout
        os.environ["LAMPWAY_USER"] = user
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main(["-C", str(self.folder), *words[1:]])
        return out.getvalue()

    def before(self, line: str) -> None:
        """Do in the editors what the prose asks for before a command."""
        if "--message 'Louder'" in line:
            self.edit("dev", "('WHO')}`", "('WHO')}!`")
        if line == "lampway drift scan prod":
            self.edit("prod", "hello", "HELLO")

    def edit(self, name: str, before: str, after: str) -> None:
        url, headers = self.places[name].url, authorized(self.places[name])
        live = httpx.get(f"{url}/flows", headers=headers).text
        assert before in live
        sent = live.replace(before, after)
        assert httpx.post(f"{url}/flows", headers=headers, content=sent).status_code == 204


def _flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def reader(places: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LAMPWAY_USER", "ada")
    monkeypatch.setenv("LAMPWAY_DIR", str(tmp_path))
    (tmp_path / "passphrase").write_text("correct horse")
    monkeypatch.setenv("LAMPWAY_KEY", str(tmp_path / "home" / "key.pem"))
    monkeypatch.setenv("LAMPWAY_PASSPHRASE", f"file:{tmp_path / 'passphrase'}")
    reader = Reader(tmp_path / "governance", places)
    reader.folder.mkdir()
    monkeypatch.chdir(reader.folder)
    for name, launched in places.items():
        httpx.post(f"{launched.url}/flows", headers=authorized(launched), json=[])
        monkeypatch.setenv(f"{name.upper()}_URL", launched.url)
        monkeypatch.setenv(f"{name.upper()}_TOKEN", launched.credentials["token"].reveal())
    monkeypatch.setenv("PROD_MAKER", places["prod"].maker_credentials["password"].reveal())
    prod = places["prod"]
    flow = TUTORIAL.with_name("greeting.json").read_text()
    assert httpx.post(f"{prod.url}/flow", headers=authorized(prod), content=flow).status_code == 200
    return reader


def test_every_line_of_the_tutorial_does_what_it_says(reader: Reader) -> None:
    for kind, name, text in BLOCK.findall(TUTORIAL.read_text()):
        reader.follow(kind, name, text)
    assert reader.commands > 20


def test_the_readme_names_only_commands_that_there_are() -> None:
    from lampway.cli.main import COMMANDS

    known = {name for commands in COMMANDS.values() for name, _, _ in commands}
    text = (TUTORIAL.parents[1] / "README.md").read_text()
    groups = "drift|strategy|audit|key|evidence|packages|metrics|sandbox|hotfix|backport|passkey"
    used = re.findall(rf"lampway ((?:{groups}) [a-z]+|[a-z]+)", text)
    assert len(used) > 10
    assert set(used) <= known
