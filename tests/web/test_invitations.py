"""An invitation lets somebody in once, says so wherever it matters, and is worth less than a proof of one's own."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from browser import Browser
from served import Served

from lampway.domain.digest import digest_bytes
from lampway.domain.events import InvitationMade, InvitationUsed
from lampway.domain.invitations import Invitation, invitation_text
from lampway.domain.keys import PersonKey
from lampway.domain.notify import Channel, Notify, Route
from lampway.domain.passkeys import Passkey
from lampway.engine.deliver import ShowNotices
from lampway.engine.invitations import Invite, RevokeInvitation, invite
from lampway.engine.revoke import Revoke
from lampway.errors import ForbiddenError, RefusedError, UsageError

SECRET = "s" * 43


def invitation(served: Served, person: str = "zoe", by: str = "pam", **more: Any) -> tuple[Invitation, str]:
    """Return an invitation, and what its link carries."""
    made = served.team.run(Invite(person=person, digest=digest_bytes(SECRET.encode()), **more), by)
    return made, invitation_text(made.id, SECRET)


def follow(served: Served, code: str, onward: str = "/") -> tuple[Browser, Any]:
    """Follow a link in a browser of one's own."""
    browser = Browser(served)
    assert browser.get(f"/sign-in?code={code}").status_code == 200, "looking uses nothing up"
    return browser, browser.post("/sign-in", code=code, next=onward)


def test_a_link_lets_its_person_in_once_and_leads_to_a_passkey(served: Served) -> None:
    made, code = invitation(served)
    zoe, told = follow(served, code)
    assert (told.status_code, told.headers["location"]) == (303, "/passkeys")
    page = zoe.get("/passkeys").text
    assert "You came by an invitation" in page
    device = zoe.device()
    assert zoe.register(device).status_code == 303
    (known,) = served.team.find(Passkey)
    assert (known.person, known.via) == ("zoe", f"invitation {made.id}")
    page = zoe.get("/passkeys").text
    assert "You came by an invitation" not in page, "what was asked for there is done"
    assert "You can sign in: nothing more is needed" in page
    again = follow(served, code)[1]
    assert again.status_code == 401, "it works once"
    assert "somebody else signed in as you" in again.text
    other = Browser(served)
    assert other.sign_in_with(device).status_code == 303
    assert "Zoe" in other.get("/inbox").text


def test_who_invited_whom_and_that_it_was_used_is_in_the_ledger_without_the_secret(served: Served) -> None:
    made, code = invitation(served)
    follow(served, code)
    rows = [r for r in served.team.store.events() if isinstance(r.event, InvitationMade | InvitationUsed)]
    assert [(r.event.kind, r.actor.person, r.actor.via) for r in rows] == [
        ("invitation-made", "pam", "test"),
        ("invitation-used", "zoe", f"invitation {made.id}"),
    ]
    assert SECRET not in repr(rows)
    assert served.team.find(Invitation)[0].used_at


def test_everything_done_after_it_says_how_the_session_began(served: Served) -> None:
    made, code = invitation(served, "ana")
    served.team.release()
    promotion = served.team.promote()
    ana, _ = follow(served, code)
    ana.send(f"/promotions/{promotion}/talk", text="what is new?", kind="question")
    assert [r.actor.via for r in served.team.store.events()][-1] == f"invitation {made.id}"


def test_it_is_no_fresh_proof_nor_is_a_passkey_that_was_registered_by_it(served: Served) -> None:
    _, code = invitation(served, "ana")
    served.team.release()
    promotion = served.team.promote()
    ana, _ = follow(served, code)
    device = ana.device()
    ana.register(device)
    digest = served.team.promotion(promotion).bound.digest
    form = {"decision": "approve", "digest": digest}
    for browser in (ana, Browser(served)):
        if browser is not ana:
            assert browser.sign_in_with(device).status_code == 303
        assert "again=1" in browser.send(f"/promotions/{promotion}/decide", **form).headers["location"]
        lent = {"to": "bob", "start": "2026-01-05", "until": "2026-01-30", "reason": "away"}
        assert "again=1" in browser.send("/delegations", **lent).headers["location"]
        assert browser.send("/tokens", name="x", until="2026-02-01", **{"scope-decide": "yes"}).status_code == 403
    assert served.team.promotion(promotion).decisions == ()
    assert served.team.running("prod") == ""


