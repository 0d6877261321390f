"""Running checks: HTTP requests against what was deployed, and commands in a copy of the solution's folder."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from lampway.domain.deployment import CheckOutcome
from lampway.domain.strategy import Check
from lampway.engine.ports import CheckResult
from lampway.integrations.addresses import NotReachableError, reach
from lampway.integrations.commands import run_command

_BODY = 1_000_000
"""Bytes of an answer looked at."""


class CheckRunner:
    """Implements the checks port."""

    def run(self, check: Check, base_url: str, files: Mapping[str, bytes], facts: Mapping[str, str]) -> CheckResult:
        """Run one check and return what it came to."""
        started = time.monotonic()
        if check.http:
            outcome, summary = _http(check, base_url, started)
            return CheckResult(outcome, summary, time.monotonic() - started)
        ran = run_command(check, files, facts)
        return CheckResult(ran.outcome, ran.summary, time.monotonic() - started, ran.output, ran.report)


def _http(check: Check, base_url: str, started: float) -> tuple[CheckOutcome, str]:
    """Ask until the answer is the expected one or the time is up: flows need a moment to start."""
    import httpx

    given = str(check.http.get("path") or check.http.get("url") or "/")
    method = str(check.http.get("method", "GET"))
    try:
        url = _url(base_url, given)
    except ValueError as error:
        return CheckOutcome.ERRORED, f"{method} {given[:80]} cannot be asked: {error}"
    if urlsplit(url).scheme not in ("http", "https"):
        return CheckOutcome.ERRORED, f"only http and https can be asked: {url[:80]}"
    outcome, summary = CheckOutcome.ERRORED, "no time to ask"
    given_headers = {name.lower(): value for name, value in (check.http.get("headers") or {}).items()}
    while True:
        left = check.timeout - (time.monotonic() - started)
        if left <= 0:
            return outcome, summary
        asked = time.monotonic()
        try:
            target = reach(urlsplit(url), check.networks, own=urlsplit(base_url))
            with (
                httpx.Client(trust_env=False, verify=url.startswith("https:")) as client,
                client.stream(
                    method,
                    target.url,
                    headers={"host": target.host, **given_headers},
                    json=check.http.get("json"),
                    timeout=min(left, _ATTEMPT),
                    follow_redirects=False,
                    extensions={"sni_hostname": target.name},
                ) as response,
            ):
                took = (time.monotonic() - asked) * 1000
                body = _bounded(response, started + check.timeout)
            expect = check.http.get("expect") or {}
            wrong = _mismatch(expect, response.status_code, body) or _manner(expect, response.headers, took)
            outcome = CheckOutcome.FAILED if wrong else CheckOutcome.PASSED
            summary = f"{method} {_path(url)}: {wrong or f'{response.status_code} as expected'}"
            summary += f", in {took:.0f} ms" if "max_ms" in expect else ""
        except NotReachableError as error:
            hint = "; name its network under `checks: allow`" if "not public" in str(error) else ""
            return CheckOutcome.ERRORED, f"{method} {_path(url)} cannot be asked: {error}{hint}"
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError) as error:
            return CheckOutcome.ERRORED, f"{method} {_path(url)} cannot be asked: {error}"
        except httpx.HTTPError as error:
            outcome = CheckOutcome.FAILED
            summary = f"{method} {_path(url)}: no answer ({type(error).__name__})"
        if outcome is CheckOutcome.PASSED or time.monotonic() - started + 0.1 >= min(check.timeout, _PATIENCE):
            return outcome, summary
        time.sleep(0.1)


_ATTEMPT = 2.0
"""Seconds for one request: a runtime may never answer one that comes right after a deployment, but the next."""
_PATIENCE = 5.0
"""Seconds after which a wrong answer is believed, where the check's own time limit is longer."""


def _url(base: str, path: str) -> str:
    return path if urlsplit(path).scheme else urljoin(base.rstrip("/") + "/", path.lstrip("/"))


def _path(url: str) -> str:
    return urlsplit(url).path or "/"


def _bounded(response: Any, until: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _BODY or time.monotonic() > until:  # an answer may come drop by drop
            break
    return bytes(body[:_BODY])


def _mismatch(expect: Mapping[str, Any], status: int, body: bytes) -> str:
    """Return in words what is not as expected; empty when everything is."""
    wanted = expect.get("status", 200)
    text = body.decode("utf-8", errors="replace")
    if status != wanted:
        return f"{status} instead of {wanted}: {_short(text)}"
    if "contains" in expect and str(expect["contains"]) not in text:
        return f"the answer does not contain {expect['contains']!r}: {_short(text)}"
    if "json" in expect:
        try:
            found = json.loads(text)
        except ValueError:
            return f"the answer is no JSON: {_short(text)}"
        return _differs(expect["json"], found, "")
    return ""


def _manner(expect: Mapping[str, Any], headers: Mapping[str, str], took: float) -> str:
    """Return in words what is wrong with the headers or the time of an answer; empty when nothing is."""
    for name, wanted in (expect.get("headers") or {}).items():
        found = headers.get(name)
        if found is None:
            return f"the header {name} is missing"
        if wanted not in found:
            return f"the header {name} is {_short(found)!r} and does not hold {wanted!r}"
    limit = expect.get("max_ms")
    return f"answered after {took:.0f} ms, at most {limit} are allowed" if limit and took > limit else ""


def _differs(expected: Any, found: Any, place: str) -> str:
    """Return the first place in which `found` lacks something of `expected`; more than expected is fine."""
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return f"{place or 'the answer'} is no object: {_short(repr(found))}"
        for key, value in expected.items():
            if key not in found:
                return f"{place}{key} is missing in {_short(json.dumps(found))}"
            wrong = _differs(value, found[key], f"{place}{key}.")
            if wrong:
                return wrong
        return ""
    if expected != found:
        return f"{place.rstrip('.') or 'the answer'} is {_short(repr(found))} instead of {expected!r}"
    return ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 160 else text[:157] + "..."
