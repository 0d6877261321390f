"""What a passkey signed holds for exactly that statement, that address and that person's touch."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from authenticator import ORIGIN, Device
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.keys import key_id, read_key
from lampway.domain.passkeys import is_origin, read_passkey, split_cose, write_passkey
from lampway.errors import LampwayError, RefusedError, UsageError
from lampway.integrations.passkeys import challenge_of, fault_of, from_base64url, read_registration, wrap_assertion
from lampway.integrations.signing import KeyPair, is_signed_by, open_envelope

STATEMENT = '{"a":1}'
DEVICES = {"ES256": Device(), "RS256": Device(private=rsa.generate_private_key(65537, 2048))}


def signed(device: Device, statement: str = STATEMENT, **said: Any) -> str:
    made = device.answer(challenge_of(statement.encode()), **said)
    return wrap_assertion(statement, device.key, made, device.sign(made))


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_what_a_passkey_signed_is_signed_by_its_key(device: Device) -> None:
    envelope = open_envelope(signed(device))
    assert envelope.payload == STATEMENT.encode()
    assert is_signed_by(envelope, device.key)
    assert not is_signed_by(envelope, Device().key)


@pytest.mark.parametrize(
    "said",
    [
        {"type": "webauthn.create"},
        {"challenge": challenge_of(b"something else")},
        {"origin": "https://evil.example"},
        {"origin": ORIGIN + ":444"},
        {"crossOrigin": True},
        {"challenge": None},
    ],
)
def test_an_answer_to_something_else_or_from_elsewhere_does_not_count(said: dict[str, Any]) -> None:
    device = DEVICES["ES256"]
    made = device.answer(challenge_of(STATEMENT.encode()))
    made = replace(made, client_data=json.dumps({**json.loads(made.client_data), **said}).encode())
    assert not is_signed_by(open_envelope(wrap_assertion(STATEMENT, device.key, made, device.sign(made))), device.key)


@pytest.mark.parametrize("flags", [0x00, 0x01, 0x04])
def test_a_device_that_did_not_verify_its_person_does_not_count(flags: int) -> None:
    device = Device(flags=flags)
    assert not is_signed_by(open_envelope(signed(device)), device.key)


def test_an_answer_for_another_host_does_not_count() -> None:
    device, other = DEVICES["ES256"], Device(origin="https://other.example")
    made = device.answer(challenge_of(STATEMENT.encode()))
    made = replace(made, authenticator_data=other.answer("").authenticator_data)
    assert not is_signed_by(open_envelope(wrap_assertion(STATEMENT, device.key, made, device.sign(made))), device.key)


SIGNED = signed(DEVICES["ES256"])


@given(st.data())
def test_no_byte_of_what_was_signed_can_be_changed(data: st.DataObject) -> None:
    device = DEVICES["ES256"]
    text = SIGNED
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != text[place]))
    try:
        envelope = open_envelope(text[:place] + other + text[place + 1 :])
        assert not is_signed_by(envelope, device.key)
    except UsageError:
        pass


def test_a_plain_key_counts_with_nothing_added_and_a_passkey_only_with_its_answer() -> None:
    pair = KeyPair(Ed25519PrivateKey.generate())
    found = json.loads(pair.sign(STATEMENT.encode()))
    assert not is_signed_by(open_envelope(pair.sign(STATEMENT.encode())), DEVICES["ES256"].key)
    whole = json.loads(signed(DEVICES["ES256"]))
    found["signatures"][0]["webauthn"] = whole["signatures"][0]["webauthn"]
    envelope = open_envelope(json.dumps(found, separators=(",", ":"), sort_keys=True))
    assert not is_signed_by(envelope, pair.public)


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_a_passkey_is_written_in_one_way(device: Device) -> None:
    assert read_key(device.key) == device.cose
    assert read_passkey(device.key).origin == ORIGIN
    assert len(key_id(device.key)) == 64
    for wrong in (
        device.key[:-4],
        device.key + "=",
        device.key.replace("https", "http"),
        device.key.upper(),
        "passkey:",
    ):
        with pytest.raises(UsageError):
            read_key(wrong)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_key_are_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        split_cose(data)
    with pytest.raises(UsageError):
        read_passkey(write_passkey(ORIGIN, data))


@pytest.mark.parametrize(
    ("origin", "is_one"),
    [
        (ORIGIN, True),
        ("https://a-b.example:8443", True),
        ("http://localhost:8420", True),
        ("http://127.0.0.1:8420", False),
        ("https://10.0.0.1", False),
        ("http://lampway.example.com", False),
        ("https://lampway.example.com/", False),
        ("https://Lampway.example.com", False),
        ("https://user@lampway.example.com", False),
        ("https://lampway.example.com:x", False),
        ("", False),
    ],
)
def test_passkeys_are_for_named_hosts_over_https(origin: str, is_one: bool) -> None:
    assert is_origin(origin) is is_one


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_a_new_passkey_is_read_from_what_the_device_says(device: Device) -> None:
    credential, key = read_registration(device.answer("abc", "webauthn.create"), ORIGIN, "abc")
    assert (from_base64url(credential, "id"), key) == (device.credential, device.key)


@pytest.mark.parametrize(
    ("kind", "challenge", "origin"),
    [
        ("webauthn.get", "abc", ORIGIN),
        ("webauthn.create", "xyz", ORIGIN),
        ("webauthn.create", "abc", "https://evil.example"),
        ("webauthn.create", "abc", "http://127.0.0.1"),
    ],
)
def test_a_passkey_made_for_something_else_is_not_registered(kind: str, challenge: str, origin: str) -> None:
    with pytest.raises(RefusedError):
        read_registration(DEVICES["ES256"].answer("abc", kind), origin, challenge)


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_whatever_is_sent_instead_of_an_answer_is_refused_in_words(data: bytes, client: bytes) -> None:
    device = DEVICES["ES256"]
    made = replace(device.answer("abc", "webauthn.create"), authenticator_data=data)
    with pytest.raises(LampwayError):
        read_registration(made, ORIGIN, "abc")
    with pytest.raises(LampwayError):
        read_registration(replace(made, client_data=client), ORIGIN, "abc")
    assert fault_of(replace(device.answer("abc"), authenticator_data=data), b"", device.key, "abc")


def test_a_point_off_the_curve_is_no_key() -> None:
    made = DEVICES["ES256"].answer("abc", "webauthn.create")
    with pytest.raises(UsageError, match="none that exists"):
        read_registration(replace(made, authenticator_data=made.authenticator_data[:-1] + b"\0"), ORIGIN, "abc")


@pytest.mark.parametrize("modulus", [15, 2**2047, 2**2046 + 1])
def test_an_rsa_key_that_anybody_can_break_is_refused(modulus: int) -> None:
    cose = DEVICES["RS256"].cose
    weak = cose[:11] + modulus.to_bytes(256) + cose[267:]
    with pytest.raises(UsageError, match="too weak"):
        read_key(write_passkey(ORIGIN, weak))
