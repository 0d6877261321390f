"""Commands to begin with: init, connect, adopt."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lampway.app import Platforms, init_source, initial_files
from lampway.cli.build import open_package
from lampway.cli.output import emit, say
from lampway.cli.path import Json
from lampway.cli.questions import ask
from lampway.cli.session import session, working_folder
from lampway.domain.strategy import Person
from lampway.engine.connect import Adopt, AdoptedView, Connect, Connected
from lampway.engine.ports import Source
from lampway.errors import UsageError

_REVIEW = timedelta(days=182)


def init(
    folder: Path | None = None,
    /,
    *,
    team: str = "Our team",
    person: Annotated[tuple[str, ...], Parameter(name="--person", negative="")] = (),
    platform: str = "node-red",
    unsigned: bool = False,
    preset: str = "",
    environment: Annotated[tuple[str, ...], Parameter(name="--environment", negative="")] = (),
) -> int:
    """Write a valid, commented strategy to start from, in a new or an existing git repository.

    On a terminal and without any of the settings below it asks a few questions.

    Parameters
    ----------
    folder
        Where; the current folder if left out.
    team
        The team that owns the strategy.
    person
        ID:NAME:EMAIL:ROLE,ROLE for each person. Without one, you hold every role yourself.
    platform
        The low-code platform.
    unsigned
        Let an approval for prod count without a signature: then anybody who can set a variable can be the approver.
    preset
        solo, team, coe or regulated; team if left out.
    environment
        NAME or NAME:TIER for each environment that is not named like its tier; also for a sandbox.
    """
    root = (folder or working_folder()).resolve()
    if (root / "lampway.yaml").exists():
        raise UsageError("there is a strategy already", where=str(root / "lampway.yaml"), hint="lampway strategy check")
    said = person or preset or environment or unsigned or (team, platform) != ("Our team", "node-red")
    if sys.stdin.isatty() and not said:
        asked = ask(tuple(Platforms()))
        team, preset, platform, person = asked.team, asked.preset, asked.platform, asked.people
    given = tuple(_person(text) for text in person)
    review = (datetime.now(UTC) + _REVIEW).date().isoformat()
    begin = functools.partial(
        initial_files,
        team=team,
        next_review=review,
        platform=platform,
        preset=preset or "team",
        environments=tuple(_place(text) for text in environment),
        unsigned=unsigned,
    )
    if given:
        begin(people=given)  # whatever is wrong is told before anything is made
    root.mkdir(parents=True, exist_ok=True)
    source = init_source(root)
    people = given or (_myself(source.identity().name, source.identity().email),)
    _write(root, source, begin(people=people))
    _say_next(alone=len(people) == 1, unsigned=unsigned)
    return 0


def _write(root: Path, source: Source, files: Mapping[str, str]) -> None:
    kept = [path for path in files if (root / path).exists()]
    for path, text in files.items():
        if path not in kept:
            source.write(path, text)
    for path in sorted(files):
        say(f"{'kept   ' if path in kept else 'written'} {path}")


def _say_next(*, alone: bool, unsigned: bool) -> None:
    if alone:
        say("note: nobody approves what they made themselves: add a second person to people.yaml")
    if unsigned:
        say("note: approvals for prod count unsigned: whoever can set LAMPWAY_USER can be the approver")
    say("next:")
    if not unsigned:
        say("  lampway key create --add         (whoever approves, once: an approval for prod is signed)")
    say("  lampway connect dev http://... --token env:DEV_TOKEN    (or --anonymous; and test, and prod)")
    say("  lampway strategy apply -m 'First strategy'")
    say("  lampway adopt prod")


def _place(text: str) -> tuple[str, str]:
    name, _, tier = text.partition(":")
    return name, tier or name


def _person(text: str) -> Person:
    parts = text.split(":")
    if len(parts) != 4 or not all(parts):
        raise UsageError(f"not a person: {text!r}", hint="write ID:NAME:EMAIL:ROLE,ROLE")
    return Person(parts[0], parts[1], (parts[2],), tuple(parts[3].split(",")))


def _myself(name: str, email: str) -> Person:
    user = os.environ.get("LAMPWAY_USER") or email.partition("@")[0] or "me"
    slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in user.lower()).strip("-") or "me"
    slug = slug if slug[0].isalpha() else f"p-{slug}"
    return Person(slug, name or slug, (email or f"{slug}@example.org",), ("maker", "approver", "platform-admin"))


def connect(
    environment: str,
    url: str,
    /,
    *,
    token: str = "",
    user: str = "",
    password: str = "",
    maker_token: str = "",
    maker_user: str = "",
    maker_password: str = "",
    anonymous: bool = False,
    public_url: str = "",
    platform: str = "node-red",
    tier: str = "",
    access: Annotated[tuple[str, ...], Parameter(name="--access", negative="")] = (),
    setting: Annotated[tuple[str, ...], Parameter(name="--setting", negative="")] = (),
    json: Json = False,
) -> int:
    """Store how to reach an environment, try it, and say what is missing. Secrets only by reference, as env:NAME.

    Parameters
    ----------
    environment
        Its name in the strategy.
    url
        The platform's admin address.
    token
        Reference to the engine's token.
    user
        The engine's user name, with --password.
    password
        Reference to the engine's password.
    maker_token
        Reference to a maker's token, only used to see whether makers are locked out.
    maker_user
        A maker's user name, with --maker-password.
    maker_password
        Reference to a maker's password.
    anonymous
        The platform asks nobody who they are, so that no credential is needed (and everybody may edit there).
    public_url
        Where people reach what runs there, if elsewhere.
    platform
        The low-code platform.
    tier
        Its tier, if the environment is new and not named like one.
    access
        NAME=REFERENCE for a credential that goes by another name there, such as client_secret=env:PROD_SECRET.
    setting
        NAME=VALUE for what else the platform must be told, in clear, such as tenant=contoso.onmicrosoft.com.
    json
        Print the facts as JSON.
    """
    own, maker = _credentials(token, user, password, access), _credentials(maker_token, maker_user, maker_password)
    told = (own or None, maker or None, public_url, anonymous, _named(setting) or None)
    with session() as opened:
        connected = opened.run(Connect(environment, url, platform, tier, *told))
    (emit if json else _say_connected)(connected)
    return 0 if connected.rights.can_read and connected.rights.can_deploy else 1


def _credentials(token: str, user: str, password: str, named: tuple[str, ...] = ()) -> dict[str, str]:
    """Return what was given to sign in with. Raises UsageError."""
    told = {"token": token, "user": user, "password": password}
    return {name: value for name, value in told.items() if value} | _named(named)


def _named(given: tuple[str, ...]) -> dict[str, str]:
    """Return what was given as NAME=VALUE. Raises UsageError; never repeats a value, which may be secret."""
    for text in given:
        if not all(part.strip() for part in text.partition("=")):
            raise UsageError("not NAME=VALUE", where=text.partition("=")[0][:40], hint="write such as tenant=contoso")
    return {name.strip(): value.strip() for name, _, value in (text.partition("=") for text in given)}


def _say_connected(connected: Connected) -> None:
    rights = connected.rights
    can = "may deploy" if rights.can_deploy else "may read, not deploy" if rights.can_read else "may not read"
    say(f"{connected.environment}: {rights.product}, {can}" + (f" as {rights.user}" if rights.user else ""))
    for text in rights.missing:
        say(f"  missing: {text}")
    for text in rights.notes:
        say(f"  note: {text}")
    if connected.lock is not None:
        say(f"  lock: {connected.lock.state}: {connected.lock.summary}")
        if connected.lock.cure and connected.should_be_locked:
            say(f"    → {connected.lock.cure}")
    apply = f"lampway strategy apply -m 'Connect {connected.environment}'"
    say(f"  written to {connected.file}; it counts once applied: {apply}")


def adopt(
    environment: str,
    solution: str = "",
    /,
    *,
    contains: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    owner: str = "",
    pipeline: str = "",
    seed: str = "",
    built_in: str = "",
    package: Path | None = None,
    json: Json = False,
) -> int:
    """Make release 1 of a solution from what runs in an environment today. Changes nothing there.

    Parameters
    ----------
    environment
        Where it runs.
    solution
        Its name; without one, only what is in no solution is listed.
    contains
        A tab (workflow, app) that belongs to it, for a solution the strategy does not know yet; may be repeated.
    owner
        Who owns it, by id; you if left out.
    pipeline
        The path its releases follow; the first one if left out.
    seed
        An empty environment to be given the same content, so that makers can build on.
    built_in
        The environment where it is built, where the platform lets nothing be exported from where it runs.
    package
        The package file that was installed there; likewise.
    json
        Print the facts as JSON.
    """
    request = Adopt(
        environment,
        solution,
        contains,
        owner,
        pipeline,
        seed,
        built_in=built_in,
        package=open_package(package)[1] if package else b"",
    )
    with session() as opened:
        view = opened.run(request)
    if json:
        emit(view)
    else:
        _say_adopted(view)
    return 0


def _say_adopted(view: AdoptedView) -> None:
    if view.release is not None:
        count = len(view.release.inventory.components)
        say(f"{view.release.name} adopted from {view.environment}: {count} components")
        for path in view.written:
            say(f"  written: {path}")
        for finding in view.release.findings:
            say(f"  {finding.severity}: {finding.place}: {finding.summary}")
        for reference in view.references:
            say(f"  to be given before the next deployment: {reference}")
        if view.seeded:
            say(f"  {view.seeded} has the same content now")
    for text in view.notes:
        say(f"  note: {text}")
    if view.unowned:
        say(f"in no solution: {', '.join(view.unowned)}")
    if view.release is None:
        example = f"lampway adopt {view.environment} NAME --contains '{view.unowned[0]}'" if view.unowned else ""
        say(f"  → {example}" if example else f"nothing runs in {view.environment} outside a solution")
