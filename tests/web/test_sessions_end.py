"""A session goes on only while what let its person in counts, and a link only while whoever made it may make one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from browser import Browser
from served import Served

from lampway.domain.digest import digest_bytes
from lampway.domain.invitations import invitation_text
from lampway.domain.keys import PersonKey
from lampway.domain.passkeys import Passkey
from lampway.domain.tokens import ApiToken
from lampway.engine.invitations import Invite
from lampway.engine.passkeys import RemovePasskey
from lampway.engine.revoke import Revoke
from lampway.engine.tokens import IssueToken, RevokeToken
from lampway.errors import UsageError

SECRET = "s" * 43


def invited(served: Served, person: str = "zoe") -> str:
    """Return what the link of an invitation by pam carries."""
    made = served.team.run(Invite(person=person, digest=digest_bytes(SECRET.encode())), "pam")
    return invitation_text(made.id, SECRET)


def is_in(browser: Browser) -> bool:
    """Return whether this browser is signed in."""
    return browser.get("/inbox").status_code == 200


def test_who_signed_in_with_a_token_is_out_once_it_is_revoked(served: Served) -> None:
    token = served.token("mia")
    thief = Browser(served)
    assert thief.post("/sign-in", token=token).status_code == 303
    other = Browser(served).sign_in("mia")
    assert is_in(thief)
    served.team.run(RevokeToken(token.split("_")[1], "stolen"), "mia")
    assert (is_in(thief), is_in(other)) == (False, True)


def test_who_signed_in_with_a_token_is_out_once_it_ended(served: Served) -> None:
    secret = "t" * 40
    asked = IssueToken(
        name="short", digest=digest_bytes(secret.encode()), until="2026-01-05T10:00Z", scopes=("read", "act", "decide")
    )
    browser = Browser(served)
    browser.post("/sign-in", token=f"lw_{served.team.run(asked, 'mia').id}_{secret}")
    assert is_in(browser)
    served.team.clock.move(hours=2)
    assert not is_in(browser)


@pytest.mark.parametrize("how", ["removed", "revoked"])
def test_who_signed_in_with_a_passkey_is_out_once_it_counts_no_more(served: Served, how: str) -> None:
    ana = Browser(served).sign_in("ana")
    device = ana.device()
    ana.register(device)
    found = served.team.find(Passkey)[0]
    people = tuple(
        replace(p, keys=(PersonKey(device.key, "2026-01-01"),)) if p.id == "ana" else p
        for p in served.team.rules.people
    )
    served.team.govern(replace(served.team.rules, people=people))
    lost = Browser(served)
    lost.sign_in_with(device)
    assert is_in(lost)
    if how == "removed":
        served.team.run(RemovePasskey(found.id, "left in a train"), "ana")
    else:
        served.team.run(Revoke(why="lost", reason="left in a train", key=device.key), "ana")
    assert (is_in(lost), is_in(ana)) == (False, True)


@pytest.mark.parametrize("how", ["left", "retired"])
def test_who_may_invite_no_more_takes_no_links_along(served: Served, how: str) -> None:
    """Whoever makes links could follow them: one that is kept for later must not outlive the right to make it."""
    code = invited(served)
    rules = served.team.rules
    people = tuple(replace(p, roles=("platform-admin",)) if p.id == "rita" else p for p in rules.people)
    if how == "left":
        served.team.run(Revoke(person="pam", why="left", reason="gone"), "rita")
    else:
        served.team.govern(
            replace(rules, people=tuple(replace(p, roles=("maker",)) if p.id == "pam" else p for p in people))
        )
    told = Browser(served).post("/sign-in", code=code)
    assert told.status_code == 401, told.headers
    assert "may invite nobody any more" in told.text
    assert "invitation-used" not in served.team.kinds()


def test_a_passkey_by_an_invitation_lets_in_no_further_passkeys(served: Served) -> None:
    """They are registered within 15 minutes of following the link, and not whenever somebody comes back."""
    browser = Browser(served)
    browser.post("/sign-in", code=invited(served))
    device = browser.device()
    browser.register(device)
    served.team.clock.move(hours=2)
    later = Browser(served)
    assert later.sign_in_with(device).status_code == 303
    assert "data-challenge" not in later.get("/passkeys").text
    assert "again=1" in later.send("/passkeys", name="second").headers["location"]
    assert len(served.team.find(Passkey)) == 1


def test_a_session_that_was_left_open_makes_no_fresh_proof_of_itself(served: Served) -> None:
    """A token made there would sign in anew, which counts as a proof for decisions about production."""
    ana = Browser(served).sign_in("ana")
    served.team.clock.move(minutes=16)
    made = ana.send("/tokens", name="mine", until="2026-02-01", **{"scope-act": "yes", "scope-decide": "yes"})
    assert (made.status_code, made.headers["location"]) == (303, "/sign-in?next=/tokens&again=1")
    assert served.team.find(ApiToken) == ()


@pytest.mark.parametrize("digest", ["sha256:\u00e9", "sha256:", "sha256:" + "0" * 63, "sha256:" + "A" * 64])
def test_only_a_digest_stands_for_a_secret(served: Served, digest: str) -> None:
    with pytest.raises(UsageError, match="not the digest of a secret"):
        served.team.run(Invite(person="zoe", digest=digest), "pam")
    with pytest.raises(UsageError, match="not the digest of a secret"):
        served.team.run(IssueToken(name="x", digest=digest, until="2027-01-01"), "pam")


def test_seven_days_by_a_clock_that_is_a_little_ahead_are_seven_days(served: Served) -> None:
    asked = Invite(person="zoe", digest=digest_bytes(b"x"), until="2026-01-12T09:02Z")
    assert served.team.run(asked, "pam").until == "2026-01-12T09:00:00.000+00:00"
