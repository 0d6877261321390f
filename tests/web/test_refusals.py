"""What was not done is said in words for people, with the way back and with what they had written."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from served import SECONDS, Served, serving
from team import APPROVAL, PROD_GATES, with_gates
from visiting import Visitor

from lampway.app import open_engine
from lampway.web.api import build_api
from lampway.web.visits import make_code
from lampway.web.wording import back_words, brief, failing, onscreen, unhinted

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_refused_form_shows_what_was_written_and_the_way_back(served: Served) -> None:
    served.team.release()
    promotion = served.team.promote()
    ana = Visitor(served, "ana")
    ana.look(f"/promotions/{promotion}")
    ana.client.headers["Referer"] = f"{served.url}/promotions/{promotion}?told=approved"
    form = {"decision": "reject", "digest": "sha256:" + "0" * 64, "reason": "the <b>tax</b> is wrong"}
    told = ana.send(f"/promotions/{promotion}/decide", 409, **form)
    assert "What you had written Reason the <b>tax</b> is wrong" in told
    assert f'href="/promotions/{promotion}">Back to the form' in ana.last
    assert "000000" not in told, "only what they wrote, and nothing that the page gave"


def test_no_way_back_leads_elsewhere(served: Served) -> None:
    served.team.release()
    promotion = served.team.promote()
    for elsewhere in ("https://evil.example/x", f"{served.url}//evil.example", "javascript:alert(1)"):
        ana = Visitor(served, "ana")
        ana.look(f"/promotions/{promotion}")
        ana.client.headers["Referer"] = elsewhere
        ana.send(f"/promotions/{promotion}/talk", 400, text="")
        assert "Back to the form" not in ana.last
        assert "evil" not in ana.last


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/solutions/nothing", "There is no such thing here"),
        ("/releases/orders@9.9.9", "There is no such thing here"),
        ("/promotions/nothing", "There is no such thing here"),
    ],
)
def test_what_is_not_there_is_not_called_a_wrong_question(served: Served, path: str, heading: str) -> None:
    text = Visitor(served, "ana").look(path, 404)
    assert heading in text
    assert "*" not in text, "names are set apart and not starred"


def test_who_may_not_is_told_so(served: Served) -> None:
    ana, mia = Visitor(served, "ana"), Visitor(served, "mia")
    assert "It is released by: mia, max, rita, pam" in ana.look("/solutions/orders/release")
    mia.look("/solutions/orders/release")
    fields = {"fingerprint": mia.hidden("fingerprint"), "to": "prod", "note": "a first price"}
    ana.look("/tokens")
    told = ana.send("/solutions/orders/release", 403, **fields)
    assert "You may not do this" in told
    assert "a first price" in told


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [("/nowhere", 404, "There is no such thing here"), ("/sign-out", 405, "This address only takes a form")],
)
def test_a_browser_gets_a_page_and_a_program_json(served: Served, path: str, status: int, heading: str) -> None:
    seen = httpx.get(served.url + path, headers=BROWSER, timeout=SECONDS)
    assert (seen.status_code, seen.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert heading in seen.text
    assert "default-src 'none'" in seen.headers["content-security-policy"]
    asked = httpx.get(served.url + path, timeout=SECONDS)
    assert (asked.status_code, asked.headers["content-type"]) == (status, "application/problem+json")
    api = httpx.get(f"{served.url}/api/v1/nowhere", headers=BROWSER, timeout=SECONDS)
    assert api.headers["content-type"] == "application/problem+json"


def test_a_fault_of_ours_is_a_page_that_tells_nothing_of_our_insides(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr("lampway.web.console.visitor", broken)
    seen = httpx.get(served.url + "/", headers=BROWSER, timeout=SECONDS)
    assert (seen.status_code, seen.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "Something broke" in seen.text
    assert "secret inside" not in seen.text


def test_signing_in_leads_back_to_the_very_page_with_what_was_asked_of_it(served: Served) -> None:
    with httpx.Client(base_url=served.url, timeout=SECONDS) as stranger:
        sent_to = stranger.get("/", params={"q": "a&b", "only": "drift"}).headers["location"]
        onward = httpx.URL(sent_to).params["next"]
        assert httpx.URL(onward).params == httpx.QueryParams({"q": "a&b", "only": "drift"})
        code = make_code(served.team.engine, "ana", "test")
        back = stranger.post("/sign-in", data={"code": code, "next": onward})
        assert back.headers["location"] == onward


def test_gates_that_passed_are_one_line_that_opens(served: Served) -> None:
    served.team.release()
    ana = Visitor(served, "ana")
    text = ana.look(f"/promotions/{served.team.promote()}")
    places = ["7 of 8 gates are open", "previous-stage ✓ passed", "What checks told", "approval: 0 of 1 approvals"]
    assert [text.index(words) for words in places] == sorted(text.index(words) for words in places)
    folded = ana.last.partition('<details class="passed">')[2].partition("</details>")[0]
    assert "previous-stage" in folded
    assert "0 of 1 approvals" not in folded


def test_before_any_rules_every_page_says_how_to_begin(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    engine = open_engine(tmp_path)
    with serving(build_api(tmp_path, engine)) as url, httpx.Client(base_url=url, follow_redirects=True) as opened:
        opened.post("/sign-in", data={"code": make_code(engine, "mia", "test")})
        for path in ("/", "/inbox", "/environments", "/solutions/orders"):
            text = opened.get(path).text
            assert "Not set up yet" in text
            assert text.index("lampway init") < text.index("lampway connect") < text.index("lampway strategy apply")
    engine.store.close()


def test_an_approver_who_cannot_sign_yet_is_told_how_before_and_has_no_button_that_fails(served: Served) -> None:
    served.team.release()
    may = Visitor(served, "ana").look(f"/promotions/{served.team.promote()}")
    assert "To the decision" in may
    assert "Approve Reject" in may
    gates = tuple(replace(gate, signed=True) if gate == APPROVAL else gate for gate in PROD_GATES)
    served.team.govern(with_gates(served.team.rules, "prod", gates))
    may = Visitor(served, "ana").look(f"/promotions/{served.team.promote()}")
    assert "not from this browser yet" in may
    assert "Register a passkey" in may
    assert "Approve Reject" not in may


def test_long_messages_begin_and_end_with_what_counts() -> None:
    long = "customizations are blocked; " + "this and that stays possible; " * 6 + "may customize: Mia"
    assert brief(long) == ("customizations are blocked; …; may customize: Mia", long)
    for whole in ("short; and; whole", "", "one part alone " * 20, "a " * 90 + "; b", "`a; b; c` " + "x" * 200):
        assert brief(whole) == (whole, ""), "nothing else is cut, and no code"


def test_a_page_does_not_send_people_to_a_terminal_for_what_it_does_itself() -> None:
    assert onscreen("one of ana, rita: lampway approve 7f3a") == "waits for ana or rita"
    assert onscreen("mend it; or to lose it, add --accept-loss").endswith("tick the box on the form")
    assert onscreen("lampway check run") == "lampway check run"


def test_a_page_tells_how_it_stands_without_the_command_that_comes_next() -> None:
    told = "nobody can tell whether it happened; hint: look there, then: lampway reconcile orders --in test"
    assert unhinted(told) == "nobody can tell whether it happened"
    assert unhinted("refused; hint: ask ada") == "refused; hint: ask ada"


def test_a_receipt_tells_why_a_step_failed_and_not_what_passed_beside_it() -> None:
    log = ("error: not-verified", "check speed passed: 3 s", "check orders failed: 502", "check tax passed: 400")
    assert failing(log) == "check orders failed: 502"
    assert failing(("error: platform-refused", "status: 409")) == "status: 409"
    assert failing(("error: platform-refused",)) == ""


@pytest.mark.parametrize(
    ("told", "read"),
    [
        (
            "a tester (mia): lampway check attest o@1.0.0 --in test --check uat --outcome passed --cases '...'",
            "a tester (mia) says what came of it",
        ),
        ("ada or ben: lampway recertify orders", "ada or ben answers on the page *Still needed*"),
        ("lampway checklist 7f3a --answer told=yes", "answered on the page of the promotion"),
        ("ask again: lampway promote orders@1.0.0 --to prod", "ask for orders@1.0.0 to go to prod"),
        ("lampway lock prod", "look at its lock on the page of prod"),
        (
            "nobody has reviewed it: lampway unlock prod --review '...'",
            "nobody has reviewed it: review it on the page of prod",
        ),
        ("wait; then lampway resume", "it goes on by itself then"),
        ("wait; then: lampway resume", "it goes on by itself then"),
    ],
)
def test_what_a_page_can_do_is_not_told_as_a_command(told: str, read: str) -> None:
    assert onscreen(told) == read
    assert {back_words(one) for one in ("reversible", "data-step", "forward-only")}.isdisjoint({"data-step"})
