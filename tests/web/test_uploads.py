"""Files that testers send with what they say: kept as they came, signed with it, bounded, and harmless to look at."""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from authenticator import Device
from browser import Browser, answer
from hypothesis import given
from hypothesis import strategies as st
from served import Served
from team import Notary
from test_attesting import with_uat
from visiting import HOSTILE

from lampway.domain.attestation import TESTED, Attestation
from lampway.domain.deployment import Evidence
from lampway.domain.digest import digest_bytes
from lampway.domain.keys import PersonKey
from lampway.engine.attest import FILE_LIMIT, FILES, GivenFile, ReadKept
from lampway.engine.due import RunDue
from lampway.engine.evidence import ExportEvidence
from lampway.engine.verify import Tools, Trusted, verify_evidence
from lampway.errors import UsageError
from lampway.storage.codec import recorded_from
from lampway.web.uploads import LARGEST, harmless_name, park_files, parked_files, parse_multipart

TEST = "/solutions/orders/test/test/walk-through"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
SAID = {"release": "orders@1.0.0", "cases": "two orders", "outcome": "passed"}
Files = list[tuple[str, bytes]]


@pytest.fixture
def tess(served: Served) -> Browser:
    """Return the browser of a tester, with something to test."""
    served.team.govern(with_uat(served.team.rules))
    served.team.release()
    served.team.promote(by="mia")
    return Browser(served).sign_in("tess")


def send(browser: Browser, files: Files, /, **form: str) -> httpx.Response:
    """Send the form of a test as a browser does, with files."""
    data = {"form_key": browser.form_key(), **SAID, **form}
    given = [("files", (name, content, "text/html")) for name, content in files]
    told = browser.client.post(TEST, data=data, files=given, headers={"Origin": browser.url})
    browser.served.rest()
    return told


def attested(served: Served) -> list[Evidence]:
    return [e for e in served.team.find(Evidence) if e.attested]


def give_passkey(served: Served, browser: Browser, person: str) -> Device:
    device = browser.device()
    assert browser.register(device).status_code == 303
    rules, key = served.team.rules, (PersonKey(device.key, "2026-01-01"),)
    served.team.govern(
        replace(rules, people=tuple(replace(p, keys=key) if p.id == person else p for p in rules.people))
    )
    served.team.release("1.20")
    served.team.promote(by="mia")
    return device


def signed(browser: Browser, device: Device, page: str) -> httpx.Response:
    """Sign what a page shows, and send exactly what it then sends."""
    kept = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    fields = {name: html.unescape(value) for name, value in kept if name != "form_key"}
    made = device.answer(browser.attribute(page, "data-challenge"))
    return browser.send(TEST, **fields, **answer(device, made, device.sign(made)))


def test_files_are_kept_as_they_came_beside_what_was_said(served: Served, tess: Browser) -> None:
    files = [("screen.png", PNG), ("screen.png", b"another"), ("C:\\me\\notes.txt", b"\xff\x00\r\n--x\r\n")]
    told = send(tess, files, log="order 1: fine")
    assert told.status_code == 303, told.text
    (said,) = attested(served)
    assert said.attested is not None
    names = [f.name for f in said.attested.files]
    assert names == ["screen.png", "screen (2).png", "notes.txt", "log.txt"]
    wanted = [*(data for _, data in files), b"order 1: fine"]
    assert [served.team.run(ReadKept(said.id, name), "zoe") for name in names] == wanted
    page = tess.get("/releases/orders@1.0.0").text
    assert f'href="/evidence/{said.id}/screen%20%282%29.png"' in page.replace("(", "%28").replace(")", "%29")
    assert "notes.txt" in tess.get(TEST).text


