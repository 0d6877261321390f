"""Checks that are run: bounded in time and output, in a folder of their own, and errored when they cannot be judged."""

from __future__ import annotations

import http.server
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lampway.domain.deployment import CheckOutcome
from lampway.domain.strategy import Check
from lampway.engine.ports import CheckResult
from lampway.integrations.checks import CheckRunner

PASSED, FAILED, ERRORED = CheckOutcome
FACTS = {"SOLUTION": "orders", "VERSION": "1.0.0", "ENVIRONMENT": "test", "URL": "http://test"}
GOOD = '<testsuite><testcase name="a"/></testsuite>'
BAD = '<testsuite><testcase name="a"><failure message="no"/></testcase></testsuite>'
posix = pytest.mark.skipif(os.name == "nt", reason="sessions and /proc are POSIX")


def run(script: str, *, timeout: float = 20.0, report: str = "", fail_on: str = "", **files: str) -> CheckResult:
    check = Check("c", "functional", timeout, command=("python", "c.py"), report=report, fail_on=fail_on)
    given = {"c.py": script.encode(), **{name.replace("__", "."): text.encode() for name, text in files.items()}}
    return CheckRunner().run(check, "http://test", given, FACTS)


def writes(text: str, code: int = 0, name: str = "junit.xml") -> str:
    return f"open({name!r}, 'w').write({text!r}); raise SystemExit({code})"


