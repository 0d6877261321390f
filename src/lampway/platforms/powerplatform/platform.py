"""Power Platform behind the platform port: each method is one conversation with a Dataverse environment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from lampway.domain.capability import Ability, Capability, Support
from lampway.domain.package import Scope
from lampway.engine.abilities import Lock, Usage
from lampway.engine.bringing import Loose, Matched, Surveyed
from lampway.engine.platform import (
    Access,
    AdapterPlan,
    Export,
    Found,
    Installed,
    Observation,
    Outcome,
    Rights,
    UnderWay,
    Wanted,
)
from lampway.platforms.powerplatform import gathering, lock, switching, usage
from lampway.platforms.powerplatform.adopting import match_package
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.deploy import look_up_step, make_intent, poll_step, take_step
from lampway.platforms.powerplatform.export import export_solution
from lampway.platforms.powerplatform.inventory import NAME
from lampway.platforms.powerplatform.observe import observe_all
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.platforms.powerplatform.plan import make_plan
from lampway.platforms.powerplatform.rights import probe_rights
from lampway.platforms.powerplatform.signin import Tokens
from lampway.platforms.powerplatform.surveying import survey


class PowerPlatform:
    """Power Platform, through the Web API of Dataverse.

    Also `Lockable`, `LockSettable`, `Switchable`, `UsageTelling`, `Matching`, `Surveying` and `Gathering`.

    Nothing of it was run against a live tenant: it was built from documents and proved against an emulator.
    """

    name = NAME

    def __init__(self, *, connect: Callable[..., Client] = Client, pause: Callable[[float], None] = time.sleep) -> None:
        self.format = SolutionFormat()
        self._connect = connect
        self._pause = pause
        self._tokens = Tokens()

    def capabilities(self) -> tuple[Capability, ...]:
        """Return what this platform can do, one entry per ability."""
        return _CAPABILITIES

    def probe(self, access: Access) -> Rights:
        """Return what our credentials may do there. Changes nothing.

        Raises UnreachableError, AccessError when they are good for nothing, PlatformError.
        """
        with self._client(access) as client:
            return probe_rights(client)

    def export(self, access: Access, scope: Scope, known: Mapping[str, Scope]) -> Export:
        """Return the solution in both forms, proven to be one build. Changes nothing.

        Raises NotFoundError, RefusedError for what is managed there and for two owners.
        """
        with self._client(access) as client:
            return export_solution(client, scope, known, pause=self._pause)

    def observe(self, access: Access, installed: Mapping[str, Installed]) -> Observation:
        """Return how each solution there differs from what was installed. Changes nothing."""
        with self._client(access) as client:
            return observe_all(client, installed)

    def plan(self, access: Access, wanted: Wanted) -> AdapterPlan:
        """Return the steps and every problem that stands in their way. Changes nothing; a package is staged for it."""
        with self._client(access, wanted) as client:
            return make_plan(client, wanted)

    def intend(self, access: Access, wanted: Wanted, step: str) -> Mapping[str, Any]:
        """Return the state a step leaves from and the one it will reach. Changes nothing."""
        with self._client(access, wanted) as client:
            return make_intent(client, wanted, step)

    def perform(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Outcome:
        """Take a step, or nothing where its state is there already.

        Raises ConflictError, PlatformRefusedError, AccessError, UnreachableError (nothing was changed), and
        UnknownOutcomeError.
        """
        with self._client(access, wanted) as client:
            return take_step(client, wanted, step, intent)

    def poll(self, access: Access, handle: Mapping[str, Any]) -> Outcome:
        """Return how far a running step has come; a failure is told in the platform's words, component by component."""
        with self._client(access) as client:
            return poll_step(client, handle)

    def look_up(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Found | UnderWay:
        """Return whether a step that was under way happened. Changes nothing."""
        with self._client(access, wanted) as client:
            return look_up_step(client, wanted, step, intent)

    def observe_lock(self, access: Access, maker: Access | None) -> Lock:
        """Return whether makers could edit there; the setting and the roles tell, whoever asks. Changes nothing."""
        del maker
        with self._client(access) as client:
            return lock.observe_lock(client)

    def lock_objection(self, access: Access) -> str:
        """Return why the lock of this environment is not set by Lampway, in words; empty when it can be."""
        return lock.lock_objection(access)

    def set_lock(self, access: Access, *, locked: bool, until: str = "") -> None:
        """Block unmanaged customizations, or let them in; nothing ends it by itself. Raises PlatformRefusedError."""
        del until
        with self._client(access) as client:
            lock.set_lock(client, locked=locked)

    def is_switched(self, access: Access, installed: Installed, *, on: bool) -> bool:
        """Return whether its flows are as they are when it is on, or off. Changes nothing."""
        with self._client(access) as client:
            return switching.is_switched(client, installed, on=on)

    def activate(self, access: Access, installed: Installed) -> None:
        """Turn its flows on as the package has them. Raises ConflictError, PlatformRefusedError."""
        with self._client(access) as client:
            switching.switch(client, installed, on=True)

    def deactivate(self, access: Access, installed: Installed) -> None:
        """Turn its flows off. Raises ConflictError, PlatformRefusedError."""
        with self._client(access) as client:
            switching.switch(client, installed, on=False)

    def tell_usage(self, access: Access, installed: Installed) -> Usage:
        """Return what is known about its use. Changes nothing."""
        with self._client(access) as client:
            return usage.tell_usage(client, installed)

    def survey(self, access: Access) -> Surveyed:
        """Return what is there, whatever solution it is in. Changes nothing."""
        with self._client(access) as client:
            return survey(client)

    def match(self, access: Access, package: bytes) -> Matched:
        """Return how what runs there differs from a package, and what is given to it. Changes nothing."""
        with self._client(access) as client:
            return match_package(client, package)

    def list_loose(self, access: Access) -> tuple[Loose, ...]:
        """Return flows and apps that are in no solution. Changes nothing."""
        with self._client(access) as client:
            return gathering.list_loose(client)

    def gather(self, access: Access, solution: str, loose: Loose) -> None:
        """Put a flow or an app into a solution of makers. Raises NotFoundError, PlatformRefusedError."""
        with self._client(access) as client:
            gathering.gather(client, solution, loose)

    def _client(self, access: Access, wanted: Wanted | None = None) -> Client:
        client = self._connect(access, tokens=self._tokens, pause=self._pause)
        if wanted is not None:
            client.hide(*(secret for fields in wanted.secrets.values() for secret in fields.values()))
        return client


_PROVED = "proved against an emulator only"
_EXPORT = f"from where it is built; what was installed managed never leaves an environment again; {_PROVED}"
_OBSERVE = (
    "live edits of every component that the platform layers, flows in a maker's words; values, bindings, states and "
    f"owners; {_PROVED}"
)
_CONFIGURE = f"values of variables and connections, given with the import; connections themselves must exist; {_PROVED}"
_SECRETS = (
    "connections are bound by their ids; a secret variable takes the path of a secret in a vault, never the secret"
)
_PRECONDITION = (
    "the platform takes no version twice; live edits are looked for right before, and one that is saved within that "
    "moment stays as a layer and is found as drift"
)
_ATOMIC = "an import that fails half way tells what failed; tables may be there already"
_RECOVERY = "told by the import job, whose id is chosen before anything is sent, and by what is there"
_ROLLBACK = (
    "old content goes forward under a new version; data of tables and columns that go is lost, and an environment "
    "backup is taken before where the admin API is given"
)
_LOCK = "what the platform's own setting leaves open is told"
_LOCK_SET = "only where the environment's settings allow Lampway to write the platform's settings column"
_SWITCH = "flows are turned off and on; apps and tables cannot be turned off"
_USAGE = "runs of cloud flows, for as long as the platform keeps them; nothing about who opens an app"
_PICTURE = "cloud flows, and the screens of canvas apps; tables, forms and model-driven apps are told in words"
_BLANK = "what flows keep as defaults of variables; current values in the package and values in apps are told only"
_SURVEY = f"flows by what they do; apps by when they were saved; all else by its layer; {_PROVED}"
_MATCH = f"flows by what they do; tables, apps and all else by name, version and layers only; {_PROVED}"
_GATHER = f"cloud flows and canvas apps; flows made outside of Dataverse must be moved by their owners; {_PROVED}"

_CAPABILITIES = (
    Capability(Ability.EXPORT, Support.PARTIAL, _EXPORT),
    Capability(Ability.DEPLOY, Support.FULL, _PROVED),
    Capability(Ability.REMOVE, Support.FULL, f"uninstalling a table destroys its data; {_PROVED}"),
    Capability(Ability.OBSERVE, Support.FULL, _OBSERVE),
    Capability(Ability.CONFIGURE, Support.FULL, _CONFIGURE),
    Capability(Ability.SECRETS, Support.PARTIAL, _SECRETS),
    Capability(Ability.PRECONDITION, Support.FULL, _PRECONDITION),
    Capability(Ability.ATOMIC, Support.PARTIAL, _ATOMIC),
    Capability(Ability.RECOVERY, Support.FULL, _RECOVERY),
    Capability(Ability.ROLLBACK, Support.PARTIAL, _ROLLBACK),
    Capability(Ability.EDITORS, Support.NOT_YET, "the platform names who saved some kinds of components, not all"),
    Capability(Ability.LOCK_OBSERVE, Support.FULL, _LOCK),
    Capability(Ability.LOCK_SET, Support.PARTIAL, _LOCK_SET),
    Capability(Ability.LABEL, Support.IMPOSSIBLE, "no label of an environment is shown to whoever edits there"),
    Capability(Ability.LAUNCH, Support.IMPOSSIBLE, "environments are made by an admin of the tenant"),
    Capability(Ability.SMOKE_RUN, Support.NOT_YET, "the platform has no run of its own; let a check call its flows"),
    Capability(Ability.EXECUTIONS, Support.NOT_YET, "runs of flows are kept there and not counted yet"),
    Capability(Ability.SWITCH, Support.PARTIAL, _SWITCH),
    Capability(Ability.USAGE, Support.PARTIAL, _USAGE),
    Capability(Ability.SANDBOX, Support.NOT_YET, "copies of environments are made by an admin of the tenant"),
    Capability(Ability.PICTURE, Support.PARTIAL, _PICTURE),
    Capability(Ability.BLANK, Support.PARTIAL, _BLANK),
    Capability(Ability.SURVEY, Support.PARTIAL, _SURVEY),
    Capability(Ability.MATCH, Support.PARTIAL, _MATCH),
    Capability(Ability.GATHER, Support.PARTIAL, _GATHER),
)
