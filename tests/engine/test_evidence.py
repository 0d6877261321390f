"""Evidence that an auditor verifies without us: every byte of it is covered, and so is every rule it speaks of."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from hypothesis import given, settings
from hypothesis import strategies as st
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as ResultOfTest
from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary
from in_toto_attestation.v1.statement import Statement as TheirStatement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from team import Team, key_of, strategy
from test_signed_decisions import give_keys, sign

from lampway.domain.attestation import (
    APPROVAL,
    BY_PEOPLE,
    CHECKPOINT,
    EVIDENCE,
    GIVEN_SIGNED_IN,
    JUDGED,
    PREDICATES,
    PROVENANCE,
    RETIREMENT,
    SIGNED_IN,
    SUMMARY,
    TEST_RESULT,
    Attestation,
    sealing,
)
from lampway.domain.checkpoint import Checkpoint
from lampway.domain.digest import canonical, digest, digest_bytes
from lampway.domain.events import DecisionMade, EngineKeyRecorded
from lampway.domain.evidence import Content, Head, Inclusion, Row, read_content, write_content
from lampway.domain.keys import PersonKey, key_id, read_key
from lampway.domain.strategy import Person
from lampway.domain.tree import Tree
from lampway.engine.certify import Recertify
from lampway.engine.evidence import ExportEvidence
from lampway.engine.promote import Rollback
from lampway.engine.verify import Checked, Tools, Trusted, verify_evidence
from lampway.storage.codec import recorded_from
from lampway.storage.ledger import link

TOOLS = Tools(recorded_from, Team.__init__.__globals__["Notary"]())
ENGINE = key_of("lampway")
KEYS = {name: (PersonKey(key_of(name).public, "2026-01-01"),) for name in ("ana", "bob", "max")}
PEOPLE = tuple(replace(p, keys=KEYS.get(p.id, ())) for p in strategy().people)


def faults(data: bytes, people: tuple[Person, ...] = PEOPLE, **more: Any) -> list[Checked]:
    return [c for c in verify_evidence(data, Trusted(people, **more), TOOLS) if not c.holds]


@pytest.fixture(scope="session")
def shipped_signed(new_team: Team) -> Team:
    """Return a team that brought orders to production, with ana's and bob's signatures."""
    team = new_team.copy()
    give_keys(team, quorum=2)
    team.release()
    promotion = team.promote()
    team.do(sign(team, promotion, "ana", reason="fine"), "ana")
    team.do(sign(team, promotion, "bob"), "bob")
    assert team.running("prod") == "1.0.0"
    return team


@pytest.fixture(scope="session")
def data(shipped_signed: Team) -> bytes:
    return shipped_signed.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()


def test_others_tools_verify_everything_we_sign(shipped_signed: Team) -> None:
    team = shipped_signed.copy()
    team.run(Recertify("orders", reason="the order desk works with it"))
    assert faults(team.run(ExportEvidence("orders"), "zoe").content.encode()) == []
    kept = team.find(Attestation)
    others = {EVIDENCE, CHECKPOINT, RETIREMENT, SIGNED_IN, GIVEN_SIGNED_IN, *BY_PEOPLE}
    assert {a.predicate for a in kept} == set(PREDICATES) - others | {APPROVAL}
    they_verify(kept)


def they_verify(kept: Sequence[Attestation]) -> None:
    """Let tools that others wrote look at every statement and its signature."""
    for one in kept:
        theirs = SSlibKey(key_id(one.key), "ed25519", "ed25519", {"public": read_key(one.key).hex()})
        envelope = Envelope.from_dict(json.loads(one.envelope))
        assert envelope.verify([theirs], 1).keys() == {theirs.keyid}
        statement = TheirStatement([], "", {})
        Parse(envelope.payload, statement.pb)
        statement.validate()
        if theirs_of := THEIRS.get(one.predicate):
            said = json.loads(envelope.payload)["predicate"]
            said.pop("verifiedLevels", None)  # a list, as SLSA has it; their class wants one text
            said.pop(JUDGED, None)  # ours; SLSA lets everybody add fields with a name of their own in front
            Parse(json.dumps(said), theirs_of())


THEIRS = {PROVENANCE: Provenance, SUMMARY: VerificationSummary, TEST_RESULT: ResultOfTest}


def forge(data: bytes, change: Callable[[Row, dict[str, Any]], dict[str, Any] | None], by: str = "lampway") -> bytes:
    """Return the evidence with rows changed (None leaves one out), every hash and the seal made anew."""
    content = read_content(data)
    rows: list[Row] = []
    for row in content.rows:
        body = change(row, json.loads(row.body))
        if body is None:
            continue
        prev = rows[-1].hash if rows and rows[-1].seq == row.seq - 1 else row.prev
        new = replace(row, body=canonical(body).decode(), prev=prev)
        rows.append(replace(new, hash=new.linked()))
    head = replace(content.head, hash=rows[-1].hash) if rows[-1].seq == content.head.row else content.head
    inclusion = include(content, head, rows, by)
    covered = write_content(["forged"], head, inclusion, rows)
    said = sealing(head.solution, head.version, digest_bytes(covered), (head.row, head.hash))
    return covered + key_of(by).sign(said.payload()).encode() + b"\n"


def include(content: Content, head: Head, rows: Sequence[Row], by: str) -> Inclusion:
    """Return a proof of inclusion for what was made up, in a ledger that was made up around it."""
    told = {row.seq: row.hash for row in rows} | {head.row: head.hash}
    tree = Tree(told.get(seq, digest_bytes(b"%d" % seq)) for seq in range(1, head.row + 1))
    checkpoint = Checkpoint(head.row, head.hash, head.at, tree.root())
    return Inclusion(
        root=checkpoint.root,
        envelope=key_of(by).sign(checkpoint.signed.payload()),
        nodes=tree.prove({seq - 1 for seq in told}),
        earlier=content.inclusion.earlier[:0],
    )


def test_what_really_happened_holds(data: bytes) -> None:
    assert faults(data, engine_key=ENGINE.public) == []
    checks = verify_evidence(data, Trusted(PEOPLE), TOOLS)
    assert len(checks) > 10
    assert all(c.reason for c in checks)


def test_rules_that_an_older_version_wrote_with_fewer_keys_have_the_digest_it_took(data: bytes) -> None:
    def older(row: Row, body: dict[str, Any], *, is_honest: bool = True) -> dict[str, Any]:
        if row.kind == "strategy-applied":
            for place in body["strategy"]["environments"]:
                del place["data_set"]
            body["digest"] = digest(body["strategy"]) if is_honest else body["digest"]
        return body

    said = "are not what their digest says"
    assert said not in str(faults(forge(data, older)))
    assert said in str(faults(forge(data, lambda row, body: older(row, body, is_honest=False))))


def test_making_evidence_changes_nothing_and_twice_is_the_same(shipped_signed: Team, data: bytes) -> None:
    before = shipped_signed.kinds()
    assert shipped_signed.run(ExportEvidence("orders"), "zoe").content.encode() == data
    assert shipped_signed.kinds() == before


def test_the_file_opens_with_a_page_to_read(data: bytes) -> None:
    page = data.decode().partition("\n---\n")[0]
    assert page.startswith("LAMPWAY EVIDENCE for orders@1.0.0")
    for said in ("approved by ana", "approved by bob", "orders@1.0.0 sealed", "makers: mia"):
        assert said in page


def test_no_byte_of_a_small_file_can_be_flipped(team: Team) -> None:
    team.release()
    small = team.run(ExportEvidence("orders"), "zoe").content.encode()
    assert faults(small) == []
    assert flips_missed(small) == []


def test_no_byte_around_a_promotion_can_be_flipped(data: bytes) -> None:
    assert flips_missed(data, every=101) == []
    end = data[:-1].rindex(b"\n") - 100
    assert flips_missed(data, start=end) == []


def flips_missed(data: bytes, *, start: int = 0, every: int = 1) -> list[int]:
    trusted = Trusted(PEOPLE)
    missed = []
    for place in range(start, len(data), every):
        broken = bytearray(data)
        broken[place] ^= 1 << (place % 8)
        if all(c.holds for c in verify_evidence(bytes(broken), trusted, TOOLS)):
            missed.append(place)
    return missed


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_nothing_can_be_cut_off_or_put_in(data: bytes, draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, len(data) - 1))
    assert faults(data[:place])
    assert faults(data[:place] + draw.draw(st.binary(min_size=1, max_size=3)) + data[place:])


def test_rows_are_hashed_as_the_ledger_does(data: bytes) -> None:
    for row in read_content(data).rows:
        expected = link(row.prev, row.seq, row.at, (row.kind, row.schema), (row.actor, row.body))
        assert row.linked() == row.hash == expected


def test_forging_alike_without_a_change_would_hold(data: bytes) -> None:
    assert faults(forge(data, lambda _row, body: body)) == []


def decides(**more: Any) -> Callable[[Row, dict[str, Any]], dict[str, Any]]:
    return lambda row, body: (
        {**body, "decision": {**body["decision"], **more}} if row.kind == DecisionMade.kind else body
    )


def without(kind: str, number: int = 0) -> Callable[[Row, dict[str, Any]], dict[str, Any] | None]:
    left = [number]

    def change(row: Row, body: dict[str, Any]) -> dict[str, Any] | None:
        if row.kind == kind:
            left[0] -= 1
            return None if left[0] == -1 else body
        return body

    return change


def governs(**more: Any) -> Callable[[Row, dict[str, Any]], dict[str, Any]]:
    return lambda row, body: (
        {**body, "strategy": {**body["strategy"], **more}} if row.kind == "strategy-applied" else body
    )


def makes(*makers: str) -> Callable[[Row, dict[str, Any]], dict[str, Any]]:
    return lambda row, body: (
        {**body, "release": {**body["release"], "makers": list(makers)}} if row.kind == "release-sealed" else body
    )


def asks(by: str) -> Callable[[Row, dict[str, Any]], dict[str, Any]]:
    return lambda row, body: (
        {**body, "promotion": {**body["promotion"], "requested_by": by}} if row.kind == "promotion-requested" else body
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (decides(reason="another"), "not what they signed"),
        (decides(by="bob"), "not what they signed"),
        (decides(evidence=[]), "not what they signed"),
        (decides(key="", attestation="", authenticated=False), "not signed"),
        (decides(key="", attestation=""), "without a signature"),
        (asks("ana"), "asked for it"),
        (makes("ana"), "made what is in it"),
        (governs(team="Another"), "not what their digest says"),
        (without("decision-made"), "1 of 2 approvals"),
        (without("strategy-applied"), "cannot be judged"),
        (without("promotion-requested", 1), "nobody asked for"),
        *((without("attestation-recorded", number), "") for number in range(9)),
        (without("engine-key-recorded"), "not signed with the engine's key"),
    ],
)
def test_who_holds_the_engines_key_still_cannot_rewrite_what_happened(
    data: bytes, change: Callable[..., Any], said: str
) -> None:
    found = faults(forge(data, change))
    assert found
    assert said in " ".join(c.reason for c in found)


def test_another_engines_seal_is_refused(data: bytes) -> None:
    def swap(row: Row, body: dict[str, Any]) -> dict[str, Any]:
        return {"key": key_of("eve").public} if row.kind == EngineKeyRecorded.kind else body

    assert faults(forge(data, lambda _row, body: body, by="eve"))
    forged = forge(data, swap, by="eve")
    assert "not signed by the engine" in faults(forged)[0].reason
    assert "seal" in faults(forged, engine_key=ENGINE.public)[0].reason


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((), "a key that is not ana's"),
        (KEYS["bob"], "a key that is not ana's"),
        ((PersonKey(key_of("ana").public, "2026-02-01"),), "did not count on 2026-01-05"),
        ((PersonKey(key_of("ana").public, "2026-01-01", revoked="2026-01-02"),), "did not count on 2026-01-05"),
    ],
)
def test_the_keys_are_the_auditors_not_the_files(data: bytes, keys: tuple[PersonKey, ...], said: str) -> None:
    people = tuple(replace(p, keys=keys) if p.id == "ana" else p for p in PEOPLE)
    assert [said in c.reason for c in faults(data, people)] == [True]
    assert "nobody in the people.yaml" in faults(data, tuple(p for p in PEOPLE if p.id != "ana"))[0].reason


def test_the_package_in_hand_is_compared(shipped_signed: Team, data: bytes) -> None:
    (package,) = [p.digest for p in read_release(shipped_signed).packages]
    assert faults(data, package=shipped_signed.packages.get(package)) == []
    assert "package in hand" in faults(data, package=b"another")[0].reason


def read_release(team: Team) -> Any:
    from lampway.domain.release import Release

    return team.get(Release, "orders@1.0.0")


def test_unsigned_approvals_hold_where_the_rules_did_not_ask_and_are_remarked(shipped: Team) -> None:
    for version in ("1.0.0", "1.0.1"):
        content = shipped.run(ExportEvidence(f"orders@{version}"), "zoe").content.encode()
        checks = verify_evidence(content, Trusted(PEOPLE), TOOLS)
        assert [c for c in checks if not c.holds] == []
        assert any("the yes of ana is not signed" in c.reason for c in checks)


def test_a_rollback_is_evidence_for_the_release_it_brought_back(shipped: Team) -> None:
    shipped.do(Rollback("orders", "prod", "it broke"), "rita")
    assert shipped.running("prod") == "1.0.0"
    content = shipped.run(ExportEvidence("orders@1.0.0"), "zoe").content
    assert "rollback of orders@1.0.0 to prod" in content
    assert faults(content.encode()) == []


def test_a_release_that_went_nowhere_has_evidence_too(team: Team) -> None:
    team.release()
    assert faults(team.run(ExportEvidence("orders"), "zoe").content.encode()) == []
