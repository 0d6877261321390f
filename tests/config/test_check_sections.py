"""Checks as they are declared: what they may say, what they may not, and what comes out of it."""

from __future__ import annotations

import pytest

from lampway.config import load_strategy, new_solution
from lampway.domain.strategy import Check
from lampway.domain.strategy_diff import compare

COMMAND = "command: [python, checks/smoke.py]"
FILE = "solutions/orders/solution.yaml"


def declared(altered, text: str) -> Check:
    (_, check) = load_strategy(altered(FILE, COMMAND, text)).solution("orders").checks
    return check


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (COMMAND, Check("smoke", "uat", command=("python", "checks/smoke.py"))),
        ("attested: true", Check("smoke", "uat", attested=True)),
        ("attested: true\n    signed: true", Check("smoke", "uat", attested=True, signed=True)),
        ("attested: true\n    max_age: 7d", Check("smoke", "uat", attested=True, max_age=604_800.0)),
        ("platform: smoke", Check("smoke", "uat", platform="smoke")),
        (
            "command: [a]\n    report: out/junit.xml\n    max_age: 90m",
            Check("smoke", "uat", command=("a",), report="out/junit.xml", max_age=5_400.0),
        ),
        (
            "command: [a]\n    report: r.sarif\n    fail_on: warning",
            Check("smoke", "uat", command=("a",), report="r.sarif", fail_on="warning"),
        ),
        (
            "http: {path: /, expect: {headers: {Content-Type: json}, max_ms: 500}}",
            Check(
                "smoke",
                "uat",
                http={
                    "method": "GET",
                    "path": "/",
                    "expect": {"status": 200, "headers": {"Content-Type": "json"}, "max_ms": 500},
                },
            ),
        ),
    ],
)
def test_a_check_is_read_as_it_is_meant_and_written_so_again(files, altered, text: str, expected: Check) -> None:
    assert declared(altered, text) == expected
    solution = load_strategy(altered(FILE, COMMAND, text)).solution("orders")
    again = {**files, FILE: new_solution(solution).encode()}
    assert load_strategy(again).solution("orders") == solution


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timeout: 5", "a check needs http or command"),
        ("platform: smoke\n    " + COMMAND, "takes either http, command or platform, not several"),
        ("platform: unit", "unknown platform: unit"),
        ("attested: true\n    " + COMMAND, "what people attest is not run"),
        (COMMAND + "\n    signed: true", "only what people attest is signed by a tester"),
        ("attested: yes please", "attested must be true or false"),
        ("attested: true\n    report: a.xml", "only a command writes a report"),
        (COMMAND + "\n    report: ../a.xml", "report must be a path below the folder of the check"),
        (COMMAND + "\n    report: /tmp/a.xml", "report must be a path below"),
        (COMMAND + "\n    report: a\\b.xml", "report must be a path below"),
        (COMMAND + "\n    report: out.txt", "report must end in .xml"),
        (COMMAND + "\n    report: a.xml\n    fail_on: error", "fail_on belongs to a SARIF report"),
        (COMMAND + "\n    fail_on: error", "fail_on belongs to a SARIF report"),
        (COMMAND + "\n    report: a.sarif\n    fail_on: note", "unknown fail_on: note"),
        (COMMAND + "\n    max_age: 24", "max_age must be a length of time"),
        (COMMAND + "\n    max_age: 24 hours", "max_age must be a length of time"),
        (COMMAND + "\n    max_age: 0h", "max_age must be a length of time"),
        (COMMAND + "\n    max_age: ٣d", "max_age must be a length of time"),
        ("http: {path: /, expect: {max_ms: 0}}", "max_ms must be at least 1"),
    ],
)
def test_what_a_check_may_not_say_is_one_clear_mistake(altered, mistakes_of, text: str, said: str) -> None:
    (mistake,) = mistakes_of(altered(FILE, COMMAND, text))
    assert said in mistake.message
    assert mistake.line
    assert mistake.file == FILE


def test_only_uat_is_attested(altered, mistakes_of) -> None:
    changed = altered(FILE, f"kind: uat\n    {COMMAND}", "kind: security\n    attested: true")
    assert [m.message for m in mistakes_of(changed)] == ["only checks of kind uat are attested"]


def test_a_gate_may_say_how_old_evidence_may_be(altered) -> None:
    found = load_strategy(
        altered("lampway.yaml", "kinds: [functional]", "kinds: [functional]\n            max_age: 24h")
    )
    (rule,) = [g for g in found.pipeline("standard").stages[1].gates if g.gate == "checks"]
    assert rule.max_age == 86_400.0


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (FILE, COMMAND, "attested: true", "a tester attests it"),
        (FILE, COMMAND, "platform: smoke", "smoke run of the platform"),
        (FILE, COMMAND, COMMAND + "\n    max_age: 1h", "max age"),
        (FILE, COMMAND, COMMAND + "\n    report: a.xml", "report: nothing → a.xml"),
        ("lampway.yaml", "kinds: [functional]", "kinds: [functional]\n            max_age: 24h", "lapses after"),
    ],
)
def test_whoever_applies_a_change_of_a_check_is_told(files, altered, file: str, old: str, new: str, said: str) -> None:
    changes = compare(load_strategy(files), load_strategy(altered(file, old, new)))
    assert any(said in f"{change.place}: {change.summary}" for change in changes), changes
