"""Reports: counted as they are, refused where they are dangerous, and never taken for passed when unreadable."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.integrations.reports import LIMIT, UnreadableReportError, read_report


def junit(body: str) -> bytes:
    return f'<?xml version="1.0"?><testsuites><testsuite name="s">{body}</testsuite></testsuites>'.encode()


def sarif(*results: dict[str, Any], **run: Any) -> bytes:
    return json.dumps({"version": "2.1.0", "runs": [{"results": list(results), **run}]}).encode()


@pytest.mark.parametrize(
    ("body", "counts", "first"),
    [
        ("<testcase name='a'/>", (1, 0, 0), ""),
        ("<testcase name='a'><failure message='no'>long</failure></testcase>", (0, 1, 0), "a: no"),
        ("<testcase name='a'><error/></testcase><testcase name='b'/>", (1, 1, 0), "a"),
        ("<testcase name='a'><skipped/></testcase><testcase name='b'/>", (1, 0, 1), ""),
        ("<testcase name='a'><failure/><skipped/></testcase>", (0, 1, 0), "a"),
        ("<error message='set-up broke'/>", (0, 1, 0), "the suite: set-up broke"),
        ("<testcase name='a'><failure/><error/></testcase>", (0, 1, 0), "a"),
    ],
)
def test_junit_is_counted_case_by_case(body: str, counts: tuple[int, int, int], first: str) -> None:
    tally = read_report("junit.xml", junit(body), "error")
    assert (tally.passed, tally.failed, tally.skipped) == counts
    assert tally.first == first
    assert tally.is_complete


@pytest.mark.parametrize("body", ["", "<testcase name='a'><skipped/></testcase>"])
def test_a_report_in_which_nothing_ran_proves_nothing(body: str) -> None:
    assert not read_report("junit.xml", junit(body), "error").is_complete


LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">%s]><testsuite><testcase name="&lol9;"/></testsuite>"""
    % (b"".join(b'<!ENTITY lol%d "%s">' % (n, b"&lol%d;" % (n - 1) * 10) for n in range(1, 10)))
)
OUTSIDE = (
    b'<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="a">&x;</testcase></testsuite>'
)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("junit.xml", LAUGHS, "DOCTYPE or entities"),
        ("junit.xml", OUTSIDE, "DOCTYPE or entities"),
        ("junit.xml", "<!DOCTYPE t><testsuite/>".encode("utf-16"), "DOCTYPE or entities"),
        ("junit.xml", b"<testsuite><testcase>", "no readable XML"),
        ("junit.xml", b"\xff\xfe\x00broken", "no readable XML"),
        ("junit.xml", b"<?xml version='1.0' encoding='wtf-9'?><testsuite/>", "no readable XML"),
        ("junit.xml", b"<html/>", "no JUnit XML"),
        ("junit.xml", b"<testsuite>" * 500, "nested too deeply"),
        ("junit.xml", b"  ", "is empty"),
        ("junit.xml", b" " * (LIMIT + 1), "larger than 10 MiB"),
        ("scan.sarif", b" " * 50_000_000, "larger than 10 MiB"),
        ("scan.sarif", b"\xff\xfe{", "not UTF-8"),
        ("scan.sarif", b"[" * 100_000, "no readable JSON"),
        ("scan.sarif", b'{"a": ' + b"9" * 5_000 + b"}", "no readable JSON"),
        ("scan.sarif", b"[]", "no SARIF"),
        ("scan.sarif", b'{"runs": [1]}', "no SARIF"),
        ("scan.json", b'{"runs": {}}', "no SARIF"),
    ],
)
def test_what_cannot_be_read_says_nothing_and_says_why(name: str, data: bytes, said: str) -> None:
    with pytest.raises(UnreadableReportError, match=said):
        read_report(name, data, "error")


ERROR = {"ruleId": "R1", "level": "error", "message": {"text": "a\nleak"}}
RULES = {"driver": {"rules": [{"id": "R2", "defaultConfiguration": {"level": "error"}}, {"id": "R3"}]}}


@pytest.mark.parametrize(
    ("data", "fail_on", "failed"),
    [
        (sarif(), "error", 0),
        (sarif(ERROR), "error", 1),
        (sarif({"ruleId": "R3"}), "error", 0),
        (sarif({"ruleId": "R3"}), "warning", 1),
        (sarif({"ruleId": "R2"}, tool=RULES), "error", 1),
        (sarif({"ruleId": "R3"}, tool=RULES), "error", 0),
        (sarif({**ERROR, "kind": "pass"}), "warning", 0),
        (sarif({**ERROR, "suppressions": [{"kind": "inSource"}]}), "warning", 0),
        (sarif({**ERROR, "suppressions": [{"kind": "external", "status": "rejected"}]}), "warning", 1),
        (sarif({**ERROR, "suppressions": "no list"}), "warning", 1),
        (sarif({"level": "catastrophe"}), "error", 1),
        (sarif({"level": "note"}, {"level": "none"}), "warning", 0),
    ],
)
def test_sarif_fails_on_results_of_the_level_and_above(data: bytes, fail_on: str, failed: int) -> None:
    assert read_report("scan.sarif", data, fail_on).failed == failed


def test_the_first_failure_is_told_on_one_line() -> None:
    assert read_report("scan.sarif", sarif(ERROR), "error").first == "R1: a leak"


def test_a_scan_that_did_not_come_to_its_end_proves_nothing() -> None:
    assert not read_report("s.sarif", sarif(invocations=[{"executionSuccessful": False}]), "error").is_complete
    assert not read_report("s.sarif", b'{"runs": []}', "error").is_complete


@given(st.sampled_from(["a.xml", "a.sarif"]), st.binary(max_size=300), st.binary(max_size=20))
def test_noise_is_counted_or_refused_and_nothing_else(name: str, noise: bytes, more: bytes) -> None:
    for data in (noise, b"<testsuite>" + noise + b"</testsuite>", b'{"runs": [' + noise + b"]}" + more):
        with contextlib.suppress(UnreadableReportError):
            read_report(name, data, "warning")


@given(st.recursive(st.none() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)))
def test_any_shape_of_sarif_is_counted_or_refused(value: Any) -> None:
    for document in ({"runs": [{"results": [value]}]}, {"runs": [{"tool": value, "results": [{"ruleId": 1}]}]}, value):
        with contextlib.suppress(UnreadableReportError):
            read_report("a.sarif", json.dumps(document).encode(), "error")
