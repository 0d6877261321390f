"""Find, by reading only, what a deployment would do and everything that stands in its way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lampway.engine.platform import AdapterPlan, Problem, StepPlan
from lampway.errors import AccessError, PlatformRefusedError
from lampway.platforms.n8n.api import Api
from lampway.platforms.n8n.needs import VARIABLE, WORKFLOW
from lampway.platforms.n8n.rights import DEPLOYING
from lampway.platforms.n8n.situation import Situation
from lampway.platforms.n8n.wire import REFUSED, is_same_draft, pack_for_import, published_of, stuck_settings
from lampway.platforms.n8n.workflows import Workflow, calls_of, name_of

SAVE, PUBLISH, REMOVE = "save workflows", "publish workflows", "remove workflows"
"""Drafts are saved first, all of them, and what runs goes on; only then is anything published or taken away."""
STEPS = (SAVE, PUBLISH, REMOVE)

_WEBHOOK = "n8n-nodes-base.webhook"
_EXPECTED = {"workflow-conflict"}
"""What is always said against a package that is there already; it is not brought that way."""


def make_plan(api: Api, now: Situation) -> AdapterPlan:
    """Return the steps and every problem that stands in their way."""
    problems = [*_rights(api)]
    if now.new is not None:
        problems += [*_ownership(api, now), *_credentials(now), *_values(now), *_settings(now), *_webhooks(now)]
        problems += [*_workflows(now), *_variables(api, now)]
        if not problems:
            problems += _objections(api, now)
    problems += _left_behind(now)
    return AdapterPlan(_steps(now), tuple(problems), tuple(_notes(now)))


def _steps(now: Situation) -> tuple[StepPlan, ...]:
    solution, going = now.wanted.solution, len(now.leaving)
    if now.new is None:
        return (StepPlan(REMOVE, f"remove {solution}: {_count(going)} unpublished and deleted"),)
    bodies = now.bodies()
    created = sum(1 for id_ in bodies if id_ not in now.live)
    changed = sum(1 for id_, body in bodies.items() if id_ in now.live and not is_same_draft(body, now.live[id_]))
    told = f"save drafts of {solution}: {_count(created)} created, {changed} changed; what runs goes on"
    shall = {id_: now.run_of(id_, bodies) for id_ in bodies}
    published = sum(1 for id_, run in shall.items() if run and now.runs(id_) != run)
    ended = sum(1 for id_, run in shall.items() if not run and now.runs(id_))
    live = f"publish {_count(published)}, unpublish {ended}, delete {going}; those that others call come first"
    return (StepPlan(SAVE, told), StepPlan(PUBLISH, live))


def _count(number: int) -> str:
    return f"{number} workflow{'' if number == 1 else 's'}"


def _rights(api: Api) -> Iterator[Problem]:
    lacking = [scope for scope in DEPLOYING if scope not in api.scopes()]
    if lacking:
        yield Problem("our API key may not deploy there", f"give it these scopes: {', '.join(lacking)}")


def _ownership(api: Api, now: Situation) -> Iterator[Problem]:
    """Yield workflows that are there already though our records do not say that this solution put them there.

    One that a package brought under this very id, and that nobody published, is left from a deployment that failed.
    """
    holders = {c.id: name for name, inventory in now.wanted.others.items() for c in inventory.components}
    known = {*holders, *now.packaged, *now.recorded}
    strangers = {name_of(workflow) for id_, workflow in now.live.items() if id_ not in known}
    for id_, workflow in now.packaged.items():
        if id_ in holders:
            hint = "a workflow can belong to one solution only: copy it, or put both into one solution"
            yield Problem(f"workflow *{name_of(workflow)}* belongs to {holders[id_]} there", hint)
        elif id_ in now.live and id_ not in now.recorded:
            if not now.runs(id_) and api.source_of(id_) == id_:
                continue
            hint = "adopt what runs there as the first release, or remove it there"
            there = f"workflow *{name_of(now.live[id_])}*"
            yield Problem(f"{there} is there already, and no release put it there", hint)
        elif name_of(workflow) in strangers:
            hint = "adopt it, rename it or remove it there: two workflows of one name cannot be told apart by people"
            yield Problem(f"another workflow *{name_of(workflow)}* is there, and no release put it there", hint)


def _credentials(now: Situation) -> Iterator[Problem]:
    chosen = now.chosen()
    for slot in now.new.connections if now.new else ():
        id_ = chosen.get(slot.name)
        if not id_:
            hint = f"write `{slot.name}: {{connection: ID}}` under connections of the environment; n8n shows the id of"
            hint += " a credential in the address of its page"
            yield Problem(f"connection {slot.name} gets no credential of type {slot.connector}", hint)
        elif now.credentials is not None and id_ not in now.credentials:
            hint = "make the credential there, and name its id; n8n itself accepts any id and fails when it runs"
            yield Problem(f"the credential that connection {slot.name} shall stand for is not there", hint)
        elif now.credentials is not None and now.credentials[id_].type != slot.connector:
            kind = now.credentials[id_].type
            hint = f"name one of type {slot.connector}"
            yield Problem(f"connection {slot.name} is given a credential of type {kind}", hint)


def _values(now: Situation) -> Iterator[Problem]:
    given = now.values()
    for slot in now.new.variables if now.new else ():
        if slot.required and slot.name not in given:
            hint = "give it under variables of the environment; nothing around n8n can give it"
            yield Problem(f"variable {slot.name} gets no value", hint)


def _settings(now: Situation) -> Iterator[Problem]:
    for id_, workflow in now.packaged.items():
        stuck = stuck_settings(workflow, now.live[id_]) if id_ in now.live else []
        if stuck:
            hint = "n8n's API can change these and not take them away: do that in the editor there"
            yield Problem(f"workflow *{name_of(workflow)}* has settings there that must go: {', '.join(stuck)}", hint)


def _webhooks(now: Situation) -> Iterator[Problem]:
    """Yield addresses that two published workflows would answer: n8n refuses the second one when it is published."""
    others = [w for id_, w in now.live.items() if id_ not in now.packaged and id_ not in now.leaving]
    running = [published for one in others if (published := published_of(one)) is not None]
    answered: dict[tuple[str, str], Workflow] = {}
    for workflow in (*running, *(one for one in now.packaged.values() if one["active"])):
        for address in webhooks_of(workflow):
            first = answered.setdefault(address, workflow)
            if first["id"] != workflow["id"]:
                places = f"workflow *{name_of(first)}* and workflow *{name_of(workflow)}*"
                hint = "give one of them another path, or unpublish it"
                yield Problem(f"{' '.join(address)} would be answered by {places}", hint)


def webhooks_of(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Yield method and path of every webhook of a workflow whose path is fixed."""
    for node in workflow["nodes"]:
        path = node["parameters"].get("path") if node["type"] == _WEBHOOK and not node.get("disabled") else None
        stated = node["parameters"].get("httpMethod") or "GET"
        if isinstance(path, str) and path and not path.startswith("=") and ":" not in path:
            for method in stated if isinstance(stated, list) else [stated]:
                yield str(method), path.strip("/")


