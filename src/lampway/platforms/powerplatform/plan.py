"""Find, by reading only, what a deployment would do and everything that stands in its way."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lampway.domain.digest import digest_bytes
from lampway.domain.package import Inventory
from lampway.engine.platform import AdapterPlan, Installed, Problem, StepPlan, Wanted
from lampway.errors import NotFoundError, PlatformRefusedError
from lampway.platforms.powerplatform.backup import can_back_up
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.held import flow_states
from lampway.platforms.powerplatform.needing import users_named
from lampway.platforms.powerplatform.observe import hold_against
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.platforms.powerplatform.present import look_around
from lampway.platforms.powerplatform.restamp import own_mark
from lampway.platforms.powerplatform.signin import told
from lampway.platforms.powerplatform.situation import (
    Situation,
    Way,
    flows_to_turn_off,
    flows_to_turn_on,
    read_situation,
)
from lampway.platforms.powerplatform.staging import pending_upgrade, stage
from lampway.platforms.powerplatform.taking_back import names_of_others, ours_among, ungiven
from lampway.platforms.powerplatform.values import value_problems

BACK_UP = "back up"
RESTORE = "remove live edits"
IMPORT = "import"
PROMOTE = "promote"
CONFIGURE = "configure"
TAKE_BACK = "take back values"
ACTIVATE = "turn on flows"
REMOVE = "uninstall"
STEPS = (BACK_UP, RESTORE, IMPORT, PROMOTE, CONFIGURE, TAKE_BACK, ACTIVATE, REMOVE)
"""Every step there is, in the order in which they are taken."""

MODES = ("one-step", "update", "holding")
"""How a version takes the place of another: `upgrade` under settings of an environment."""
_MENTIONED = 5


def mode_of(client: Client) -> str:
    """Return how a version takes the place of another there."""
    return told(client.access, "upgrade", MODES[0])


def make_plan(client: Client, wanted: Wanted) -> AdapterPlan:
    """Return the steps and every problem that stands in their way."""
    now = read_situation(client, wanted)
    if now.way is Way.REMOVE:
        steps, loss = [_removal(now)], list(_loss_of_removal(now))
        if loss and can_back_up(client):
            steps.insert(0, StepPlan(BACK_UP, "back up the whole environment, for tables go with their data"))
        return AdapterPlan(tuple(steps), tuple(_removal_problems(client, now)), tuple(loss))
    inventory = now.inventory()
    problems = [*_form_problems(now), *_mode_problems(client), *_value_problems(now, inventory)]
    left = ungiven(client, now)
    taken = ours_among(now, left)
    problems += [*_content_problems(client, now), *_foreign_values(client, now, left.keys() - taken.keys())]
    notes: list[str] = []
    if now.way is not Way.KEEP and not any(_form_problems(now)):
        try:
            staged = stage(client, now.bytes_for(now.version))
        except PlatformRefusedError as error:
            problems.append(Problem(error.message, error.hint))
        else:
            problems += [one for one in staged.problems if one not in problems]
            notes += staged.notes
    return AdapterPlan(tuple(_steps(client, now, list(taken))), tuple(problems), (*_notes(client, now), *notes))


def _steps(client: Client, now: Situation, taken: list[str]) -> Iterator[StepPlan]:
    if now.way is Way.KEEP:
        if now.edits:
            listed = _listed([f"{edit.name}" for edit in now.edits])
            yield StepPlan(RESTORE, f"remove what was edited live: {listed}")
        yield StepPlan(CONFIGURE, f"give {now.name} its values and connections, where they are others")
    else:
        if now.destroys() and can_back_up(client):
            yield StepPlan(BACK_UP, "back up the whole environment, for tables or columns go with their data")
        yield StepPlan(IMPORT, _import_summary(client, now))
        if now.way is Way.UPGRADE and mode_of(client) == "holding":
            yield StepPlan(PROMOTE, f"let the new {now.name} take the place of the old one, and remove what it lacks")
    if taken:
        listed = _listed(taken)
        yield StepPlan(TAKE_BACK, f"remove values that are no longer given, so that defaults hold again: {listed}")
    yield from _activation(client, now)


def _activation(client: Client, now: Situation) -> Iterator[StepPlan]:
    flows = flows_to_turn_on(now.new) if now.new is not None else {}
    ships_off = flows_to_turn_off(now.new) if now.new is not None else {}
    states = flow_states(client) if ships_off else {}
    ends = [name for id_, name in ships_off.items() if states.get(id_)]
    words = [f"turn off {_listed(ends)}, as the package has them"] if ends else []
    if flows:
        words.append(f"turn on {_listed(list(flows.values()))}, in the order in which they call each other")
    if words:
        yield StepPlan(ACTIVATE, "; ".join(words))


def _import_summary(client: Client, now: Situation) -> str:
    own = now.new.manifest.version if now.new else ""
    what = f"{now.name} {own}" + (f" under version {now.version}" if now.is_raised else "")
    over = f", over what was edited live: {_listed([edit.name for edit in now.edits])}" if now.edits else ""
    if now.held is None or now.way is Way.INSTALL:
        return f"import {what}, its values and connections with it"
    ways = {
        "one-step": "in one step; what is no longer in it is removed",
        "update": "as an update; what is no longer in it stays",
        "holding": "beside the one that is there",
    }
    return f"import {what} over {now.held.version}, {ways.get(mode_of(client), '')}{over}"


def _form_problems(now: Situation) -> Iterator[Problem]:
    if now.new is not None and not now.new.manifest.managed:
        hint = "make the release from where it is built: lampway release exports both forms and seals the managed one"
        yield Problem(f"the package of {now.name} is unmanaged, and only managed ones are installed", hint)
    mark = own_mark(now.new) if now.new is not None and not now.is_raised else None
    if mark is not None:
        hint = "take the line that begins with `Lampway:` out of its description where it is built, and release it anew"
        yield Problem(f"the description of {now.name} says that it is another release: {mark.version}", hint)
    if now.leftover is not None:
        yield pending_upgrade(now.name)
    if now.held is not None and not now.held.managed:
        hint = "if this is where it is built, name another environment; else delete the unmanaged solution there first"
        yield Problem(f"{now.name} is there already, unmanaged, and no release put it there", hint)
    elif now.held is not None and now.old is None and now.way is not Way.KEEP:
        hint = "adopt what runs there as the first release, or uninstall it there"
        yield Problem(f"{now.name} {now.held.version} is there already, and no release put it there", hint)


def _content_problems(client: Client, now: Situation) -> Iterator[Problem]:
    """Yield that this version is there with other content, where neither records nor a mark say what it is.

    Versions are given twice in the wild: what was installed by hand is not this release for its version alone.
    """
    if now.way is not Way.KEEP or now.old is not None or now.new is None or now.held is None:
        return
    if now.held.mark is not None or now.edits:
        return
    installed = Installed(now.wanted.package or b"", now.wanted.configuration)
    found = hold_against(client, look_around(client), now.new, installed)
    if found:
        hint = "adopt what runs there as the first release, or uninstall it there"
        what = f"{now.name} {now.held.version} is there already with other content, and no release put it there"
        yield Problem(f"{what}: {_listed(list(found))}", hint)


def _mode_problems(client: Client) -> Iterator[Problem]:
    if mode_of(client) not in MODES:
        yield Problem(f"upgrade is {mode_of(client)[:40]!r} in its settings", f"write one of: {', '.join(MODES)}")


def _value_problems(now: Situation, inventory: Inventory | None) -> Iterator[Problem]:
    if now.new is not None and inventory is not None:
        yield from value_problems(now.wanted, inventory.variables, now.new)


def _foreign_values(client: Client, now: Situation, left: Collection[str]) -> Iterator[Problem]:
    """Yield that variables have values there that are neither given nor ours to take back.

    Read back, they would not be what was deployed: that is said before anything changes. What other solutions have as
    well is the engine's to tell.
    """
    others = names_of_others(now)
    foreign = sorted(name for name in left if name.casefold() not in others)
    if foreign:
        hint = "give them in the file of the environment, or remove the current values there"
        yield Problem(f"{client.where} has values that nobody gives, and no release brought: {_listed(foreign)}", hint)


def _notes(client: Client, now: Situation) -> Iterator[str]:
    if now.edits:
        listed = _listed([edit.name for edit in now.edits])
        yield f"{len(now.edits)} components were edited live, and lose that: {listed}"
    if now.is_raised and now.way is Way.UPGRADE and now.new is not None and now.held is not None:
        own = now.new.manifest.version
        yield (
            f"{client.where} holds {now.held.version}, and takes nothing that is not higher: {own} goes there as "
            f"{now.version}, with a line in its description that says so; nothing else in it changes"
        )
    change = now.change() if now.way is Way.UPGRADE else None
    if change is not None:
        yield from (note for note in change.notes if not note.startswith("the version goes back"))
    if now.way is not Way.KEEP and now.destroys():
        if can_back_up(client):
            yield "the environment is backed up before; a restore replaces all of it, with what others did since"
        else:
            yield "no backup is made: give environment_id under settings, and register the application as an admin one"


def _removal(now: Situation) -> StepPlan:
    there = f" {now.held.version}" if now.held is not None else ", which is gone already"
    return StepPlan(REMOVE, f"uninstall {now.name}{there}")


def _loss_of_removal(now: Situation) -> Iterator[str]:
    installed = now.wanted.installed
    tables = SolutionFormat().holds_data(installed) if installed is not None and now.held is not None else ()
    if tables:
        yield f"what only {now.name} has goes with its data: {_listed(list(tables))}"


def other_than_decided(now: Situation) -> Problem | None:
    """Return that a removal would take away another version than the one that the records know and people decided on.

    Whoever installed a newer one by hand meanwhile would lose it to a decision that nobody took.
    """
    held, sealed = now.held, now.wanted.installed
    if held is None or now.old is None or sealed is None or not held.managed:
        return None
    decided = now.old.manifest.version
    if held.is_release(decided, digest_bytes(sealed)):
        return None
    hint = (
        "let somebody look who installed that; bring the other one back with `lampway drift revert`, or adopt this one"
    )
    return Problem(f"{held.name} {held.version} is there, and {decided} is to be removed", hint)


def _removal_problems(client: Client, now: Situation) -> Iterator[Problem]:
    if now.held is None:
        return
    if not now.held.managed:
        hint = "delete its components there by hand, then the solution"
        yield Problem(f"{now.name} is unmanaged there: to delete it would leave everything in it behind", hint)
        return
    other = other_than_decided(now)
    if other is not None:
        yield other
        return
    try:
        told_ = client.function("RetrieveDependenciesForUninstall", SolutionUniqueName=now.name)
    except NotFoundError:
        return
    users = [one for one in told_.get("value") or () if isinstance(one, dict)]
    if users:
        named = users_named(client, users)
        hint = "uninstall or change what uses it first"
        need = "component there needs" if len(named) == 1 else "components there need"
        yield Problem(f"{len(named)} {need} {now.name}: {_listed(named)}", hint)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_MENTIONED])
    return f"{shown} and {len(names) - _MENTIONED} more" if len(names) > _MENTIONED else shown
