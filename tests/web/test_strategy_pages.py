"""The strategy on pages: what each one changed, what the rules say today, and the document to take away."""

from __future__ import annotations

from dataclasses import replace

from served import Served
from visiting import HOSTILE, Visitor


def test_what_each_strategy_changed_is_told_as_text(served: Served) -> None:
    team = served.team
    team.desk.compare = lambda _old, _new: (f"stage {HOSTILE} removed",)  # type: ignore[method-assign]
    team.govern(replace(team.rules, next_review="2028-01-01"), author="max")
    text = Visitor(served, "zoe").look("/strategy")
    assert "applied by pam, 1 change" in text
    assert f"stage {HOSTILE} removed" in text
    assert "Written by max" in text
    assert "first strategy" in text


def test_the_rules_of_today_are_asked_when_somebody_wants_to_know(served: Served) -> None:
    zoe = Visitor(served, "zoe")
    assert "Hold it against the rules of this version" in zoe.look("/strategy")
    assert "Every static rule of version" in zoe.look("/strategy?judged=yes")


def test_the_document_is_taken_away_in_each_format_and_in_no_other(served: Served) -> None:
    zoe = Visitor(served, "zoe")
    for form, begins in (("pdf", b"%PDF"), ("docx", b"PK"), ("html", b"<!"), ("md", b"# ")):
        told = zoe.client.get(f"/strategy/document?form={form}")
        assert told.headers["content-disposition"] == f'attachment; filename="strategy.{form}"'
        assert told.content.lstrip().startswith(begins), form
        assert told.headers["content-type"] == "application/octet-stream"
    zoe.look("/strategy/document?form=exe", 400)
