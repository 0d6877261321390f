"""Whatever comes in wrong: one clear error, the right exit code, and nothing lost or half-written."""

from __future__ import annotations

import http.server
import io
import json
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from typist import Run, alone, begin, enforce, typist


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alone(monkeypatch, tmp_path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    return typist(monkeypatch, tmp_path)


@pytest.fixture
def ready(run: Any, tmp_path: Path) -> Any:
    """Return a runner in a folder whose strategy is in force."""
    begin(run)
    enforce(run)
    return run


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"0" * 200_000_000)
    return out.getvalue()


def hostile_path() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("manifest.json", json.dumps({"format": "lampway/node-red/1"}))
        archive.writestr("../outside.json", "[]")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02" * 50, "no package"),
        (b"PK\x03\x04 but no zip at all", "zip"),
        (b"[{]", "JSON"),
        (b'{"a": 1}', ""),
        (b"[1, 2, 3]", ""),
        (b"[" * 100_000, ""),
        (b'[{"id": "a", "type": "tab", "x": 1e999}]', ""),
        (bomb, "too big when unpacked"),
        (hostile_path, "outside"),
        (b"\xff\xfe[\x00]\x00", ""),
    ],
)
def test_a_file_that_is_no_package_is_one_clear_error(run: Any, tmp_path: Path, content: Any, said: str) -> None:
    file = tmp_path / "package.bin"
    file.write_bytes(content() if callable(content) else content)
    for words in (("inspect", str(file)), ("scan", str(file)), ("diff", str(file), str(file))):
        code, out, err = run(*words)
        assert code == 2, (words, out, err)
        assert err.startswith("error: ")
        assert said in err
        assert "fault in Lampway" not in err
        assert not out


def test_an_error_with_json_has_the_shape_that_scripts_rely_on(run: Any) -> None:
    code, out, err = run("inspect", "nowhere.zip", "--json")
    assert (code, out) == (2, "")
    assert json.loads(err)["error"] == {
        "code": "not-found",
        "message": "no such file",
        "where": "nowhere.zip",
        "hint": "",
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("status",), 2),
        (("promote", "orders", "--to", "prod"), 2),
        (("audit", "verify"), 2),
        (("frobnicate",), 2),
        (("promote",), 2),
        (("promote", "orders"), 2),
        (("inspect",), 2),
        (("rollback", "orders"), 2),
        (("status", "--bogus"), 2),
    ],
)
def test_asking_wrongly_outside_a_repository_exits_with_2(run: Any, words: tuple[str, ...], code: int) -> None:
    found, _, err = run(*words)
    assert found == code
    assert err.startswith("error: ")
    assert "hint: " in err


@pytest.mark.parametrize(
    "words",
    [
        ("release", "nothing"),
        ("promote", "nothing", "--to", "prod"),
        ("promote", "nothing@1.0.0", "--to", "prod"),
        ("explain", "nothing", "--to", "nowhere"),
        ("approve", "nothing"),
        ("reject", "nothing", "--reason", "x"),
        ("abort", "nothing"),
        ("show", "nothing"),
        ("rollback", "nothing", "--in", "prod", "--reason", "x"),
        ("rollback", "nothing", "--in", "prod"),
        ("drift", "scan", "nowhere"),
        ("drift", "accept", "nothing", "--in", "prod", "--reason", "x"),
        ("drift", "revert", "nothing", "--in", "prod"),
        ("lock", "nowhere"),
        ("reconcile", "nothing", "--in", "prod", "--happened", "--reason", "x"),
        ("reconcile", "nothing", "--in", "prod"),
        ("status", "nothing"),
        ("diff", "a@1.0.0", "b@1.0.0"),
        ("strategy", "apply", "nowhere"),
        ("connect", "prod", "ftp://x"),
        ("connect", "prod", "http://user:word@host"),
        ("connect", "prod", "http://host", "--token", "in-clear-0123456789"),
        ("connect", "Prod!", "http://host"),
        ("connect", "prod", "http://host", "--platform", "hypercard"),
        ("adopt", "nowhere"),
        ("init",),
        ("init", "--person", "me"),
    ],
)
def test_a_name_that_nothing_has_is_asking_wrongly_and_changes_nothing(ready: Any, tmp_path: Path, words: Any) -> None:
    before = ready("history", "--json")[1]
    code, out, err = ready(*words)
    assert code == 2, (out, err)
    assert err.startswith("error: ")
    assert "fault in Lampway" not in err
    assert "in-clear-0123456789" not in err + out
    assert ready("history", "--json")[1] == before


