"""Back-porting: a live edit becomes source on a branch, no longer blocks, and is not forgotten."""

from __future__ import annotations

import pytest
from team import Team
from test_evidence import PEOPLE, TOOLS

from lampway.domain.backport import Backport, BackportState
from lampway.domain.deployment import DriftFinding, DriftState
from lampway.domain.judgement import GateResult, GateState
from lampway.domain.package import Severity
from lampway.engine.audit import Audit
from lampway.engine.backport import BackportDrift, CloseBackport, ShowBackports
from lampway.engine.document import WriteDocument
from lampway.engine.dossier import Trusted
from lampway.engine.drift import ScanDrift
from lampway.engine.evidence import ExportEvidence
from lampway.engine.promote import Rollback
from lampway.engine.verify import verify_evidence
from lampway.engine.views import Explain, Status
from lampway.errors import NotFoundError, PlatformError, RefusedError, SourceError, UsageError
from lampway.testing.world import App, Fault, Part


def edit(team: Team, price: str = "2", by: str = "max@example.test") -> None:
    team.prod.edit("p2", does=f"times {price}")
    team.prod.apps["a1"].editors.add(by)


def backport(team: Team, by: str = "rita") -> Backport:
    task = team.do(BackportDrift("orders", "prod"), by)
    assert isinstance(task, Backport)
    return task


def gate(team: Team, release: str = "orders") -> GateResult:
    return next(g for g in team.run(Explain(release, "prod")).gates if g.gate == "drift")


def state(team: Team) -> DriftState:
    return team.find(DriftFinding, environment="prod")[-1].state


def task_of(team: Team) -> Backport:
    (task,) = team.find(Backport)
    return task


def test_the_live_edit_is_on_a_branch_as_source_from_what_was_deployed(shipped: Team) -> None:
    edit(shipped)
    head, before = shipped.source.head(), shipped.prod.contents()
    task = backport(shipped)
    branch = shipped.source.branches[task.branch]
    assert task.commit == branch.id
    assert any(b"times 2" in content for content in branch.files.values())
    assert all(path.startswith("solutions/orders/src/") for path in branch.files)
    assert shipped.source.head() == head, "the branch of the team does not move"
    assert f"refs/heads/{task.branch}" in shipped.source.pushed
    assert shipped.prod.contents() == before


def test_whoever_edited_live_is_named_as_author_with_whoever_back_ports(shipped: Team) -> None:
    edit(shipped)
    task = backport(shipped)
    branch = shipped.source.branches[task.branch]
    assert branch.author.email == "rita@example.test"
    assert "Co-authored-by: Max <max@example.test>" in branch.touched[0]


def test_it_no_longer_blocks_and_says_that_a_release_without_it_overwrites_it(shipped: Team) -> None:
    edit(shipped)
    shipped.run(ScanDrift(("prod",)))
    assert gate(shipped).state is GateState.FAILED
    assert "lampway drift backport orders --in prod" in gate(shipped).next
    backport(shipped)
    assert state(shipped) is DriftState.BACKPORTED
    assert gate(shipped).state is GateState.WARNED
    assert "overwrites it" in gate(shipped).reason
    shipped.ship("1.10")
    assert shipped.price_in(shipped.prod) == "1.10"
    assert task_of(shipped).state is BackportState.OPEN, "what was overwritten is still to be brought back"


def test_the_task_ends_with_the_first_release_that_contains_it_and_not_before(shipped: Team) -> None:
    edit(shipped)
    backport(shipped)
    shipped.release("1.10")
    (line,) = shipped.run(ShowBackports())
    assert (line.newest, line.lacks) == ("orders@1.0.2", ("part *Price*",))
    shipped.dev.edit("p3", does="in ${CURRENCY}, rounded")
    release = shipped.release("2")
    task = task_of(shipped)
    assert (task.state, task.release, task.ended_by) == (BackportState.CONTAINED, release.name, "lampway")
    assert shipped.run(ShowBackports()) == ()
    assert len(shipped.run(ShowBackports(ended=True))) == 1


def test_a_release_that_contains_it_enters_as_an_exception_that_was_dealt_with(shipped: Team) -> None:
    edit(shipped)
    backport(shipped)
    release = shipped.release("2")
    found = gate(shipped)
    assert found.state is GateState.WAIVED
    assert "this release contains it" in found.reason
    promotion = shipped.promote()
    shipped.approve(promotion)
    assert shipped.running("prod") == release.version
    assert state(shipped) is DriftState.REVERTED
    assert gate(shipped).state is GateState.PASSED
    found = verify_evidence(shipped.run(ExportEvidence("orders"), "zoe").content.encode(), Trusted(PEOPLE), TOOLS)
    assert [c for c in found if not c.holds] == []
    assert any("back-ported by rita" in c.reason for c in found), "whoever verifies is told what opened the gate"
    assert shipped.run(Audit()).damage == ()


def test_another_live_edit_blocks_again_and_gets_a_branch_and_a_task_of_its_own(shipped: Team) -> None:
    edit(shipped)
    first = backport(shipped)
    edit(shipped, "3")
    shipped.run(ScanDrift(("prod",)))
    assert gate(shipped).state is GateState.FAILED
    second = backport(shipped)
    assert first.branch != second.branch
    assert [t.state for t in shipped.find(Backport)] == [BackportState.OPEN] * 2