def test_what_is_signed_covers_the_files_which_are_not_sent_again(served: Served, tess: Browser) -> None:
    device = give_passkey(served, tess, "tess")
    page = send(tess, [("screen.png", PNG), ("log.txt", b"mine")], release="orders@1.0.1", log="pasted")
    assert page.status_code == 200, page.text
    assert 'type="file"' not in page.text
    assert attested(served) == []
    assert served.team.packages.has(digest_bytes(PNG)) is False, "nothing is evidence before it was signed"
    told = signed(tess, device, page.text)
    assert "signed%20with%20your%20passkey" in told.headers["location"], told.text
    (said,) = attested(served)
    assert said.attested is not None
    (kept,) = [a for a in served.team.find(Attestation) if a.predicate == TESTED]
    statement = json.loads(base64.b64decode(json.loads(kept.envelope)["payload"]))
    stated = {f["name"]: f["digest"] for f in statement["predicate"]["files"]}
    assert stated == {
        "screen.png": digest_bytes(PNG),
        "log.txt": digest_bytes(b"mine"),
        "log (2).txt": digest_bytes(b"pasted"),
    }
    assert served.team.run(ReadKept(said.id, "screen.png"), "zoe") == PNG
    data = served.team.run(ExportEvidence("orders@1.0.1"), "zoe").content.encode()
    checks = verify_evidence(data, Trusted(served.team.rules.people), Tools(recorded_from, Notary()))
    assert [c.reason for c in checks if not c.holds] == []
    assert signed(tess, device, page.text).status_code != 303, "what was signed is not waiting any more"
    assert len(attested(served)) == 1


def test_files_wait_an_hour_for_their_signature_and_for_nobody_else(served: Served, tess: Browser) -> None:
    device = give_passkey(served, tess, "tess")
    page = send(tess, [("screen.png", PNG)], release="orders@1.0.1").text
    secret = Browser.attribute(page, 'name="parked" value')
    with pytest.raises(UsageError, match="there no more"):
        parked_files(served.team.engine, "mia", secret)
    served.team.clock.move(minutes=61)
    told = signed(tess, device, page)
    assert (told.status_code, "there no more" in told.text) == (400, True)
    assert attested(served) == []
    engine = served.team.engine
    secrets = [park_files(engine, "tess", (GivenFile("a", bytes([n])),)) for n in range(3)]
    assert parked_files(engine, "tess", secrets[-1])[0].data == b"\x02"
    with engine.store.reading() as reading:
        found = [reading.parked(digest_bytes(s.encode())) for s in (secret, *secrets)]
    assert [one is not None for one in found].count(True) == 2, "one beside the newest, and none that ended"


def test_what_was_never_signed_is_let_go_with_time(served: Served, tess: Browser) -> None:
    give_passkey(served, tess, "tess")
    page = send(tess, [("screen.png", PNG)], release="orders@1.0.1").text
    key = digest_bytes(Browser.attribute(page, 'name="parked" value').encode())
    served.team.run(RunDue(), "rita")
    with served.team.store.reading() as reading:
        assert reading.parked(key) is not None
    served.team.clock.move(minutes=61)
    served.team.run(RunDue(), "rita")
    with served.team.store.reading() as reading:
        assert reading.parked(key) is None


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        ([("big", b"x" * (LARGEST + 1))], 413, "larger than 32 MiB"),
        ([("big", b"x" * (FILE_LIMIT + 1))], 400, "larger than 20 MiB"),
        ([(f"f{n}", b"x") for n in range(FILES + 1)], 400, f"at most {FILES} files"),
        ([("env", b"token engine-token")], 409, "the file holds a secret"),
    ],
    ids=["together", "one", "many", "secret"],
)
def test_what_is_too_much_or_secret_is_refused_on_a_page_and_nothing_is_kept(
    served: Served, tess: Browser, files: Files, status: int, said: str
) -> None:
    give_passkey(served, tess, "tess")
    before, kinds = dict(served.team.packages.kept), served.team.kinds()
    told = send(tess, files, release="orders@1.0.1")
    assert (told.status_code, said in html.unescape(told.text)) == (status, True), told.text[:2000]
    assert served.team.packages.kept == before
    assert served.team.kinds() == kinds
    with served.team.store.reading() as reading:
        assert reading.connection.exec_driver_sql("SELECT count(*) FROM parked").scalar_one() == 0


