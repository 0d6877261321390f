"""One solution between what an instance holds and what it shall hold: read once, decided upon everywhere alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lampway.domain.configuration import BOUND, EXTERNAL
from lampway.domain.digest import digest
from lampway.engine.platform import Wanted
from lampway.errors import AccessError
from lampway.platforms.n8n.api import Api, Credential
from lampway.platforms.n8n.configuration import with_values
from lampway.platforms.n8n.contents import Contents, read_package
from lampway.platforms.n8n.credentials import Bound, with_credentials
from lampway.platforms.n8n.wire import body_of, draft_digest, published_of, running_digest
from lampway.platforms.n8n.workflows import Workflow


@dataclass(frozen=True, slots=True)
class Situation:
    """An instance as it was read, and what is wanted of it."""

    wanted: Wanted
    new: Contents | None
    old: Contents | None
    live: Mapping[str, Workflow]
    """Every workflow there, by id."""
    credentials: Mapping[str, Credential] | None
    """By id; None where our key may not list them."""

    @property
    def packaged(self) -> dict[str, Workflow]:
        """What the wanted package holds, by id."""
        return {workflow["id"]: workflow for workflow in self.new.workflows} if self.new else {}

    @property
    def recorded(self) -> dict[str, Workflow]:
        """What the records say is there of it, by id."""
        return {workflow["id"]: workflow for workflow in self.old.workflows} if self.old else {}

    @property
    def leaving(self) -> tuple[str, ...]:
        """Ids of what was installed, is there and shall not be."""
        return tuple(id_ for id_ in self.recorded if id_ not in self.packaged and id_ in self.live)

    def chosen(self) -> dict[str, str]:
        """Return connection to the id of the credential that the environment chooses for it."""
        given = {name: fields.get(BOUND) for name, fields in self.wanted.secrets.items()}
        return {name: secret.reveal() for name, secret in given.items() if secret is not None and secret.reveal()}

    def values(self) -> dict[str, Any]:
        """Return the values that the environment gives by itself."""
        return {name: value for name, value in self.wanted.configuration.variables.items() if value != EXTERNAL}

    def bodies(self) -> dict[str, Workflow]:
        """Return by id what is sent to let every draft be as it shall; values and bindings are in it."""
        names = {id_: one.name for id_, one in (self.credentials or {}).items()}
        bound = {name: Bound(id_, names.get(id_, name)) for name, id_ in self.chosen().items()}
        values = self.values()
        return {
            id_: body_of(with_credentials(with_values(workflow, values), bound), self.live.get(id_))
            for id_, workflow in self.packaged.items()
        }

    def drafts(self) -> str:
        """Return the digest of the drafts that are there of it."""
        return digest({id_: self._draft(id_, self.live.get(id_)) for id_ in self._ours()})

    def wanted_drafts(self) -> str:
        """Return the digest of the drafts as they shall be; what is to go later is still there."""
        bodies = self.bodies()
        return digest({id_: self._draft(id_, bodies.get(id_, self.live.get(id_))) for id_ in self._ours()})

    def running(self) -> str:
        """Return the digest of what runs there of it."""
        return digest({id_: self._run(id_, self.live.get(id_)) for id_ in self._ours()})

    def wanted_running(self) -> str:
        """Return the digest of what shall run; what shall not be there any more is not."""
        bodies = self.bodies()
        return digest({id_: self.run_of(id_, bodies) for id_ in self._ours()})

    def run_of(self, id_: str, bodies: Mapping[str, Workflow]) -> str | None:
        """Return the digest of what shall run of one workflow: empty for nothing, None where it shall be gone."""
        workflow = self.packaged.get(id_)
        if workflow is None:
            return None
        return running_digest(bodies[id_], workflow) if workflow["active"] else ""

    def runs(self, id_: str) -> str | None:
        """Return the digest of what runs of one workflow: empty for nothing, None where it is not there."""
        return self._run(id_, self.live.get(id_))

    def _ours(self) -> list[str]:
        return sorted({*self.packaged, *self.recorded})

    def _draft(self, id_: str, workflow: Workflow | None) -> str | None:
        return None if workflow is None else draft_digest(workflow, self.packaged.get(id_))

    def _run(self, id_: str, workflow: Workflow | None) -> str | None:
        if workflow is None:
            return None
        published = published_of(workflow)
        return "" if published is None else running_digest(published, self.packaged.get(id_))


def read_situation(api: Api, wanted: Wanted) -> Situation:
    """Return what is there now and what is wanted. Raises InvalidPackageError for a package that cannot be read."""
    new = read_package(wanted.package) if wanted.package is not None else None
    old = read_package(wanted.installed) if wanted.installed is not None else None
    live = {workflow["id"]: workflow for workflow in api.workflows()}
    return Situation(wanted, new, old, live, read_credentials(api))


def read_credentials(api: Api) -> dict[str, Credential] | None:
    """Return every credential there by id; None where our key may not list them."""
    try:
        return api.credentials()
    except AccessError:
        return None