def test_the_same_edit_seen_again_stays_dealt_with(shipped: Team) -> None:
    edit(shipped)
    backport(shipped)
    shipped.run(ScanDrift(("prod",)))
    assert state(shipped) is DriftState.BACKPORTED
    with pytest.raises(NotFoundError, match="no live edit"):
        backport(shipped)


def test_it_is_shown_where_people_look(shipped: Team) -> None:
    edit(shipped)
    task = backport(shipped)
    cells = {c.environment: c for c in shipped.run(Status()) if c.solution == "orders"}
    assert task.id in cells["prod"].backports[0]
    assert cells["test"].backports == ()
    assert "it does not contain part *Price*" in shipped.run(Explain("orders", "prod")).backports[0]
    assert [line.task.id for line in shipped.run(ShowBackports(mine=True), "mia")] == [task.id]
    assert shipped.run(ShowBackports(mine=True), "max") == ()


def test_it_stands_among_the_exceptions_of_the_strategy_document(shipped: Team) -> None:
    edit(shipped)
    task = backport(shipped)
    assert task.id in repr(shipped.run(WriteDocument()))
    shipped.release("2")
    assert task.id not in repr(shipped.run(WriteDocument()))


def test_what_was_accepted_can_be_back_ported_later(shipped: Team) -> None:
    from lampway.engine.drift import AcceptDrift

    edit(shipped)
    shipped.run(ScanDrift(("prod",)))
    shipped.do(AcceptDrift("orders", "prod", "the fair is today"), "rita")
    backport(shipped)
    assert state(shipped) is DriftState.BACKPORTED


def test_changed_values_are_no_source(shipped: Team) -> None:
    shipped.prod.give("a1", "ERP_URL", "https://private.copy")
    with pytest.raises(RefusedError, match="only values were changed") as refused:
        backport(shipped)
    assert "environments/prod.yaml" in refused.value.hint
    edit(shipped)
    backport(shipped)
    assert gate(shipped).state is GateState.FAILED, "the value is still to be dealt with"


def test_a_secret_typed_in_live_never_reaches_git(shipped: Team) -> None:
    shipped.prod.edit("p2", does=f"times hardcoded {Severity.SECRET}")
    with pytest.raises(RefusedError, match="holds a secret"):
        backport(shipped)
    assert shipped.source.branches == {}
    assert shipped.find(Backport) == ()


def test_an_edit_in_the_middle_of_it_is_refused(shipped: Team) -> None:
    edit(shipped)
    export = shipped.platform.export

    def slow(*words: object) -> object:
        found = export(*words)
        shipped.prod.edit("p2", does="times 3")
        return found

    shipped.platform.export = slow
    with pytest.raises(RefusedError, match="at this moment"):
        backport(shipped)
    shipped.platform.export = export
    assert shipped.source.branches == {}
    assert backport(shipped).changes


def test_what_was_interrupted_goes_on_with_the_same_branch(shipped: Team) -> None:
    edit(shipped)
    shipped.source.broken = 1
    with pytest.raises(SourceError):
        backport(shipped)
    assert shipped.find(Backport) == ()
    assert len(shipped.source.branches) == 1
    task = backport(shipped)
    assert list(shipped.source.branches) == [task.branch]


def test_a_place_that_does_not_answer_changes_nothing(shipped: Team) -> None:
    edit(shipped)
    shipped.run(ScanDrift(("prod",)))
    shipped.prod.fail(Fault.UNREACHABLE, on="export")
    with pytest.raises(PlatformError):
        backport(shipped)
    assert state(shipped) is DriftState.OPEN


def test_nothing_edited_is_nothing_to_back_port(shipped: Team) -> None:
    with pytest.raises(NotFoundError):
        backport(shipped)
    shipped.prod.draw(App("z1", "Private tool", (Part("z2", "Hack"),)))
    with pytest.raises(NotFoundError):
        backport(shipped)
    with pytest.raises(NotFoundError, match="no stage"):
        shipped.do(BackportDrift("orders", "dev"), "rita")


def test_a_person_closes_what_no_release_will_contain_with_a_reason(shipped: Team) -> None:
    edit(shipped)
    task = backport(shipped)
    with pytest.raises(UsageError, match="reason"):
        shipped.do(CloseBackport(task.id, " "), "rita")
    with pytest.raises(NotFoundError, match="no back-port"):
        shipped.do(CloseBackport("nothing", "why"), "rita")
    shipped.release("1.10")
    with pytest.raises(NotFoundError):
        shipped.do(CloseBackport(task.id, "solved otherwise", "orders@9.9.9"), "rita")
    ended = shipped.do(CloseBackport(task.id, "solved otherwise", "orders@1.0.2"), "rita")
    assert (ended.state, ended.release, ended.note) == (BackportState.CLOSED, "orders@1.0.2", "solved otherwise")
    with pytest.raises(RefusedError, match="ended already"):
        shipped.do(CloseBackport(task.id, "again"), "rita")
    shipped.release("2")
    assert task_of(shipped).state is BackportState.CLOSED


def test_going_back_overwrites_it_and_the_task_stays(shipped: Team) -> None:
    edit(shipped)
    backport(shipped)
    shipped.do(Rollback("orders", "prod", "it is wrong"), "rita")
    assert shipped.price_in(shipped.prod) == "1.19"
    assert task_of(shipped).state is BackportState.OPEN
