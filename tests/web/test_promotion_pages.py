"""A promotion's pages: the maker asks, the approver decides, everybody sees how it goes, and what to do then."""

from __future__ import annotations

import threading
from dataclasses import replace

import httpx
import pytest
from served import Served
from team import APPROVAL, PROD_GATES, with_gates
from visiting import HOSTILE, Visitor

from lampway.domain.duties import ChecklistItem, RiskClass
from lampway.domain.promotion import Promotion, PromotionState
from lampway.domain.release import Release
from lampway.engine.approving import ShowCase
from lampway.engine.preview import PreviewRelease
from lampway.engine.progress import ShowProgress
from lampway.testing.world import App, Fault, Part


def send_release(served: Served, person: str = "mia", status: int = 200, **more: str) -> Visitor:
    one = Visitor(served, person)
    one.look("/solutions/orders/release")
    fields = {"fingerprint": one.hidden("fingerprint"), "to": "prod", "note": "", **more}
    one.send("/solutions/orders/release", status, **fields)
    return one


def test_a_maker_releases_and_promotes_with_one_button(served: Served) -> None:
    mia = send_release(served, note="a first price")
    served.team.settle()
    (release,) = served.team.find(Release)
    assert (release.sealed_by, release.note, release.makers) == ("mia", "a first price", ("mia",))
    assert served.team.running("test") == "1.0.0"
    assert mia.url.startswith("/promotions/")
    text = mia.look(mia.url)
    assert "0 of 1 approvals" in text
    assert "nothing left for you to do" in text
    assert "nothing left for you to do" not in Visitor(served, "ana").look(mia.url)
    assert "It is under way already: 1.0.0 to prod" in mia.look("/solutions/orders/release")


def test_what_would_be_released_is_shown_before_and_nothing_is_kept_of_looking(served: Served) -> None:
    served.team.ship("1.19")
    served.team.build("1.50")
    before = served.team.kinds()
    text = Visitor(served, "mia").look("/solutions/orders/release")
    assert "Seal it as 1.0.1 and promote it" in text
    assert "does something else" in text
    assert served.team.kinds() == before
    request = PreviewRelease("orders")
    assert served.remote("mia").run(request) == served.local("mia").run(request)


def test_hardcoded_values_are_shown_with_their_fixes_and_cannot_be_released(served: Served) -> None:
    served.team.dev.edit("p2", does="hardcoded secret")
    mia = Visitor(served, "mia")
    text = mia.look("/solutions/orders/release")
    assert "To be mended in dev first" in text
    assert "take it out" in text
    assert 'name="fingerprint"' not in mia.last


def test_nothing_but_what_was_shown_is_sealed(served: Served) -> None:
    mia = Visitor(served, "mia")
    mia.look("/solutions/orders/release")
    seen = mia.hidden("fingerprint")
    served.team.build("9.99", by="max")
    assert "since you looked" in mia.send("/solutions/orders/release", 409, fingerprint=seen, to="prod")
    assert served.team.find(Release) == ()


def test_what_dev_left_in_is_taken_out_when_the_maker_says_so_and_the_release_shows_it(served: Served) -> None:
    parts = (Part("p1", "Fetch", "get ${ERP_URL:https://erp.dev/kept}"),)
    served.team.dev.draw(App("a1", "Orders", parts, {"ERP_URL": "https://erp.dev"}), by="mia@example.test")
    mia = Visitor(served, "mia")
    text = mia.look("/solutions/orders/release")
    assert "All of these are values that dev left in as defaults" in text
    assert 'href="/solutions/orders/release?blank=defaults"' in mia.last
    assert 'name="fingerprint"' not in mia.last
    text = mia.look("/solutions/orders/release?blank=defaults")
    assert "Taken out of the package" in text
    assert "app Orders / part Fetch / does" in text
    fields = {"fingerprint": mia.hidden("fingerprint"), "blank": mia.hidden("blank"), "to": "test"}
    mia.send("/solutions/orders/release", **fields)
    (release,) = served.team.find(Release)
    asked = served.team.find(Promotion)[-1]
    text = mia.look(f"/promotions/{asked.id}")
    assert "The package of 1.0.0 was edited after its export, before it was sealed" in text
    assert "blank-defaults: app Orders / part Fetch / does" in text
    text = mia.look(f"/releases/{release.name}")
    assert "Edited before it was sealed 1 default value that dev had left in was taken out of the package" in text
    assert release.transformations[0].before in text
    assert "erp.dev/kept" not in mia.last


