"""One import runs at a time: what another team has under way is waited for, told with its name, and seen to end."""

from __future__ import annotations

import pytest
from live_prod import Prod, solution, wanted

from lampway.engine.platform import Found, Progress, UnderWay
from lampway.errors import UnknownOutcomeError


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("ImportSolutionAsync", "another import"),
        ("StageAndUpgradeAsync", "another import"),
        ("DeleteAndPromoteAsync", "another upgrade"),
        ("UninstallSolutionAsync", "another removal"),
    ],
)
def test_a_lost_answer_behind_an_import_that_hangs_is_told_with_whose_it_is(
    prod: Prod, message: str, word: str
) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    hanging = prod.maker.begin_import(message)
    prod.environment.faults.cut_after("ImportSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "import", intent)
    for _ in range(5):
        seen = prod.platform.look_up(prod.access, given, "import", intent)
        assert isinstance(seen, UnderWay)
        assert (seen.what, seen.by) == (word, "Mia Maker")
    assert seen.since[:4].isdecimal()
    state = prod.environment.organisation.state
    state.operations[hanging].state, state.operations[hanging].status = 3, 32
    assert prod.look(given, "import", intent) == (True, Found.REACHED)


def test_an_import_that_has_not_begun_tells_what_it_waits_for_until_it_begins(prod: Prod) -> None:
    given = wanted(solution().build())
    prod.maker.begin_import()
    outcome = prod.platform.perform(prod.access, given, "import", prod.platform.intend(prod.access, given, "import"))
    waited = prod.platform.poll(prod.access, outcome.detail)
    assert waited.waits_for is not None
    assert (waited.waits_for.what, waited.waits_for.by) == ("another import", "Mia Maker")
    assert waited.detail == outcome.detail
    operations = prod.environment.organisation.state.operations
    next(iter(operations.values())).state = 3
    begun = prod.platform.poll(prod.access, outcome.detail)
    assert (begun.progress, begun.waits_for) == (Progress.RUNNING, None)
    assert prod.end(begun).progress is Progress.DONE


def test_our_own_import_is_not_called_another_one(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    prod.environment.faults.cut_after("ImportSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "import", intent)
    seen = prod.platform.look_up(prod.access, given, "import", intent)
    assert isinstance(seen, UnderWay)
    assert seen.what == "an import"


def test_who_cannot_be_read_is_left_out(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    prod.maker.begin_import()
    prod.environment.faults.refuse("systemusers", status=403, code="0x80040220", text="Missing prvReadUser.")
    seen = prod.platform.look_up(prod.access, given, "import", intent)
    assert isinstance(seen, UnderWay)
    assert (seen.what, seen.by) == ("another import", "")


def test_what_waits_in_the_queue_costs_three_requests_a_look(prod: Prod) -> None:
    given = wanted(solution().build())
    prod.maker.begin_import()
    outcome = prod.platform.perform(prod.access, given, "import", prod.platform.intend(prod.access, given, "import"))
    before = len(prod.environment.requests)
    prod.platform.poll(prod.access, outcome.detail)
    assert len(prod.environment.requests) - before == 3
