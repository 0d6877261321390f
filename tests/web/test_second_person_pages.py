"""What waits for a second person is answered where the inbox leads, by whom it waits for and by nobody else."""

from __future__ import annotations

from dataclasses import replace

from browser import Browser
from governing import governed
from served import Served
from test_giving_in_browsers import sign
from test_unlocking import HOUR, unlockable
from visiting import HOSTILE, Visitor

from lampway.domain.keys import PersonKey
from lampway.domain.retirement import Retirement
from lampway.domain.unlocking import Unlocking
from lampway.engine.certify import Recertify
from lampway.engine.retire import Retire
from lampway.engine.unlock import Unlock


def test_an_unlocking_is_confirmed_where_the_inbox_leads(served: Served) -> None:
    team = unlockable(served.team)
    team.run(Unlock("prod", HOSTILE, HOUR, second="ana"), "rita")
    ana, bob = Visitor(served, "ana"), Visitor(served, "bob")
    assert "Confirm an unlocking" in ana.look("/inbox")
    assert 'href="/environments/prod"' in ana.last
    assert "Confirm: makers may edit there" in ana.look("/environments/prod")
    assert HOSTILE in ana.look("/environments/prod")
    assert "You were asked" not in bob.look("/environments/prod")
    bob.send("/environments/prod/confirm", 409)
    assert not team.prod.is_locked or team.find(Unlocking)[0].opened_at == ""
    ana.look("/environments/prod")
    assert "prod is unlocked" in ana.send("/environments/prod/confirm")
    (one,) = team.find(Unlocking)
    assert (one.confirmed, one.second, one.key) == (True, "ana", "")
    assert "Nothing waits for you" in ana.look("/inbox")


def test_an_unlocking_that_nobody_confirms_in_time_waits_for_nobody(served: Served) -> None:
    team = unlockable(served.team)
    team.run(Unlock("prod", "the warehouse stands still", HOUR, second="ana"), "rita")
    team.clock.move(hours=2)
    assert "Nothing waits for you" in Visitor(served, "ana").look("/inbox")


def test_what_somebody_did_alone_is_reviewed_by_somebody_else(served: Served) -> None:
    team = unlockable(served.team)
    team.run(Unlock("prod", "the warehouse stands still", HOUR), "rita")
    rita, ana = Visitor(served, "rita"), Visitor(served, "ana")
    assert "Review an unlocking" not in rita.look("/inbox")
    assert "Review an unlocking" in ana.look("/inbox")
    ana.look("/environments/prod")
    ana.send("/environments/prod/review", 400, note=" ")
    ana.look("/environments/prod")
    assert "reviewed" in ana.send("/environments/prod/review", note="nothing was changed")
    (one,) = team.find(Unlocking)
    assert (one.reviewed_by, one.review) == ("ana", "nothing was changed")


def test_ending_a_solution_is_agreed_to_by_whoever_is_asked(served: Served) -> None:
    team = served.team
    team.ship("1.19")
    team.govern(governed(team.rules, None))
    team.run(Recertify("orders"))
    team.run(Retire("orders", HOSTILE))
    ana, mia = Visitor(served, "ana"), Visitor(served, "mia")
    assert "Agree to retire it" in ana.look("/inbox")
    assert "You are asked to agree" in ana.look("/recertification")
    assert "You are asked to agree" not in mia.look("/recertification")
    assert "agreed" in ana.send("/recertification/orders/retire", environment="")
    assert [consent.by for consent in team.find(Retirement)[0].consents] == ["ana"]
    assert "Agree to retire it" not in ana.look("/inbox")


def test_a_second_persons_word_is_signed_with_a_passkey(served: Served) -> None:
    team = unlockable(served.team)
    ana = Browser(served).sign_in("ana")
    device = ana.device()
    assert ana.register(device).status_code == 303
    key = (PersonKey(device.key, "2026-01-01"),)
    people = tuple(replace(p, keys=key) if p.id == "ana" else p for p in team.rules.people)
    team.govern(replace(team.rules, people=people))
    team.run(Unlock("prod", "the warehouse stands still", HOUR, second="ana"), "rita")
    assert sign((ana, device), "/environments/prod/confirm").status_code == 303
    (one,) = team.find(Unlocking)
    assert (one.confirmed, one.key) == (True, device.key)
