"""Keys and envelopes: strict where others are lenient, and readable by others' tools."""

from __future__ import annotations

import base64
import contextlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.v1.statement import Statement as TheirStatement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from lampway.domain.attestation import LARGEST, OURS, STATEMENT, SUMMARY, Statement, Subject, read_statement
from lampway.domain.digest import canonical
from lampway.domain.keys import key_id, read_key, write_key
from lampway.domain.secret import Secret
from lampway.errors import LampwayError, NotFoundError, RefusedError, SecretError, UsageError
from lampway.integrations.signing import (
    EngineSigning,
    KeyPair,
    create_key,
    is_signed_by,
    load_key,
    open_envelope,
    show_key,
)

PAIR = KeyPair(Ed25519PrivateKey.from_private_bytes(b"a" * 32))
OTHER = KeyPair(Ed25519PrivateKey.from_private_bytes(b"b" * 32))
SAID = Statement((Subject("package", "sha256:" + "1" * 64),), SUMMARY, {"verifier": {"id": "x"}})
ENVELOPE = PAIR.sign(SAID.payload())
WORD = Secret("correct horse")


def changed(**more: Any) -> str:
    return canonical({**json.loads(ENVELOPE), **more}).decode()


def test_what_was_signed_is_what_is_read() -> None:
    opened = open_envelope(ENVELOPE)
    assert opened.payload == SAID.payload()
    assert read_statement(opened.payload) == SAID
    assert is_signed_by(opened, PAIR.public)
    assert not is_signed_by(opened, OTHER.public)


@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 127))
def test_no_character_of_an_envelope_can_be_changed(place: int, by: int) -> None:
    broken = ENVELOPE[:place] + chr(ord(ENVELOPE[place]) ^ by) + ENVELOPE[place + 1 :]
    with contextlib.suppress(UsageError):
        assert not is_signed_by(open_envelope(broken), PAIR.public)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not readable"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not readable"),
        ("{}", "not a DSSE envelope"),
        (ENVELOPE + " ", "not written as it was signed"),
        (ENVELOPE + "{}", "not readable"),
        (ENVELOPE.replace('{"payload"', '{"payload":"","payload"', 1), "given twice"),
        (changed(payloadType="text/plain"), "unknown type of payload"),
        (changed(payload="!"), "no base64"),
        (changed(payload="YQ=="[:-1]), "no base64"),
        (changed(payload="YR=="), "not plain base64"),
        (changed(signatures=[]), "exactly one signature"),
        (changed(signatures=json.loads(ENVELOPE)["signatures"] * 2), "exactly one signature"),
        (changed(signatures=[{"keyid": "", "sig": "YQ=="}]), "not one of an Ed25519"),
        (changed(more=1), "not a DSSE envelope"),
        ('{"a":"' + "x" * 3 * LARGEST + '"}', "larger than"),
    ],
)
def test_a_malformed_envelope_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_envelope(text)


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff",
        b"null",
        canonical({"_type": STATEMENT}),
        SAID.payload().replace(SUMMARY.encode(), b"https://example.org/unknown"),
        SAID.payload().replace(b'"sha256"', b'"md5"'),
        SAID.payload().replace(b'"subject":[', b'"subject":[null,'),
        SAID.payload().replace(b'"verifier":{"id":"x"}', b'"verifier":NaN'),
    ],
)
def test_a_malformed_statement_is_refused(payload: bytes) -> None:
    with pytest.raises(UsageError):
        read_statement(payload)


def test_securesystemslib_verifies_our_envelope_and_refuses_a_changed_one() -> None:
    theirs = SSlibKey(key_id(PAIR.public), "ed25519", "ed25519", {"public": read_key(PAIR.public).hex()})
    found = Envelope.from_dict(json.loads(ENVELOPE))
    assert found.verify([theirs], 1).keys() == {theirs.keyid}
    broken = Envelope.from_dict(json.loads(changed(payload=base64.b64encode(SAID.payload() + b" ").decode())))
    with pytest.raises(VerificationError):
        broken.verify([theirs], 1)


def test_in_toto_reads_our_statement() -> None:
    theirs = TheirStatement([], "", {})
    from google.protobuf.json_format import Parse

    Parse(SAID.payload(), theirs.pb)
    theirs.validate()
    assert theirs.pb.predicate_type == SUMMARY


def test_our_own_predicates_live_under_one_name_with_a_published_schema() -> None:
    from lampway.domain.attestation import PREDICATES

    schemas = Path(__file__).parents[2] / "docs" / "schemas"
    for name in (p.removeprefix(OURS) for p in PREDICATES if p.startswith(OURS)):
        schema = json.loads((schemas / f"{name.replace(':', '.')}.schema.json").read_text())
        assert schema["$id"] == OURS + name


def test_a_key_is_kept_under_its_passphrase_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key.pem"
    public = create_key(path, WORD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path, WORD).public == show_key(path) == public
    assert public not in path.read_text()
    for wrong in (None, Secret("wrong")):
        with pytest.raises((SecretError, UsageError)) as told:
            load_key(path, wrong)
        assert "horse" not in str(told.value)
    assert "horse" not in repr(load_key(path, WORD))


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    before = create_key(path, None)
    with pytest.raises(RefusedError, match="already"):
        create_key(path, None)
    assert load_key(path, None).public == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["key.pem", "key.pem.pub"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    create_key(path, None)
    path.chmod(0o644)
    with pytest.raises(RefusedError, match="others can read"):
        load_key(path, None)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(UsageError, match="not an Ed25519 key"):
        load_key(path, None)
    path.write_bytes(b"nonsense")
    with pytest.raises(UsageError, match="not a private key"):
        load_key(path, None)
    with pytest.raises(NotFoundError):
        load_key(tmp_path / "none", None)


def test_the_engines_key_is_made_once_on_first_need(tmp_path: Path) -> None:
    first = EngineSigning(tmp_path / "engine.key")
    assert not (tmp_path / "engine.key").exists()
    public = first.public_key()
    assert EngineSigning(tmp_path / "engine.key").public_key() == public
    assert is_signed_by(first.open(first.sign(SAID.payload())), public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rsa:AAAA",
        "ed25519:",
        "ed25519:AAAA",
        "ed25519:" + "!" * 44,
        write_key(b"\0" * 32),
        write_key(b"\1" + b"\0" * 31),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(LampwayError):
        read_key(text)


def test_a_key_is_written_in_one_way_only() -> None:
    text = write_key(b"\2" * 32)
    assert read_key(text) == b"\2" * 32
    tail = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
    assert text.endswith(tail)
    with pytest.raises(UsageError):
        read_key(text[:-2] + "J=")
