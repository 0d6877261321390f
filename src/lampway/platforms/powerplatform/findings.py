"""Faults that only somebody who knows the platform finds: dev values left in, hard-wired connections, open triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lampway.domain.package import Finding, Severity
from lampway.platforms.powerplatform.canvas import connections_of as app_connections_of
from lampway.platforms.powerplatform.canvas import variables_of
from lampway.platforms.powerplatform.content import Content, JsonFile, value_in
from lampway.platforms.powerplatform.contents import UNKNOWN_PROCESS, VALUE
from lampway.platforms.powerplatform.flows import (
    Json,
    actions_of,
    connections_of,
    definition_of,
    object_in,
    parameters_of,
    section,
    title_of,
    variable_of,
)
from lampway.platforms.powerplatform.literals import default_place, parameter_place
from lampway.platforms.powerplatform.manifest import Manifest
from lampway.platforms.powerplatform.names import is_address, is_secret_name, is_unset
from lampway.platforms.powerplatform.xmltext import text_of

SECRET_TYPE = "100000005"  # noqa: S105 - the number of a type
_VAULT = ("/subscriptions/", "/providers/microsoft.keyvault")
_OPEN = ("", "all")
_MENTIONED = 3


@dataclass(frozen=True, slots=True)
class Definition:
    """What the definition of an environment variable says."""

    name: str
    default: str
    type: str
    """The platform's number."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of fault that the platform's own rules find."""

    id: str
    title: str


RULES: tuple[Rule, ...] = (
    Rule("dev-value-as-default", "a flow keeps the source environment's value of a variable as its default"),
    Rule("dev-value-in-app", "an app keeps the value that an environment variable had in the source environment"),
    Rule("fixed-default", "the default value of an environment variable points at one environment"),
    Rule("current-value-in-package", "the source environment's value of an environment variable is in the package"),
    Rule("plain-secret-variable", "a variable of type secret holds something other than a reference to a vault"),
    Rule("secret-in-text-variable", "a variable that is named like a secret is plain text"),
    Rule("hard-wired-connection", "a flow names one connection instead of a connection reference"),
    Rule("no-connection-reference", "a flow's connection has no connection reference"),
    Rule("anonymous-trigger", "whoever knows its address may start the flow"),
    Rule("static-result", "an action returns a made-up result"),
    Rule("unknown-process-category", "a process of a category that nobody knows"),
    Rule("missing-file", "a component names a file that is not in the package"),
    Rule("unmanaged-dependency", "something is needed that no solution brings along"),
    Rule("tenant-in-manifest", "the manifest names the tenant it was exported from"),
)  # fmt: skip
"""Every rule, for the documentation."""


def findings_of(content: Content, place: str, definitions: Mapping[str, Definition]) -> Iterator[Finding]:
    """Yield what is wrong with one component; `definitions` are those of the environment variables in the package."""
    part = content.part
    for missing in part.missing:
        yield Finding(
            "missing-file", Severity.GOVERNANCE, place, f"the file {missing} is not in the package", "export it again"
        )
    if part.type == VALUE:
        yield _shipped(content, place, definitions.get(part.id))
    elif part.type == "environment variable":
        yield from _definition(content, place)
    elif part.type == UNKNOWN_PROCESS and part.header is not None:
        category = text_of(part.header, "Category")[:20]
        summary = (
            f"category {category or 'missing'} is none that Lampway knows: what it does is compared, not explained"
        )
        yield Finding("unknown-process-category", Severity.GOVERNANCE, place, summary, "look at it by hand")
    if content.canvas is not None:
        yield from _app(content, place, definitions)
    if content.flow is not None:
        yield from _flow(content.flow, place, definitions)


def manifest_findings(manifest: Manifest) -> Iterator[Finding]:
    """Yield what is wrong with the solution as a whole."""
    seen = set()
    for missing in manifest.missing:
        key = (missing.kind, missing.schema_name or missing.name)
        if missing.is_unmanaged and key not in seen:
            seen.add(key)
            summary = f"{missing.kind} *{missing.name}* is needed by *{missing.needed_by}* and belongs to no solution"
            fix = "add it to a solution that is deployed before this one, or to this one"
            yield Finding("unmanaged-dependency", Severity.GOVERNANCE, f"{missing.kind} {missing.name}", summary, fix)
    if manifest.tenant:
        summary = "the export names the tenant it came from"
        fix = "nothing, if the package stays with you; do not publish it"
        yield Finding("tenant-in-manifest", Severity.GOVERNANCE, "solution.xml / TenantId", summary, fix)


def _shipped(content: Content, place: str, definition: Definition | None) -> Finding:
    value = next((value_in(one.value) for one in content.files.values() if isinstance(one, JsonFile)), "")
    is_secret = is_secret_name(content.part.name) or (definition is not None and definition.type == SECRET_TYPE)
    severity = Severity.SECRET if is_secret and not _is_vault(value) else Severity.ENDPOINT
    severity = Severity.GOVERNANCE if is_unset(value) else severity
    summary = "the value of the source environment is in the package, and would be given to every other one"
    fix = f"in the solution, remove the current value of {content.part.name} (not the variable itself)"
    return Finding("current-value-in-package", severity, place, summary, fix)


def _definition(content: Content, place: str) -> Iterator[Finding]:
    record, name = content.record, content.part.name
    if record is None:
        return
    value, where = text_of(record, "defaultvalue"), default_place(place)
    if text_of(record, "type") == SECRET_TYPE:
        if not is_unset(value) and not _is_vault(value):
            fix = "give a reference to a key vault in each environment, and renew the secret: whoever saw it knows it"
            summary = "a variable of type secret holds something that is no reference to a vault"
            yield Finding("plain-secret-variable", Severity.SECRET, where, summary, fix)
        return
    if is_secret_name(name):
        summary = "the variable is named like a secret, and its type is not secret: everybody can read its value"
        fix = f"make a variable of type secret in place of {name}"
        yield Finding("secret-in-text-variable", Severity.GOVERNANCE, place, summary, fix)
    if is_address(value):
        summary = "the default value points at one environment, and is used wherever none is given"
        fix = f"take the default value of {name} away, and give the value in each environment"
        yield Finding("fixed-default", Severity.ENDPOINT, where, summary, fix)


def _is_vault(value: str) -> bool:
    lowered = value.strip().lower()
    return lowered.startswith(_VAULT[0]) and _VAULT[1] in lowered


def _flow(flow: Json, place: str, definitions: Mapping[str, Definition]) -> Iterator[Finding]:
    for name, parameter in parameters_of(flow).items():
        yield from _default(name, parameter, place, definitions)
    for name, connection in connections_of(flow).items():
        yield from _connection(name, connection, place)
    for name, trigger in section(definition_of(flow), "triggers").items():
        if trigger.get("type") == "Request" and trigger.get("kind", "Http") == "Http" and _is_open(trigger):
            where = f"{place} / trigger {title_of(name)}"
            summary = "whoever knows the address of this trigger may start the flow"
            fix = "let it be started by users of your tenant or by named users only"
            yield Finding("anonymous-trigger", Severity.GOVERNANCE, where, summary, fix)
    for action in actions_of(flow):
        setting = object_in(object_in(action.body, "runtimeConfiguration"), "staticResult")
        if setting.get("staticResultOptions") == "Enabled":
            summary = "the action returns a made-up result and does nothing"
            fix = "switch its static result off"
            yield Finding("static-result", Severity.GOVERNANCE, f"{place} / {action.title}", summary, fix)


def app_variables(content: Content) -> dict[str, str]:
    """Return the environment variables that a canvas app is bound to, with the value last seen in dev."""
    app, header = content.canvas, content.part.header
    if app is None:
        return {}
    return variables_of([*app.connections, *(app_connections_of(header) if header is not None else ())])


def _app(content: Content, place: str, definitions: Mapping[str, Definition]) -> Iterator[Finding]:
    kept = []
    for variable, value in app_variables(content).items():
        stated = definitions.get(variable.lower())
        if not is_unset(value) and not (stated is not None and _is_same(value, stated.default)):
            kept.append(variable)
    if kept:
        more = f" and {len(kept) - _MENTIONED} more" if len(kept) > _MENTIONED else ""
        names = f"{', '.join(sorted(kept)[:_MENTIONED])}{more}"
        summary = f"the app keeps the values that these had in the source environment: {names}"
        fix = "give each of them in every environment before the app is imported: then those are not used"
        yield Finding("dev-value-in-app", Severity.GOVERNANCE, f"{place} / environment variables", summary, fix)


def _is_open(trigger: Json) -> bool:
    asked = object_in(trigger, "inputs").get("triggerAuthenticationType", "")
    return str(asked).lower() in _OPEN


def _default(name: str, parameter: Json, place: str, definitions: Mapping[str, Definition]) -> Iterator[Finding]:
    """Yield the value that an environment variable had in the source environment, kept where it is used."""
    value, variable, text = parameter.get("defaultValue"), variable_of(parameter), _kept(parameter)
    if is_unset(text):
        return
    if not keeps_dev_value(parameter, definitions):
        if is_address(text):
            summary = f"the default value of {variable} points at one environment, and is repeated here"
            fix = f"take the default value of {variable} away, and give the value in each environment"
            yield Finding("fixed-default", Severity.ENDPOINT, parameter_place(place, name), summary, fix)
        return
    severity = Severity.ENDPOINT
    if isinstance(value, str) and is_secret_name(f"{variable} {name}") and not _is_vault(text):
        severity = Severity.SECRET
    summary = (
        f"the value that {variable} had in the source environment is kept as default, and used wherever none is given"
    )
    fix = (
        "release with --blank-defaults, which takes it out and records that; or take the value away in dev and "
        "save the flow"
    )
    yield Finding("dev-value-as-default", severity, parameter_place(place, name), summary, fix)


def _kept(parameter: Json) -> str:
    value = parameter.get("defaultValue")
    return value if isinstance(value, str) else "" if value is None else str(value)


def keeps_dev_value(parameter: Json, definitions: Mapping[str, Definition]) -> bool:
    """Return whether a flow's parameter keeps what the source environment gave to its variable."""
    text, stated = _kept(parameter), definitions.get(variable_of(parameter).lower())
    return not is_unset(text) and not (stated is not None and _is_same(text, stated.default))


def _is_same(text: str, stated: str) -> bool:
    """Return whether a default is no more than the definition's own, which is there for everybody to see."""
    same = {"true": "yes", "false": "no"}
    return text == stated or same.get(text.lower(), text.lower()) == stated.lower()


def _connection(name: str, connection: Json, place: str) -> Iterator[Finding]:
    held = object_in(connection, "connection")
    where = f"{place} / connection {name}"
    if held.get("connectionReferenceLogicalName"):
        return
    if held.get("name") or held.get("id"):
        summary = "the flow names one connection of its maker, which no other environment has"
        fix = "use a connection reference"
        yield Finding("hard-wired-connection", Severity.ENDPOINT, where, summary, fix)
    else:
        summary = "the connection has no connection reference: somebody must choose one by hand after every import"
        fix = "add a connection reference to the solution, and let the flow use it"
        yield Finding("no-connection-reference", Severity.GOVERNANCE, where, summary, fix)
