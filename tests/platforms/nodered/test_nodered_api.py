"""Every way in which a runtime can fail to answer, in our own errors; nothing of httpx gets out."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable

import httpx
import pytest

from lampway.domain.secret import Secret
from lampway.engine.platform import Access
from lampway.errors import (
    AccessError,
    ConflictError,
    PlatformError,
    PlatformRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from lampway.platforms.nodered.api import PROBE_REVISION, Api

TOKEN = {"token": Secret("secret-token-4711")}
LOGIN = {"user": Secret("maker"), "password": Secret("secret-password-4711")}

RAISED = sorted(
    (
        kind
        for _, kind in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(kind, Exception) and not issubclass(kind, Warning)
    ),
    key=lambda kind: kind.__name__,
)
UNSENT = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL}


def made(kind: type[Exception]) -> Exception:
    request = httpx.Request("GET", "http://x")
    if kind is httpx.HTTPStatusError:
        return httpx.HTTPStatusError("m", request=request, response=httpx.Response(500))
    return kind(
        *[
            "m"
            for p in inspect.signature(kind).parameters.values()
            if p.default is p.empty and p.kind is not p.KEYWORD_ONLY
        ]
    )


def api(answer: Callable[[httpx.Request], httpx.Response], credentials: dict[str, Secret] = TOKEN) -> Api:
    return Api(Access("prod", "http://nr.example", credentials), transport=httpx.MockTransport(answer))


def raising(kind: type[Exception]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise made(kind)

    return answer


def answering(status: int, content: bytes = b"", **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, content=content, headers=headers)


def test_there_are_exceptions_to_translate() -> None:
    assert len(RAISED) > 25


@pytest.mark.parametrize("kind", RAISED)
def test_no_exception_of_the_client_gets_out(kind: type[Exception]) -> None:
    for use in (Api.flows, Api.settings, Api.state, Api.node_types, Api.may_deploy, Api.may_change_modules):
        with pytest.raises(UnreachableError) as caught:
            use(api(raising(kind)))
        assert caught.value.where == "prod"
    with pytest.raises(UnreachableError):
        api(raising(kind), LOGIN).flows()
    with pytest.raises(UnreachableError if kind in UNSENT else UnknownOutcomeError):
        api(raising(kind)).deploy([], "rev", "nodes")


@pytest.mark.parametrize(
    ("status", "read", "change"),
    [
        (400, PlatformRefusedError, PlatformRefusedError),
        (401, AccessError, AccessError),
        (403, AccessError, AccessError),
        (404, PlatformError, UnknownOutcomeError),
        (409, ConflictError, ConflictError),
        (413, PlatformRefusedError, PlatformRefusedError),
        (302, PlatformError, UnknownOutcomeError),
        (429, PlatformError, UnknownOutcomeError),
        (500, UnreachableError, UnknownOutcomeError),
        (502, UnreachableError, UnknownOutcomeError),
        (504, UnreachableError, UnknownOutcomeError),
    ],
)
def test_each_status_is_the_error_that_says_what_it_means(
    status: int, read: type[PlatformError], change: type[PlatformError]
) -> None:
    page = answering(status, b"<!DOCTYPE html><pre>at Object.stack (/trace)</pre>", location="http://login.example")
    with pytest.raises(PlatformError) as caught:
        api(page).flows()
    assert type(caught.value) is read
    assert "<" not in str(caught.value)
    with pytest.raises(PlatformError) as caught:
        api(page).deploy([], "rev", "nodes")
    assert type(caught.value) is change


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html>",
        b'{"flows": [], "rev": "a',
        b"[]",
        b"{}",
        b"null",
        b'{"flows": {}, "rev": "a"}',
        b'{"flows": [], "rev": 1}',
        b'{"flows": [{"id": 1}], "rev": "a"}',
        b'{"flows": [null], "rev": "a"}',
        b'{"flows": [{"id": "a", "type": "tab"}, {"id": "a", "type": "tab"}], "rev": "a"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_none_is_told_as_such(content: bytes) -> None:
    with pytest.raises(PlatformError) as caught:
        api(answering(200, content)).flows()
    assert type(caught.value) is PlatformError
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", b'{"rev": "a', b"[]", b"{}", b'{"rev": 1}'])
def test_a_deployment_with_half_an_answer_may_have_happened(content: bytes) -> None:
    with pytest.raises(UnknownOutcomeError):
        api(answering(200, content)).deploy([], "rev", "nodes")


def test_the_deployment_carries_revision_type_version_and_token() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"rev": "new"})

    assert api(answer).deploy([{"id": "a", "type": "tab"}], "old", "nodes") == "new"
    (request,) = seen
    assert json.loads(request.content) == {"flows": [{"id": "a", "type": "tab"}], "rev": "old"}
    assert request.headers["Node-RED-API-Version"] == "v2"
    assert request.headers["Node-RED-Deployment-Type"] == "nodes"
    assert request.headers["Authorization"] == "Bearer secret-token-4711"


def test_asking_for_the_right_to_deploy_sends_nothing_that_could_be_deployed() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(409, json={"code": "version_mismatch"})

    assert api(answer).may_deploy()
    assert json.loads(seen[0].content) == {"rev": PROBE_REVISION}
    with pytest.raises(PlatformError):
        api(answering(200, b'{"rev":"x"}')).may_deploy()


def test_a_user_signs_in_once_per_conversation() -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.path == "/auth/token":
            return httpx.Response(200, json={"access_token": "bearer"})
        assert request.headers["Authorization"] == "Bearer bearer"
        return httpx.Response(200, json={"flows": [], "rev": "r"})

    with api(answer, LOGIN) as conversation:
        conversation.flows()
        conversation.flows()
    assert paths == ["/auth/token", "/flows", "/flows"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"access_token": 1}'])
def test_a_sign_in_without_a_token_is_told(content: bytes) -> None:
    with pytest.raises(PlatformError, match="no token"):
        api(answering(200, content), LOGIN).flows()


@pytest.mark.parametrize("token", ["with\nline 4711", "wörng 4711", "nul\0 4711"])
def test_a_token_that_cannot_be_sent_is_not_told(token: str) -> None:
    with Api(Access("prod", "http://127.0.0.1:9", {"token": Secret(token)})) as conversation:
        with pytest.raises(UnreachableError) as caught:
            conversation.flows()
        assert "4711" not in str(caught.value)
        with pytest.raises(PlatformError) as refused:
            conversation.deploy([], "r", "nodes")
        assert "4711" not in str(refused.value)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x", "http://", "http://[", "http://x:port", "http://a b"])
def test_an_address_that_is_none_is_unreachable(url: str) -> None:
    with Api(Access("prod", url, TOKEN)) as conversation, pytest.raises(UnreachableError):
        conversation.flows()


def test_disabled_and_failed_modules_provide_nothing() -> None:
    sets = [
        {"module": "good", "enabled": True, "types": ["a", "b"]},
        {"module": "off", "enabled": False, "types": ["c"]},
        {"module": "bad", "enabled": True, "err": "Error", "types": ["d", "a"]},
        {"module": "none", "enabled": True},
    ]
    usable, broken = api(answering(200, json.dumps(sets).encode())).node_types()
    assert usable == {"a", "b"}
    assert broken == {"c": "off is disabled there", "d": "bad failed to load there"}


def test_names_of_stored_fields_are_told_and_never_what_they_hold() -> None:
    answer = {"user": "somebody", "has_password": True, "has_key": False, "empty": ""}
    assert api(answering(200, json.dumps(answer).encode())).stored_fields("a/b", "c") == ("password", "user")
