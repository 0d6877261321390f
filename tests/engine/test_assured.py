"""What stands behind a release, from the records alone: rehearsals, needs, an owner's word, data, tickets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from team import APPROVAL, PROD_GATES, TEST_GATES, Team, with_gates
from test_attesting import UAT, with_uat
from test_evidence import faults
from test_people import with_stage
from test_recomputing import recompute

from lampway.domain.attestation import CERTIFICATE, Attestation
from lampway.domain.certification import Certification
from lampway.domain.deployment import Evidence
from lampway.domain.events import Certified, TicketGiven
from lampway.domain.judgement import GateResult, GateState
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.strategy import DataSet, GateRule, Strategy
from lampway.domain.windows import Freeze, Window
from lampway.engine.attest import AttestCheck
from lampway.engine.audit import Audit, History
from lampway.engine.certify import Recertify
from lampway.engine.decide import Decide
from lampway.engine.drift import AcceptDrift, ScanDrift
from lampway.engine.evidence import ExportEvidence
from lampway.engine.promote import Promote, Rollback
from lampway.engine.recheck import RunChecks
from lampway.engine.rehearse import Rehearse
from lampway.engine.release import MakeRelease
from lampway.engine.ticket import GiveTicket
from lampway.engine.views import Explain, ShowPromotion, Status
from lampway.engine.waive import Waive
from lampway.errors import LampwayError, NotFoundError, RefusedError, UsageError
from lampway.testing.world import App, Part

G = GateState
DIGEST = "sha256:" + "d" * 64
DAY = 86_400.0


def asks(team: Team, *gates: GateRule, **terms: Any) -> None:
    """Put rules in force that ask for these gates at production, besides the usual ones."""
    team.govern(with_stage(with_gates(team.rules, "prod", (*PROD_GATES, *gates)), **terms))


def explained(team: Team, kind: str, release: str = "orders", by: str = "mia") -> GateResult:
    return next(g for g in team.run(Explain(release, "prod"), by).gates if g.gate == kind)


# Rehearsal


@pytest.fixture
def upgrading(shipped: Team) -> Team:
    """Return a team with 1.0.1 in production and test, and 1.0.2 that asks to follow it, approved."""
    asks(shipped, GateRule("rehearsed", max_age=2 * DAY))
    shipped.release("1.10")
    return shipped


def rehearse(team: Team, version: str = "1.0.2") -> None:
    team.promote("test", f"orders@{version}")
    team.do(Rollback("orders", "test", "rehearsal"))


def test_an_upgrade_enters_once_it_and_the_way_back_were_rehearsed(upgrading: Team) -> None:
    team = upgrading
    assert explained(team, "rehearsed").next == "lampway rehearse orders@1.0.2 --in test"
    promotion = team.promote()
    team.approve(promotion)
    half = explained(team, "rehearsed")
    assert (half.state, half.next) == (G.PENDING, "lampway rehearse orders@1.0.2 --in test")
    team.do(Rollback("orders", "test", "rehearsal", to="1.0.1"))
    assert team.running("prod") == "1.0.2", explained(team, "rehearsed")
    ready = [e.event for e in team.store.events() if getattr(e.event, "state", "") == PromotionState.READY]
    assert "rehearsed in test on 2026-01-05: 1.0.1 → 1.0.2 → 1.0.1" in str(ready[-1].gates)
    assert recompute(team) >= 2


def test_a_rehearsal_of_another_upgrade_is_none_of_this_one(upgrading: Team) -> None:
    team = upgrading
    rehearse(team)
    assert explained(team, "rehearsed").state is G.PASSED
    team.release("1.05")
    assert explained(team, "rehearsed").state is G.PENDING
    assert explained(team, "rehearsed", "orders@1.0.2").state is G.PASSED


def test_something_else_in_between_is_no_way_back(upgrading: Team) -> None:
    team = upgrading
    team.promote("test", "orders@1.0.2")
    team.promote("test", "orders@1.0.0")
    team.do(Rollback("orders", "test", "not from there", to="1.0.1"))
    told = explained(team, "rehearsed")
    assert told.state is G.PENDING
    assert told.next == "lampway rehearse orders@1.0.2 --in test"


def test_an_old_rehearsal_has_to_be_done_again(upgrading: Team) -> None:
    team = upgrading
    rehearse(team)
    team.clock.move(days=2)
    assert explained(team, "rehearsed").state is G.PASSED
    team.clock.move(hours=1)
    assert explained(team, "rehearsed").state is G.EXPIRED
    rehearse(team)
    assert explained(team, "rehearsed").state is G.PASSED


@pytest.mark.parametrize("there", ["1.0.0", "1.0.1", "1.0.2"])
def test_the_command_that_explain_names_does_open_it(upgrading: Team, there: str) -> None:
    team = upgrading
    team.do(Promote(f"orders@{there}", "test"))
    words = explained(team, "rehearsed").next.split()
    assert words[:2] + words[3:4] == ["lampway", "rehearse", "--in"]
    team.do(Rehearse(words[2], words[4]))
    assert explained(team, "rehearsed").state is G.PASSED


def test_a_failed_way_back_is_no_rehearsal(upgrading: Team) -> None:
    team = upgrading
    team.promote("test", "orders@1.0.2")
    team.bench.fail("smoke", "test")
    team.do(Rollback("orders", "test", "rehearsal"))
    assert explained(team, "rehearsed").state is G.PENDING


# Needs


def needing(rules: Strategy, lowest: str = "1.1.0", **more: Any) -> Strategy:
    orders, *others = rules.solutions
    return replace(rules, solutions=(replace(orders, depends_on={"billing": lowest}, **more), *others))


def bill(team: Team, does: str = "send a bill") -> Release:
    team.dev.draw(App("a3", "Billing", (Part("p9", "Bill", does),)), by="max@example.test")
    made = team.run(MakeRelease("billing"), "max").release
    assert made is not None
    return made


@pytest.fixture
def dependent(team: Team) -> Team:
    """Return a team whose orders need billing 1.1.0, with billing 1.0.0 in production."""
    gates = with_gates(team.rules, "test", TEST_GATES)
    gates = with_gates(gates, "prod", (*PROD_GATES, GateRule("dependencies")))
    team.govern(needing(gates))
    bill(team)
    team.approve(team.promote(release="billing", by="max"))
    assert team.installed("prod", "billing").version == "1.0.0"
    return team


def test_what_was_asked_for_goes_in_once_what_it_needs_is_there(dependent: Team) -> None:
    team = dependent
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    told = explained(team, "dependencies")
    assert (told.state, told.next) == (G.PENDING, "lampway promote billing --to prod")
    assert told.reason == "billing 1.1.0 or higher is needed, and 1.0.0 runs in prod"
    team.dev.draw(App("a3", "Billing", (Part("p9", "Bill"), Part("p10", "More"))), by="max@example.test")
    assert team.run(MakeRelease("billing"), "max").release.version == "1.1.0"
    team.approve(team.promote(release="billing", by="max"))
    assert team.running("prod") == "1.0.0"
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    assert recompute(team) >= 2


def test_needs_are_sealed_and_a_change_of_them_is_a_new_release(dependent: Team) -> None:
    team = dependent
    first = team.release("1.19")
    assert [(d.name, d.version) for d in first.depends_on] == [("billing", "1.1.0")]
    assert team.run(MakeRelease("orders")).release is None
    promotion = team.promote()
    team.approve(promotion)
    team.govern(needing(team.rules, "1.0.0"))
    assert explained(team, "dependencies").state is G.PENDING
    assert team.promotion(promotion).state is PromotionState.WAITING
    second = team.run(MakeRelease("orders")).release
    assert (second.version, second.depends_on[0].version) == ("1.0.1", "1.0.0")
    assert explained(team, "dependencies").state is G.PASSED
    assert team.run(Audit()).damage == ()


def test_what_it_needs_may_go_while_it_waits_and_that_voids_nothing(dependent: Team) -> None:
    team = dependent
    team.govern(needing(team.rules, "1.0.0"))
    team.release("1.19")
    promotion = team.promote()
    assert explained(team, "dependencies").state is G.PASSED
    bound = team.promotion(promotion).bound
    team.do(Rollback("billing", "prod", "gone", remove=True), "pam")
    team.approve(promotion)
    assert explained(team, "dependencies").reason.endswith("nothing of it runs in prod")
    assert (team.promotion(promotion).state, team.running("prod")) == (PromotionState.WAITING, "")
    assert team.promotion(promotion).bound == bound


def test_a_live_edit_of_what_it_needs_is_seen_right_before_the_start(dependent: Team) -> None:
    """Somebody finds it while the platform is asked for its plan: nothing starts."""
    team = dependent
    team.govern(needing(team.rules, "1.0.0"))
    team.release("1.19")
    promotion = team.promote()
    count = len(team.prod.applied)

    def found() -> None:
        team.prod.edit("p9", does="send no bill")
        team.run(ScanDrift(("prod",)), "pam")

    team.prod.meanwhile(found, before="plan")
    team.approve(promotion)
    assert explained(team, "drift").state is G.FAILED
    assert len(team.prod.applied) == count


def test_a_live_edit_of_what_it_needs_holds_it_back(dependent: Team) -> None:
    team = dependent
    team.govern(needing(team.rules, "1.0.0"))
    team.release("1.19")
    promotion = team.promote()
    team.prod.edit("p9", does="send no bill")
    team.do(Promote("orders", "prod"))
    team.approve(promotion)
    told = explained(team, "drift")
    assert told.state is G.FAILED
    assert "in billing, which it depends on" in told.reason
    assert team.running("prod") == ""
    team.do(AcceptDrift("billing", "prod", "the tax office wants it"), "pam")
    assert team.running("prod") == "1.0.0"


# An owner's word


def test_only_an_owner_certifies_and_it_is_signed_shown_and_ends(team: Team) -> None:
    orders, *others = team.rules.solutions
    rules = replace(team.rules, solutions=(replace(orders, backup_owner="rita"), *others))
    team.rules = rules
    asks(team, GateRule("certified", warn=14 * DAY))
    release = team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    told = explained(team, "certified")
    assert (told.state, told.next) == (G.FAILED, "mia or rita: lampway recertify orders")
    for who in ("ana", "pam", "stranger"):
        with pytest.raises(RefusedError) as caught:
            team.run(Recertify("orders"), who)
        assert caught.value.hint
    assert team.find(Certification) == ()
    given = team.do(Recertify("orders", "30d", "the desk needs it"), "rita")
    assert team.running("prod") == "1.0.0"
    assert (given.by, given.role, given.until) == ("rita", "backup-owner", "2026-02-04T09:00:00.000+00:00")
    (kept,) = [a for a in team.find(Attestation) if a.predicate == CERTIFICATE]
    assert (kept.about, kept.release, kept.signer) == (given.id, release.digest, "lampway")
    cells = team.run(Status())
    assert {c.certified_until for c in cells if c.solution == "orders"} == {given.until}
    assert {c.certified_until for c in cells if c.solution == "billing"} == {""}
    assert cells[0].certification == "orders is certified as still needed until 2026-02-04 09:00 UTC, by rita"
    team.clock.move(days=20)
    assert explained(team, "certified").state is G.WARNED
    team.clock.move(days=10)
    assert explained(team, "certified").state is G.EXPIRED
    assert team.run(Status())[0].certification.startswith("the certification of orders ended")
    team.run(Recertify("orders"))
    assert explained(team, "certified").state is G.PASSED
    assert "orders certified as still needed by rita" in str(team.run(History()))
    assert team.run(Audit()).damage == ()
    assert recompute(team) >= 2


def test_a_certificate_says_what_its_schema_says(shipped: Team) -> None:
    shipped.run(Recertify("orders", reason="needed"))
    (kept,) = [a for a in shipped.find(Attestation) if a.predicate == CERTIFICATE]
    said = json.loads(shipped.notary.open(kept.envelope).payload)["predicate"]
    schema = json.loads((Path(__file__).parents[2] / "docs/schemas/certificate.v1.schema.json").read_text())
    assert set(said) == set(schema["required"]) == set(schema["properties"])
    assert [(r["environment"], r["version"]) for r in said["runs"]] == [("test", "1.0.1"), ("prod", "1.0.1")]
    assert set(said["runs"][0]) == set(schema["properties"]["runs"]["items"]["required"])
    assert said["role"] in schema["properties"]["role"]["enum"]
    assert kept.version == "1.0.1"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (Recertify("orders", "12h"), UsageError),
        (Recertify("orders", "733d"), UsageError),
        (Recertify("orders", "99999w"), UsageError),
        (Recertify("orders", "soon"), UsageError),
        (Recertify("orders", ""), UsageError),
        (Recertify("orders", reason="x" * 1001), UsageError),
        (Recertify("soup"), NotFoundError),
        (Recertify("orders"), RefusedError),
    ],
)
def test_a_certification_that_makes_no_sense_leaves_nothing(
    team: Team, request_: Recertify, error: type[LampwayError]
) -> None:
    before = team.kinds()
    with pytest.raises(error) as caught:
        team.run(request_)
    assert caught.value.hint
    assert team.kinds() == before


# Data


def holding(rules: Strategy, data: str, data_set: DataSet | None = None) -> Strategy:
    places = tuple(replace(e, data=data, data_set=data_set) if e.name == "test" else e for e in rules.environments)
    return replace(rules, environments=places)


def test_evidence_says_on_which_data_it_was_collected(team: Team) -> None:
    asks(team, GateRule("data"))
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    assert explained(team, "data").state is G.ERRORED
    team.govern(holding(team.rules, "masked"))
    assert team.promotion(promotion).state is PromotionState.WAITING, "data governs no stage by itself"
    assert explained(team, "data").state is G.INCONCLUSIVE
    team.govern(holding(team.rules, "masked", DataSet("orders of May", DIGEST)))
    assert explained(team, "data").state is G.INCONCLUSIVE, "what was collected before says nothing about it"
    team.do(RunChecks("orders", "test"))
    assert team.running("prod") == "1.0.0"
    found = team.find(Evidence, environment="test")[-1]
    assert (found.data, found.data_set, found.data_digest) == ("masked", "orders of May", DIGEST)
    assert [(e.data, e.data_digest) for e in team.find(Evidence, environment="prod")] == [("", "")]
    assert "masked data *orders of May* in test" in explained(team, "data").reason
    assert recompute(team) >= 2


def test_evidence_from_production_data_does_not_become_good_by_another_word(team: Team) -> None:
    asks(team, GateRule("data"))
    team.govern(holding(team.rules, "production", DataSet("copy", DIGEST)))
    team.release("1.19")
    team.promote()
    team.govern(holding(team.rules, "masked", DataSet("copy", DIGEST)))
    told = explained(team, "data")
    assert (told.state, told.reason) == (G.FAILED, "check *smoke* ran on production data in test")
    assert "lampway check run orders@1.0.0 --in test --check smoke" in told.next


def test_a_tester_names_the_data_or_has_what_the_environment_declares(team: Team) -> None:
    asks(team, GateRule("data"))
    team.govern(holding(with_uat(team.rules), "synthetic", DataSet("made up", DIGEST)))
    team.release("1.19")
    team.promote(by="rita")
    other = "sha256:" + "e" * 64

    def attest(**more: str) -> Evidence:
        request = AttestCheck("orders", "test", UAT.name, "passed", cases="two orders", **more)
        return team.run(request, "tess").evidence

    assert attest().data_digest == DIGEST
    assert attest(data_set="made up").data_digest == DIGEST
    named = attest(data_set="mine")
    assert (named.data, named.data_set, named.data_digest) == ("synthetic", "mine", "")
    assert explained(team, "data").state is G.INCONCLUSIVE
    assert "--data-digest sha256:..." in explained(team, "data").next
    assert attest(data_set="mine", data_digest=other).data_digest == other
    assert explained(team, "data").state is G.PASSED
    for wrong in ("sha256:1", other.upper(), "md5:" + "0" * 32, DIGEST + "\n"):
        before = team.kinds()
        with pytest.raises(UsageError, match="not a digest"):
            attest(data_digest=wrong)
        assert team.kinds() == before


# Tickets

TICKET = GateRule("ticket", pattern="CHG-[0-9]{4}")


def test_a_ticket_opens_the_gate_and_approvers_see_it(team: Team) -> None:
    asks(team, TICKET)
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    assert explained(team, "ticket").next == f"lampway ticket {promotion} ID"
    bound = team.promotion(promotion).bound
    team.do(GiveTicket(promotion, "CHG-12"), "rita")
    assert explained(team, "ticket").state is G.FAILED
    assert team.running("prod") == ""
    with pytest.raises(RefusedError, match="ana approved it by change ticket CHG-12"):
        team.do(GiveTicket(promotion, "CHG-1234"), "rita")
    with pytest.raises(RefusedError, match="ana approved it"):
        team.run(Promote("orders", "prod", ticket="CHG-1234"))
    assert team.promotion(promotion).bound == bound


def test_a_ticket_that_was_missing_may_follow_the_approval_and_starts_it(team: Team) -> None:
    asks(team, TICKET)
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    team.do(GiveTicket("orders", "CHG-1234"), "rita")
    assert team.running("prod") == "1.0.0"
    assert team.run(ShowPromotion(promotion)).promotion.ticket == "CHG-1234"
    (told,) = [e for e in team.store.events() if isinstance(e.event, TicketGiven)]
    assert (told.actor.person, told.event.ticket) == ("rita", "CHG-1234")
    assert "orders@1.0.0 → prod: goes by change ticket CHG-1234" in str(team.run(History()))
    assert team.run(Audit()).damage == ()
    assert recompute(team) >= 2


def test_a_ticket_given_with_the_request_goes_with_every_stage_on_the_way(team: Team) -> None:
    asks(team, TICKET)
    team.release("1.19")
    asked = team.do(Promote("orders", "prod", ticket="CHG-1234")).promotions
    assert [team.promotion(p).ticket for p in asked] == ["CHG-1234"] * 2
    again = team.do(Promote("orders", "prod", ticket="CHG-9999")).promotions
    assert again == asked[1:]
    assert team.promotion(asked[1]).ticket == "CHG-9999"
    assert team.promotion(asked[0]).ticket == "CHG-1234", "what is done stays as it was"
    team.approve(asked[1])
    assert team.running("prod") == "1.0.0"


@pytest.mark.parametrize("text", ["", " CHG-1234", "a\nb", "x" * 101])
def test_what_is_no_ticket_is_refused_before_anything_is_recorded(team: Team, text: str) -> None:
    asks(team, TICKET)
    team.release("1.19")
    promotion = team.promote()
    before = team.kinds()
    with pytest.raises(UsageError):
        team.run(GiveTicket(promotion, text))
    if text:
        with pytest.raises(UsageError):
            team.run(Promote("orders", "prod", ticket=text))
    assert team.kinds() == before


def test_a_ticket_is_given_only_by_somebody_and_only_to_what_waits(shipped: Team) -> None:
    done = shipped.find(Promotion)[-1].id
    with pytest.raises(RefusedError, match="waits for nobody"):
        shipped.run(GiveTicket(done, "CHG-1"))
    with pytest.raises(NotFoundError):
        shipped.run(GiveTicket("orders", "CHG-1"))
    shipped.release("1.10")
    promotion = shipped.promote()
    with pytest.raises(RefusedError, match="nobody in people"):
        shipped.run(GiveTicket(promotion, "CHG-1"), "stranger")


# Overriding the calendar


def test_a_window_and_a_freeze_are_overridden_by_a_second_person_for_a_reason_and_a_time(team: Team) -> None:
    asks(team, waiver_roles=("release-manager",), windows=(Window(("sat",), "08:00", "09:00", "UTC"),))
    freeze = Freeze("2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00", "audit", ("prod",))
    team.govern(replace(team.rules, freezes=(freeze,)))
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    for who in ("mia", "ana"):
        with pytest.raises(RefusedError):
            team.do(Waive(promotion, "window", "urgent", "2026-01-06"), who)
    team.do(Waive(promotion, "window", "urgent", "2026-01-06"), "rita")
    assert team.running("prod") == ""
    team.do(Waive(promotion, "freeze", "urgent", "2026-01-06"), "rita")
    assert team.running("prod") == "1.0.0"
    ready = [e.event for e in team.store.events() if getattr(e.event, "state", "") == PromotionState.READY][-1]
    waived = {g["gate"]: g["original"] for g in ready.gates if g["state"] == "waived"}
    assert waived["freeze"] == "pending: frozen: audit"
    assert waived["window"].startswith("pending: closed")
    found = faults(team.run(ExportEvidence("orders"), "zoe").content.encode(), team.rules.people)
    assert found == [], "an auditor sees the override, and that it was one's to give"
    assert recompute(team) >= 2


def test_a_freeze_that_is_not_on_cannot_be_waived_ahead(team: Team) -> None:
    asks(team, waiver_roles=("release-manager",))
    freeze = Freeze("2026-02-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00", "audit")
    team.release("1.19")
    promotion = team.promote()
    with pytest.raises(RefusedError, match="has no gate freeze"):
        team.run(Waive(promotion, "freeze", "urgent", "2026-02-03"), "rita")
    team.govern(replace(team.rules, freezes=(freeze,)))
    with pytest.raises(UsageError, match="nothing to waive"):
        team.run(Waive(promotion, "freeze", "urgent", "2026-02-03"), "rita")
    assert team.promotion(promotion).waivers == ()


def test_soak_is_waived_with_its_time_beside_it(team: Team) -> None:
    asks(team, GateRule("soak", wait=7200.0), waiver_roles=("release-manager",))
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    team.do(Waive(promotion, "soak", "urgent", "2026-01-06"), "rita")
    assert team.running("prod") == "1.0.0"


# Whatever came before


def test_every_new_record_is_the_same_when_it_is_folded_again(dependent: Team) -> None:
    team = dependent
    asks(team, TICKET, GateRule("certified"), GateRule("data"), GateRule("rehearsed"), GateRule("managed"))
    team.release("1.19")
    promotion = team.do(Promote("orders", "prod", ticket="CHG-1234")).promotions[-1]
    team.do(Decide(promotion, approved=False, reason="not today"), "ana")
    team.do(Recertify("orders"))
    assert team.run(Audit()).damage == ()
    kinds = {type(e.event) for e in team.store.events()}
    assert Certified in kinds
    assert APPROVAL in PROD_GATES
    assert {p.kind for p in team.find(Promotion)} == {DeploymentKind.FORWARD}
