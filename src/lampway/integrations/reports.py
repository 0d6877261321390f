"""Reports that checks write: JUnit XML and SARIF, read as what they are, text that anybody may have written.

XML with a DOCTYPE or an entity is refused before anything is expanded. Whatever cannot be read errors the check; it is
never taken for passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

LIMIT = 10 * 1_048_576
"""Bytes of a report that are read; a larger one is refused."""
_DEPTH = 100
_LEVELS = ("none", "note", "warning", "error")


class UnreadableReportError(Exception):
    """The report says nothing: why, in words."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a report counts."""

    passed: int
    failed: int
    skipped: int
    first: str = ""
    """The first failure, in short."""
    counts: str = ""
    """What was counted, in words."""
    is_complete: bool = True
    """Whether finding nothing means that everything is fine: something was tried, and the tool came to its end."""
    forgives: bool = False
    """Whether the tool may exit with 1 for what is not bad enough to fail the check."""


def read_report(name: str, data: bytes, fail_on: str) -> Tally:
    """Return what a report says, by the ending of its name. Raises UnreadableReportError."""
    if len(data) > LIMIT:
        raise UnreadableReportError(f"{name} is larger than {LIMIT // 1_048_576} MiB")
    if not data.strip():
        raise UnreadableReportError(f"{name} is empty")
    if name.lower().endswith(".xml"):
        return _junit(name, data)
    return _sarif(name, data, fail_on)


class _JUnit:
    """Counts the cases of a JUnit report while expat reads it; nothing else of it is kept."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = self.depth = 0
        self.first = ""
        self._case: str | None = None
        self._outcome = "passed"

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take note of a tag."""
        self.depth += 1
        if self.depth > _DEPTH:
            raise UnreadableReportError("it is nested too deeply")
        if self.depth == 1 and tag not in ("testsuites", "testsuite"):
            raise UnreadableReportError(f"it is no JUnit XML: it begins with {tag[:40]}")
        if tag == "testcase":
            self._case, self._outcome = attributes.get("name", "a test"), "passed"
        elif tag in ("failure", "error"):
            self._fail(attributes.get("message", ""))
        elif tag == "skipped" and self._outcome == "passed":
            self._outcome = "skipped"

    def _fail(self, message: str) -> None:
        """Count a failure; one outside of any case, as of a whole suite, counts as well."""
        if not self.first:
            self.first = f"{self._case or 'the suite'}: {message}".removesuffix(": ")
        if self._case is None:
            self.failed += 1
        self._outcome = "failed"

    def end(self, tag: str) -> None:
        """Count a case that is over."""
        self.depth -= 1
        if tag == "testcase":
            self.passed += self._outcome == "passed"
            self.failed += self._outcome == "failed"
            self.skipped += self._outcome == "skipped"
            self._case, self._outcome = None, "passed"


def _refuse(*_: object) -> int:
    raise UnreadableReportError("it declares a DOCTYPE or entities, which are refused")


def _junit(name: str, data: bytes) -> Tally:
    parser, seen = expat.ParserCreate(), _JUnit()
    parser.StartElementHandler = seen.start
    parser.EndElementHandler = seen.end
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(data, True)
    except UnreadableReportError as error:
        raise UnreadableReportError(f"{name} cannot be read: {error}") from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableReportError(f"{name} is no readable XML: {error}") from None
    counts = f"{seen.passed} passed, {seen.failed} failed, {seen.skipped} skipped"
    ran = bool(seen.passed + seen.failed)
    return Tally(seen.passed, seen.failed, seen.skipped, _line(seen.first), counts, is_complete=ran)


def _sarif(name: str, data: bytes, fail_on: str) -> Tally:
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UnreadableReportError(f"{name} is not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise UnreadableReportError(f"{name} is no readable JSON") from None
    runs = document.get("runs") if isinstance(document, Mapping) else None
    if not isinstance(runs, list) or not all(isinstance(run, Mapping) for run in runs):
        raise UnreadableReportError(f"{name} is no SARIF: it has no runs")
    found = [(_level(result, run), result) for run in runs for result in _objects(run, "results")]
    levels = [level for level, _ in found]
    least = _LEVELS.index(fail_on)
    bad = [(level, result) for level, result in found if level in _LEVELS and _LEVELS.index(level) >= least]
    first = f"{bad[0][1].get('ruleId', 'a rule')}: {_message(bad[0][1])}" if bad else ""
    told = {level: levels.count(level) for level in ("error", "warning", "note")}
    counts = f"{told['error']} errors, {told['warning']} warnings, {told['note']} notes"
    suppressed = levels.count("suppressed")
    passed = len(found) - len(bad) - suppressed
    ended = bool(runs) and all(map(_ended, runs))
    return Tally(passed, len(bad), suppressed, _line(first), counts, is_complete=ended, forgives=bool(found))


def _objects(holder: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    listed = holder.get(key)
    yield from (item for item in listed if isinstance(item, Mapping)) if isinstance(listed, list) else ()


def _level(result: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Return how bad a result is: as it says, else as its rule says, else a warning. What is unknown is an error."""
    if any(s.get("status", "accepted") == "accepted" for s in _objects(result, "suppressions")):
        return "suppressed"
    if result.get("kind", "fail") != "fail":
        return "none"
    level = result.get("level") or _default_level(result, run)
    return level if level in _LEVELS else "error"


def _default_level(result: Mapping[str, Any], run: Mapping[str, Any]) -> Any:
    tool = run.get("tool")
    driver = tool.get("driver") if isinstance(tool, Mapping) else None
    for rule in _objects(driver, "rules") if isinstance(driver, Mapping) else ():
        default = rule.get("defaultConfiguration")
        if rule.get("id") == result.get("ruleId") and isinstance(default, Mapping):
            return default.get("level", "warning")
    return "warning"


def _message(result: Mapping[str, Any]) -> str:
    message = result.get("message")
    return str(message.get("text", "")) if isinstance(message, Mapping) else ""


def _ended(run: Mapping[str, Any]) -> bool:
    """Return whether a tool came to its end, as far as it says."""
    return all(told.get("executionSuccessful", True) is True for told in _objects(run, "invocations"))


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:157] + "..."
