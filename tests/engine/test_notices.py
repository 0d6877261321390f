"""People are told what concerns them, once, by the way the strategy says; what does not arrive is tried again."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from team import Team

from lampway.domain.deployment import CheckOutcome
from lampway.domain.events import ENGINE, LockObserved
from lampway.domain.notify import ATTEMPTS, Channel, Notify, Route
from lampway.engine.cases import LookAtLock
from lampway.engine.decide import Decide
from lampway.engine.deliver import Delivered, SendNotices, ShowNotices, TryChannel
from lampway.engine.drift import ScanDrift
from lampway.engine.ports import Message, Way
from lampway.engine.promote import Rollback
from lampway.errors import DeliveryError, NotFoundError, RefusedError
from lampway.integrations.courier import ChannelCourier
from lampway.testing.world import Fault
from receiver import listening

CHAT = Notify((Channel("chat", apprise="env:CHAT"),), (Route(("chat",)),))


@dataclass
class Postman:
    """Takes every message, unless it is broken."""

    taken: list[Message] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    broken: int = 0

    def send(self, way: Way, message: Message, at: datetime) -> None:
        self.ways.append(way)
        if self.broken:
            self.broken -= 1
            raise DeliveryError("nobody opens")
        self.taken.append(message)

    def titles(self) -> list[str]:
        return [message.title for message in self.taken]


def with_courier(team: Team, courier: Any, notify: Notify | None = CHAT) -> None:
    team.vault.known["env:CHAT"] = "json://chat.example/pass-word"
    team.engine = replace(team.engine, courier=courier)
    if notify is not None:
        team.govern(replace(team.rules, notify=notify))


@pytest.fixture
def post(team: Team) -> Postman:
    postman = Postman()
    with_courier(team, postman)
    return postman


@pytest.fixture
def shipped_post(shipped: Team) -> Postman:
    postman = Postman()
    with_courier(shipped, postman)
    return postman


def send(team: Team, *, again: bool = False) -> Delivered:
    return team.run(SendNotices(again=again))


def told(post: Postman, kind: str) -> list[tuple[str, ...]]:
    return [tuple(m.facts["people"]) for m in post.taken if m.kind == kind]


def test_who_may_approve_is_told_once_and_only_when_it_waits_for_them(team: Team, post: Postman) -> None:
    team.bench.fail("smoke", "test")
    team.release()
    team.promote()
    send(team)
    assert told(post, "approval-needed") == []
    assert told(post, "failed") == [("mia", "rita")], "whoever asked, and on call"
    del team.bench.results["smoke", "memory://test"]
    promotion = team.promote()
    team.settle()
    send(team)
    assert told(post, "approval-needed") == [("max", "ana", "bob")]
    asked = next(m for m in post.taken if m.kind == "approval-needed")
    assert asked.title == "approval needed: orders@1.0.0 → prod"
    assert f"→ lampway show {promotion}" in asked.text
    assert asked.facts["digest"] == team.promotion(promotion).bound.release
    assert team.promotion(promotion).asked_at


def test_whoever_asked_is_told_what_was_decided_and_what_came_of_it(team: Team, post: Postman) -> None:
    team.release()
    team.approve(team.promote())
    send(team)
    assert told(post, "decided") == [("mia", "max", "bob")], "not ana, who decided"
    assert "deployed: orders@1.0.0 → prod" in post.titles()
    team.release("1.16")
    second = team.promote()
    team.do(Decide(second, approved=False, reason="not on a Friday"), "bob")
    send(team)
    assert "rejected: orders@1.0.1 → prod" in post.titles()
    assert "not on a Friday" in post.taken[-1].text


def test_a_promotion_that_is_void_is_told_to_who_asked_and_who_could_have_approved(team: Team, post: Postman) -> None:
    team.release()
    promotion = team.promote()
    environments = tuple(
        replace(e, values=replace(e.values, variables={**e.values.variables, "ERP_URL": "https://new"}))
        if e.name == "prod"
        else e
        for e in team.rules.environments
    )
    team.govern(replace(team.rules, environments=environments))
    team.settle()
    send(team)
    assert team.promotion(promotion).state == "voided"
    assert told(post, "voided") == [("mia", "max", "ana", "bob")]
    assert "the configuration of the environment" in post.taken[-1].text


def test_on_call_is_told_to_look_and_that_something_was_rolled_back(shipped: Team, shipped_post: Postman) -> None:
    shipped.do(Rollback("orders", "prod", "wrong totals"), "rita")
    shipped.prod.fail(Fault.HALF)
    shipped.release("1.10")
    shipped.approve(shipped.promote())
    send(shipped)
    assert told(shipped_post, "rolled-back") == [("mia", "rita")]
    assert told(shipped_post, "reconcile") == [("rita",)]
    assert "lampway reconcile orders --in prod" in shipped_post.taken[-1].text


def test_the_owner_is_told_of_drift_and_on_call_of_an_open_lock_once(shipped: Team, shipped_post: Postman) -> None:
    shipped.prod.edit("p2", does="times 2")
    shipped.prod.is_locked = False
    for _ in range(3):
        shipped.run(ScanDrift(("prod",)), "rita")
        shipped.run(LookAtLock("prod"), "rita")
    send(shipped)
    assert told(shipped_post, "drift") == [("mia",)]
    assert told(shipped_post, "lock-open") == [("rita",)]
    shipped.engine.record([LockObserved("prod", "locked", "fine", "")], ENGINE)
    shipped.run(LookAtLock("prod"), "rita")
    send(shipped)
    assert len(told(shipped_post, "lock-open")) == 2, "it had been closed in between"


def test_a_strategy_that_tells_nobody_leaves_no_trace_of_it(team: Team) -> None:
    before = len(team.store.due())
    team.release()
    team.approve(team.promote())
    assert "approval-asked" not in team.kinds()
    assert [d for d in team.store.due() if d.kind == "notice"] == []
    assert before == 0


def test_what_did_not_arrive_is_tried_again_with_the_same_id_until_it_is_given_up(team: Team, post: Postman) -> None:
    post.broken = ATTEMPTS + 1
    team.run(LookAtLock("prod"), "rita")
    team.prod.is_locked = False
    team.run(LookAtLock("prod"), "rita")
    for number in range(1, ATTEMPTS + 1):
        assert send(team).failed == 1, number
        assert send(team) == Delivered(0, 0, send(team).next_at), "not before its time"
        team.clock.move(hours=6)
    (pending,) = team.run(ShowNotices())
    assert (pending.state, pending.attempts, pending.error) == ("failed", ATTEMPTS, "nobody opens")
    assert send(team) == Delivered(0, 0, "")
    assert send(team, again=True).failed == 1
    post.broken = 0
    assert send(team, again=True).sent == 1
    assert team.run(ShowNotices()) == ()
    assert post.taken[0].id == pending.id


def test_two_that_deliver_at_once_do_not_send_twice(team: Team, post: Postman) -> None:
    team.prod.is_locked = False
    team.run(LookAtLock("prod"), "rita")

    class Meanwhile(Postman):
        def send(self, way: Way, message: Message, at: datetime) -> None:
            post.taken.append(message)
            team.run(SendNotices())

    team.engine = replace(team.engine, courier=Meanwhile())
    assert send(team).sent == 1
    assert len(post.taken) == 1


def test_a_channel_that_is_down_is_asked_once_in_a_round_and_holds_up_no_other(team: Team) -> None:
    class OneIsDown(Postman):
        def send(self, way: Way, message: Message, at: datetime) -> None:
            super().send(way, message, at)
            if way.webhook:
                raise DeliveryError("no answer")

    post = OneIsDown()
    hook = Channel("hook", webhook="https://h.example", secret="env:CHAT")
    both = (Route(("chat",)), Route(("hook",)))
    with_courier(team, post, replace(CHAT, channels=(*CHAT.channels, hook), routes=both))
    team.release()
    team.approve(team.promote())
    came = send(team)
    assert (came.sent, came.failed) == (3, 1)
    assert sum(1 for way in post.ways if way.webhook) == 1
    assert {(n.channel, n.state) for n in team.run(ShowNotices())} == {("hook", "retrying"), ("hook", "waiting")}


def test_what_a_process_that_died_was_sending_is_sent_by_the_next(team: Team, post: Postman) -> None:
    class Dying(Postman):
        def send(self, way: Way, message: Message, at: datetime) -> None:
            raise KeyboardInterrupt

    team.prod.is_locked = False
    team.run(LookAtLock("prod"), "rita")
    team.engine = replace(team.engine, courier=Dying())
    with pytest.raises(KeyboardInterrupt):
        send(team)
    team.engine = replace(team.engine, courier=post)
    assert send(team).sent == 0
    team.clock.move(seconds=31)
    assert send(team).sent == 1


def test_an_event_that_was_not_recorded_is_not_told(team: Team, post: Postman) -> None:
    event = LockObserved("prod", "open", "anybody may", "")
    with contextlib.suppress(RuntimeError), team.store.transaction() as transaction:
        transaction.append(event, ENGINE)
        raise RuntimeError
    assert team.run(ShowNotices()) == ()


def test_low_risk_is_collected_and_sent_as_one_at_its_time(team: Team) -> None:
    post = Postman()
    with_courier(team, post, replace(CHAT, routes=(Route(("chat",), digest=86400.0),)))
    quiet = tuple(replace(s, criticality="low") for s in team.rules.solutions)
    team.govern(replace(team.rules, solutions=quiet))
    team.release()
    team.approve(team.promote())
    assert send(team).sent == 1, "whoever must act is told at once"
    assert post.titles() == ["approval needed: orders@1.0.0 → prod"]
    team.clock.move(hours=14, minutes=59)
    assert send(team).sent == 0
    team.clock.move(minutes=1)
    assert send(team) == Delivered(1, 0, "")
    assert post.titles()[1:] == ["2 things of low risk"]
    assert "deployed: orders@1.0.0 → prod" in post.taken[1].text
    assert team.run(ShowNotices()) == ()


def test_a_link_leads_to_one_screen_where_there_are_screens(team: Team) -> None:
    post = Postman()
    with_courier(team, post, replace(CHAT, url="https://lampway.example"))
    team.release()
    promotion = team.promote()
    send(team)
    assert post.taken[-1].link == f"https://lampway.example/promotions/{promotion}"
    assert "lampway show" not in post.taken[-1].text


def test_nothing_secret_is_kept_or_told_of_a_channel(team: Team, post: Postman) -> None:
    post.broken = 1
    team.prod.is_locked = False
    team.run(LookAtLock("prod"), "rita")
    send(team)
    assert "pass-word" not in str(team.store.due())
    assert "pass-word" not in str(post.ways)
    del team.vault.known["env:CHAT"]
    team.clock.move(hours=1)
    assert send(team).failed == 1
    assert "env:CHAT" in team.run(ShowNotices())[0].error


def test_a_channel_can_be_tried_by_somebody_who_is_known(team: Team, post: Postman) -> None:
    assert team.run(TryChannel("chat"), "zoe") == post.taken[0].id
    assert post.taken[0].kind == "test"
    with pytest.raises(RefusedError):
        team.run(TryChannel("chat"), "stranger")
    with pytest.raises(NotFoundError) as error:
        team.run(TryChannel("pager"), "zoe")
    assert error.value.hint == "there is: chat"
    post.broken = 1
    with pytest.raises(DeliveryError):
        team.run(TryChannel("chat"), "zoe")
    assert team.run(ShowNotices()) == ()


@pytest.fixture
def hooked(team: Team) -> Iterator[Any]:
    with listening() as receiver:
        team.vault.known["env:HOOK"] = "whsec_" + base64.b64encode(bytes(32)).decode()
        channel = Channel("hook", webhook=f"{receiver.url}/hook", secret="env:HOOK")
        with_courier(team, ChannelCourier(), Notify((channel,), (Route(("hook",)),), allow=("127.0.0.1/32",)))
        yield receiver


def test_over_a_real_wire_everything_arrives_in_the_end_though_the_receiver_fails(team: Team, hooked: Any) -> None:
    hooked.answers, hooked.headers = [503, 500, 429], {"Retry-After": "90"}
    team.release()
    team.approve(team.promote())
    rounds = 0
    while team.run(ShowNotices()):
        send(team)
        team.clock.move(seconds=100)
        rounds += 1
    arrived = [t.headers["webhook-id"] for t in hooked.taken[3:]]
    refused = [t.headers["webhook-id"] for t in hooked.taken[:3]]
    assert set(refused) <= set(arrived)
    assert len(set(arrived)) == len(arrived), "nothing that arrived is sent again"
    kinds = {json.loads(t.body)["type"] for t in hooked.taken[3:]}
    assert kinds == {"lampway.approval-needed", "lampway.decided", "lampway.deployed"}
    assert 1 < rounds < 8


def test_what_was_told_does_not_stand_in_the_way_of_an_audit(team: Team, post: Postman) -> None:
    team.bench.fail("smoke", "test", CheckOutcome.ERRORED)
    team.release()
    team.promote()
    send(team)
    assert team.store.audit() == ()