def test_of_two_who_release_at_once_one_release_comes(served: Served) -> None:
    mia, max_ = Visitor(served, "mia"), Visitor(served, "max")
    for one in (mia, max_):
        one.look("/solutions/orders/release")
    fields = {"fingerprint": mia.hidden("fingerprint"), "to": "prod"}
    mia.send("/solutions/orders/release", **fields)
    assert "orders@1.0.0 is unchanged" in max_.send("/solutions/orders/release", **fields)
    assert len(served.team.find(Release)) == 1
    assert len([p for p in served.team.find(Promotion) if p.stage == "prod"]) == 1


def test_an_approver_is_told_everything_in_order_and_decides(served: Served) -> None:
    served.team.ship("1.19")
    rules = served.team.rules
    orders = replace(rules.solutions[0], rollback_plan="tell the warehouse", data_class="personal")
    others = replace(rules.solutions[1], depends_on={"orders": "1.0.0"})
    low = RiskClass("calm", 1, reversibility=("reversible",), touches_at_most=3)
    gates = (*PROD_GATES[:-1], replace(APPROVAL, risk=(low,)))
    served.team.govern(with_gates(replace(rules, solutions=(orders, others)), "prod", gates))
    served.team.release("1.30")
    promotion = served.team.promote()
    ana = Visitor(served, "ana")
    text = ana.look(f"/promotions/{promotion}")
    order = [
        "What is this",
        "May I decide",
        "What changes",
        "Is it proven",
        "How risky",
        "What if it goes wrong",
        "Decide",
    ]
    places = [text.index(title) for title in [*order, "What happens next"]]
    assert places == sorted(places)
    for told in (
        "Yes, as approver in your own name",
        "calm: 1 approval, because the change is reversible, it touches at most 3 components",
        "Data personal",
        "Needed by billing",
        "Rollback brings 1.0.0",
        "tell the warehouse",
        '"decidedBy"' if '"decidedBy"' in text else "in-toto.io/Statement",
    ):
        assert told in text
    ana.send(f"/promotions/{promotion}/decide", decision="approve", reason="fine", digest=ana.hidden("digest"))
    served.team.settle()
    assert served.team.running("prod") == "1.0.1"
    told = ana.look(f"/promotions/{promotion}/receipt")
    for words in ("ana, ", "fine", "since 1.0.0", "smoke passed in test", "approval passed", "By bringing back 1.0.0"):
        assert words in told