@pytest.mark.parametrize(
    ("script", "outcome", "said"),
    [
        ("print('fine')", PASSED, "fine"),
        ("", PASSED, "exit code 0"),
        ("print('bad'); raise SystemExit(3)", FAILED, "exit code 3: bad"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')", PASSED, "\ufffd\ufffd"),
        ("import time; time.sleep(60)", ERRORED, "not done after 0.5 s"),
    ],
)
def test_exit_codes_are_understood(script: str, outcome: CheckOutcome, said: str) -> None:
    result = run(script, timeout=0.5 if "sleep" in script else 20)
    assert (result.outcome, said in result.summary) == (outcome, True), result


@pytest.mark.parametrize("name", ["no-such-program", "./c.py", "nul\0byte"])
def test_what_cannot_be_started_is_errored(name: str) -> None:
    check = Check("c", "functional", command=(name,))
    result = CheckRunner().run(check, "http://test", {"c.py": b""}, FACTS)
    assert result.outcome is ERRORED
    assert "cannot be run" in result.summary


@pytest.mark.parametrize(
    ("script", "outcome", "said"),
    [
        (writes(GOOD), PASSED, "1 passed, 0 failed, 0 skipped"),
        (writes(BAD, 1), FAILED, "a: no"),
        (writes(BAD), FAILED, "0 passed, 1 failed"),
        (writes(GOOD, 2), FAILED, "exit code 2, although"),
        (writes("<testsuite/>"), ERRORED, "nothing was tried"),
        (writes("<testsuite>"), ERRORED, "no readable XML"),
        ("raise SystemExit(2)", ERRORED, "no report junit.xml was written"),
        ("import os; os.mkdir('junit.xml')", ERRORED, "is no file"),
    ],
)
def test_a_junit_report_decides(script: str, outcome: CheckOutcome, said: str) -> None:
    result = run(script, report="junit.xml")
    assert (result.outcome, said in result.summary) == (outcome, True), result


def test_a_report_that_lay_there_before_counts_for_nothing() -> None:
    assert run("pass", report="junit.xml", junit__xml=GOOD).outcome is ERRORED


@posix
def test_a_report_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(GOOD)
    result = run(f"import os; os.symlink({str(tmp_path / 'junit.xml')!r}, 'junit.xml')", report="junit.xml")
    assert (result.outcome, result.report) == (ERRORED, b"")
    assert "out of the folder" in result.summary


def test_a_scanner_may_exit_with_1_for_what_does_not_fail_the_check() -> None:
    warned = '{"runs": [{"results": [{"level": "warning"}]}]}'
    assert run(writes(warned, 1, "r.sarif"), report="r.sarif").outcome is PASSED
    assert run(writes(warned, 1, "r.sarif"), report="r.sarif", fail_on="warning").outcome is FAILED
    assert run(writes('{"runs": [{"results": []}]}', 2, "r.sarif"), report="r.sarif").outcome is FAILED


def test_output_and_report_are_handed_on() -> None:
    result = run("print('hello')\n" + writes(GOOD), report="junit.xml")
    assert result.output.strip() == b"hello"
    assert result.report == GOOD.encode()


@posix
def test_a_flood_is_stopped_and_bounded() -> None:
    started = time.monotonic()
    result = run("import os\nwhile True: os.write(1, b'x' * 65536)", timeout=60)
    assert (result.outcome, result.summary) == (ERRORED, "printed too much; stopped")
    assert len(result.output) < 2_000_000
    assert time.monotonic() - started < 30


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@posix
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what another process was given")
@pytest.mark.parametrize("new_session", [True, False])
@pytest.mark.parametrize("waits", [True, False])
def test_children_end_with_their_check(tmp_path: Path, *, new_session: bool, waits: bool) -> None:
    """Also those that left the process group, and also when the check itself ended well."""
    note = tmp_path / "pid"
    script = (
        "import subprocess, sys, time\n"
        "sleeps = [sys.executable, '-c', 'import time; time.sleep(120)']\n"
        f"child = subprocess.Popen(sleeps, start_new_session={new_session})\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n" + ("time.sleep(120)\n" if waits else "print('fine')\n")
    )
    started = time.monotonic()
    result = run(script, timeout=3 if waits else 30)
    assert result.outcome is (ERRORED if waits else PASSED)
    assert time.monotonic() - started < 20
    end = time.monotonic() + 5
    while _is_alive(int(note.read_text())) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _is_alive(int(note.read_text()))


def test_a_command_sees_what_it_is_told_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_TOKEN", "do-not-tell")
    result = run("import os; print(sorted(os.environ))")
    assert b"LAMPWAY_URL" in result.output
    assert b"PROD_TOKEN" not in result.output


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("X-Version", "orders 1.0.0")
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"fine")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.mark.parametrize(
    ("http_", "outcome", "said"),
    [
        ({"path": "/"}, PASSED, "200 as expected"),
        ({"path": "/", "expect": {"headers": {"x-version": "1.0.0"}}}, PASSED, "200 as expected"),
        ({"path": "/", "expect": {"headers": {"X-Version": "2.0.0"}}}, FAILED, "does not hold '2.0.0'"),
        ({"path": "/", "expect": {"headers": {"X-Other": "a"}}}, FAILED, "the header X-Other is missing"),
        ({"path": "/", "expect": {"max_ms": 3_600_000}}, PASSED, "as expected, in "),
        ({"path": "/moved"}, FAILED, "302 instead of 200"),
        ({"url": "file:///etc/passwd"}, ERRORED, "only http and https"),
        ({"url": "http://[half"}, ERRORED, "cannot be asked"),
        ({"path": "/", "headers": {"X": "a\nb"}}, ERRORED, "cannot be asked"),
    ],
)
def test_answers_are_held_against_what_is_expected(
    server: str, http_: dict[str, object], outcome: CheckOutcome, said: str
) -> None:
    result = CheckRunner().run(Check("c", "functional", 1.0, http=http_), server, {}, FACTS)
    assert (result.outcome, said in result.summary) == (outcome, True), result


def test_a_report_where_a_folder_lies_is_errored() -> None:
    check = Check("c", "functional", command=("python", "c.py"), report="out.xml")
    result = CheckRunner().run(check, "http://test", {"c.py": b"", "out.xml/a": b""}, FACTS)
    assert (result.outcome, "is no file" in result.summary) == (ERRORED, True)


def test_where_no_folder_can_be_made_the_check_is_errored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    result = run("pass")
    assert (result.outcome, "folder cannot be made" in result.summary) == (ERRORED, True)
