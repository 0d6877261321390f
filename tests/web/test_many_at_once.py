"""Many at once, and slow ones: what each may hold of a server is bounded, and strangers hold nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest
from browser import Browser
from served import Served
from starlette.requests import Request
from test_attesting import with_uat
from test_uploads import send

from lampway.domain.deployment import Evidence
from lampway.errors import RefusedError, StoreLostError, TooManyError, UsageError
from lampway.web.afterwards import Afterwards
from lampway.web.bodies import MUCH, Room, pieces
from lampway.web.live import Listeners, told_live
from lampway.web.openapi import openapi


@pytest.fixture
def promotion(served: Served) -> str:
    """Return a promotion that waits."""
    served.team.release()
    return str(served.team.promote())


def connected(served: Served, head: str, body: bytes = b"") -> socket.socket:
    """Return a connection over which this was sent."""
    host, port = served.url.removeprefix("http://").split(":")
    opened = socket.socket()
    opened.settimeout(20)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.connect((host, int(port)))
    opened.sendall(f"{head}\r\nHost: {host}:{port}\r\n".encode() + b"\r\n" + body)
    return opened


@pytest.mark.parametrize("token", ["", "lw_nothing_x"])
def test_a_stranger_is_answered_before_anything_they_send_is_read(served: Served, token: str) -> None:
    """32 MiB from each of many who have no token would be all the memory there is."""
    head = f"POST /api/v1/promotions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {30 * MUCH}"
    with connected(served, f"{head}\r\nAuthorization: Bearer {token}", b"{") as opened:
        assert opened.recv(12) == b"HTTP/1.1 401"


def test_a_token_for_something_else_is_answered_before_anything_is_read(served: Served) -> None:
    head = f"POST /api/v1/promotions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {30 * MUCH}"
    with connected(served, f"{head}\r\nAuthorization: Bearer {served.token('mia', 'read')}", b"{") as opened:
        assert opened.recv(12) == b"HTTP/1.1 403"


def test_who_sends_much_has_few_places_and_gives_each_back() -> None:
    room = Room(each=2, together=3)
    with room.place("ana"), room.place("ana"):
        with pytest.raises(TooManyError, match="you have 2 large transfers"), room.place("ana"):
            pass
        with room.place("bob"), pytest.raises(TooManyError, match="3 large transfers of others"), room.place("zoe"):
            pass
    with pytest.raises(ValueError, match="broken"), room.place("ana"):
        raise ValueError("broken")
    with room.place("ana"), room.place("ana"), room.place("bob"):
        pass
    assert not room._taken


@pytest.mark.parametrize(("api", "most"), [(True, 4), (False, 2)])
def test_more_at_once_than_there_are_places_is_refused_in_words(served: Served, api: bool, most: int) -> None:
    ana = Browser(served).sign_in("ana")
    token, length = served.token("ana"), 5 * MUCH
    if api:
        head = f"POST /api/v1/holds HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}"
    else:
        cookie = ana.client.cookies["lampway"]
        head = (
            f"POST /delegations HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nCookie: lampway={cookie}"
        )
    with ExitStack() as stack:
        for _ in range(most):
            stack.enter_context(connected(served, f"{head}\r\nContent-Length: {length}", b"x" * (2 * MUCH)))
        time.sleep(0.5)
        last = stack.enter_context(connected(served, f"{head}\r\nContent-Length: {length}", b"x" * length))
        assert last.recv(12) == b"HTTP/1.1 429"
    time.sleep(0.5)
    with connected(served, f"{head}\r\nContent-Length: {length}", b"x" * length) as after:
        assert after.recv(12) == b"HTTP/1.1 400", "their places are free again"


@pytest.mark.parametrize("api", [True, False])
def test_who_asks_for_much_and_does_not_read_it_has_few_places(served: Served, api: bool) -> None:
    """What waits to be read waits in memory."""
    served.team.govern(with_uat(served.team.rules))
    served.team.release()
    served.team.promote(by="mia")
    tess = Browser(served).sign_in("tess")
    assert send(tess, [("film.bin", b"x" * (8 * MUCH))]).status_code == 303
    key = next(e.id for e in served.team.find(Evidence) if e.attested)
    if api:
        head = f"GET /api/v1/evidence/{key}/kept?name=film.bin HTTP/1.1\r\nAuthorization: Bearer {served.token('mia')}"
    else:
        head = f"GET /evidence/{key}/film.bin HTTP/1.1\r\nCookie: lampway={tess.client.cookies['lampway']}"
    with ExitStack() as stack:
        for _ in range(20):
            assert stack.enter_context(connected(served, head)).recv(12) == b"HTTP/1.1 200"
        assert stack.enter_context(connected(served, head)).recv(12) == b"HTTP/1.1 429"
    time.sleep(1.0)
    with connected(served, head) as after:
        assert after.recv(12) == b"HTTP/1.1 200", "who goes away gives the place back"


@pytest.mark.parametrize(
    ("each", "said"), [(60.0, "nothing more came for 0.2 seconds"), (0.05, "did not come within 0.3 seconds")]
)
def test_a_body_that_stops_or_drips_is_waited_for_only_so_long(each: float, said: str) -> None:
    async def drip() -> Any:
        await asyncio.sleep(each)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read() -> None:
        scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        async for _ in pieces(Request(scope, drip), silence=0.2, longest=0.3):
            pass

    with pytest.raises(UsageError, match=said):
        asyncio.run(read())


def test_one_person_listens_to_few_things_at_once_and_all_to_not_too_many(served: Served, promotion: str) -> None:
    listeners = Listeners(each=2, together=3)
    leave = listeners.listen("ana")
    listeners.listen("ana")
    with pytest.raises(TooManyError, match="you listen to 2"):
        listeners.listen("ana")
    listeners.listen("bob")
    with pytest.raises(TooManyError, match="3 others"):
        listeners.listen("zoe")
    leave()
    leave()
    listeners.listen("zoe")
    client = served.client(served.token("ana"))
    with ExitStack() as stack:
        path = f"/promotions/{promotion}/events"
        for _ in range(20):
            assert stack.enter_context(client.stream("GET", path)).status_code == 200
        told = client.get(path)
        assert (told.status_code, told.json()["code"], told.headers["retry-after"]) == (429, "too-many", "1")
    time.sleep(1.0)
    with client.stream("GET", path) as again:
        assert again.status_code == 200, "who leaves gives the place back"


def test_a_stream_ends_at_once_when_the_server_leaves(served: Served, promotion: str) -> None:
    """Else whoever restarts a server waits for everybody who looks at a promotion."""
    leaving = threading.Event()
    object.__setattr__(served.team.engine, "is_leaving", leaving.is_set)
    begun = time.monotonic()
    with served.client(served.token("ana")).stream("GET", f"/promotions/{promotion}/events") as events:
        for line in events.iter_lines():
            if line.startswith("data"):
                leaving.set()
    assert time.monotonic() - begun < 5


def test_a_listener_who_goes_away_leaves() -> None:
    left: list[bool] = []

    async def listen() -> None:
        class Over:
            state, is_over, promotion = "waiting", False, "id"

        told: Any = told_live(lambda _: None, Over(), lambda: left.append(True), is_leaving=lambda: False)  # type: ignore[arg-type]
        await anext(told)
        await told.aclose()

    asyncio.run(listen())
    assert left == [True]


def test_what_ends_after_this_process_began_to_end_is_left_to_the_next() -> None:
    afterwards = Afterwards()
    afterwards._threads.shutdown()
    afterwards.take(lambda: None)
    assert afterwards.rest(1)


def test_what_goes_wrong_behind_an_answer_is_told_to_whoever_reads_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    def lost() -> None:
        raise StoreLostError("the store failed: gone")

    def refused() -> None:
        raise RefusedError("prod is on hold")

    afterwards = Afterwards()
    for rest in (broken, lost, refused):
        afterwards.take(rest)
        afterwards.rest()
    told = [(r.levelname, r.exc_info is not None) for r in caplog.records]
    assert told == [("ERROR", True), ("WARNING", False)], "that a rule says no is in the records"
    assert "the store failed: gone" in caplog.records[1].getMessage()


def test_every_name_in_the_description_can_be_a_name_in_a_program() -> None:
    told = openapi()
    schemas = told["components"]["schemas"]
    assert [name for name in schemas if not (name.isascii() and name.isalnum())] == []
    assert {"ChapterOfTextBlock", "PartOfPackedBlock"} <= schemas.keys()
    assert [name for name, schema in schemas.items() if schema.get("title", name) != name] == []
    text = json.dumps(told)
    places = {part.partition('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert places <= schemas.keys()
