"""A form that lets a deployment begin is answered at once; the deployment goes on behind the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from served import SECONDS, Served
from visiting import Visitor

from lampway.domain.promotion import Promotion, PromotionState
from lampway.domain.strategy import Check
from lampway.engine.ports import CheckResult
from lampway.engine.progress import ShowProgress
from lampway.web.afterwards import Afterwards


class SlowBench:
    """Checks that take as long as the test wants them to."""

    def __init__(self, served: Served) -> None:
        self.inner = served.team.bench
        self.begun, self.may_end = threading.Event(), threading.Event()

    def run(self, check: Check, base_url: str, files: Mapping[str, bytes], facts: Mapping[str, str]) -> CheckResult:
        """Run a check, once it may end."""
        self.begun.set()
        assert self.may_end.wait(SECONDS)
        return self.inner.run(check, base_url, files, facts)


@pytest.fixture
def slow(served: Served) -> Iterator[SlowBench]:
    """Return checks that do not end before they may."""
    bench = SlowBench(served)
    object.__setattr__(served.team.engine, "checks", bench)
    yield bench
    bench.may_end.set()
    served.rest()


def send(served: Served, person: str, look: str, path: str, **fields: str) -> Visitor:
    """Send a form and wait for nothing else."""
    one = Visitor(served, person)
    one.look(look)
    rest, one._served.rest = one._served.rest, lambda: None
    hidden = {name: one.hidden(name) for name in ("fingerprint", "digest", "running", "target") if name in fields}
    one.send(path, **{**fields, **hidden})
    one._served.rest = rest
    return one


def test_asking_for_a_promotion_shows_where_it_stands_while_it_goes(served: Served, slow: SlowBench) -> None:
    form = {"fingerprint": "", "to": "prod"}
    mia = send(served, "mia", "/solutions/orders/release", "/solutions/orders/release", **form)
    assert slow.begun.wait(SECONDS), "the deployment goes on behind the page"
    text = mia.look(mia.url)
    assert "waiting for previous-stage, checks, " in text
    assert "First it goes to test: running" in text
    assert "approval: 0 of 1 approvals" in text
    assert 'data-live="/promotions/' in mia.last
    slow.may_end.set()
    served.rest()
    assert served.team.running("test") == "1.0.0"


def test_a_rollback_is_answered_before_it_has_come_to_its_end(served: Served, slow: SlowBench) -> None:
    slow.may_end.set()
    for price in ("1.19", "1.50"):
        served.team.ship(price)
    slow.may_end.clear()
    path = "/solutions/orders/rollback/prod"
    rita = send(served, "rita", path, path, reason="wrong price", running="", target="")
    assert slow.begun.wait(SECONDS)
    assert "running" in rita.look(rita.url)
    slow.may_end.set()
    served.rest()
    assert served.team.running("prod") == "1.0.0"


def test_what_fails_is_asked_for_again_and_answered_at_once(served: Served, slow: SlowBench) -> None:
    slow.may_end.set()
    served.team.bench.fail("smoke", "test")
    served.team.release()
    served.team.promote("test")
    (failed,) = served.team.find(Promotion)
    assert failed.state is PromotionState.FAILED
    served.team.bench.results.clear()
    slow.may_end.clear()
    slow.begun.clear()
    mia = send(served, "mia", f"/promotions/{failed.id}", f"/promotions/{failed.id}/again")
    assert mia.url != f"/promotions/{failed.id}"
    assert slow.begun.wait(SECONDS)
    slow.may_end.set()
    served.rest()
    assert served.team.running("test") == "1.0.0"


def test_progress_says_for_what_it_waits_and_that_alone(served: Served) -> None:
    served.team.release()
    promotion = served.team.promote()
    found = served.local("zoe").run(ShowProgress(promotion))
    assert found.before == ()
    assert [line.partition(":")[0] for line in found.waits_for] == ["approval pending"]
    served.team.approve(promotion)
    assert served.local("zoe").run(ShowProgress(promotion)).waits_for == ()


def test_of_two_who_approve_at_the_same_moment_one_wins_and_the_other_is_told(served: Served) -> None:
    served.team.release()
    promotion = served.team.promote()
    people = [Visitor(served, name) for name in ("ana", "bob")]
    for one in people:
        one.look(f"/promotions/{promotion}")
    together = threading.Barrier(len(people))

    def approve(one: Visitor) -> int:
        form = {"form_key": one.hidden("form_key"), "digest": one.hidden("digest"), "decision": "approve"}
        together.wait(SECONDS)
        return one.client.post(f"/promotions/{promotion}/decide", data=form).status_code

    with ThreadPoolExecutor(len(people)) as threads:
        told = list(threads.map(approve, people))
    served.rest()
    after = served.team.promotion(promotion)
    assert after.state is PromotionState.SUCCEEDED
    assert served.team.running("prod") == "1.0.0"
    counted = [d.by for d in after.decisions]
    assert len(counted) == told.count(200), "whoever is told yes is in the record, and nobody else"
    assert set(told) <= {200, 409}


def test_a_server_that_ends_waits_for_what_is_under_way() -> None:
    after, may_end, done = Afterwards(), threading.Event(), threading.Event()

    def rest() -> None:
        may_end.wait(SECONDS)
        done.set()

    after.take(rest)
    assert not after.rest(0.05)
    may_end.set()
    assert after.rest(SECONDS)
    assert done.is_set()
