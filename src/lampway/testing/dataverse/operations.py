"""Asynchronous operations: one at a time in an environment, each done after it was looked at a few times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lampway.testing.dataverse import words
from lampway.testing.dataverse.exporting import export_solution
from lampway.testing.dataverse.importing import (
    Outcome,
    Wish,
    history_row,
    import_package,
    job_data,
    read_wish,
    refusal_of,
)
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.refusals import RefusedError
from lampway.testing.dataverse.removing import blocking_uninstall, promote, told_dependencies, uninstall
from lampway.testing.dataverse.results import formatted_results, operation_result
from lampway.testing.dataverse.state import ImportJob, Operation

_RUNNING = "Import"


def start(organisation: Organisation, message: str, given: dict[str, Any], by: str) -> Operation:
    """Put an operation into the queue."""
    fault = organisation.faults.take_operation(message)
    operation = Operation(
        id=organisation.ids(),
        message=message,
        given=given,
        created=organisation.now(),
        by=by,
        steps=organisation.polls + (fault.slower if fault else 0),
        number=organisation.state.next_number(),
    )
    if fault and fault.text:
        operation.given = {**given, "_fails": fault.text, "_code": fault.code, "_after": fault.after_effect}
    organisation.state.operations[operation.id] = operation
    return operation


def running(organisation: Organisation) -> Operation | None:
    """Return the operation that is under way or next, if any."""
    left = (one for one in organisation.state.operations.values() if one.state != 3)
    return min(left, key=lambda one: one.number, default=None)


def refuse_when_busy(organisation: Organisation, wanted: str) -> None:
    """Refuse what cannot run beside an operation. Raises RefusedError."""
    head = running(organisation)
    if head is not None and not head.message.startswith("Export"):
        raise RefusedError(503, words.code(words.BUSY), words.busy(wanted, _word(head.message)))


def _word(message: str) -> str:
    for name in ("Uninstall", "PublishAll", "Export"):
        if message.startswith(name):
            return name
    return _RUNNING


def look(organisation: Organisation) -> None:
    """Somebody looked: the first operation in the queue is one step further."""
    head = running(organisation)
    if head is None:
        return
    if head.started is None:
        head.started = organisation.now()
        head.state, head.status = 2, 20
    head.steps -= 1
    _show_progress(organisation, head)
    if head.steps <= 0:
        _finish(organisation, head)


def let_time_pass(organisation: Organisation) -> None:
    """Take the steps that are due because time has passed, whether anybody looked or not."""
    now = organisation.now()
    last = organisation.looked or now
    steps = int((now - last).total_seconds() / organisation.seconds) if organisation.seconds else 0
    if steps > 0 or organisation.looked is None:
        organisation.looked = now
    for _step in range(min(steps, 1000)):
        if running(organisation) is None:
            break
        look(organisation)


def _show_progress(organisation: Organisation, operation: Operation) -> None:
    job = organisation.state.jobs.get(str(operation.given.get("ImportJobId", "")))
    if job is not None and job.completed is None:
        job.progress = min(95.0, job.progress + 95.0 / max(operation.steps + 1, 1))


def _finish(organisation: Organisation, operation: Operation) -> None:
    given = operation.given
    fails, after = str(given.get("_fails", "")), bool(given.get("_after"))
    refused: RefusedError | None = None
    try:
        if not fails or after:
            _PERFORM[operation.message](organisation, operation)
    except RefusedError as error:
        refused = error
    if refused is None and fails:
        refused = RefusedError(500, words.code(int(given["_code"])), fails)
    organisation.changed = True
    operation.given = {key: value for key, value in given.items() if key != "CustomizationFile"}
    operation.completed = organisation.now()
    operation.state, operation.status = 3, 31 if refused else 30
    if refused:
        operation.error = words.signed(refused.code)
        operation.text = operation.friendly = refused.message
        _fail_job(organisation, operation, refused.message)


def _fail_job(organisation: Organisation, operation: Operation, text: str) -> None:
    job = organisation.state.jobs.get(str(operation.given.get("ImportJobId", "")))
    if job is not None and job.completed is None:
        job.completed = organisation.now()
        job.result = operation_result("Import", text, (), "")


def run_import(organisation: Organisation, wish: Wish, job: ImportJob) -> None:
    """Bring a package in and write down what came of it. Raises RefusedError."""
    error = ""
    outcome: Outcome | None = None
    try:
        _refuse_blocked_upgrade(organisation, wish)
        outcome = import_package(organisation, wish)
    except RefusedError as refused:
        error = refused.message
        raise
    finally:
        job.completed = organisation.now()
        job.progress = 50.0 if error else 100.0
        job.data = job_data(organisation, wish.package, job, outcome, error)
        warnings = tuple(text for _, _, text in outcome.warnings) if outcome else ()
        sheet = formatted_results(organisation, wish.package, job, error)
        job.result = operation_result("Import", error, warnings, sheet)
        solution = organisation.state.solution(wish.package.unique_name)
        if solution is not None:
            organisation.state.histories.append(history_row(organisation, solution, 0, error, wish.by))


def _refuse_blocked_upgrade(organisation: Organisation, wish: Wish) -> None:
    """Refuse an upgrade that would take away what others need. It stays held, as the platform leaves it."""
    there = organisation.state.solution(wish.package.unique_name)
    if not wish.upgrade or there is None or not there.managed or refusal_of(organisation, wish):
        return
    found = told_dependencies(blocking_uninstall(organisation, there, keeping=wish.package.parts))
    if found:
        import_package(organisation, replace(wish, upgrade=False, holding=True))
        text = words.upgrade_failed(words.cannot_uninstall(found))
        raise RefusedError(400, words.code(words.STILL_NEEDED), text)


def _import(organisation: Organisation, operation: Operation) -> None:
    upgrade = operation.message.startswith("StageAndUpgrade")
    wish = read_wish(organisation, operation.given, by=operation.by, upgrade=upgrade)
    run_import(organisation, wish, organisation.state.jobs[str(operation.given["ImportJobId"])])


def _export(organisation: Organisation, operation: Operation) -> None:
    given = operation.given
    data = export_solution(organisation, str(given["SolutionName"]), managed=bool(given.get("Managed")))
    organisation.state.keep(organisation.state.exports, str(given["ExportJobId"]), data)


def _promote(organisation: Organisation, operation: Operation) -> None:
    promote(organisation, str(operation.given.get("UniqueName", "")), operation.by)


def _uninstall(organisation: Organisation, operation: Operation) -> None:
    uninstall(organisation, str(operation.given.get("SolutionUniqueName", "")), operation.by)


def _publish(organisation: Organisation, operation: Operation) -> None:
    del organisation, operation


_PERFORM: Mapping[str, Callable[[Organisation, Operation], None]] = {
    "ImportSolutionAsync": _import,
    "StageAndUpgradeAsync": _import,
    "ExportSolutionAsync": _export,
    "DeleteAndPromoteAsync": _promote,
    "UninstallSolutionAsync": _uninstall,
    "PublishAllXmlAsync": _publish,
}
