"""Live edits are told in a maker's words, nothing is changed by looking, and nothing secret is kept or said."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from team import FixedClock, Vault, WordScanner

from lampway.app import open_scanner
from lampway.domain.notify import Channel
from lampway.engine.livewatch import Kept, LiveEdits, LiveWatch, Place, in_words
from lampway.engine.ports import Message, Way
from lampway.errors import AccessError, DeliveryError, StorageError, UnreachableError
from lampway.storage.lookfile import LookFile
from lampway.testing.memory import MemoryPlatform
from lampway.testing.world import App, Fault, Part, World

URL = "memory://prod"
KEY = "sk-live-9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"


@dataclass
class Postman:
    taken: list[Message] = field(default_factory=list)
    broken: bool = False

    def send(self, way: Way, message: Message, at: datetime) -> None:
        if self.broken:
            raise DeliveryError("nobody opens")
        self.taken.append(message)


@dataclass
class Stand:
    """An environment that is watched, with what makers do there."""

    platform: MemoryPlatform
    path: Path
    clock: FixedClock
    postman: Postman
    scanner: Any = field(default_factory=WordScanner)

    @property
    def world(self) -> World:
        return self.platform.world(URL)

    def look(self, channel: Channel | None = None, token: str = "env:TOKEN") -> LiveEdits:
        self.clock.move(days=1)
        return LiveWatch(
            place=Place("prod", "memory", URL, {"token": token}),
            platform=self.platform,
            scanner=self.scanner,
            secrets=Vault(),
            courier=self.postman,
            clock=self.clock,
            looks=LookFile(self.path),
            salt="pepper",
            channel=channel,
        ).look()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Stand]:
    def stand(*, tells_editors: bool = True) -> Stand:
        made = Stand(MemoryPlatform(tells_editors=tells_editors), tmp_path / "look.json", FixedClock(), Postman())
        parts = (Part("p1", "Fetch", "get ${ERP_URL}", account="ERP"), Part("p2", "Price", "times 1.19"))
        made.world.draw(App("a1", "Orders", parts, {"ERP_URL": "https://erp"}, {"ERP": "pass-word"}), by="mia@x.test")
        return made

    return stand


@pytest.fixture
def stand(make: Callable[..., Stand]) -> Stand:
    made = make()
    assert made.look().changes == ()
    return made


def test_the_first_look_only_remembers_and_the_next_tells_what_was_edited(make: Callable[..., Stand]) -> None:
    stand = make()
    first = stand.look()
    assert (first.since, first.changes, first.containers) == ("", (), 1)
    stand.world.edit("p2", does="times 2", by="zoe@x.test")
    stand.world.draw(App("a2", "Refunds", (Part("p3", "Pay back"),)))
    told = stand.look()
    assert told.since == first.at
    assert "part *Price*: does something else" in told.changes
    assert any("app *Refunds* added" in line for line in told.changes), told.changes
    assert told.editors == ("mia@x.test", "zoe@x.test")
    assert stand.look().changes == ()


def test_values_and_passwords_are_told_by_name_alone(stand: Stand) -> None:
    stand.world.give("a1", "ERP_URL", "https://elsewhere/pass-word")
    stand.world.apps["a1"].passwords.clear()
    assert stand.look().changes == (
        "variable ERP_URL given another value",
        "connection ERP: no secret is stored for password any more",
    )
    kept = stand.path.read_text()
    assert "elsewhere" not in kept
    assert "pass-word" not in kept


def test_looking_changes_nothing_there_and_calls_only_what_reads(stand: Stand) -> None:
    before, revision = stand.world.contents(), stand.world.revision
    for _ in range(3):
        stand.look()
    assert stand.world.contents() == before
    assert stand.world.revision == revision
    assert stand.world.applied == []
    assert set(stand.world.calls) == {"observe", "export"}


def test_a_secret_that_somebody_typed_in_is_neither_kept_nor_said_but_its_change_is(make: Callable[..., Stand]) -> None:
    stand = make()
    stand.scanner = open_scanner()
    stand.world.edit("p2", does=f"call with api_key = '{KEY}'")
    stand.look()
    other = KEY.replace("9f8a", "1111")
    stand.world.edit("p2", does=f"call with api_key = '{other}'")
    told = stand.look()
    assert told.changes == ("part *Price* changed, where a secret is typed in",)
    kept = stand.path.read_text()
    package = base64.b64decode(LookFile(stand.path).read(URL).package).decode()
    for secret in (KEY, other):
        assert secret not in kept
        assert secret not in package
        assert secret not in str(told)


def test_where_blanking_is_not_enough_only_fingerprints_are_kept(make: Callable[..., Stand]) -> None:
    stand = make()

    class Stubborn(WordScanner):
        """Finds a secret in whatever it is shown."""

        def scan(self, literals: Any, names: Any = ()) -> Any:
            del names
            return tuple(f for text in literals for f in WordScanner().scan([text]) or _finding(text))

    stand.scanner = Stubborn()
    stand.look()
    assert LookFile(stand.path).read(URL).package == ""
    stand.world.edit("p2", does="times 3")
    assert stand.look().changes == ("part *Price* changed, where a secret is typed in",)


def _finding(text: Any) -> tuple[Any, ...]:
    from lampway.domain.package import Finding, Severity

    return (Finding("word", Severity.SECRET, text.place, "a secret", "take it out"),)


def test_an_empty_environment_is_watched_until_something_is_built_in_it(make: Callable[..., Stand]) -> None:
    stand = make()
    app = stand.world.apps.pop("a1")
    assert stand.look().containers == 0
    stand.world.draw(app)
    told = stand.look()
    assert "app *Orders* added" in told.changes
    stand.world.apps.clear()
    assert "app *Orders* removed" in stand.look().changes


def test_a_platform_that_does_not_tell_who_is_said_not_to(make: Callable[..., Stand]) -> None:
    stand = make(tells_editors=False)
    stand.look()
    stand.world.edit("p2", does="times 2")
    title, text = in_words(stand.look())
    assert title.startswith("1 live edit in prod since 2026-01-06 09:00")
    assert text.endswith("the platform does not tell who")


def test_edits_are_told_through_a_channel_and_again_when_they_did_not_arrive(stand: Stand) -> None:
    chat = Channel("chat", apprise="env:TOKEN")
    stand.look(chat)
    assert stand.postman.taken == [], "no edit, no message"
    stand.world.edit("p2", does="times 2")
    stand.postman.broken = True
    with pytest.raises(DeliveryError):
        stand.look(chat)
    stand.postman.broken = False
    assert stand.look(chat).changes
    assert stand.look(chat).changes == ()
    (message,) = stand.postman.taken
    assert message.kind == "live-edits"
    assert "part *Price*: does something else" in message.text


def test_an_environment_that_does_not_answer_is_no_reason_to_forget(stand: Stand) -> None:
    before = stand.path.read_bytes()
    stand.world.edit("p2", does="times 2")
    stand.world.fail(Fault.UNREACHABLE, on="export")
    with pytest.raises(UnreachableError):
        stand.look()
    with pytest.raises(AccessError):
        stand.look(token="env:ERP_PROD")
    assert stand.path.read_bytes() == before
    assert stand.look().changes


NEWER = '{"at":"","url":"u","platform":"","revision":"","salt":"","format":9}'


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"at": 1}', "\x00", NEWER])
def test_a_file_that_is_no_look_is_left_alone_and_told(stand: Stand, text: str) -> None:
    stand.path.write_text(text)
    with pytest.raises(StorageError) as error:
        stand.look()
    assert str(stand.path) in str(error.value)
    assert stand.path.read_text() == text


def test_the_look_of_another_place_is_not_compared_with(stand: Stand) -> None:
    with pytest.raises(StorageError, match="the look kept there is of memory://prod"):
        LookFile(stand.path).read("memory://elsewhere")


def test_what_is_kept_is_for_its_owner_alone_and_whole(stand: Stand, tmp_path: Path) -> None:
    assert stand.path.stat().st_mode & 0o077 == 0
    assert [p.name for p in tmp_path.iterdir()] == ["look.json"]
    blocked = LookFile(stand.path / "below")
    with pytest.raises(StorageError):
        blocked.write(Kept("", "", "", "", ""))
