"""Which deployments a rehearsal takes, from whatever there is: the upgrade, the way back from it, and the upgrade."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.promotion import DeploymentKind
from lampway.domain.rehearsal import Move, moves

RELEASES = st.sampled_from(["old", "new", "other", ""])


def around(back: str) -> tuple[Move, Move, Move]:
    old = Move(DeploymentKind.FORWARD, "1.0.0", "old")
    new = Move(DeploymentKind.FORWARD, "1.1.0", "new")
    return old, new, Move(DeploymentKind.ROLLBACK, "0.9.0", back)


@given(RELEASES, st.sampled_from(["old", "older"]), st.booleans())
def test_the_upgrade_is_made_from_the_old_release_and_undone_right_after(there: str, back: str, is_good: bool) -> None:
    good = {back} if is_good else set()
    before = there
    upgraded = undone = False
    for move in moves(around(back), there, is_good=is_good, is_brought=False):
        if move.kind is DeploymentKind.ROLLBACK:
            assert move.release in good, "one can only go back to what was good there"
            undone = upgraded and before == "new"
        else:
            upgraded = (before, move.release) == ("old", "new")
            good.add(move.release)
        before = move.release
    assert undone
    assert before == "new"


def test_nothing_is_deployed_that_need_not_be() -> None:
    old, new, back = around("old")
    assert moves((old, new, back), "old", is_good=True, is_brought=False) == (new, back, new)
    assert moves((old, new, back), "new", is_good=True, is_brought=True) == (back, new)
    assert moves((old, new, back), "new", is_good=True, is_brought=False) == (old, new, back, new)
    assert moves((old, new, back), "old", is_good=False, is_brought=False) == (old, new, back, new)
