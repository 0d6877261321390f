"""Starting and stopping a real Node-RED: it keeps its data, its port and its secrets, and only it is ever stopped."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import flowkit as kit
import httpx
import pytest
from runtimes import Place

from lampway.engine.abilities import Launched
from lampway.errors import PlatformError
from lampway.platforms import nodejs, processes
from lampway.platforms.nodered import install, launcher
from lampway.platforms.nodered.platform import NodeRed

pytestmark = pytest.mark.real


def test_a_restart_keeps_flows_secrets_port_and_credentials(platform: NodeRed, cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "prod"
    first = platform.launch(folder, name="prod", locked=False, cache=cache)
    try:
        place = Place(first, folder)
        home = kit.tab("Orders", kit.secret("KEY"))
        home["credentials"] = {"KEY": "kept"}
        place.put([home, *kit.endpoint(home, "/orders", kit.tells("KEY", "EXTRA"))])
        assert platform.launch(folder, name="prod", locked=False, cache=cache) == first
        with pytest.raises(PlatformError, match="another lock"):
            platform.launch(folder, name="prod", locked=True, cache=cache)
        platform.stop(first)
        with pytest.raises(httpx.ConnectError):
            httpx.get(first.url)
        second = platform.launch(folder, name="prod", locked=True, cache=cache, environment={"EXTRA": "more"})
        try:
            assert (second.url, second.credentials) == (first.url, first.credentials)
            assert second.pid != first.pid
            assert Place(second, folder).call("/orders") == {"KEY": "kept", "EXTRA": "more"}
            platform.stop(first)  # long ended; its id may be anybody's
            assert httpx.get(second.url + "/auth/login").status_code == 200
        finally:
            platform.stop(second)
    finally:
        platform.stop(first)


def test_nothing_but_a_private_file_holds_the_credentials(place: Place) -> None:
    secrets = json.loads((place.folder / "lampway.json").read_text())
    if os.name != "nt":
        assert stat.S_IMODE((place.folder / "lampway.json").stat().st_mode) == 0o600
        assert stat.S_IMODE((place.folder / "node-red.log").stat().st_mode) == 0o600
    for name in ("settings.js", "node-red.log"):
        text = (place.folder / name).read_text()
        assert not [
            key for key in ("token", "admin_password", "maker_password", "credential_secret") if secrets[key] in text
        ]


def test_flows_see_neither_our_process_environment_nor_the_runtimes_secrets(
    cache: Path, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_KEY", "engine-secret")
    launched = launcher.launch(tmp_path, name="x", locked=False, cache=cache)
    try:
        other = Place(launched, tmp_path)
        home = kit.tab("Orders")
        names = ("ENGINE_KEY", "LAMPWAY_NR_TOKEN", "LAMPWAY_NR_CREDENTIAL_SECRET")
        other.put([home, *kit.endpoint(home, "/orders", kit.tells(*names))])
        assert not any(other.call("/orders").values())
    finally:
        launcher.stop(launched)


def test_only_loopback_is_listened_on(place: Place) -> None:
    port = int(place.launched.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match=r".*"):  # all of 127.0.0.0/8 reaches what listens on every address
        socket.create_connection(("127.0.0.2", port), timeout=1)


def test_a_process_that_is_not_ours_is_never_stopped(place: Place) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as other:
        launcher.stop(replace(place.launched, pid=other.pid))
        assert other.poll() is None
        other.kill()


def test_a_start_that_fails_shows_the_end_of_the_log(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "flows.json").mkdir()
    (tmp_path / ".config.nodes.json").mkdir()
    (tmp_path / ".config.users.json").mkdir()
    (tmp_path / "lib").write_text("a file where Node-RED wants a folder")
    with pytest.raises(PlatformError, match="the end of its log"):
        launcher.launch(tmp_path, name="x", locked=False, cache=cache)


def test_a_port_that_somebody_else_took_meanwhile_is_named(cache: Path, tmp_path: Path) -> None:
    first = launcher.launch(tmp_path, name="x", locked=False, cache=cache)
    launcher.stop(first)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(first.url.rsplit(":", 1)[1])))
        other.listen()
        with pytest.raises(PlatformError, match="port of this environment is taken"):
            launcher.launch(tmp_path, name="x", locked=False, cache=cache)


def test_a_port_that_was_taken_while_starting_gives_way_to_another(
    cache: Path, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, free = int(place.launched.url.rsplit(":", 1)[1]), processes.free_port()
    ports = [free, taken]
    monkeypatch.setattr(processes, "free_port", ports.pop)
    launched = launcher.launch(tmp_path, name="x", locked=False, cache=cache)
    try:
        assert launched.url.endswith(f":{free}")
        assert launched.pid != place.launched.pid
    finally:
        launcher.stop(launched)


def test_a_program_that_only_wraps_the_real_one_is_seen_through(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.name == "nt":
        pytest.skip("a shell script is the wrapper")
    wrapper = tmp_path / "node"
    wrapper.write_text(f'#!/bin/sh\n"{nodejs.ensure_node(cache)}" "$@"\nexit $?\n')
    wrapper.chmod(0o700)
    monkeypatch.setenv("LAMPWAY_NODE", str(wrapper))
    launched = launcher.launch(tmp_path / "prod", name="x", locked=False, cache=cache)
    launcher.stop(launched)
    with pytest.raises(httpx.ConnectError):
        httpx.get(launched.url)


def test_a_damaged_file_is_told_with_its_cure(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "lampway.json").write_text("{")
    with pytest.raises(PlatformError) as caught:
        launcher.launch(tmp_path, name="x", locked=False, cache=cache)
    assert "remove the file" in caught.value.hint


def test_many_starts_of_one_folder_start_one(cache: Path, tmp_path: Path) -> None:
    started: list[Launched] = []

    def start() -> None:
        started.append(launcher.launch(tmp_path, name="x", locked=False, cache=cache))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({launched.pid for launched in started}) == 1
        assert len(started) == 3
    finally:
        launcher.stop(started[0])


def test_a_program_of_ones_own_is_used(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = nodejs.ensure_node(cache)
    monkeypatch.setenv("LAMPWAY_NODE", str(node))
    assert nodejs.ensure_node(tmp_path) == node
    monkeypatch.setenv("LAMPWAY_NODE", str(tmp_path / "nowhere"))
    with pytest.raises(PlatformError, match="LAMPWAY_NODE"):
        nodejs.ensure_node(tmp_path)


def test_an_installation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(to: Path) -> None:
        (to / "half").touch()
        raise PlatformError("no network")

    with pytest.raises(PlatformError, match="no network"):
        nodejs.install_once(tmp_path / "cache" / "node", fail)
    assert [path.name for path in (tmp_path / "cache").iterdir() if not path.name.endswith(".lock")] == []


def test_the_lock_file_holds_no_address_of_a_registry() -> None:
    lock = json.loads(install.shipped("package-lock.json"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) > 200
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert not [name for name, entry in packages.items() if not {"integrity", "inBundle"} & entry.keys()]
    assert b"://" not in install.shipped("package-lock.json")
