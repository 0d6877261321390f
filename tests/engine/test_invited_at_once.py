"""A link that many follow at once lets in one of them, whichever server each of them reached."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from team import Team

from lampway.domain.digest import digest_bytes
from lampway.domain.invitations import Invitation, invitation_text
from lampway.engine.invitations import Invite, RevokeInvitation, accept_invitation
from lampway.errors import UnauthenticatedError

SECRET = "s" * 43


def test_of_many_who_follow_a_link_at_once_one_is_let_in(team: Team) -> None:
    made = team.run(Invite(person="zoe", digest=digest_bytes(SECRET.encode())), "pam")
    engines = [team.another(holder=f"server-{number}") for number in range(4)]
    start = Barrier(8)

    def follow(number: int) -> str:
        start.wait(10)
        try:
            return accept_invitation(engines[number % 4], invitation_text(made.id, SECRET)).id
        except UnauthenticatedError as error:
            return error.message

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(follow, range(8)))
    assert sorted(told) == sorted([made.id, *["the invitation was used already"] * 7])
    assert team.kinds().count("invitation-used") == 1


def test_a_link_that_is_taken_back_while_it_is_followed_either_let_in_or_did_not(team: Team) -> None:
    """And whoever was let in goes no further: what it brought ends with it."""
    for _ in range(4):
        made = team.run(Invite(person="zoe", digest=digest_bytes(SECRET.encode())), "pam")
        start = Barrier(2)

        def follow(key: str = made.id, begin: Barrier = start) -> bool:
            begin.wait(10)
            try:
                accept_invitation(team.engine, invitation_text(key, SECRET))
            except UnauthenticatedError:
                return False
            return True

        with ThreadPoolExecutor(1) as threads:
            followed = threads.submit(follow)
            start.wait(10)
            team.run(RevokeInvitation(invitation=made.id), "zoe")
        (found,) = [one for one in team.find(Invitation) if one.id == made.id]
        assert bool(found.used_at) is followed.result()
        assert found.revoked_at
    assert team.store.audit() == ()