def test_a_platform_that_is_down_is_the_machinery_failing(ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t" * 20)
    code, _, err = ready("connect", "prod", "http://127.0.0.1:9", "--token", "env:TOKEN")
    assert code == 3
    assert "http://127.0.0.1:9" in err or "127.0.0.1" in err
    assert ready("strategy", "check")[0] == 0


def test_a_secret_that_is_not_there_is_named_by_its_reference(ready: Any) -> None:
    code, _, err = ready("connect", "prod", "http://127.0.0.1:9", "--token", "env:NOT_THERE_AT_ALL")
    assert code == 3
    assert "env:NOT_THERE_AT_ALL" in err


class Half(http.server.BaseHTTPRequestHandler):
    """Answers like something that is no Node-RED, or like one that dies while it speaks."""

    body = b""
    length = 0
    kind = "application/json"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(self.length or len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET  # noqa: N815 - the standard library's name

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def speaking() -> Iterator[Callable[..., str]]:
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(**how: Any) -> str:
        handler = type("Handler", (Half,), how)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "how",
    [
        {"body": b"<html>hello</html>", "kind": "text/html"},
        {"body": b'{"flows": [', "length": 11},
        {"body": b'{"flows": [', "length": 5000},
        {"body": b"[]"},
        {"body": b"null"},
        {"body": b"\xff\xfe\xfd"},
        {"body": b"[" * 50_000},
    ],
)
def test_half_an_answer_is_no_answer(ready: Any, monkeypatch: Any, speaking: Any, how: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("TOKEN", "t" * 20)
    before = (tmp_path / "environments" / "prod.yaml").read_text()
    code, out, err = ready("connect", "prod", speaking(**how), "--token", "env:TOKEN")
    assert code == 3, (out, err)
    assert err.startswith("error: ")
    assert "fault in Lampway" not in err
    assert (tmp_path / "environments" / "prod.yaml").read_text() == before


def test_every_mistake_in_the_strategy_is_told_at_once_with_its_place(ready: Any, tmp_path: Path) -> None:
    file = tmp_path / "lampway.yaml"
    file.write_text(file.read_text().replace("quorum: 1", "quorum: 9").replace("from: dev", "from: nowhere"))
    code, _, err = ready("strategy", "check")
    assert code == 2
    assert err.count("lampway.yaml:") == 2
    assert ready("status")[0] == 0, "the rules in force still are what they were"


def test_a_strategy_that_is_not_committed_is_not_applied(ready: Any, tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(file.read_text() + "\n# mine\n")
    code, _, err = ready("strategy", "apply")
    assert code == 2
    assert "people.yaml" in err


def test_nobody_applies_a_strategy_they_wrote(ready: Any, tmp_path: Path) -> None:
    file = tmp_path / "lampway.yaml"
    file.write_text(file.read_text().replace("second_person_applies: true", "second_person_applies: false"))
    code, _, err = ready("strategy", "apply", "-m", "Loosen")
    assert code == 1
    assert "Ada Maker wrote this change" in err


def test_a_secret_among_the_variables_is_not_applied(ready: Any, tmp_path: Path, monkeypatch: Any) -> None:
    file = tmp_path / "environments" / "prod.yaml"
    planted = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    file.write_text(file.read_text().replace("variables: {}", f"variables: {{GITHUB: {planted}}}"))
    assert planted in file.read_text()
    code, out, err = ready("strategy", "apply", "-m", "Token")
    assert code == 1
    assert planted not in out + err
    monkeypatch.setenv("LAMPWAY_USER", "ben")
    code, out, err = ready("strategy", "apply")
    assert code == 1
    assert planted not in out + err + ready("history", "--json")[1]


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_store_that_is_no_store_is_named(ready: Any, tmp_path: Path, content: bytes) -> None:
    state = tmp_path / ".lampway"
    for file in state.glob("lampway.db*"):
        file.unlink()
    (state / "lampway.db").write_bytes(content)
    code, _, err = ready("status")
    assert code == (1 if content == b"" else 3), err
    assert "fault in Lampway" not in err


def test_a_full_disk_loses_nothing(ready: Any, tmp_path: Path) -> None:
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "from lampway.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    file = tmp_path / "people.yaml"
    file.write_text(file.read_text() + "\n# more\n" + "# padding\n" * 10)
    done = subprocess.run(
        [sys.executable, "-c", limited, "-C", str(tmp_path), "strategy", "apply", "-m", "More"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 3), done
    assert "Traceback" not in done.stderr
    assert ready("audit", "verify")[0] == 0


def test_ctrl_c_leaves_state_as_it_was(ready: Any, tmp_path: Path, monkeypatch: Any, speaking: Any) -> None:
    monkeypatch.setenv("TOKEN", "t" * 20)

    asked = threading.Event()

    class Slow(Half):
        def do_GET(self) -> None:
            asked.set()
            time.sleep(20)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "lampway", "-C", str(tmp_path), "connect", "prod", url, "--token", "env:TOKEN"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert asked.wait(60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    server.shutdown()
    server.server_close()
    assert process.returncode == 130
    assert "error: interrupted" in err
    assert "Traceback" not in err
    assert ready("strategy", "check")[0] == 0
    assert ready("audit", "verify")[0] == 0


def test_a_reader_that_goes_away_is_no_error(ready: Any, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m lampway -C '{tmp_path}' --help | head -1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith("Usage")
    assert "Traceback" not in done.stderr


def test_help_names_every_command_and_each_has_help_of_its_own(run: Any) -> None:
    from lampway.cli.main import COMMANDS

    _, overview, _ = run("--help")
    for commands in COMMANDS.values():
        for name, _, text in commands:
            assert f"  {name.ljust(16)} {text}" in overview
            code, out, _ = run(*name.split(), "--help")
            assert code == 0
            assert f"lampway {name}" in out
