"""Webhooks are signed, go only where they may, and say why they did not arrive without naming anything secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.secret import Secret
from lampway.engine.ports import Message, Way
from lampway.errors import DeliveryError
from lampway.integrations import webhooks
from lampway.integrations.addresses import is_public
from lampway.integrations.courier import ChannelCourier
from lampway.integrations.webhooks import post, signature
from receiver import Receiver, listening

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
KEY = bytes(range(32))
SECRET = Secret("whsec_" + base64.b64encode(KEY).decode())
HERE = ("127.0.0.0/8",)
FACTS = {"environment": "prod", "digest": "sha256:ab"}
MESSAGE = Message("msg_1", "failed", "deployment failed", "why\nhttps://l.example/1", "https://l.example/1", "t", FACTS)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


def send(receiver: Receiver, path: str = "/hook") -> None:
    post(receiver.url + path, SECRET, MESSAGE, AT, allow=HERE)


def test_the_signature_is_that_of_the_standard() -> None:
    """The example that https://www.standardwebhooks.com gives."""
    secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_tell_who_sent_it_and_that_nothing_was_changed(receiver: Receiver) -> None:
    send(receiver)
    (taken,) = receiver.taken
    assert taken.path == "/hook"
    assert taken.headers["host"] == receiver.url.removeprefix("http://")
    name, moment = taken.headers["webhook-id"], taken.headers["webhook-timestamp"]
    expected = hmac.new(KEY, f"{name}.{moment}.".encode() + taken.body, hashlib.sha256).digest()
    assert taken.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert int(moment) == int(AT.timestamp())
    body = json.loads(taken.body)
    assert body["type"] == "lampway.failed"
    assert body["data"]["digest"] == "sha256:ab"
    assert body["data"]["link"] == "https://l.example/1"


@pytest.mark.parametrize("answer", [500, 302, 404])
def test_anything_but_a_good_answer_has_not_arrived(receiver: Receiver, answer: int) -> None:
    receiver.answers, receiver.headers = [answer], {"Location": "/elsewhere", "Retry-After": "120"}
    with pytest.raises(DeliveryError, match=f"answered with {answer}") as error:
        send(receiver)
    assert error.value.wait == 120
    assert len(receiver.taken) == 1, "a redirect is not followed"


def test_who_answers_too_late_has_not_taken_it(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_PATIENCE", 0.2)
    receiver.answers = ["slow"]
    with pytest.raises(DeliveryError, match="no answer: ReadTimeout") as error:
        send(receiver, "/token-in-the-path")
    assert "token-in-the-path" not in f"{error.value} {error.value.hint} {error.value.__cause__}"
    send(receiver)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1]/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://0x7f.1/",
    ],
)
def test_an_address_that_is_not_public_is_never_asked(url: str) -> None:
    with pytest.raises(DeliveryError, match="not public"):
        post(url, SECRET, MESSAGE, AT)


def test_only_what_is_allowed_is_reached_without_encryption(receiver: Receiver) -> None:
    with pytest.raises(DeliveryError, match="not public"):
        post(receiver.url, SECRET, MESSAGE, AT, allow=("10.0.0.0/8",))
    with pytest.raises(DeliveryError, match="only https"):
        post("http://1.1.1.1/", SECRET, MESSAGE, AT, allow=HERE)
    assert not receiver.taken


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_changes_nothing_about_where_it_leads(inner: ipaddress.IPv4Address) -> None:
    number = int(inner)
    mapped = ipaddress.IPv6Address(f"::ffff:{inner}")
    translated = ipaddress.IPv6Address((0x64FF9B << 96) | number)
    assert is_public(translated) == is_public(inner)
    assert not is_public(mapped) or is_public(inner)


@pytest.mark.parametrize("secret", ["", "whsec_###", "whsec_c2hvcnQ=", "plain text"])
def test_a_secret_that_is_too_weak_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(DeliveryError, match="the webhook's secret") as error:
        signature(Secret(secret), "msg", AT, b"")
    assert not secret or secret not in f"{error.value} {error.value.__cause__}"


def test_apprise_brings_the_same_message(receiver: Receiver) -> None:
    pytest.importorskip("apprise", reason="the extra lampway[notify] is not installed")
    way = Way(apprise=Secret(receiver.url.replace("http://", "json://user:pass-word@")))
    ChannelCourier().send(way, MESSAGE, AT)
    body = json.loads(receiver.taken[0].body)
    assert body["title"] == "deployment failed"
    assert "https://l.example/1" in body["message"]
    assert "(msg_1)" in body["message"]
    receiver.answers = [503]
    with pytest.raises(DeliveryError) as error:
        ChannelCourier().send(way, MESSAGE, AT)
    assert "pass-word" not in f"{error.value} {error.value.hint} {error.value.__cause__}"


def test_an_apprise_address_that_is_none_says_so_without_repeating_it() -> None:
    pytest.importorskip("apprise", reason="the extra lampway[notify] is not installed")
    with pytest.raises(DeliveryError, match="no address that Apprise understands") as error:
        ChannelCourier().send(Way(apprise=Secret("pass-word")), MESSAGE, AT)
    assert "pass-word" not in str(error.value)
