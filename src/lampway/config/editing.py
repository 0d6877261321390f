"""Writes and edits the files a team keeps, leaving alone what people wrote there.

Every text that is given out was read back and is valid by itself; whether it fits the other files is judged when all
are loaded together. No secret can be written: whatever is no reference is refused.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lampway.config.loading import in_order
from lampway.domain.spans import write_span
from lampway.domain.strategy import Environment, Solution, Values
from lampway.errors import InvalidStrategyError

if TYPE_CHECKING:
    from lampway.config.section import Section

_EXAMPLES = {
    "variables": ("ORDER_LIMIT: 100", "ORDER_QUEUE: {external: true}"),
    "connections": ("ERP: {user: env:ERP_USER, password: env:ERP_PASSWORD}",),
    "checks": ("- {name: health, kind: functional, http: {path: /health, expect: {status: 200}}}",),
}
"""What to write below keys that are empty at first."""


def with_environment(text: str | None, environment: Environment, *, anonymous: bool = False) -> str:
    """Return the file of an environment: a new one, or `text` with these settings put in.

    Comments and other keys stay as they are, and so does what is empty in `environment`; `access` and `maker_access`
    are replaced as a whole when given; `anonymous` empties both. Values are added where they are missing.
    Raises InvalidStrategyError, UsageError.
    """
    file = environment_path(environment.name)
    keys = ("tier", "platform", "url", "public_url", "access", "maker_access", "settings")
    settings = {key: value for key in keys if (value := getattr(environment, key))}
    if anonymous:
        settings |= {"access": {}, **({"maker_access": {}} if "maker_access" in (text or "") else {})}
    if text is None or not text.strip():
        return _new_environment(file, environment, settings)
    wanted = {**_read(file, text), **settings}
    _add(wanted, environment.values, ({},))
    return _revised(file, text, wanted)


def with_values(text: str, solution: str, values: Values, *, file: str = "environment") -> str:
    """Return an environment's file with values for one solution added.

    What is there already, for the solution or for every solution, stays: adopting never changes what is configured.
    `file` names it in messages. Raises InvalidStrategyError, UsageError.
    """
    wanted = _read(file, text)
    solutions = dict(wanted.get("solutions") or {})
    own = dict(solutions.get(solution) or {})
    _add(own, values, (wanted,))
    if own:
        wanted["solutions"] = {**solutions, solution: own}
    return _revised(file, text, wanted)


def new_solution(solution: Solution) -> str:
    """Return a commented solution file. Raises InvalidStrategyError when the solution cannot be written."""
    from lampway.config.solution_file import SolutionFile

    file = solution_path(solution.name)
    keys = ["pipeline", "owner", "contains", "criticality", "rollback_plan"]
    keys += [key for key in ("constants", "connections") if getattr(solution, key)]
    plain = asdict(solution)
    values: dict[str, Any] = {key: plain[key] for key in keys}
    values["checks"] = [_check(check) for check in plain["checks"]]
    heading = f"# yaml-language-server: $schema=../../schema/solution.schema.json\n#\n# The solution {solution.name}.\n"
    return _checked(file, heading + _commented(SolutionFile, values))


def environment_path(name: str) -> str:
    """Return where the file of an environment lies."""
    return f"environments/{name}.yaml"


def solution_path(name: str) -> str:
    """Return where the file of a solution lies."""
    return f"solutions/{name}/solution.yaml"


def _new_environment(file: str, environment: Environment, settings: Mapping[str, Any]) -> str:
    from lampway.config.environment_file import EnvironmentFile

    wanted = {
        **settings,
        "variables": environment.values.variables,
        "connections": environment.values.connections,
        **({"solutions": {k: asdict(v) for k, v in environment.solutions.items()}} if environment.solutions else {}),
    }
    heading = (
        "# yaml-language-server: $schema=../schema/environment.schema.json\n#\n"
        f"# The environment {environment.name}: where it is, how Lampway signs in, and what it gives to solutions.\n"
    )
    return _checked(file, heading + _commented(EnvironmentFile, wanted))


def _commented(model: type[Section], values: Mapping[str, Any]) -> str:
    """Return values as YAML, each key below what the model says about it."""
    from lampway.config.revision import block

    parts = []
    for key, value in values.items():
        about = textwrap.wrap(model.model_fields[key].description or "", 117)
        examples = () if value else _EXAMPLES.get(key, ())
        comments = [*about, *(["For example:"] if examples else []), *(f"  {example}" for example in examples)]
        parts.append("\n" + "".join(f"# {line}\n" for line in comments) + block(key, value))
    return "".join(parts)


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in check.items() if value}
    return {**given, **({"max_age": write_span(given["max_age"])} if "max_age" in given else {})}


def _add(wanted: dict[str, Any], values: Values, also: tuple[Mapping[str, Any], ...]) -> None:
    """Add what neither `wanted` nor one of `also` has."""
    layers = (wanted, *also)
    known = {name for layer in layers for name in layer.get("variables") or {}}
    variables = {name: value for name, value in values.variables.items() if name not in known}
    if variables:
        wanted["variables"] = {**(wanted.get("variables") or {}), **variables}
    connections = {name: dict(fields or {}) for name, fields in (wanted.get("connections") or {}).items()}
    before = {name: dict(fields) for name, fields in connections.items()}
    for name, fields in values.connections.items():
        given = {field for layer in layers for field in (layer.get("connections") or {}).get(name) or {}}
        missing = {field: reference for field, reference in fields.items() if field not in given}
        if missing:
            connections[name] = {**connections.get(name, {}), **missing}
    if connections != before:
        wanted["connections"] = connections


def _read(file: str, text: str) -> dict[str, Any]:
    """Return what a file says when it is valid by itself. Raises InvalidStrategyError."""
    from lampway.config.document import read_document
    from lampway.config.environment_file import EnvironmentFile
    from lampway.config.solution_file import SolutionFile
    from lampway.config.validation import validate

    document = read_document(file, text.encode("utf-8", "replace"))
    model: type[Section] = SolutionFile if file.endswith("/solution.yaml") else EnvironmentFile
    mistakes = document.mistakes or validate(model, document)[1]
    if mistakes:
        raise InvalidStrategyError(in_order(mistakes))
    return dict(document.value)


def _revised(file: str, text: str, wanted: Mapping[str, Any]) -> str:
    from lampway.config.revision import revise

    return _checked(file, revise(file, text, wanted))


def _checked(file: str, text: str) -> str:
    _read(file, text)
    return text