def _workflows(now: Situation) -> Iterator[Problem]:
    for dependency in now.new.dependencies if now.new else ():
        if dependency.kind == WORKFLOW and dependency.name not in now.live:
            hint = "deploy the solution that has it first"
            yield Problem(f"a workflow that it calls is not there: {dependency.name}", hint)


def _variables(api: Api, now: Situation) -> Iterator[Problem]:
    asked = {one.name for one in (now.new.dependencies if now.new else ()) if one.kind == VARIABLE}
    if not asked:
        return
    there = api.variables()
    lacking = sorted(asked - (there or set()))
    if there is None:
        hint = "put the values into a node named Configuration instead, which needs no licence"
        yield Problem(f"n8n's own variables cannot be read there, and it uses {', '.join(lacking)}", hint)
    elif lacking:
        yield Problem(f"n8n has no variable {', '.join(lacking)} there", "make it there, or use a Configuration node")


def _objections(api: Api, now: Situation) -> Iterator[Problem]:
    """Yield what n8n itself would refuse, such as node types that it does not have; asked without bringing anything."""
    try:
        told = api.objections(pack_for_import(list(now.bodies().values()), refused=True))
    except (AccessError, PlatformRefusedError) as error:
        yield Problem(f"n8n does not take its workflows: {error.message}", error.hint)
        return
    for issue in told:
        kind = str(issue.get("type"))
        if kind == "missing-node-type":
            users = _named(now, issue.get("usedByWorkflows") or ())
            version = f" version {issue['typeVersion']}" if issue.get("typeVersion") else ""
            message = f"node type *{issue.get('nodeType')}*{version} of {users} is not there"
            yield Problem(message, "install the community package that brings it, or a newer n8n")
        elif kind == "workflow-id-conflict":
            name = str(issue.get("name"))
            where = "archived" if issue.get("isArchived") else "owned by somebody else"
            yield Problem(f"workflow *{name}* is there already, {where}", "delete it there, or let our account own it")
        elif kind not in _EXPECTED and issue.get("sourceId") != REFUSED:
            yield Problem(f"n8n refuses the package: {kind}", "look at it in n8n's editor there")


def _named(now: Situation, ids: Iterable[object]) -> str:
    return ", ".join(f"*{name_of(now.packaged[str(id_)])}*" for id_ in ids if str(id_) in now.packaged)


def _left_behind(now: Situation) -> Iterator[Problem]:
    """Yield workflows of others that call what this deployment takes away."""
    going = set(now.leaving)
    for id_, workflow in now.live.items():
        if id_ in going or id_ in now.packaged:
            continue
        for call in calls_of(workflow):
            if call.id in going:
                used = name_of(now.live[call.id])
                yield Problem(f"workflow *{used}* goes, and {call.place} uses it", "take the call out first")


def _notes(now: Situation) -> Iterator[str]:
    if now.credentials is None:
        yield "which credentials are there cannot be seen: give our key the scope credential:list"
    for id_ in now.recorded:
        live = now.live.get(id_)
        if live is not None and id_ in now.packaged and _is_draft(live):
            yield f"a draft of *{name_of(live)}* that somebody saved there and did not publish will be overwritten"


def _is_draft(live: Workflow) -> bool:
    return bool(live.get("active")) and live.get("versionId") != live.get("activeVersionId")