def test_once_the_rules_name_its_key_a_passkey_proves_and_signs_as_any_other(served: Served) -> None:
    _, code = invitation(served, "ana")
    ana, _ = follow(served, code)
    device = ana.device()
    ana.register(device)
    assert "it proves no more than that" in html.unescape(ana.get("/passkeys").text)
    people = tuple(
        replace(p, keys=(PersonKey(device.key, "2026-01-01"),)) if p.id == "ana" else p
        for p in served.team.rules.people
    )
    served.team.govern(replace(served.team.rules, people=people))
    served.team.release()
    promotion = served.team.promote()
    other = Browser(served)
    other.sign_in_with(device)
    told = other.send("/tokens", name="laptop", until="2026-02-01", **{"scope-read": "yes"})
    assert told.status_code == 201, "it is a proof now"
    page = other.send(f"/promotions/{promotion}/decide", decision="approve").text
    assert "data-challenge" in page, "and it signs"


@pytest.mark.parametrize("fault", ["over", "revoked", "left", "wrong", "unknown"])
def test_what_counts_no_more_lets_nobody_in(served: Served, fault: str) -> None:
    made, code = invitation(served)
    match fault:
        case "over":
            served.team.clock.move(hours=24, seconds=1)
        case "revoked":
            served.team.run(RevokeInvitation(invitation=made.id), "zoe")
        case "left":
            served.team.run(Revoke(person="zoe", why="left", reason="gone"), "pam")
        case "wrong":
            code = f"{code[:-1]}x"
        case _:
            code = invitation_text("nobody", SECRET)
    before = served.team.kinds()
    browser, told = follow(served, code)
    assert told.status_code == 401
    assert "zoe" not in told.text.lower() or fault == "left"
    assert browser.get("/inbox").status_code == 303
    assert served.team.kinds() == before


def test_taking_it_back_ends_its_session_and_its_passkey(served: Served) -> None:
    made, code = invitation(served)
    zoe, _ = follow(served, code)
    device = zoe.device()
    zoe.register(device)
    other = Browser(served)
    other.sign_in_with(device)
    served.team.run(RevokeInvitation(invitation=made.id, reason="it was not her"), "pam")
    assert zoe.get("/inbox").status_code == 303
    assert other.get("/inbox").status_code == 303
    assert other.sign_in_with(device).status_code == 401


def test_a_passkey_is_registered_soon_after_following_it_or_not_at_all(served: Served) -> None:
    _, code = invitation(served)
    zoe, _ = follow(served, code)
    challenge = zoe.attribute(zoe.get("/passkeys").text, "data-challenge")
    served.team.clock.move(minutes=16)
    assert challenge
    assert "data-challenge" not in zoe.get("/passkeys").text
    assert "again=1" in zoe.send("/passkeys", name="late").headers["location"]
    assert served.team.find(Passkey) == ()


def test_nobody_invites_themselves_or_from_an_invitation_or_for_long(served: Served) -> None:
    with pytest.raises(ForbiddenError, match="nobody invites themselves"):
        invitation(served, "pam")
    with pytest.raises(UsageError, match="seven days at most"):
        invitation(served, until="2026-01-13")
    with pytest.raises(UsageError, match="ended already"):
        invitation(served, until="2026-01-04")
    served.team.run(Revoke(person="bob", why="left", reason="gone"), "pam")
    with pytest.raises(RefusedError, match="left"):
        invitation(served, "bob")
    rules = served.team.rules
    people = tuple(replace(p, roles=("platform-admin",)) if p.id == "zoe" else p for p in rules.people)
    served.team.govern(replace(rules, people=people))
    _, code = invitation(served)
    zoe, _ = follow(served, code)
    assert "Make a link" not in zoe.get("/people").text
    visited = [r.actor for r in served.team.store.events() if r.event.kind == "invitation-used"]
    with pytest.raises(ForbiddenError, match="invites nobody"):
        invite(served.team.engine, Invite(person="ana", digest=digest_bytes(b"x")), visited[0])


