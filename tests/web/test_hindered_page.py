"""A promotion that waits for what another team has under way there says so where people look at it."""

from __future__ import annotations

from dataclasses import replace

from served import Served
from visiting import Visitor

from lampway.engine.drain import drain
from lampway.engine.promote import Promote


def test_a_page_says_what_keeps_a_deployment_from_beginning(served: Served) -> None:
    team, pages = served.team, []
    team.release("1.19")
    team.prod.is_locked = False
    promotion = team.promote()
    team.approve(promotion)
    team.prod.is_locked = True
    team.prod.busy = ("2026-01-05T08:30:00Z", "Otto")

    def pause(_: float) -> None:
        pages.append(Visitor(served, "mia").look(f"/promotions/{promotion}"))
        team.prod.busy = None if len(pages) == 2 else team.prod.busy

    team.run(Promote("orders", "prod"))
    drain(replace(team.another(holder="two"), pause=pause), "prod")
    words = "It waits for another import in prod since 2026-01-05 08:30 UTC, started by Otto"
    assert [words in page for page in pages[:2]] == [False, True]
    assert "waits for another import" not in Visitor(served, "mia").look(f"/promotions/{promotion}")
