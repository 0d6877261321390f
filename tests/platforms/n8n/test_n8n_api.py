"""Every way in which an instance can fail to answer, in our own errors; nothing of httpx gets out."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from lampway.domain.secret import Secret
from lampway.engine.platform import Access
from lampway.errors import (
    AccessError,
    ConflictError,
    LampwayError,
    PlatformError,
    PlatformRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from lampway.platforms.n8n.api import Api, Publication
from lampway.platforms.n8n.platform import N8n
from lampway.platforms.n8n.rights import SCOPES
from lampway.platforms.n8n.sessions import Sessions

Answer = Callable[[httpx.Request], httpx.Response]
KEY = {"token": Secret("secret-key-4711")}
BOTH = {**KEY, "user": Secret("ada@example.org"), "password": Secret("secret-password-4711")}
RAISED = sorted(
    (
        kind
        for _, kind in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(kind, Exception) and not issubclass(kind, Warning)
    ),
    key=lambda kind: kind.__name__,
)
UNSENT = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL}
READS = (Api.scopes, Api.workflows, Api.credentials, Api.variables, lambda a: a.objections(b""))
CHANGES = (
    lambda a: a.bring(b""),
    lambda a: a.save({"id": "a", "name": "A"}),
    lambda a: a.publish("a", "1"),
    lambda a: a.unpublish("a"),
    lambda a: a.delete("a"),
)


def made(kind: type[Exception]) -> Exception:
    if kind is httpx.HTTPStatusError:
        return httpx.HTTPStatusError("m", request=httpx.Request("GET", "http://x"), response=httpx.Response(500))
    wanted = inspect.signature(kind).parameters.values()
    return kind(*["m" for p in wanted if p.default is p.empty and p.kind is not p.KEYWORD_ONLY])


def api(answer: Answer, credentials: dict[str, Secret] = KEY) -> Api:
    return Api(Access("prod", "http://n8n.example", credentials), transport=httpx.MockTransport(answer))


def raising(kind: type[Exception]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise made(kind)

    return answer


def answering(status: int, body: object = None, *, content: bytes = b"") -> Answer:
    said = content or json.dumps(body).encode()
    return lambda request: httpx.Response(status, content=said)


def told(use: Callable[[Api], object], answer: Answer) -> LampwayError:
    with pytest.raises(LampwayError) as caught:
        use(api(answer))
    assert caught.value.where == "prod"
    assert caught.value.hint, caught.value
    assert "4711" not in f"{caught.value!r} {caught.value} {caught.value.hint}"
    return caught.value


def test_there_are_exceptions_to_translate() -> None:
    assert len(RAISED) > 25


@pytest.mark.parametrize("kind", RAISED)
def test_no_exception_of_the_client_gets_out(kind: type[Exception]) -> None:
    for use in READS:
        assert isinstance(told(use, raising(kind)), UnreachableError)
    for use in CHANGES:
        assert isinstance(told(use, raising(kind)), UnreachableError if kind in UNSENT else UnknownOutcomeError)
    with pytest.raises(UnreachableError):
        api(raising(kind), BOTH).sign_in()
    assert api(raising(kind)).answers_webhook("x", "PATCH") is False


@pytest.mark.parametrize(
    ("status", "reading", "changing"),
    [
        (400, PlatformRefusedError, PlatformRefusedError),
        (401, AccessError, AccessError),
        (403, AccessError, AccessError),
        (404, PlatformError, ConflictError),
        (409, ConflictError, ConflictError),
        (413, PlatformRefusedError, PlatformRefusedError),
        (422, PlatformRefusedError, PlatformRefusedError),
        (429, UnreachableError, UnknownOutcomeError),
        (500, UnreachableError, UnknownOutcomeError),
        (502, UnreachableError, UnknownOutcomeError),
        (302, PlatformError, UnknownOutcomeError),
    ],
)
def test_every_status_has_its_error(status: int, reading: type[Exception], changing: type[Exception]) -> None:
    for body in ({"message": "no"}, {}, [1], "<html>"):
        for use in (Api.scopes, Api.workflows, Api.credentials):
            assert type(told(use, answering(status, body))) is reading
        for use in CHANGES:
            assert type(told(use, answering(status, body))) is changing


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"null", b"[" * 100_000, b"\xff"])
def test_a_yes_that_is_no_answer_of_n8n_is_never_taken_for_one(content: bytes) -> None:
    for use in (Api.scopes, Api.workflows, Api.credentials):
        assert isinstance(told(use, answering(200, content=content)), PlatformError)
    for use in CHANGES:
        assert isinstance(told(use, answering(200, content=content)), UnknownOutcomeError)


def test_a_package_that_was_not_refused_is_told() -> None:
    error = told(lambda a: a.objections(b""), answering(200, {"workflows": []}))
    assert "accepts a package that it should refuse" in str(error)


def test_n8ns_own_reason_is_told_with_what_is_against_it() -> None:
    body = {"message": "Import blocked", "issues": [{"type": "workflow-id-conflict"}]}
    assert "Import blocked (workflow-id-conflict)" in str(told(lambda a: a.bring(b""), answering(409, body)))


def test_lists_are_read_to_their_end_and_what_is_archived_is_left_out() -> None:
    pages = {
        None: {"data": [{"id": "a", "nodes": []}, {"id": "b", "nodes": [], "isArchived": True}], "nextCursor": "next"},
        "next": {"data": [{"id": "c", "nodes": []}], "nextCursor": None},
    }

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["X-N8N-API-KEY"] == "secret-key-4711"
        return httpx.Response(200, json=pages[request.url.params.get("cursor")])

    assert [workflow["id"] for workflow in api(answer).workflows()] == ["a", "c"]


def test_a_key_alone_signs_nobody_in_and_is_told_nothing_of_publications() -> None:
    lonely = api(answering(500))
    assert lonely.sign_in() is None
    assert lonely.publication("a") is None


def test_what_n8n_says_of_a_publication_is_asked_for_again_and_again() -> None:
    """Also once we signed in: what was so at first may be so no longer."""
    said = iter(["in_progress", "failed"])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/rest/login":
            return httpx.Response(200, json={"data": {"id": "1"}}, headers={"set-cookie": "n8n-auth=good; Secure"})
        assert request.headers["cookie"] == "n8n-auth=good"
        trigger = {"errorMessage": "no broker"}
        return httpx.Response(200, json={"data": {"status": next(said), "liveVersionId": None, "triggers": [trigger]}})

    with api(answer, BOTH) as opened:
        first, second = opened.publication("a"), opened.publication("a")
    assert first is not None
    assert second is not None
    assert (first.status, second.status, second.errors) == ("in_progress", "failed", ("no broker",))


class Door:
    """Lets five in, as n8n does within a minute; lets whoever is in look about until the sign-ins are ended."""

    def __init__(self) -> None:
        self.sign_ins = 0
        self.good: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if (request.method, request.url.path) == ("POST", "/rest/login"):
            self.sign_ins += 1
            if self.sign_ins > 5:
                return httpx.Response(429, json={"message": "Too many requests"})
            cookie = f"n8n-auth={self.sign_ins}"
            self.good.add(cookie)
            return httpx.Response(200, json={"data": {"id": "1"}}, headers={"set-cookie": f"{cookie}; Path=/"})
        if request.headers.get("cookie") not in self.good:
            return httpx.Response(401, json={"message": "Unauthorized"})
        return httpx.Response(200, json={"data": {"id": "1", "status": "published", "liveVersionId": "7"}})


def test_one_sign_in_is_used_as_long_as_it_lasts() -> None:
    """n8n takes five a minute of an account, and a worker has many conversations."""
    door, sessions = Door(), Sessions()
    access = Access("prod", "http://n8n.example", BOTH)
    for _ in range(20):
        with Api(access, sessions=sessions, transport=httpx.MockTransport(door)) as one:
            assert one.publication("a") == Publication("published", "7")
    assert door.sign_ins == 1
    door.good.clear()
    with Api(access, sessions=sessions, transport=httpx.MockTransport(door)) as one:
        assert one.sign_in() == {"id": "1"}
    assert door.sign_ins == 2, "one that ended is made again"
    other = replace(access, credentials={**BOTH, "password": Secret("another")})
    with Api(other, sessions=sessions, transport=httpx.MockTransport(door)) as one:
        assert one.sign_in() is not None
    assert door.sign_ins == 3, "a sign-in belongs to the password it was made with"


def test_an_instance_that_takes_no_more_sign_ins_is_used_with_the_key_alone() -> None:
    door = Door()
    door.sign_ins = 5
    one = api(door, BOTH)
    assert [one.publication("a"), one.publication("b")] == [None, None]
    assert (one.is_held_off, door.sign_ins) == (True, 6), "it is not asked again and again"
    maker = Access("prod", "http://n8n.example", BOTH)
    with pytest.raises(UnreachableError, match="no more sign-ins") as caught:
        N8n(connect=lambda access: api(door, BOTH)).observe_lock(maker, maker)
    assert caught.value.hint


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_password_that_is_not_accepted_is_told_as_such(status: int) -> None:
    with pytest.raises(AccessError, match="does not accept the user and password"):
        api(answering(status, {"message": "Wrong"}), BOTH).sign_in()


def instance(scopes: tuple[str, ...], imports: httpx.Response) -> N8n:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/discover"):
            return httpx.Response(200, json={"data": {"scopes": list(scopes)}})
        return imports

    return N8n(connect=lambda access: Api(access, transport=httpx.MockTransport(answer)))


def test_an_instance_whose_licence_imports_no_packages_is_told_when_it_is_connected() -> None:
    refusal = httpx.Response(403, json={"message": "Your license does not allow packages"})
    rights = instance(SCOPES, refusal).probe(Access("prod", "http://n8n.example", KEY))
    assert (rights.can_read, rights.can_deploy) == (True, False)
    (missing,) = rights.missing
    assert "Your license does not allow packages" in missing


def test_scopes_that_are_missing_for_one_thing_are_told_together() -> None:
    rights = instance((), httpx.Response(422)).probe(Access("prod", "http://n8n.example", KEY))
    assert len(rights.missing) == 4
    assert all(sum(scope in sentence for sentence in rights.missing) == 1 for scope in SCOPES)


@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_that_is_missing_is_named(scope: str) -> None:
    refusal = httpx.Response(422, json={"message": "Import blocked", "issues": []})
    held = tuple(one for one in SCOPES if one != scope)
    rights = instance(held, refusal).probe(Access("prod", "http://n8n.example", KEY))
    assert [scope in sentence for sentence in rights.missing] == [True]
    assert "no user and password were given" in rights.notes[0]


class Dripping(httpx.SyncByteStream):
    """An answer without an end."""

    def __init__(self, part: bytes) -> None:
        self._part = part
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in itertools.count():
            self.given += 1
            yield self._part


def slowly(answer: Answer, *, seconds: float) -> Api:
    """Return a conversation in which every look at the clock is so much later."""
    clock = itertools.count(step=seconds)
    access = Access("prod", "http://n8n.example", KEY)
    return Api(access, transport=httpx.MockTransport(answer), clock=lambda: float(next(clock)))


def test_an_answer_that_only_drips_is_given_up() -> None:
    """However often some of it arrives in time."""
    dripping = Dripping(b" ")
    answer: Answer = lambda request: httpx.Response(200, stream=dripping)  # noqa: E731
    with pytest.raises(UnreachableError, match="takes too long to arrive") as reading:
        slowly(answer, seconds=50).workflows()
    assert dripping.given < 5
    with pytest.raises(UnknownOutcomeError, match="takes too long to arrive") as changing:
        slowly(answer, seconds=50).save({"id": "a"})
    assert reading.value.hint
    assert changing.value.hint


def test_an_answer_without_an_end_is_not_read_to_it() -> None:
    dripping = Dripping(b" " * (64 * 1024 * 1024))
    with pytest.raises(UnreachableError, match="larger than anything"):
        api(lambda request: httpx.Response(200, stream=dripping)).workflows()
    assert dripping.given < 8


def test_a_list_that_does_not_end_is_given_up() -> None:
    page = {"data": [{"id": "1"}], "nextCursor": "more"}
    with pytest.raises(UnreachableError, match="does not come to the end of a list") as slow:
        list(slowly(answering(200, page), seconds=20).executions("a"))
    with pytest.raises(PlatformError, match="lists more than") as endless:
        list(api(answering(200, page)).executions("a"))
    assert slow.value.hint
    assert endless.value.hint


def test_a_redirect_is_not_followed_with_our_key() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": "http://elsewhere.example/api/v1/workflows"})

    assert "sends us elsewhere (302)" in str(told(Api.workflows, answer))
    assert asked == ["n8n.example"]


def test_what_needs_a_licence_is_told_apart_from_what_our_key_lacks() -> None:
    """As n8n 2.41.1 itself says both."""
    licence = {"message": "Your license does not allow for feat:variables."}
    assert "licence" in str(told(Api.workflows, answering(403, licence)).hint)
    assert "API key" in str(told(Api.workflows, answering(403, {"message": "Forbidden"})).hint)
