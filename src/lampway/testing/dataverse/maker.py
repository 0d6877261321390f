"""The maker's back door: what somebody with an editor does in an environment, past every client."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lampway.testing.dataverse.flows import definition_of, turn_off, turn_on
from lampway.testing.dataverse.importing import Wish, import_package, set_value
from lampway.testing.dataverse.layering import edit, remove
from lampway.testing.dataverse.operations import start
from lampway.testing.dataverse.organisation import ADMINISTRATOR, CUSTOMIZER, MAKER, Organisation
from lampway.testing.dataverse.package import Part, read_package
from lampway.testing.dataverse.records import canvas_part, definition_part, flow_part, reference_part
from lampway.testing.dataverse.refusals import RefusedError, forbidden
from lampway.testing.dataverse.removing import delete_component
from lampway.testing.dataverse.state import Component, Solution, User

_NEVER = 10**9
_ENDED, _CANCELLED = 3, 32

Change = Callable[[dict[str, Any]], object]
"""Changes the JSON of a flow in place."""


class Maker:
    """Somebody at an editor in one environment. Every call holds from the moment it returns."""

    def __init__(self, organisation: Organisation, name: str = "Mia Maker") -> None:
        self._organisation = organisation
        user = organisation.user_named(name)
        self.user: User = user or organisation.add_user(
            name, MAKER, CUSTOMIZER, email=f"{name.lower().replace(' ', '.')}@example.org"
        )

    def load(self, package: bytes) -> Solution:
        """Bring an unmanaged solution in at once, as if it had been built here. Raises RefusedError."""
        return self._bring(package)

    def install(self, package: bytes, *, upgrade: bool = False) -> Solution:
        """Bring a managed solution in at once, with its flows turned on where that is possible. Raises RefusedError."""
        return self._bring(package, upgrade=upgrade)

    def hold(self, package: bytes) -> Solution:
        """Bring an upgrade in and leave it unapplied, as an upgrade that broke off does. Raises RefusedError."""
        with self._organisation.lock:
            read = read_package(package)
            import_package(self._organisation, Wish(read, holding=True, by=self.user.id))
            return self._organisation.state.solutions[f"{read.unique_name}_Upgrade".lower()]

    def _bring(self, package: bytes, *, upgrade: bool = False) -> Solution:
        with self._organisation.lock:
            read = read_package(package)
            import_package(self._organisation, Wish(read, upgrade=upgrade, by=self.user.id))
            return self._organisation.state.solutions[read.unique_name.lower()]

    def flow(self, name: str) -> Component:
        """Return a flow by its name or id. Raises RefusedError."""
        return self.component("workflow", name)

    def component(self, kind: str, name: str) -> Component:
        """Return a component by its name, key or id. Raises RefusedError."""
        for one in self._organisation.state.of_kind(kind):
            if name.lower() in {one.part.name.lower(), one.key, one.id}:
                return one
        raise RefusedError(404, "0x80040217", f"there is no {kind} {name}")

    def definition(self, flow: str) -> dict[str, Any]:
        """Return what a flow does now, as JSON."""
        with self._organisation.lock:
            return definition_of(self.flow(flow))

    def edit_flow(self, flow: str, change: Change | Mapping[str, Any]) -> Component:
        """Change what a flow does: a function that changes its JSON, or the new JSON. Raises RefusedError."""
        with self._organisation.lock:
            component = self.flow(flow)
            if callable(change):
                whole = definition_of(component)
                change(whole)
            else:
                whole = dict(change)
            part = component.part
            file = next(name for name in part.files if name.lower().endswith(".json"))
            files = {**part.files, file: json.dumps(whole, indent=2).encode()}
            new = Part(part.kind, part.key, part.name, part.id, part.section, part.header, files)
            return self._edit(new)

    def turn_on(self, flow: str) -> None:
        """Turn a flow on. Raises RefusedError where something that it needs is missing."""
        with self._organisation.lock:
            turn_on(self._organisation, self.flow(flow), self.user.id)

    def turn_off(self, flow: str) -> None:
        """Turn a flow off."""
        with self._organisation.lock:
            turn_off(self._organisation, self.flow(flow), self.user.id)

    def is_on(self, flow: str) -> bool:
        """Return whether a flow is on."""
        return bool(self.flow(flow).live.get("statecode"))

    def set_value(self, variable: str, value: Any) -> None:
        """Give an environment variable another value here."""
        with self._organisation.lock:
            if set_value(self._organisation, variable, value, self.user.id) is None:
                raise RefusedError(404, "0x80040217", f"there is no environment variable {variable}")

    def bind(self, reference: str, connection: str) -> None:
        """Let a connection reference stand for another connection; an empty one for none."""
        with self._organisation.lock:
            self.component("connectionreference", reference).live["connectionid"] = connection or None

    def add_connection(
        self, name: str, connector: str = "shared_sharepointonline", *, shared: Sequence[str] = ("*",)
    ) -> str:
        """Make a connection that references can stand for, shared with everybody unless people are named.

        Return its name.
        """
        with self._organisation.lock:
            row = {"name": name, "connector": connector, "owner": self.user.name, "shared": list(shared)}
            self._organisation.state.extras.setdefault("connections", []).append(row)
        return name

    def add_flow(self, name: str, definition: Mapping[str, Any], *, solution: str = "", on: bool = False) -> Component:
        """Make a flow, in a solution or in none. Raises RefusedError."""
        with self._organisation.lock:
            part = flow_part(name, self._organisation.ids(), json.dumps(definition, indent=2), on=on)
            component = self._edit(part, solution)
            if on:
                turn_on(self._organisation, component, self.user.id)
            return component

    def add_variable(self, schema: str, *, default: str | None = None, solution: str = "") -> Component:
        """Make an environment variable, in a solution or in none. Raises RefusedError."""
        with self._organisation.lock:
            return self._edit(definition_part(schema, default=default), solution)

    def add_reference(self, name: str, connector: str = "shared_sharepointonline", *, solution: str = "") -> Component:
        """Make a connection reference, in a solution or in none. Raises RefusedError."""
        part = reference_part(name, f"/providers/Microsoft.PowerApps/apis/{connector}")
        with self._organisation.lock:
            return self._edit(part, solution)

    def add_app(self, name: str, *, solution: str = "") -> Component:
        """Make a canvas app, in a solution or in none. Raises RefusedError."""
        now = self._organisation.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        with self._organisation.lock:
            return self._edit(canvas_part(name, saved=now), solution)

    def _edit(self, part: Part, solution: str = "") -> Component:
        """Change or make a component as this person.

        Raises RefusedError where there is no role for it, and where unmanaged customizations are blocked.
        """
        if not set(self.user.roles) & {ADMINISTRATOR, CUSTOMIZER, MAKER}:
            raise forbidden(f"Principal user (Id={self.user.id}, type=8) is missing prvWrite{part.kind} privilege.")
        return edit(self._organisation, part, self.user.id, solution=solution)

    def remove(self, kind: str, name: str) -> None:
        """Delete a component. Raises RefusedError where it is managed, needed or locked."""
        with self._organisation.lock:
            delete_component(self._organisation, self.component(kind, name))

    def lose(self, kind: str, name: str) -> None:
        """Let a component be gone, whatever holds it, as an accident of the platform would."""
        with self._organisation.lock:
            remove(self._organisation, self.component(kind, name))

    def begin_import(self, message: str = "ImportSolutionAsync") -> str:
        """Begin an import, or what else `message` names, that hangs, as it happens; return the id of its operation."""
        with self._organisation.lock:
            operation = start(self._organisation, message, {}, self.user.id)
            operation.steps = _NEVER
            return operation.id

    def cancel_imports(self) -> None:
        """Cancel every operation that has not ended yet."""
        with self._organisation.lock:
            for found in self._organisation.state.operations.values():
                if found.state != _ENDED:
                    found.state, found.status, found.completed = _ENDED, _CANCELLED, self._organisation.now()

    def set_version(self, solution: str, version: str) -> None:
        """Give an unmanaged solution another version."""
        with self._organisation.lock:
            self._organisation.state.solutions[solution.lower()].version = version

    def set_rows(self, table: str, rows: int) -> None:
        """Let a table have so many rows of data."""
        with self._organisation.lock:
            self.component("entity", table).rows = rows

    def rows(self, table: str) -> int:
        """Return how many rows of data a table has; none where the table is gone."""
        component = self._organisation.state.components.get(f"entity:{table.lower()}")
        return component.rows if component else 0

    def lost_columns(self) -> Mapping[str, list[str]]:
        """Return the columns that went away from tables with data in them."""
        return dict(self._organisation.state.settings.get("_lost_columns", {}))

    def lost_rows(self) -> Mapping[str, int]:
        """Return how many rows of data went away together with their tables."""
        return dict(self._organisation.state.settings.get("_lost_rows", {}))

    def run(self, flow: str, at: str) -> None:
        """Let a flow have run at an ISO time, as its history tells."""
        with self._organisation.lock:
            row = {"flowrunid": self._organisation.ids(), "name": flow, "workflowid": self.flow(flow).id}
            runs = self._organisation.state.extras.setdefault("flowruns", [])
            runs.append({**row, "starttime": at, "endtime": at, "status": "Succeeded"})

    def give_role(self, user: str, *roles: str) -> User:
        """Give somebody roles; who is not there yet is added."""
        with self._organisation.lock:
            found = self._organisation.user_named(user) or self._organisation.add_user(user)
            found.roles += [role for role in roles if role not in found.roles]
            return found

    def take_role(self, user: str, *roles: str) -> None:
        """Take roles from somebody."""
        with self._organisation.lock:
            found = self._organisation.user_named(user)
            if found is not None:
                found.roles = [role for role in found.roles if role not in roles]

    def lock(self) -> None:
        """Block unmanaged customizations."""
        with self._organisation.lock:
            self._organisation.state.settings["IsLockdownOfUnmanagedCustomizationEnabled"] = True

    def unlock(self) -> None:
        """Allow unmanaged customizations again."""
        with self._organisation.lock:
            self._organisation.state.settings["IsLockdownOfUnmanagedCustomizationEnabled"] = False
