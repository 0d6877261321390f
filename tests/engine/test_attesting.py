"""Attesting: only a named tester who made none of it, about exactly what is installed, with what they saw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from team import PROD_GATES, Team, with_gates

from lampway.domain.deployment import CheckOutcome, Evidence
from lampway.domain.digest import digest_bytes
from lampway.domain.judgement import GateState
from lampway.domain.promotion import PromotionState
from lampway.domain.strategy import Check, Person, Strategy
from lampway.engine.attest import FILE_LIMIT, AttestCheck, AttestedNow, GivenFile, ReadKept
from lampway.engine.audit import Audit
from lampway.engine.recheck import RunChecks
from lampway.engine.views import Explain
from lampway.errors import LampwayError, NotFoundError, RefusedError, UsageError

UAT = Check("walk-through", "uat", attested=True)


def with_uat(rules: Strategy, max_age: float = 0.0) -> Strategy:
    orders = replace(rules.solutions[0], checks=(*rules.solutions[0].checks, replace(UAT, max_age=max_age)))
    testers = (
        Person("tess", "Tess", ("tess@example.test",), ("tester",)),
        Person("tim", "Tim", ("tim@example.test",), ("tester", "maker")),
    )
    people = tuple(replace(p, roles=(*p.roles, "tester")) if p.id == "mia" else p for p in rules.people)
    return replace(rules, solutions=(orders, *rules.solutions[1:]), people=(*people, *testers))


def attest(team: Team, outcome: str = "passed", by: str = "tess", **more: Any) -> AttestedNow:
    given = {"release": "orders", "environment": "test", "check": UAT.name, "cases": "two orders, one refund"}
    return team.do(AttestCheck(**{**given, "outcome": outcome, **more}), by)


def gate(team: Team) -> Any:
    (found,) = [g for g in team.run(Explain("orders", "prod")).gates if g.gate == "checks"]
    return found


@pytest.fixture
def promotion(team: Team) -> str:
    """Return a promotion to production that waits for a tester and an approval."""
    team.govern(with_uat(team.rules))
    team.release("1.19")
    return team.promote(by="rita")


def test_what_people_test_is_waited_for_and_not_run(team: Team, promotion: str) -> None:
    assert [name for name, _ in team.bench.ran] == ["smoke"]
    told = gate(team)
    assert told.state is GateState.PENDING
    assert told.reason == "check *walk-through* was not attested in test"
    assert "mia, tess, tim" in told.next
    assert "lampway check attest orders@1.0.0 --in test --check walk-through" in told.next
    team.approve(promotion)
    assert team.prod.applied == []
    attest(team)
    assert team.running("prod") == "1.0.0"


def test_the_record_says_who_what_where_with_which_data_and_files(team: Team, promotion: str) -> None:
    picture = b"\x89PNG\xff\x00"
    data = {"data_set": "masked orders of May", "files": (GivenFile("order.png", picture),)}
    evidence = attest(team, **data).evidence
    assert team.get(Evidence, evidence.id) == evidence
    assert evidence.release == team.installed("test").release
    assert (evidence.environment, evidence.outcome) == ("test", CheckOutcome.PASSED)
    said = evidence.attested
    assert (said.by, said.cases, said.data_set) == ("tess", "two orders, one refund", "masked orders of May")
    assert [(f.name, f.digest, f.size) for f in said.files] == [("order.png", digest_bytes(picture), 6)]
    assert not said.authenticated
    assert team.run(ReadKept(evidence.id, "order.png")) == picture
    with pytest.raises(NotFoundError, match="has no output") as caught:
        team.run(ReadKept(evidence.id))
    assert caught.value.hint == "kept of it: order.png"
    del team.packages.kept[digest_bytes(picture)]
    assert len(team.run(Audit()).damage) == 1
    assert promotion


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("ana", "no tester"),
        ("rita", "no tester"),
        ("mia", "Mia made what is in it"),
        ("mia@example.test", "Mia made what is in it"),
        ("stranger", "nobody in people.yaml"),
    ],
)
def test_who_may_not_attest_is_refused(team: Team, promotion: str, person: str, why: str) -> None:
    count = len(team.find(Evidence))
    with pytest.raises(RefusedError, match=why):
        attest(team, by=person)
    assert len(team.find(Evidence)) == count
    assert promotion


def test_where_nobody_knows_who_edited_no_maker_attests() -> None:
    team = Team(tells_editors=False)
    team.govern(with_uat(team.rules))
    team.release("1.19")
    team.promote()
    with pytest.raises(RefusedError, match="Tim may edit in dev"):
        attest(team, by="tim")
    attest(team, by="tess")


def test_makers_of_every_release_on_the_way_to_production_count(team: Team, promotion: str) -> None:
    """What tim made in 1.0.1 is part of what 1.0.2 brings."""
    assert promotion
    team.release("1.16", by="tim")
    team.dev.apps["a1"].editors.clear()
    team.release("1.10", by="mia")
    team.promote("test")
    with pytest.raises(RefusedError, match="Tim made"):
        attest(team, by="tim")


def test_only_exactly_what_is_installed_can_be_attested(team: Team, promotion: str) -> None:
    team.release("1.16")
    with pytest.raises(RefusedError, match="is not installed in test"):
        attest(team, release="orders@1.0.1")
    with pytest.raises(RefusedError, match="nothing is"):
        attest(team, release="orders@1.0.0", environment="prod")
    assert promotion


def test_a_failure_after_a_pass_voids_what_relied_on_it(team: Team, promotion: str) -> None:
    attest(team)
    assert attest(team, "failed", cases="a refund went wrong").voided == (promotion,)
    assert team.promotion(promotion).state is PromotionState.VOIDED
    assert "Tess: a refund went wrong" in team.promotion(promotion).note


def test_what_is_old_is_asked_for_again_in_words(team: Team) -> None:
    team.govern(with_uat(team.rules, max_age=86_400.0))
    team.release("1.19")
    promotion = team.promote(by="rita")
    attest(team)
    team.clock.move(hours=49)
    team.approve(promotion)
    assert team.prod.applied == []
    told = gate(team)
    assert told.state is GateState.EXPIRED
    assert told.next.startswith("a tester (")
    attest(team)
    assert team.running("prod") == "1.0.0"


@pytest.mark.parametrize(
    ("more", "error", "why"),
    [
        ({"check": "smoke"}, UsageError, "is run, not attested"),
        ({"check": "walk"}, NotFoundError, "people attest: walk-through"),
        ({"environment": "dev"}, NotFoundError, "stages are"),
        ({"outcome": "errored"}, UsageError, "passed or failed"),
        ({"outcome": "\x1b[31m"}, UsageError, "passed or failed"),
        ({"cases": " \n"}, UsageError, "what was tried"),
        ({"cases": "x" * 10_001}, UsageError, "10000 characters"),
        ({"data_set": "x" * 201}, UsageError, "a data set 200"),
        ({"files": (GivenFile("a", b""), GivenFile("a", b"1"))}, UsageError, "same name"),
        ({"files": tuple(GivenFile(f"{n}", b"") for n in range(21))}, UsageError, "at most 20"),
        ({"files": (GivenFile("big", b"x" * (FILE_LIMIT + 1)),)}, UsageError, "larger than 20 MiB"),
        ({"files": (GivenFile("ok", b"1"), GivenFile("s", b"=erp-password-of-test"))}, RefusedError, "holds a secret"),
    ],
)
def test_what_is_asked_wrongly_ends_in_one_error_and_nothing_recorded(
    team: Team, promotion: str, more: dict[str, Any], error: type[LampwayError], why: str
) -> None:
    kept, events = dict(team.packages.kept), len(team.kinds())
    with pytest.raises(error) as caught:
        attest(team, **more)
    assert why in f"{caught.value} {caught.value.hint}"
    assert len(team.kinds()) == events
    assert team.packages.kept == kept
    assert promotion


def test_a_secret_in_words_is_masked(team: Team, promotion: str) -> None:
    evidence = attest(team, cases="signed in with erp-password-of-test").evidence
    assert "erp-password" not in f"{evidence}"
    assert promotion


def test_what_is_attested_is_not_run(team: Team, promotion: str) -> None:
    with pytest.raises(UsageError, match="attested by a person"):
        team.do(RunChecks("orders", "test", UAT.name))
    done = team.do(RunChecks("orders", "test"))
    assert [e.check for e in done.evidence] == ["smoke"]
    assert promotion


def test_only_uat_may_be_asked_for_by_a_gate(team: Team) -> None:
    gates = tuple(replace(g, kinds=("uat",)) if g.gate == "checks" else g for g in PROD_GATES)
    team.govern(with_gates(with_uat(team.rules), "prod", gates))
    team.release("1.19")
    promotion = team.promote(by="rita")
    team.approve(promotion)
    attest(team)
    assert team.running("prod") == "1.0.0"