def test_the_person_is_told_and_so_is_whoever_made_it_once_it_was_used(served: Served) -> None:
    told = Notify((Channel("desk", webhook="https://desk.example.test/"),), (Route(("desk",)),))
    served.team.govern(replace(served.team.rules, notify=told))
    _, code = invitation(served)
    waiting = served.team.run(ShowNotices(), "pam")
    assert [(n.kind, n.people) for n in waiting if n.kind == "invited"] == [("invited", ("zoe",))]
    follow(served, code)
    waiting = served.team.run(ShowNotices(), "pam")
    assert {n.people for n in waiting if n.kind == "invited"} == {("zoe",), ("pam", "zoe")}


def test_the_page_makes_a_link_shows_it_once_and_takes_it_back(served: Served) -> None:
    pam = Browser(served).sign_in("pam")
    page = pam.get("/people").text
    assert 'value="zoe"' in page
    assert '<option value="pam"' not in page
    form = {"person": "zoe", "hours": "72", "once": "o" * 20}
    made = pam.send("/people/invitations", **form)
    assert made.status_code == 201, made.text
    link = re.search(r"http://localhost:\d+/sign-in\?code=(\S+?)<", html.unescape(made.text))
    assert link is not None
    assert pam.send("/people/invitations", **form).status_code == 409, "sent twice, made once"
    (known,) = served.team.find(Invitation)
    assert known.until.startswith("2026-01-08T09:00")
    zoe, told = follow(served, link[1], "/inbox")
    assert told.headers["location"] == "/inbox"
    assert link[1] not in pam.get("/people").text
    assert "followed" in pam.get("/people?all=yes").text
    assert pam.send(f"/people/invitations/{known.id}/revoke").status_code == 303
    assert zoe.get("/inbox").status_code == 303


def test_the_page_takes_a_fresh_proof_and_the_role(served: Served) -> None:
    pam, mia = (Browser(served).sign_in(name) for name in ("pam", "mia"))
    assert "Make a link" not in mia.get("/people").text
    assert mia.send("/people/invitations", person="zoe").status_code == 403
    served.team.clock.move(minutes=16)
    assert "again=1" in pam.send("/people/invitations", person="zoe").headers["location"]
    assert served.team.find(Invitation) == ()


def test_whoever_has_no_way_in_is_told_whom_to_ask(served: Served) -> None:
    page = Browser(served).get("/sign-in").text
    assert "Ask one of your platform admins for an invitation" in page
    assert "Pam" not in page


@pytest.mark.parametrize(("person", "sees"), [("pam", 2), ("zoe", 1), ("ana", 1), ("mia", 0)])
def test_invitations_are_shown_to_those_they_are_about_and_taken_back_by_them(
    served: Served, person: str, sees: int
) -> None:
    made, _ = invitation(served)
    invitation(served, "ana")
    client = served.client(served.token(person))
    found = client.get("/invitations").json()["data"]
    assert len(found) == sees
    told = client.post(f"/invitations/{made.id}/revoke", json={})
    assert told.status_code == (200 if person in {"pam", "zoe"} else 403)


def test_people_are_shown_with_how_they_sign_in(served: Served) -> None:
    invitation(served)
    found = {p["person"]: p for p in served.client(served.token("mia")).get("/people").json()["data"]}
    assert found["zoe"]["invited_until"]
    assert (found["pam"]["roles"], found["pam"]["passkeys"], found["pam"]["signs"]) == (["platform-admin"], 0, False)
    assert "example.test" not in repr(found)
