"""n8n behind the platform port: each method is one conversation with an instance."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lampway.domain.capability import Ability, Capability, Support
from lampway.domain.package import Scope
from lampway.engine.abilities import Executions, Launched, Lock, Usage
from lampway.engine.platform import Access, AdapterPlan, Export, Found, Installed, Observation, Outcome, Rights, Wanted
from lampway.errors import PlatformError
from lampway.platforms.n8n import launcher, switching, usage
from lampway.platforms.n8n.api import Api
from lampway.platforms.n8n.deploy import look_up_step, make_intent, take_step
from lampway.platforms.n8n.export import export_solution
from lampway.platforms.n8n.observe import observe_all
from lampway.platforms.n8n.package import N8nFormat
from lampway.platforms.n8n.plan import make_plan
from lampway.platforms.n8n.rights import probe_rights, watch_lock
from lampway.platforms.n8n.sessions import Sessions
from lampway.platforms.n8n.situation import read_situation
from lampway.platforms.nodejs import Say, silent


class N8n:
    """n8n 2, through its public API and its own package import.

    Also `Lockable`, `Switchable`, `UsageTelling`, `ExecutionCounting` and `Launchable`.
    """

    name = "n8n"

    def __init__(
        self, *, connect: Callable[[Access], Api] | None = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.format = N8nFormat()
        self._connect = connect or partial(Api, sessions=Sessions())
        self._pause = pause

    def capabilities(self) -> tuple[Capability, ...]:
        """Return what this platform can do, one entry per ability."""
        return _CAPABILITIES

    def probe(self, access: Access) -> Rights:
        """Return what our credentials may do there. Changes nothing.

        Raises UnreachableError, AccessError when they are good for nothing, PlatformError.
        """
        return probe_rights(self._connect, access)

    def export(self, access: Access, scope: Scope, known: Mapping[str, Scope]) -> Export:
        """Return the solution that `scope` describes. Changes nothing.

        Raises NotFoundError when a workflow is not there, UsageError for a name that two have, RefusedError when two
        solutions hold the same workflow.
        """
        with self._connect(access) as api:
            return export_solution(api, scope, known)

    def observe(self, access: Access, installed: Mapping[str, Installed]) -> Observation:
        """Return how each solution there differs from what was installed. Changes nothing."""
        with self._connect(access) as api:
            return observe_all(api, installed)

    def plan(self, access: Access, wanted: Wanted) -> AdapterPlan:
        """Return the steps and every problem that stands in their way. Changes nothing."""
        with self._connect(access) as api:
            return make_plan(api, read_situation(api, wanted))

    def intend(self, access: Access, wanted: Wanted, step: str) -> Mapping[str, Any]:
        """Return digests of what is ours, before and after the step. Changes nothing."""
        with self._connect(access) as api:
            return make_intent(api, wanted, step)

    def perform(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Outcome:
        """Take a step, or nothing where its state is there already.

        Raises ConflictError, PlatformRefusedError, AccessError, UnreachableError (nothing was changed in the end), and
        UnknownOutcomeError.
        """
        with self._connect(access) as api:
            return take_step(api, wanted, step, intent, pause=self._pause)

    def poll(self, access: Access, handle: Mapping[str, Any]) -> Outcome:
        """Refuse: no step of n8n is ever left running. Raises PlatformError."""
        raise PlatformError(
            f"no step runs on in n8n, there is nothing to poll: {sorted(handle)}", where=access.environment
        )

    def look_up(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Found:
        """Return whether a step that was under way happened. Changes nothing."""
        with self._connect(access) as api:
            return look_up_step(api, wanted, step, intent)

    def observe_lock(self, access: Access, maker: Access | None) -> Lock:
        """Return whether a maker could edit there, seen with the maker's own account. Changes nothing."""
        del access
        return watch_lock(self._connect, maker)

    def is_switched(self, access: Access, installed: Installed, *, on: bool) -> bool:
        """Return whether its workflows are as they are when it is on, or off. Changes nothing."""
        with self._connect(access) as api:
            return switching.is_switched(api, installed, on=on)

    def activate(self, access: Access, installed: Installed) -> None:
        """Publish its workflows as the package has them. Raises ConflictError, PlatformRefusedError."""
        with self._connect(access) as api:
            switching.switch(api, installed, on=True, pause=self._pause)

    def deactivate(self, access: Access, installed: Installed) -> None:
        """Unpublish its workflows. Raises ConflictError, PlatformRefusedError, UnknownOutcomeError."""
        with self._connect(access) as api:
            switching.switch(api, installed, on=False, pause=self._pause)

    def tell_usage(self, access: Access, installed: Installed) -> Usage:
        """Return when it ran last, and was saved last. Changes nothing."""
        with self._connect(access) as api:
            return usage.tell_usage(api, installed)

    def count_executions(self, access: Access, installed: Installed, since: str) -> Executions:
        """Return how many runs began since a moment and are over, and how many of them failed. Changes nothing."""
        with self._connect(access) as api:
            return usage.count_executions(api, installed, since)

    def launch(self, folder: Path, *, name: str, locked: bool, cache: Path, say: Say = silent) -> Launched:
        """Install n8n into `cache` if needed and start it on `folder`; the same folder keeps its data and port.

        Raises PlatformError with the end of the log.
        """
        return launcher.launch(folder, name=name, locked=locked, cache=cache, say=say)

    def stop(self, launched: Launched) -> None:
        """Stop what `launch` started, by its process id. Does nothing when it has ended already."""
        launcher.stop(launched)


