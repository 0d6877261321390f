"""What became of the strategy: each change is told, the rules are held against it again, and it travels whole."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from team import Team

from lampway.app import render_document
from lampway.domain.strategy_document import unpack
from lampway.engine.document import FetchDocument, WriteDocument
from lampway.engine.strategy_history import JudgeStrategy, ShowStrategyHistory
from lampway.errors import InvalidStrategyError, Mistake, SourceError


def test_each_applied_strategy_is_told_newest_first_with_who_wrote_it(team: Team) -> None:
    team.govern(replace(team.rules, next_review="2028-01-01"), author="max")
    newest, first = team.run(ShowStrategyHistory(), "zoe")
    assert (first.changes, newest.changes) == (("first strategy",), ("something changed",))
    assert (newest.by, newest.authors) == ("pam", ("max",))
    assert newest.row > first.row
    assert team.run(ShowStrategyHistory(1), "zoe") == (newest,)


def test_the_static_rules_of_today_are_held_against_what_is_in_force(team: Team) -> None:
    held = team.run(JudgeStrategy(), "zoe")
    assert (held.mistakes, held.unread) == ((), "")
    assert any("counts approvals that nobody signed" in line for line in held.cautions)
    before = team.kinds()

    def refuse(_files: object) -> None:
        raise InvalidStrategyError((Mistake("lampway.yaml", 3, 1, "nobody may", "take it out"),))

    team.desk.load = refuse  # type: ignore[assignment, method-assign]
    assert "nobody may" in team.run(JudgeStrategy(), "zoe").mistakes[0]
    assert "take it out" in team.run(JudgeStrategy(), "zoe").mistakes[0]

    def lose(_files: object) -> None:
        raise SourceError("the commit is gone")

    team.desk.load = lose  # type: ignore[assignment, method-assign]
    assert team.run(JudgeStrategy(), "zoe").unread == "the commit is gone"
    assert team.kinds() == before


@pytest.mark.parametrize("form", ["html", "md", "docx"])
def test_a_document_that_travelled_is_the_same_document(team: Team, form: str) -> None:
    team.ship("1.19")
    written = team.run(WriteDocument(), "zoe")
    packed = team.run(FetchDocument(), "zoe")
    there = msgspec.json.decode(msgspec.json.encode(packed), type=type(packed))
    assert unpack(there) == written
    assert render_document(unpack(there), form)
