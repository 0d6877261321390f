"""Node-RED behind the platform port: each method is one conversation with the runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lampway.domain.capability import Ability, Capability, Support
from lampway.domain.package import Scope
from lampway.engine.abilities import Launched, Lock
from lampway.engine.platform import Access, AdapterPlan, Export, Found, Installed, Observation, Outcome, Rights, Wanted
from lampway.errors import PlatformError
from lampway.platforms.nodejs import Say, silent
from lampway.platforms.nodered import launcher, switching
from lampway.platforms.nodered.api import Api
from lampway.platforms.nodered.control import lock_objection, set_label, set_lock
from lampway.platforms.nodered.deploy import deploy, look_up_deployment, make_intent
from lampway.platforms.nodered.export import export_solution
from lampway.platforms.nodered.observe import observe_all
from lampway.platforms.nodered.package import NodeRedFormat
from lampway.platforms.nodered.plan import STEP, make_plan
from lampway.platforms.nodered.rights import probe_rights, watch_lock


class NodeRed:
    """Node-RED 4 and newer, through its admin API.

    Also `Lockable`, `LockSettable`, `Labelled`, `Switchable`, `Launchable` and `Disposable`.
    """

    name = "node-red"

    def __init__(self, *, connect: Callable[[Access], Api] = Api) -> None:
        self.format = NodeRedFormat()
        self._connect = connect

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

        Raises NotFoundError when a tab is not there, RefusedError when two solutions hold the same node.
        """
        with self._connect(access) as api:
            return export_solution(api, scope, known)

    def observe(self, access: Access, installed: Mapping[str, Installed]) -> Observation:
        """Return how each solution there differs from what was installed. Changes nothing."""
        with self._connect(access) as api:
            return observe_all(api, installed)

    def plan(self, access: Access, wanted: Wanted) -> AdapterPlan:
        """Return the one step and every problem that stands in its way. Changes nothing."""
        with self._connect(access) as api:
            return make_plan(api, wanted)

    def intend(self, access: Access, wanted: Wanted, step: str) -> Mapping[str, Any]:
        """Return the revisions and the digests of what is ours, before and after the step. Changes nothing."""
        _check(step)
        with self._connect(access) as api:
            return make_intent(api, wanted)

    def perform(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Outcome:
        """Deploy, or send our secrets again where the intended state is there already.

        Raises ConflictError, PlatformRefusedError, AccessError, UnreachableError (nothing was changed), and
        UnknownOutcomeError.
        """
        _check(step)
        with self._connect(access) as api:
            return deploy(api, wanted, intent)

    def poll(self, access: Access, handle: Mapping[str, Any]) -> Outcome:
        """Refuse: no step of Node-RED is ever left running. Raises PlatformError."""
        raise PlatformError(
            f"no step runs on in Node-RED, there is nothing to poll: {sorted(handle)}", where=access.environment
        )

    def look_up(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Found:
        """Return whether a deployment that was under way happened. Changes nothing."""
        _check(step)
        with self._connect(access) as api:
            return look_up_deployment(api, wanted, intent)

    def observe_lock(self, access: Access, maker: Access | None) -> Lock:
        """Return whether a maker could edit there. Changes nothing."""
        return watch_lock(self._connect, access, maker)

    def lock_objection(self, access: Access) -> str:
        """Return why the lock of this runtime cannot be set, in words; empty when it can. Changes nothing."""
        with self._connect(access) as api:
            return lock_objection(api)

    def set_lock(self, access: Access, *, locked: bool, until: str = "") -> None:
        """Let makers edit flows until a moment, or no longer. Raises PlatformRefusedError where that cannot be set."""
        with self._connect(access) as api:
            set_lock(api, locked=locked, until=until)

    def read_label(self, access: Access) -> str:
        """Return what the editor shows at its top. Changes nothing."""
        with self._connect(access) as api:
            return api.title()

    def set_label(self, access: Access, label: str) -> None:
        """Let the editor show a text at its top. Raises PlatformRefusedError where that cannot be set."""
        with self._connect(access) as api:
            set_label(api, label)

    def is_switched(self, access: Access, installed: Installed, *, on: bool) -> bool:
        """Return whether its tabs are as they are when it is on, or off. Changes nothing."""
        with self._connect(access) as api:
            return switching.is_switched(api, installed, on=on)

    def activate(self, access: Access, installed: Installed) -> None:
        """Enable its tabs as the package has them. Raises ConflictError, PlatformRefusedError, UnknownOutcomeError."""
        with self._connect(access) as api:
            switching.switch(api, installed, on=True)

    def deactivate(self, access: Access, installed: Installed) -> None:
        """Disable its tabs. Raises ConflictError, PlatformRefusedError, UnknownOutcomeError."""
        with self._connect(access) as api:
            switching.switch(api, installed, on=False)

    def launch(
        self,
        folder: Path,
        *,
        name: str,
        locked: bool,
        cache: Path,
        say: Say = silent,
        environment: Mapping[str, str] | None = None,
    ) -> Launched:
        """Install Node-RED into `cache` if needed and start it on `folder`; the same folder keeps its data and port.

        `environment` is what flows find in the process environment. Raises PlatformError with the end of the log.
        """
        return launcher.launch(folder, name=name, locked=locked, cache=cache, environment=environment, say=say)

    def stop(self, launched: Launched) -> None:
        """Stop what `launch` started, by its process id. Does nothing when it has ended already."""
        launcher.stop(launched)

    def start_sandbox(self, folder: Path, *, name: str, cache: Path, say: Say = silent) -> Launched:
        """Start a Node-RED that its maker may edit. Its flows get none of our environment. Raises PlatformError."""
        return launcher.start_open(folder, name=name, cache=cache, say=say)

    def find_sandbox(self, folder: Path) -> Launched | None:
        """Return the Node-RED that runs on this folder, or None. Raises PlatformError for a damaged folder."""
        return launcher.find(folder)

    def remove_sandbox(self, folder: Path) -> None:
        """Stop the Node-RED that runs on this folder, and remove the folder. Raises PlatformError."""
        launcher.remove(folder)


def _check(step: str) -> None:
    if step != STEP:
        raise PlatformError(f"no such step in a plan for Node-RED: {step}")


_LOCK_SET = (
    "only on runtimes that Lampway started locked, which end it at its time by themselves as well; "
    "elsewhere an admin gives people `permissions: 'read'` in settings.js and restarts it, and Lampway only looks"
)
_LABEL = "the title of the editor is read everywhere, and set only on runtimes that Lampway started"
_SECRETS = "whether a secret is stored can be seen, not which one; for a global-config node not even whether"
_OBSERVE = "definition, values and stored credential fields; npm modules of function nodes cannot be seen"
_CONFIGURE = (
    "values of the whole environment restart every flow of the runtime; those of tabs and groups restart only these"
)
_DEPLOY = "Node-RED does not report a script that cannot be parsed: a request to it never ends, so let a check call it"
_RECOVERY = "told by the revision and by digests of what is ours; secrets alone cannot be seen and are sent again"
_SWITCH = "tabs are disabled, so that nothing on them runs; configuration nodes that all tabs share stay"

_CAPABILITIES = (
    Capability(Ability.EXPORT, Support.FULL),
    Capability(Ability.DEPLOY, Support.FULL, _DEPLOY),
    Capability(Ability.REMOVE, Support.FULL),
    Capability(Ability.OBSERVE, Support.FULL, _OBSERVE),
    Capability(Ability.CONFIGURE, Support.FULL, _CONFIGURE),
    Capability(Ability.SECRETS, Support.PARTIAL, _SECRETS),
    Capability(Ability.PRECONDITION, Support.FULL),
    Capability(Ability.ATOMIC, Support.FULL),
    Capability(Ability.RECOVERY, Support.FULL, _RECOVERY),
    Capability(Ability.ROLLBACK, Support.FULL, "the flows come back byte for byte; data they keep elsewhere does not"),
    Capability(Ability.EDITORS, Support.IMPOSSIBLE, "Node-RED keeps no record of who edited"),
    Capability(Ability.LOCK_OBSERVE, Support.FULL, "needs a maker's access"),
    Capability(Ability.LOCK_SET, Support.PARTIAL, _LOCK_SET),
    Capability(Ability.LABEL, Support.PARTIAL, _LABEL),
    Capability(Ability.LAUNCH, Support.FULL),
    Capability(Ability.SANDBOX, Support.FULL),
    Capability(Ability.PICTURE, Support.FULL),
    Capability(Ability.BLANK, Support.IMPOSSIBLE, "exports keep no values of dev as defaults"),
    Capability(
        Ability.SMOKE_RUN, Support.IMPOSSIBLE, "Node-RED has no run of its own; let an HTTP check call the flows"
    ),
    Capability(
        Ability.EXECUTIONS,
        Support.IMPOSSIBLE,
        "Node-RED keeps no record of what its flows did; probe them over HTTP",
    ),
    Capability(Ability.SWITCH, Support.FULL, _SWITCH),
    Capability(Ability.SURVEY, Support.IMPOSSIBLE, "an environment is exported whole"),
    Capability(Ability.MATCH, Support.IMPOSSIBLE, "what runs is exported itself"),
    Capability(
        Ability.GATHER, Support.IMPOSSIBLE, "Node-RED has no solutions: name tabs under `contains` of solution.yaml"
    ),
    Capability(
        Ability.USAGE, Support.IMPOSSIBLE, "Node-RED keeps no record of when its flows ran or were changed last"
    ),
)
