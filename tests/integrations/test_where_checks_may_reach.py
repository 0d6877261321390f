"""Requests of checks go to the internet, to the environment's own address, and where the rules name it."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.deployment import CheckOutcome
from lampway.domain.strategy import Check
from lampway.engine.ports import CheckResult
from lampway.integrations.addresses import NotReachableError, is_private, is_public, reach
from lampway.integrations.checks import CheckRunner

FACTS = {"SOLUTION": "orders", "VERSION": "1.0.0", "ENVIRONMENT": "test", "URL": ""}
LOOPBACK = ("127.0.0.0/8",)


class Taking(http.server.BaseHTTPRequestHandler):
    """Answers everything and keeps what it was asked."""

    taken: list[tuple[str, str, str]]
    to = ""

    def do_GET(self) -> None:
        """Answer, or send away."""
        self.taken.append((self.server.server_address[1], self.headers["Host"], self.path))  # type: ignore[attr-defined]
        self.send_response(302 if self.to else 200)
        self.send_header("Location", self.to)
        self.end_headers()
        self.wfile.write(b"secret of the cloud")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(to: str = "") -> Iterator[tuple[int, list[Any]]]:
    """Answer on loopback for as long as the context lasts; yields the port and what was taken."""
    kind = type("Kind", (Taking,), {"taken": [], "to": to})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, kind.taken  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url: str, base: str = "https://flows.example.test", networks: tuple[str, ...] = (), **more: Any) -> CheckResult:
    check = Check("c", "functional", 1.0, http={"url": url, **more}, networks=networks)
    return CheckRunner().run(check, base, {}, FACTS)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://0.0.0.0:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://172.16.0.1/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
    ],
)
def test_what_is_not_public_is_not_asked(url: str) -> None:
    with answering() as (port, taken):
        result = ask(url.format(port=port))
    assert result.outcome is CheckOutcome.ERRORED
    assert "not public; name its network under `checks: allow`" in result.summary
    assert taken == []


def test_a_network_that_the_rules_name_may_be_asked() -> None:
    with answering() as (port, taken):
        assert ask(f"http://127.0.0.1:{port}/x", networks=LOOPBACK).outcome is CheckOutcome.PASSED
        assert ask(f"http://127.0.0.1:{port}/", networks=("10.0.0.0/8",)).outcome is CheckOutcome.ERRORED
    assert [path for _, _, path in taken] == ["/x"]


def test_the_environments_own_address_may_be_asked_and_no_other_port_beside_it() -> None:
    with answering() as (own, mine), answering() as (other, theirs):
        base = f"http://127.0.0.1:{own}"
        assert ask(f"{base}/x", base).outcome is CheckOutcome.PASSED
        assert ask(f"http://127.0.0.1:{other}/", base).outcome is CheckOutcome.ERRORED
        assert ask(f"http://localhost:{own}/", base).outcome is CheckOutcome.ERRORED, "another name is another place"
    assert (len(mine), theirs) == (1, [])


def test_not_even_an_environment_may_be_where_clouds_keep_their_credentials() -> None:
    base = "http://169.254.169.254"
    assert "not public" in ask(f"{base}/latest", base).summary


def test_a_redirect_leads_nowhere() -> None:
    with answering() as (inner, kept), answering(f"http://127.0.0.1:{inner}/credentials") as (outer, _):
        base = f"http://127.0.0.1:{outer}"
        result = ask(f"{base}/", base, expect={"status": 302})
    assert result.outcome is CheckOutcome.PASSED
    assert kept == []


def names(*answers: list[str]) -> Callable[..., Any]:
    """Return a name server that answers differently each time."""
    left, real = list(answers), socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        if host != "moving.example.test":
            return real(host, port, *rest, **more)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    return look_up


def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lampway.integrations.addresses.socket.getaddrinfo", names(["127.0.0.1"], ["10.0.0.1"]))
    with answering() as (port, taken):
        result = ask(f"http://moving.example.test:{port}/x", networks=LOOPBACK)
    assert result.outcome is CheckOutcome.PASSED
    assert taken == [(port, f"moving.example.test:{port}", "/x")], "asked where it was judged, under its own name"


def test_one_address_among_several_that_is_not_public_is_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lampway.integrations.addresses.socket.getaddrinfo", names(["1.1.1.1", "127.0.0.1"]))
    with answering() as (port, taken):
        assert ask(f"http://moving.example.test:{port}/").outcome is CheckOutcome.ERRORED
    assert taken == []


def test_proxies_of_the_environment_do_not_lead_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering() as (proxy, taken), closing(socket.create_server(("127.0.0.1", 0))) as free:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy}")
        port = free.getsockname()[1]
        free.close()
        assert ask(f"http://127.0.0.1:{port}/", networks=LOOPBACK).outcome is CheckOutcome.FAILED
    assert taken == []


def test_a_name_that_leads_nowhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lampway.integrations.addresses.socket.getaddrinfo", names([]))
    assert "leads nowhere" in ask("http://moving.example.test/").summary


@given(st.ip_addresses(v=4))
def test_no_address_is_both_of_the_internet_and_of_ones_own(inner: ipaddress.IPv4Address) -> None:
    assert not (is_public(inner) and is_private(inner))
    mapped = ipaddress.IPv6Address(f"::ffff:{inner}")
    assert is_private(mapped) <= is_private(inner)


@given(st.ip_addresses())
def test_what_may_be_reached_without_a_name_in_the_rules_is_public(address: Any) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    try:
        target = reach(urlsplit(f"https://{host}/"), ())
    except NotReachableError:
        assert not is_public(address)
    else:
        assert is_public(ipaddress.ip_address(urlsplit(target.url).hostname or ""))
