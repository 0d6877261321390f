"""What a serving process remembers is never older than the ledger, and hardly older than the clock."""

from __future__ import annotations

import threading

from served import Browser, Served

from lampway.engine import cases as c
from lampway.web.memory import Memory


def test_it_is_made_anew_when_anything_was_recorded_or_time_has_passed(served: Served) -> None:
    memory, made = Memory(), []

    def look() -> int:
        return memory.recall(served.team.engine, "x", lambda: made.append(1) or len(made))

    assert [look(), look()] == [1, 1]
    served.team.run(c.PutOnHold("fire", environment="prod"), "mia")
    assert [look(), look()] == [2, 2]
    served.team.clock.move(seconds=6)
    assert [look(), look()] == [3, 3]


def test_those_who_ask_at_once_wait_for_one_who_makes_it(served: Served) -> None:
    memory, made, gate = Memory(), [], threading.Event()

    def make() -> int:
        gate.wait(5)
        made.append(1)
        return 7

    seen: list[int] = []
    asking = [
        threading.Thread(target=lambda: seen.append(memory.recall(served.team.engine, "x", make))) for _ in range(5)
    ]
    for one in asking:
        one.start()
    gate.set()
    for one in asking:
        one.join()
    assert (seen, made) == ([7] * 5, [1])


def test_it_forgets_what_nobody_asked_for_lately(served: Served) -> None:
    memory = Memory()
    for number in range(1000):
        memory.recall(served.team.engine, number, lambda: "x")
    assert len(memory._kept) <= 64


def test_the_matrix_shows_a_deployment_at_once(served: Served) -> None:
    browser = Browser(served, "mia")
    assert "nothing yet" in browser.look("/")
    made = served.team.ship("1.19")
    assert made.version in browser.look("/")
    served.team.run(c.PutOnHold("fire & <b>smoke</b>", environment="prod"), "mia")
    text = browser.look("/")
    assert "fire &amp; &lt;b&gt;smoke" in text
    assert "orders" not in browser.look("/?q=bill").partition("<table")[2]
