"""What makers saved is published before it is exported: asked for once, and followed or looked for, never guessed."""

from __future__ import annotations

import pytest
from live_prod import Prod, scope, solution

from lampway.engine.platform import Export
from lampway.errors import AccessError, PlatformError, UnknownOutcomeError, UnreachableError, UsageError

LATER, AT_ONCE = "PublishAllXmlAsync", "PublishAllXml"


@pytest.fixture
def dev(dev: Prod) -> Prod:
    dev.maker.load(solution(managed=False).build())
    return dev


def exported(dev: Prod) -> Export:
    return dev.platform.export(dev.access_with(publish="all"), scope(), {"orders": scope()})


def asked(dev: Prod) -> list[str]:
    """Return what was asked for by POST, in its order."""
    return [e.path.rpartition("/")[2] for e in dev.environment.requests if e.method == "POST"]


def is_unknown_there(dev: Prod) -> None:
    text = f"Resource not found for the segment '{LATER}'."
    dev.environment.faults.refuse(f"{LATER}$", status=404, code="0x80060888", text=text, times=9)


def test_it_is_published_before_an_export_only_where_the_settings_ask(dev: Prod) -> None:
    told = dev.platform.export(dev.access, scope(), {"orders": scope()})
    assert "publish all customizations before a release" in told.notes[0]
    assert not {LATER, AT_ONCE} & set(asked(dev))
    assert exported(dev).notes == ()
    assert asked(dev)[-5:-3] == [LATER, "ExportSolutionAsync"]
    assert dev.sent(AT_ONCE) == []
    with pytest.raises(UsageError, match="publish is 'yes'"):
        dev.platform.export(dev.access_with(publish="yes"), scope(), {"orders": scope()})


def test_the_export_begins_when_publishing_has_ended(dev: Prod) -> None:
    dev.environment.faults.slow_operation(5, message=LATER)
    exported(dev)
    first, *others = sorted(dev.environment.organisation.state.operations.values(), key=lambda one: one.number)
    assert first.message == LATER
    assert first.completed is not None
    assert all(first.completed <= one.created for one in others)


def test_where_there_is_no_such_operation_it_is_done_at_once(dev: Prod) -> None:
    is_unknown_there(dev)
    assert exported(dev).notes == ()
    assert (len(dev.sent(LATER)), len(dev.sent(AT_ONCE))) == (1, 1)


def test_an_answer_that_is_lost_is_looked_for_and_the_call_is_not_sent_again(dev: Prod) -> None:
    dev.environment.faults.cut_after(LATER)
    assert exported(dev).notes == ()
    assert [one for one in asked(dev) if one in {LATER, AT_ONCE}] == [LATER]


def test_a_call_that_never_arrived_is_told_and_nothing_is_exported(dev: Prod) -> None:
    dev.environment.faults.cut_before(LATER)
    with pytest.raises(UnreachableError, match="was not begun"):
        exported(dev)
    assert asked(dev) == [LATER]
    assert exported(dev).notes == ()


@pytest.mark.parametrize("lose", ["cut_before", "cut_after"])
def test_of_a_call_at_once_without_an_answer_nobody_can_tell(dev: Prod, lose: str) -> None:
    """It is not sent a second time, and never taken for done."""
    is_unknown_there(dev)
    getattr(dev.environment.faults, lose)(f"{AT_ONCE}$")
    with pytest.raises(UnknownOutcomeError, match="nobody can tell whether") as caught:
        exported(dev)
    assert "by hand" in caught.value.hint
    assert asked(dev) == [LATER, AT_ONCE]


def test_publishing_that_fails_there_is_told_in_its_words(dev: Prod) -> None:
    dev.environment.faults.fail_operation("A form is damaged.", message=LATER)
    with pytest.raises(PlatformError, match="publishing failed: A form is damaged"):
        exported(dev)
    assert "ExportSolutionAsync" not in asked(dev)


def test_whoever_may_not_publish_is_told_so(dev: Prod) -> None:
    dev.environment.faults.refuse(LATER, status=403, code="0x80040220", text="Missing prvPublishCustomization.")
    with pytest.raises(AccessError, match="prvPublishCustomization"):
        exported(dev)
    assert dev.sent(AT_ONCE) == []
