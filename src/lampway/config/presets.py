"""Presets: strategies to begin with, for one person, a team, a Center of Excellence, or under regulation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from lampway.config.document import read_document
from lampway.config.editing import environment_path, with_environment
from lampway.config.revision import inline, revise
from lampway.config.templates import SIGNED, UNSIGNED, Newcomer, initial_files
from lampway.domain.presets import PRESETS
from lampway.domain.strategy import Environment
from lampway.errors import UsageError

_TEMPLATES = Path(__file__).parent / "initial"
_TOP = "lampway.yaml"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody who begins has said."""

    team: str
    next_review: str
    people: Sequence[Newcomer]
    platform: str = "node-red"
    preset: str = "team"
    environments: Sequence[tuple[str, str]] = ()
    """Name and tier of each; a tier of which none is given gets one of its own name."""
    unsigned: bool = False
    """Whether an approval for prod counts without a signature."""


def preset_files(wish: Wish) -> Mapping[str, str]:
    """Return the files of a new governance repository by a preset. Raises UsageError with all that is missing."""
    if wish.preset not in PRESETS:
        raise UsageError(f"no such preset: {wish.preset[:40]}", hint=f"one of: {', '.join(PRESETS)}")
    _require_people(wish)
    files = dict(
        initial_files(
            team=wish.team,
            next_review=wish.next_review,
            people=wish.people,
            platform=wish.platform,
            unsigned=wish.unsigned,
        )
    )
    if wish.preset != "team":
        files[_TOP] = _strategy(wish)
    return _with_environments(files, wish)


def _strategy(wish: Wish) -> str:
    template = Template((_TEMPLATES / f"preset-{wish.preset}.yaml").read_text(encoding="utf-8"))
    if wish.unsigned and "signed" not in template.get_identifiers():
        hint = "leave out --unsigned, or take the preset team"
        raise UsageError(f"in the preset {wish.preset} approvals for prod are signed", hint=hint)
    signed = UNSIGNED if wish.unsigned else SIGNED
    return template.substitute(team=inline(wish.team), next_review=wish.next_review, signed=signed)


def _require_people(wish: Wish) -> None:
    """Refuse a preset for which people are missing: rules by which nothing can ever enter prod are no rules."""
    preset = PRESETS[wish.preset]
    lacking = []
    for role, count in preset.needs:
        able = [
            person for person in wish.people if role in person[3] and (role != "approver" or "maker" not in person[3])
        ]
        if len(able) < count:
            many = "s" if count > 1 else ""
            who = f"{role}{many} who make nothing" if role == "approver" else f"{role}{many}"
            lacking.append(f"{count} {who}, and {len(able) or 'none'} is named")
    if wish.preset == "solo" and len(wish.people) > 1:
        lacking.append(f"one person, and {len(wish.people)} are named: take the preset team")
    if lacking:
        raise UsageError(
            f"the preset {wish.preset} needs {lacking[0]}",
            hint="name each with --person ID:NAME:EMAIL:ROLE,ROLE",
            details=tuple(f"it needs {text}" for text in lacking[1:]),
        )


def _with_environments(files: dict[str, str], wish: Wish) -> dict[str, str]:
    """Return the files with an environment file for each place, and the paths through them."""
    document = read_document(_TOP, files[_TOP].encode())
    tiers = document.names("tiers") or ()
    for name, tier in wish.environments:
        if tier not in tiers:
            raise UsageError(f"no tier {tier[:40]} for the environment {name}", hint=f"there is: {', '.join(tiers)}")
    names = [name for name, _ in wish.environments]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UsageError(f"environment given twice: {twice}", hint="give each its own name")
    wanted: Any = dict(document.value)
    used = _rename(wanted, {tier: name for name, tier in reversed(wish.environments)})
    for path in [path for path in files if path.startswith("environments/")]:
        del files[path]
    given = {**{used[tier]: tier for tier in used}, **dict(wish.environments)}
    for name, tier in given.items():
        files[environment_path(name)] = _environment(name, tier, wish.platform)
    files[_TOP] = _revised(files[_TOP], wanted, used)
    return files


def _revised(text: str, wanted: Any, used: Mapping[str, str]) -> str:
    """Return the strategy with the environments' names put in where they stand, so that every comment stays."""
    changed = text
    for tier, name in used.items():
        if tier != name:
            changed = re.sub(rf"^( +)from: {tier}$", rf"\1from: {name}", changed, flags=re.MULTILINE)
            changed = re.sub(rf"^( +)environment: {tier}$", rf"\1environment: {name}", changed, flags=re.MULTILINE)
            stage = rf"\1- name: {tier}\n\1  environment: {name}"
            changed = re.sub(rf"^( +)- name: {tier}$", stage, changed, flags=re.MULTILINE)
    return changed if read_document(_TOP, changed.encode()).value == wanted else revise(_TOP, text, wanted)


def _rename(wanted: Any, names: Mapping[str, str]) -> dict[str, str]:
    """Let the paths go through environments of these names, and return tier to environment for every tier on a path."""
    used: dict[str, str] = {}
    pipelines = {}
    for pipeline, path in wanted["pipelines"].items():
        source, stages = path["from"], []
        used[source] = names.get(source, source)
        for stage in path["stages"]:
            tier = stage["name"]
            used[tier] = names.get(tier, tier)
            other = {"environment": used[tier]} if used[tier] != tier else {}
            stages.append({"name": tier, **other, **{key: value for key, value in stage.items() if key != "name"}})
        short = [
            {**stage, "environment": names.get(stage["environment"], stage["environment"])} for stage in _short(path)
        ]
        pipelines[pipeline] = {**path, "from": used[source], "stages": stages, **({"hotfix": short} if short else {})}
    wanted["pipelines"] = pipelines
    return used


def _short(path: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = path.get("hotfix", [])
    return found


def _environment(name: str, tier: str, platform: str) -> str:
    """Return an environment that is still to be connected: a valid file with an address that leads nowhere."""
    url = f"https://{name}.example.invalid"
    access = {"token": f"env:{name.upper().replace('-', '_')}_TOKEN"}
    text = with_environment(None, Environment(name, tier=tier, platform=platform, url=url, access=access))
    return text.replace(f"url: {url}\n", f"url: {url}  # set by lampway connect\n")
