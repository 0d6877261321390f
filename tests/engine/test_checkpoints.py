"""Checkpoints: signed, over a tree, made by themselves; evidence is held against those that were published."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from team import Team, key_of
from test_evidence import ENGINE, PEOPLE, TOOLS, faults, forge, they_verify
from test_proof_offline import export
from test_tampering import chained, opened, rows_of, write

from lampway.domain.attestation import CHECKPOINT, Attestation
from lampway.domain.checkpoint import Checkpoint, parse_checkpoint
from lampway.domain.digest import digest_bytes
from lampway.domain.events import CheckpointMade
from lampway.domain.tree import Tree
from lampway.engine.audit import Audit
from lampway.engine.checkpoint import CheckpointView, MakeCheckpoint, keep_checkpoint
from lampway.engine.dossier import Trusted
from lampway.engine.verify import verify_evidence
from lampway.engine.witness import next_checkpoint
from lampway.errors import RefusedError


def made(team: Team) -> list[CheckpointMade]:
    return [r.event for r in team.store.events() if isinstance(r.event, CheckpointMade)]


def stated(event: CheckpointMade) -> Checkpoint:
    return Checkpoint(event.seq, event.hash, event.at, event.root, event.envelope)


def test_each_deployment_to_production_ends_in_a_checkpoint_and_none_to_test_does(team: Team) -> None:
    team.release("1.19")
    team.promote("test")
    assert made(team) == []
    team.approve(team.promote())
    (one,) = made(team)
    assert one.root == Tree(r.hash for r in team.store.events() if r.seq <= one.seq).root()
    assert (one.tag, team.source.tags.keys()) == ("", {"orders/v1.0.0"})
    team.ship("1.16")
    assert len(made(team)) == 2
    assert team.store.due() == ()


def test_a_checkpoint_reads_only_the_rows_since_the_one_before(shipped: Team) -> None:
    class Counting:
        read = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(shipped.store, name)

        def stored(self, after: int = 0) -> Any:
            for row in shipped.store.stored(after):
                self.read += 1
                yield row

    counting = Counting()
    found = next_checkpoint(shipped.another(counting))
    assert found is not None
    assert counting.read == found.seq - made(shipped)[-1].seq < 3
    assert found.root == Tree(r.hash for r in shipped.store.events()).root()


def test_where_the_strategy_asks_for_tags_checkpoints_are_published_and_tried_again(team: Team) -> None:
    team.govern(replace(team.rules, checkpoints="tag"))
    team.release("1.19")
    promotion = team.promote()
    team.source.broken = 9
    team.approve(promotion)
    (one,) = made(team)
    assert one.tag == f"lampway/checkpoint-{one.seq}"
    assert f"refs/tags/{one.tag}" not in team.source.pushed
    team.source.broken = 0
    team.release("1.16")
    team.promote("test")
    assert f"refs/tags/{one.tag}" in team.source.pushed
    assert parse_checkpoint(team.source.messages[one.tag], "") == stated(one)
    assert team.run(Audit()).checkpoints == 1
    assert team.store.due() == ()


def test_others_tools_verify_a_checkpoint(shipped: Team) -> None:
    (first, _) = made(shipped)
    whole = (digest_bytes(first.envelope.encode()), CHECKPOINT, "", "", "", "", "", "lampway", ENGINE.public)
    they_verify([Attestation(*whole, first.envelope)])


def test_nothing_is_stated_about_rows_that_are_not_as_they_were_written(shipped: Team) -> None:
    shipped.release("1.10")

    class Bent:
        def __getattr__(self, name: str) -> Any:
            return getattr(shipped.store, name)

        def stored(self, after: int = 0) -> Any:
            for row in shipped.store.stored(after):
                yield replace(row, at="2020-01-01T00:00:00.000+00:00")

    bent = shipped.another(Bent())
    with pytest.raises(RefusedError, match="not as it was written"):
        next_checkpoint(bent)
    count = len(made(shipped))
    keep_checkpoint(bent, "checkpoint")
    assert len(made(shipped)) == count
    keep_checkpoint(shipped.engine, "checkpoint")
    assert len(made(shipped)) == count + 1


def test_the_audit_compares_root_and_signature(shipped: Team) -> None:
    first = stated(made(shipped)[0])
    other = replace(first, root="sha256:" + "1" * 64)
    forged = replace(other, envelope=key_of("lampway").sign(other.signed.payload()))
    foreign = replace(first, envelope=key_of("eve").sign(first.signed.payload()))
    bare = replace(first, envelope="")
    told = [("good", first), ("unlike", other), ("forged", forged), ("foreign", foreign), ("bare", bare)]
    verdict = shipped.run(Audit(checkpoints=tuple((name, c.statement) for name, c in told)))
    assert [(d.place, d.what.split(":")[0]) for d in verdict.damage] == [
        ("checkpoint unlike", "what was signed is not what it says"),
        ("checkpoint forged", f"the tree over rows 1 to {first.seq} has another root"),
        ("checkpoint foreign", "it is not signed with a key of this ledger's engine"),
        ("checkpoint bare", "its signature cannot be read"),
    ]


def test_a_ledger_written_anew_does_not_fit_a_checkpoint_made_before(shipped: Team) -> None:
    first = stated(made(shipped)[0])
    with opened(shipped) as connection:
        rows = rows_of(connection)
        rows[0] = {**rows[0], "at": "2026-01-05T08:59:59.999+00:00"}
        write(connection, chained(rows))
        hashes = [row["hash"] for row in rows_of(connection)]
    assert Tree(hashes[: first.seq]).root() != first.root


def test_a_checkpoint_that_nobody_signed_is_read_as_before(shipped: Team) -> None:
    first = made(shipped)[0]
    old = Checkpoint(first.seq, first.hash, first.at).statement
    assert json.loads(old)["type"] == "lampway-checkpoint/1"
    assert shipped.run(Audit(checkpoints=(("old", old),))).damage == ()


def held(data: bytes, *checkpoints: Checkpoint) -> list[str]:
    found = verify_evidence(data, Trusted(PEOPLE, ENGINE.public, checkpoints=checkpoints), TOOLS)
    return [c.reason for c in found if not c.holds]


def said(data: bytes, *checkpoints: Checkpoint) -> str:
    found = verify_evidence(data, Trusted(PEOPLE, ENGINE.public, checkpoints=checkpoints), TOOLS)
    return "\n".join(c.reason for c in found)


def test_evidence_leads_to_every_checkpoint_since_the_release_and_says_what_is_proven(shipped: Team) -> None:
    data = export(shipped, "orders@1.0.0")
    first, second = (stated(c) for c in made(shipped))
    assert held(data, first) == held(data, second) == held(data, first, second) == []
    assert f"the rows up to {second.seq} are those of the ledger" in said(data, first, second)
    assert "no published checkpoint was compared" in said(data)
    shipped.release("1.10")
    view: CheckpointView = shipped.run(MakeCheckpoint())
    later = parse_checkpoint(view.statement, "")
    assert "export again" in " ".join(held(data, later))
    assert held(export(shipped, "orders@1.0.0"), later) == []


def test_whoever_holds_the_engines_key_cannot_forge_what_was_published(shipped: Team) -> None:
    """Without a published checkpoint a file made up with the engine's key holds; with one it does not."""
    data = export(shipped, "orders@1.0.0")
    first = stated(made(shipped)[0])
    forged = forge(data, lambda _row, body: body)
    assert faults(forged) == []
    assert "nothing in the file leads to" in " ".join(held(forged, first))


def test_a_checkpoint_of_another_ledger_or_engine_is_not_taken(shipped: Team) -> None:
    data = export(shipped, "orders@1.0.0")
    first = stated(made(shipped)[0])
    other = replace(first, root="sha256:" + "1" * 64)
    signed = replace(other, envelope=key_of("lampway").sign(other.signed.payload()))
    assert "is not what was published" in " ".join(held(data, signed))
    assert "not signed with a key" in " ".join(
        held(data, replace(first, envelope=key_of("eve").sign(first.signed.payload())))
    )


def test_a_checkpoint_of_the_old_kind_proves_its_row_where_it_is_in_the_file(shipped: Team) -> None:
    data = export(shipped, "orders@1.0.0")
    first = made(shipped)[0]
    assert held(data, Checkpoint(first.seq, first.hash, first.at)) == []
    wrong = Checkpoint(first.seq, "sha256:" + "1" * 64, first.at)
    assert "is not what was published" in " ".join(held(data, wrong))
    elsewhere = Checkpoint(first.seq + 1, first.hash, first.at)
    assert "old kind" in " ".join(held(data, elsewhere))