_PROVED = "proved on n8n 2.41.1, community edition"
_SAME = "from another environment byte for byte where credentials have the same names there"
_EXPORT = f"what was saved, published or not; {_SAME}; {_PROVED}"
_DEPLOY = (
    "workflows keep their ids, by n8n's package import, which is a beta that may come to need a licence; "
    f"tags and pinned data stay behind; {_PROVED}"
)
_OBSERVE = "definition, drafts, published versions, settings, values and which credential is chosen; not what is in it"
_CONFIGURE = "fields of nodes named Configuration; n8n's own variables need a licence"
_SECRETS = "credentials are made in n8n and chosen by id: Lampway never sends a secret, and sees none"
_PRECONDITION = (
    "n8n takes none: what is there is compared right before a change, and a save within that moment is overwritten"
)
_ATOMIC = "one workflow is; several are saved first and published then, and taken back when n8n refuses one of them"
_RECOVERY = "told by digests of what is ours; a step that died between two workflows is told as such, and a person says"
_ROLLBACK = "the older package is deployed; data that workflows keep between runs is not restored"
_LOCK = "seen with a maker's account; that members build workflows of their own cannot be forbidden without a licence"
_LOCK_SET = "n8n has no lock without a licence: an admin decides who has an account"
_SWITCH = "workflows are unpublished and stay there; runs that are under way end by themselves"
_USAGE = "runs that n8n still remembers, and when it was saved"
_RUNS = "runs that n8n still remembers"

_CAPABILITIES = (
    Capability(Ability.EXPORT, Support.FULL, _EXPORT),
    Capability(Ability.DEPLOY, Support.FULL, _DEPLOY),
    Capability(Ability.REMOVE, Support.FULL, "unpublished first; the record of its runs goes with it"),
    Capability(Ability.OBSERVE, Support.FULL, _OBSERVE),
    Capability(Ability.CONFIGURE, Support.FULL, _CONFIGURE),
    Capability(Ability.SECRETS, Support.PARTIAL, _SECRETS),
    Capability(Ability.PRECONDITION, Support.PARTIAL, _PRECONDITION),
    Capability(Ability.ATOMIC, Support.PARTIAL, _ATOMIC),
    Capability(Ability.RECOVERY, Support.PARTIAL, _RECOVERY),
    Capability(Ability.ROLLBACK, Support.FULL, _ROLLBACK),
    Capability(Ability.EDITORS, Support.NOT_YET, "n8n names the authors of versions; they are not read yet"),
    Capability(Ability.LOCK_OBSERVE, Support.PARTIAL, _LOCK),
    Capability(Ability.LOCK_SET, Support.IMPOSSIBLE, _LOCK_SET),
    Capability(Ability.LABEL, Support.IMPOSSIBLE, "the editor shows no label of an environment"),
    Capability(Ability.LAUNCH, Support.FULL),
    Capability(Ability.SMOKE_RUN, Support.IMPOSSIBLE, "nothing starts a workflow from outside; let a check call it"),
    Capability(Ability.EXECUTIONS, Support.PARTIAL, _RUNS),
    Capability(Ability.SWITCH, Support.FULL, _SWITCH),
    Capability(Ability.USAGE, Support.PARTIAL, _USAGE),
    Capability(Ability.SANDBOX, Support.NOT_YET, "an instance of its own takes 15 seconds and a gigabyte of memory"),
    Capability(Ability.PICTURE, Support.FULL),
    Capability(Ability.BLANK, Support.IMPOSSIBLE, "packages keep no values of dev as defaults"),
    Capability(Ability.SURVEY, Support.IMPOSSIBLE, "an environment is exported whole"),
    Capability(Ability.MATCH, Support.IMPOSSIBLE, "what runs is exported itself"),
    Capability(Ability.GATHER, Support.IMPOSSIBLE, "n8n has no solutions: name workflows under `contains`"),
)