def test_nobody_sends_files_who_is_not_signed_in(served: Served, tess: Browser) -> None:
    stranger = httpx.Client(base_url=tess.url)
    served._opened.append(stranger)
    told = stranger.post(TEST, data=SAID, files={"files": ("a.txt", b"x" * 1_000_000)})
    assert told.headers["location"].startswith("/sign-in")
    told = tess.client.post(TEST, data={**SAID, "form_key": "0" * 64}, files={"files": ("a.txt", b"x")})
    assert told.status_code == 403
    assert attested(served) == []


def test_only_pictures_are_shown_and_never_by_their_name(served: Served, tess: Browser) -> None:
    script = b"<script>alert(1)</script>"
    files = [("screen.png", PNG), ("page.png", script), ("draw.svg", b"<svg onload='x'/>"), (f"{HOSTILE}.html", script)]
    assert send(tess, files).status_code == 303
    (said,) = attested(served)
    assert said.attested is not None
    for file in said.attested.files:
        where = f"/evidence/{said.id}/{httpx.URL('http://x').copy_with(path='/' + file.name).raw_path.decode()[1:]}"
        taken = tess.get(where)
        assert taken.status_code == 200, where
        assert taken.headers["content-type"] == "application/octet-stream"
        assert taken.headers["content-disposition"].startswith("attachment")
        assert taken.headers["x-content-type-options"] == "nosniff"
        shown = tess.get(f"{where}/picture")
        assert shown.status_code == (200 if file.name == "screen.png" else 404), where
    shown = tess.get(f"/evidence/{said.id}/screen.png/picture")
    assert shown.content == PNG
    assert (shown.headers["content-type"], shown.headers["x-content-type-options"]) == ("image/png", "nosniff")
    assert "sandbox" in shown.headers["content-security-policy"]
    page = tess.get("/releases/orders@1.0.0").text
    assert "<script>alert" not in page
    assert f'<img src="/evidence/{said.id}/screen.png/picture"' in page


def test_the_same_form_sent_twice_is_recorded_once_and_other_files_are_another_form(
    served: Served, tess: Browser
) -> None:
    once = {"once": "o" * 22}
    for _ in range(2):
        assert send(tess, [("a.txt", b"1")], **once).status_code == 303
    assert len(attested(served)) == 1
    assert send(tess, [("a.txt", b"2")], **once).status_code == 303
    assert len(attested(served)) == 2


_NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"%\\'), min_size=1, max_size=30)


@given(fields=st.dictionaries(_NAMES, _NAMES, max_size=4), contents=st.lists(st.binary(max_size=200), max_size=4))
def test_a_form_is_read_as_it_was_written(fields: dict[str, str], contents: list[bytes]) -> None:
    files: Any = [("files", (f"f{n}.bin", data, "image/png")) for n, data in enumerate(contents)]
    sent = httpx.Request("POST", "http://x/", data=fields, files=[*files, ("files", ("last", b"x"))])
    found = parse_multipart(sent.headers["content-type"], sent.read())
    assert dict(found.form) == fields
    assert [file.data for file in found.files] == [*contents, b"x"]


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_is_no_form_is_refused_and_breaks_nothing(body: bytes, boundary: str) -> None:
    for kind in (f"multipart/form-data; boundary={boundary}", "multipart/form-data; boundary=x", "multipart/form-data"):
        try:
            parse_multipart(kind, b"--x\r\n" + body)
        except UsageError as error:
            assert error.hint  # noqa: PT017 - it may also be readable


@given(st.text(max_size=300))
def test_a_name_is_only_a_name(name: str) -> None:
    plain = harmless_name(name)
    assert plain
    assert not set(plain) & set("/\\\r\n\0")
    assert plain not in {".", ".."}
    assert len(plain) <= 100
    assert harmless_name(name, [plain]) != plain