def test_of_two_who_decide_at_once_one_is_told_what_stands(served: Served) -> None:
    served.team.release()
    promotion = served.team.promote()
    ana, bob = Visitor(served, "ana"), Visitor(served, "bob")
    for one in (ana, bob):
        one.look(f"/promotions/{promotion}")
    digest = ana.hidden("digest")
    done: list[int] = []

    def say(one: Visitor, **said: str) -> None:
        key = one.hidden("form_key")
        fields = {"form_key": key, "digest": digest, "reason": "so", **said}
        done.append(one.client.post(f"/promotions/{promotion}/decide", data=fields).status_code)

    threads = [
        threading.Thread(target=say, args=(ana,), kwargs={"decision": "approve"}),
        threading.Thread(target=say, args=(bob,), kwargs={"decision": "reject"}),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served.team.settle()
    state = served.team.promotion(promotion).state
    assert state in {PromotionState.SUCCEEDED, PromotionState.REJECTED}
    assert (served.team.running("prod") != "") is (state is PromotionState.SUCCEEDED)
    assert set(done) <= {200, 409}
    assert 200 in done


def test_makers_are_told_why_not_and_have_no_button(served: Served) -> None:
    served.team.release("1.30", by="max")
    promotion = served.team.promote(by="max")
    max_, mia = Visitor(served, "max"), Visitor(served, "mia")
    assert "Max asked for it" in max_.look(f"/promotions/{promotion}")
    assert "Mia is not one of those who may approve here: approver" in mia.look(f"/promotions/{promotion}")
    for one in (max_, mia):
        assert 'value="approve"' not in one.last


def test_the_checklist_is_answered_and_questions_are_asked_here(served: Served) -> None:
    rules = served.team.rules
    (path,) = rules.pipelines
    item = ChecklistItem("told", "Were the users told?", "approver")
    stages = (path.stages[0], replace(path.stages[1], checklist=(item,)))
    served.team.govern(replace(rules, pipelines=(replace(path, stages=stages),)))
    served.team.release()
    promotion = served.team.promote()
    ana, mia = Visitor(served, "ana"), Visitor(served, "mia")
    ana.look(f"/promotions/{promotion}")
    assert "nothing was answered" in ana.send(f"/promotions/{promotion}/checklist", 400, **{"item:told": ""})
    ana.look(f"/promotions/{promotion}")
    assert "by ana" in ana.send(f"/promotions/{promotion}/checklist", **{"item:told": "yes"})
    assert HOSTILE in ana.send(f"/promotions/{promotion}/talk", text=HOSTILE, kind="question")
    mia.look(f"/promotions/{promotion}")
    assert "mia answered: none" in mia.send(f"/promotions/{promotion}/talk", text="none", kind="answer")


def test_a_promotion_is_taken_back_and_asked_for_again(served: Served) -> None:
    served.team.release()
    promotion = served.team.promote()
    mia = Visitor(served, "mia")
    mia.look(f"/promotions/{promotion}")
    assert "taken" not in mia.send(f"/promotions/{promotion}/abort", 400, reason="")
    mia.look(f"/promotions/{promotion}")
    assert "Ask for 1.0.0 again" in mia.send(f"/promotions/{promotion}/abort", reason="too early")
    mia.send(f"/promotions/{promotion}/again")
    assert mia.url != f"/promotions/{promotion}"
    assert "waiting" in mia.look(mia.url)


@pytest.mark.parametrize(("said", "given_up"), [("yes", False), ("no", True)])
def test_what_nobody_knows_is_asked_of_a_person(served: Served, said: str, *, given_up: bool) -> None:
    served.team.release()
    served.team.test.fail(Fault.HALF)
    served.team.promote("test")
    (promotion,) = served.team.find(Promotion)
    assert promotion.state is PromotionState.RECONCILE
    rita = Visitor(served, "rita")
    assert "Nobody knows whether step" in rita.look(f"/promotions/{promotion.id}")
    rita.send(f"/promotions/{promotion.id}/reconcile", 400, happened="perhaps", reason="x")
    rita.look(f"/promotions/{promotion.id}")
    rita.send(f"/promotions/{promotion.id}/reconcile", happened=said, reason="I looked")
    served.team.settle()
    after = served.team.promotion(promotion.id)
    assert after.state is PromotionState.FAILED, "half of it is there: reading back finds that out"
    assert after.note.startswith("given up") is given_up


def test_progress_is_told_as_it_happens_whoever_makes_it(served: Served) -> None:
    served.team.release()
    promotion = served.team.promote()
    zoe = Visitor(served, "zoe")
    with httpx.stream("GET", f"{served.url}/promotions/{promotion}/events", cookies=zoe.client.cookies) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("data")) == "data: waiting"
        served.team.approve(promotion)
        seen = [line for line in lines if line]
    assert seen[-2:] == ["event: over", "data: succeeded"]
    fragment = zoe.client.get(f"/promotions/{promotion}/progress").text
    assert "<html" not in fragment
    assert "read-back" in fragment


def test_strangers_follow_nothing(served: Served) -> None:
    reply = httpx.get(f"{served.url}/promotions/x/events")
    assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in?next=/promotions/x/events")


def test_a_case_and_its_progress_are_the_same_over_the_network(served: Served) -> None:
    served.team.ship("1.19")
    served.team.release("1.30")
    open_, done = served.team.promote(), served.team.find(Promotion)[0].id
    for request in (ShowCase(open_), ShowCase(done), ShowProgress(open_), ShowProgress(done)):
        assert served.remote("ana").run(request) == served.local("ana").run(request)
