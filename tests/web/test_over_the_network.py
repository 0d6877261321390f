"""The same requests give the same answers in this process and over the network."""

from __future__ import annotations

from typing import Any

import pytest
from served import PATHS, Served

from lampway.app.wire import answer_type, from_problem, to_problem
from lampway.domain.events import PromotionMoved, Recorded
from lampway.domain.promotion import PromotionState
from lampway.engine import cases as c
from lampway.engine.cases import CASES
from lampway.errors import LampwayError, NotFoundError, RefusedError

_LOCAL_ONLY = {"WriteDocument", "RegisterPasskey"}


def test_everything_but_what_is_named_here_can_be_asked_for() -> None:
    assert {request.__name__ for request in CASES} - PATHS.keys() == _LOCAL_ONLY


def test_a_release_goes_from_dev_to_prod_without_touching_the_state(served: Served) -> None:
    maker, approver = served.remote("mia"), served.remote("ana")
    made = maker.run(c.MakeRelease("orders"))
    asked = maker.run(c.Promote(made.release.name, "prod"))
    waiting = approver.run(c.Inbox())
    assert [w.promotion.id for w in waiting] == [asked.promotions[-1]]
    approver.run(c.Decide(asked.promotions[-1], approved=True))
    assert served.team.running("prod") == made.release.version
    assert maker.run(c.ShowPromotion(asked.promotions[-1])).promotion.state is PromotionState.SUCCEEDED
    decided = served.team.promotion(asked.promotions[-1]).decisions[0]
    assert decided.by == "ana"


def test_reading_gives_the_same_answer_either_way(served: Served) -> None:
    served.team.ship("1.19")
    served.team.release("1.20")
    remote, local = served.remote("ana"), served.local("ana")
    promotion = served.team.promote()
    reading: list[Any] = [
        c.Status(),
        c.Inbox(),
        c.History(everything=True),
        c.Explain("orders", "prod"),
        c.ShowPromotion(promotion),
        c.ShowStops(),
        c.ShowReadiness(),
        c.ShowEvidence("orders@1.0.0"),
        c.CompareReleases("orders@1.0.0", "orders@1.0.1"),
        c.SearchLedger(person="ana"),
        c.ShowDelivery(),
        c.ShowMeasures(),
        c.Delegations(everything=True),
        c.ShowNotices(),
        c.VerifyPackages(),
        c.ShowTokens(),
        c.ShowPasskeys(),
        c.ShowPeople(),
        c.ShowInvitations(everything=True),
        c.Audit(),
        c.FetchDocument(),
        c.ShowStrategyHistory(),
        c.JudgeStrategy(),
        c.ShowTasks(),
        c.DraftDecision(promotion, approved=True),
        c.ExportEvidence("orders@1.0.0"),
        c.Cover("2026-01-01", "2027-12-31"),
        c.WhoCould("approve", "prod", "2026-12-01"),
    ]
    for request in reading:
        assert remote.run(request) == local.run(request), request


def test_lines_come_one_by_one(served: Served) -> None:
    served.team.ship("1.19")
    told = list(served.remote("ana").run(c.ExportLedger()))
    assert told == list(served.local("ana").run(c.ExportLedger()))
    assert len(told) > 20


def test_a_no_is_the_same_no(served: Served) -> None:
    served.team.release()
    asked: list[tuple[str, Any]] = [
        ("mia", c.ShowPromotion("nothing")),
        ("zoe", c.Promote("orders", "prod")),
        ("mia", c.Promote("orders", "nowhere")),
        ("mia", c.Rollback("orders", "prod", "because")),
        ("ana", c.VetoRelease("orders@9.9.9", "prod", "no")),
    ]
    for person, request in asked:
        noes = []
        for session in (served.remote(person), served.local(person)):
            with pytest.raises(LampwayError) as told:
                session.run(request)
            noes.append(to_problem(told.value))
            assert type(told.value) is type(from_problem(noes[-1]))
        assert noes[0] == noes[1], request


def test_what_happens_meanwhile_is_told(served: Served) -> None:
    seen: list[Recorded] = []
    maker = served.remote("mia", (seen.append,))
    maker.run(c.MakeRelease("orders"))
    maker.run(c.Promote("orders", "test"))
    moves = [one.event.state for one in seen if isinstance(one.event, PromotionMoved)]
    assert moves[-1] is PromotionState.SUCCEEDED
    numbers = [one.seq for one in seen]
    assert numbers == sorted(set(numbers))


def test_every_answer_has_a_type_that_can_be_read() -> None:
    assert all(answer_type(request) is not None for request in CASES)


def test_a_server_that_is_not_there_is_said(served: Served) -> None:
    from lampway.app.remote import RemoteSession

    lost = RemoteSession("http://127.0.0.1:9", "lw_x_y", PATHS)
    with pytest.raises(LampwayError, match="the server does not answer"):
        lost.run(c.Status())
    lost.close()


def test_names_that_would_lead_elsewhere_are_only_names(served: Served) -> None:
    session = served.remote("mia")
    for name in ("../status", "a/b", "..%2f", "?x=1", "#"):
        with pytest.raises((NotFoundError, RefusedError)):
            session.run(c.ShowPromotion(name))
