"""What nobody sends by accident: it is refused in words, breaks nothing, and makes no noise in the server's log."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from browser import Browser
from served import Served
from test_attesting import with_uat

from lampway.domain.promotion import Promotion
from lampway.engine.attest import GivenFile
from lampway.errors import StoreLostError, TooLargeError, UsageError
from lampway.web.api import build_api
from lampway.web.uploads import LARGEST_TEXT, drop_files, parse_multipart

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def open_promotion(served: Served) -> str:
    return next(str(p.id) for p in served.team.find(Promotion) if p.stage == "prod")


@pytest.fixture
def ana(served: Served) -> Browser:
    """Return the browser of an approver, with something to decide."""
    served.team.release()
    served.team.promote()
    return Browser(served).sign_in("ana")


def test_half_a_character_from_a_device_signs_nobody_in_and_breaks_nothing(served: Served) -> None:
    half = {"client_data": encoded(b'{"challenge": "\\ud800"}'), "authenticator_data": "", "signature": ""}
    told = Browser(served).post("/sign-in", credential="x", **half)
    assert (told.status_code, "not readable as JSON" in told.text) == (400, True)


@pytest.mark.parametrize("text", ["a\0b", "\0"])
def test_a_form_holds_only_characters(served: Served, ana: Browser, text: str) -> None:
    """A database of another kind could not keep it, nor a backup be brought there."""
    promotion = open_promotion(served)
    before = served.team.kinds()
    told = ana.send(f"/promotions/{promotion}/talk", text=text, kind="question")
    assert (told.status_code, "what is no character" in told.text) == (400, True)
    assert ana.get("/promotions/%00").status_code == 400
    assert ana.get("/?q=%00").status_code == 400
    assert Browser(served).post("/sign-in", token="lw_\0_x").status_code == 400
    assert served.client(served.token("ana")).get("/promotions/%00/events").status_code == 400
    assert [kind for kind in served.team.kinds() if kind != "token-issued"] == before


@pytest.mark.parametrize("key", ["\u00e9", "", "0" * 64])
def test_signing_out_is_whole_or_nothing(served: Served, ana: Browser, key: str) -> None:
    """From a page of ours that is too old it still signs out; from elsewhere it leaves even the cookie."""
    kept = dict(ana.client.cookies)
    elsewhere = ana.client.post("/sign-out", data={"form_key": key}, headers={"Origin": "https://evil.example"})
    assert (elsewhere.status_code, elsewhere.headers["location"]) == (303, "/")
    assert ana.get("/inbox").status_code == 200
    ana.post("/sign-out", form_key=key)
    assert dict(ana.client.cookies) == {}
    ana.client.cookies.update(kept)
    assert ana.get("/inbox").status_code == 303, "the session ended, and not the cookie alone"


@pytest.mark.parametrize("with_file", [True, False])
def test_what_is_written_into_a_form_is_bounded_however_it_is_sent(
    served: Served, ana: Browser, with_file: bool
) -> None:
    promotion = open_promotion(served)
    form = {"form_key": ana.form_key(), "reason": "y" * (LARGEST_TEXT + 1)}
    files = {"f": ("a", b"x")} if with_file else None
    told = ana.client.post(f"/promotions/{promotion}/abort", data=form, files=files, headers={"Origin": ana.url})
    assert (told.status_code, "more than 1 MiB is written" in told.text) == (413, True)
    assert "promotion-moved" not in served.team.kinds()[-1:]


def test_a_head_of_a_part_is_short() -> None:
    head = b'\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\nx\r\n--b--'
    assert parse_multipart("multipart/form-data; boundary=b", b"--b" + head % b"a").files == (GivenFile("a", b"x"),)
    begun = time.process_time()
    with pytest.raises(UsageError, match="could not be read"):
        parse_multipart("multipart/form-data; boundary=b", b"--b" + head % (b"/" * 8_000_000))
    assert time.process_time() - begun < 1
    field = b'\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n--b--'
    with pytest.raises(TooLargeError, match="written into this form"):
        parse_multipart("multipart/form-data; boundary=b", b"--b" + field % (b"x" * (LARGEST_TEXT + 1)))


@pytest.mark.parametrize("path", ["/inbox", "/sign-in", "/"])
def test_while_the_store_is_away_a_page_says_so_and_how_to_mend_it(served: Served, ana: Browser, path: str) -> None:
    @contextmanager
    def lost() -> Iterator[Any]:
        raise StoreLostError("the store failed: connection refused", hint="is Postgres running?")
        yield

    reading = served.team.store.reading
    served.team.store.reading = lost  # type: ignore[method-assign]
    try:
        seen = ana.client.get(path, headers=PAGE)
        asked = ana.client.get(path)
    finally:
        served.team.store.reading = reading  # type: ignore[method-assign]
    assert (seen.status_code, asked.status_code) == (503, 503)
    assert "The store cannot be reached now" in seen.text
    assert "is Postgres running?" in seen.text
    assert "fault in Lampway" not in seen.text
    assert asked.json()["code"] == "store-lost"


def test_files_that_were_signed_stay_signed_though_they_cannot_be_let_go(served: Served) -> None:
    @contextmanager
    def full() -> Iterator[Any]:
        raise StoreLostError("the store failed: database or disk is full")
        yield

    served.team.store.transaction = full  # type: ignore[method-assign]
    drop_files(served.team.engine, "secret")


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded", ""])
def test_who_goes_away_while_sending_is_no_fault_of_ours(served: Served, ana: Browser, kind: str) -> None:
    """What an application raises ends in the server's log, with a page of places where nothing is wrong."""
    app = build_api(served.root, served.team.engine)
    token = served.token("ana")
    headers = {"content-type": kind, "cookie": f"lampway={ana.client.cookies['lampway']}"}
    path = "/delegations" if kind else "/api/v1/promotions"
    given = {**headers, "authorization": f"Bearer {token}"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    told = iter([{"type": "http.request", "body": b"begun", "more_body": True}, {"type": "http.disconnect"}])
    said: list[Any] = []

    async def receive() -> Any:
        return next(told)

    async def send_on(message: Any) -> None:
        said.append(message)

    asyncio.run(app(scope, receive, send_on))
    assert said[0]["status"] == 400


def test_files_over_the_api_are_named_harmlessly_and_each_its_own(served: Served) -> None:
    served.team.govern(with_uat(served.team.rules))
    served.team.release()
    served.team.promote(by="mia")
    client = served.client(served.token("tess"))
    said = {"environment": "test", "check": "walk-through", "outcome": "passed", "cases": "two orders"}
    for names in (["../up.txt"], ["a\\b"], [""], ["x" * 300], ["a\tb", "a b"], ["a\u202eb"], ["."]):
        files = [{"name": name, "data": base64.b64encode(b"x").decode()} for name in names]
        told = client.post("/releases/orders@1.0.0/attestations", json={**said, "files": files})
        assert told.status_code == 400, names
        assert "name" in told.json()["detail"]
    assert not [e for e in served.team.kinds() if e == "evidence-collected"][1:]
