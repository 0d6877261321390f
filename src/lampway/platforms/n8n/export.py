"""Read a solution out of a live instance: its package, and apart from it what this environment gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lampway.domain.configuration import BOUND
from lampway.domain.package import Component, Scope
from lampway.engine.platform import Export
from lampway.errors import InvalidPackageError, NotFoundError, PlatformError, RefusedError, UsageError
from lampway.platforms.n8n.api import Api, Credential
from lampway.platforms.n8n.configuration import values_of
from lampway.platforms.n8n.contents import read_exactly
from lampway.platforms.n8n.credentials import name_credentials
from lampway.platforms.n8n.normal import exact_digest
from lampway.platforms.n8n.package import build_package
from lampway.platforms.n8n.situation import read_credentials
from lampway.platforms.n8n.workflows import Workflow, keep, name_of, select, workflow_named


def export_solution(api: Api, scope: Scope, known: Mapping[str, Scope]) -> Export:
    """Return the solution that `scope` describes as its makers see it there: the drafts.

    Raises NotFoundError for a workflow that is not there, UsageError for a name that two have, RefusedError when
    another solution holds one of the same workflows.
    """
    live = api.workflows()
    own = select(live, scope)
    held = owners(live, {**known, scope.solution: scope})
    _refuse_shared(own, held)
    credentials = read_credentials(api)
    names = {id_: one.name for id_, one in (credentials or {}).items()}
    try:
        package = build_package(live, scope, credential_names=names)
        contents = read_exactly(package)
    except InvalidPackageError as error:
        hint = "open the workflow in the editor there, repair it and save it"
        raise PlatformError(f"its workflows are damaged: {error}", where=api.where, hint=hint) from error
    required = {slot.name for slot in contents.variables if slot.required}
    bindings = _bindings(own, names)
    there = {name: id_ for name, id_ in bindings.items() if credentials is None or id_ in credentials}
    return Export(
        package=package,
        values={name: value for name, value in values_of(own).items() if name in required},
        bound=dict.fromkeys(there, (BOUND,)),
        editors=None,
        unowned=unowned_workflows(live, set(held)),
        notes=tuple(_notes(own, bindings, credentials)),
        bindings=there,
    )


def owners(live: Sequence[Workflow], known: Mapping[str, Scope]) -> dict[str, tuple[str, ...]]:
    """Return for the id of every workflow that a solution names the solutions that name it.

    A name that nothing there has, or that two have, says nothing of this instance.
    """
    found: dict[str, tuple[str, ...]] = {}
    for solution, scope in known.items():
        for name in scope.contains:
            try:
                id_ = str(workflow_named(live, name)["id"])
            except (NotFoundError, UsageError):
                continue
            found[id_] = tuple(dict.fromkeys((*found.get(id_, ()), solution)))
    return found


def unowned_workflows(live: Sequence[Workflow], owned: set[str]) -> tuple[Component, ...]:
    """Return the workflows whose ids are not among `owned`."""
    others = [workflow for workflow in live if str(workflow["id"]) not in owned]
    return tuple(Component("workflow", name_of(w), str(w["id"]), exact_digest(keep(w))) for w in others)


def _refuse_shared(own: Sequence[Workflow], held: Mapping[str, tuple[str, ...]]) -> None:
    shared = [workflow for workflow in own if len(held.get(str(workflow["id"]), ())) > 1]
    if shared:
        told = "; ".join(f"*{name_of(w)}* is in {' and '.join(held[str(w['id'])])}" for w in shared[:5])
        hint = "give each solution a workflow of its own, or put both into one solution"
        raise RefusedError(f"two solutions hold the same workflow: {told}", hint=hint)


def _bindings(own: Sequence[Workflow], names: Mapping[str, str]) -> dict[str, str]:
    """Return connection to the id of the credential that it stands for there."""
    named = name_credentials([keep(workflow) for workflow in own], names)
    return {name: id_ for (_, id_, _), name in named.items() if id_}


def _notes(
    own: Sequence[Workflow], bindings: Mapping[str, str], credentials: Mapping[str, Credential] | None
) -> Iterator[str]:
    if credentials is None:
        yield "which credentials are there cannot be seen: give our key the scope credential:list"
    for name, id_ in bindings.items():
        if credentials is not None and id_ not in credentials:
            yield f"connection {name} stands for a credential that is no longer there"
    for workflow in own:
        if workflow.get("active") and workflow.get("versionId") != workflow.get("activeVersionId"):
            yield f"*{name_of(workflow)}* was saved since it was published: the package holds what was saved"
