"""The admin APIs of the tenant: environments, backups, copies, Managed Environments, connections."""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lampway.testing.dataverse.exchange import Request, Response
from lampway.testing.dataverse.organisation import Organisation, fresh_state
from lampway.testing.dataverse.records import read_body
from lampway.testing.dataverse.refusals import RefusedError
from lampway.testing.dataverse.state import State, stable_id
from lampway.testing.dataverse.tokens import Tenant

AUDIENCES = ("https://service.powerapps.com",)
BAP = "/providers/Microsoft.BusinessAppPlatform"
_POWER_APPS = "/providers/Microsoft.PowerApps"
_ENVIRONMENT = re.compile(
    rf"{BAP}(?:/scopes/admin)?/environments(?:/(?P<id>[^/]+)(?:/(?P<what>\w+)(?:/(?P<item>[^/]+))?)?)?$"
)
_STAGES = ("Validate", "Prepare", "Run", "Finalize")


@dataclass(slots=True)
class Lifecycle:
    """Something long that is done to an environment."""

    id: str
    type: str
    environment: str
    by: str
    work: Callable[[], None]
    created: datetime
    looks: int = 3
    finished: datetime | None = None


def _moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


@dataclass
class Administration:
    """What the admin APIs of a tenant answer."""

    tenant: Tenant
    places: Mapping[str, Organisation]
    """By the id under which environments are administered."""
    operations: dict[str, Lifecycle] = field(default_factory=dict)
    backups: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    kept: dict[str, State] = field(default_factory=dict)
    """What was in an environment when it was backed up, by the id of the backup."""
    polls: int = 3

    def answer(self, request: Request) -> tuple[Response, str]:
        """Do what a request asks, and say who asked. Raises RefusedError."""
        client = self.tenant.client_of(request.headers.get("authorization", ""), AUDIENCES)
        if "api-version" not in request.query:
            raise RefusedError(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if request.path.startswith(f"{BAP}/adminApplications/"):
            return self._registered(request), client
        if not self.tenant.applications[client].admin:
            raise RefusedError(403, "Forbidden", f"The service principal '{client}' is not an admin application.")
        if request.path.startswith(f"{BAP}/lifecycleOperations/"):
            return self._lifecycle(request.path.rpartition("/")[2]), client
        if request.path.startswith(_POWER_APPS):
            return self._connections(request), client
        found = _ENVIRONMENT.match(request.path)
        if found is None:
            raise RefusedError(404, "ResourceNotFound", f"No resource was found for '{request.path}'.")
        if not found["id"]:
            return Response(200, {"value": [self._row(id_) for id_ in self.places]}), client
        return self._on_environment(request, found["id"], found["what"] or "", client), client

    def _registered(self, request: Request) -> Response:
        id_ = request.path.rpartition("/")[2]
        application = self.tenant.applications.get(id_)
        if application is None:
            raise RefusedError(404, "ApplicationNotFound", f"There is no application {id_}.")
        if request.method == "PUT":
            application.admin = True
        if not application.admin:
            raise RefusedError(404, "ApplicationNotFound", f"The application {id_} is not registered.")
        return Response(200, {"applicationId": id_})

    def _place(self, id_: str) -> Organisation:
        found = self.places.get(id_.lower())
        if found is None:
            raise RefusedError(404, "EnvironmentNotFound", f"The environment '{id_}' could not be found in the tenant.")
        return found

    def _on_environment(self, request: Request, id_: str, what: str, by: str) -> Response:
        organisation = self._place(id_)
        body = read_body(request.body)
        match request.method, what:
            case "GET", "":
                return Response(200, self._row(id_))
            case "GET", "backups":
                return Response(200, {"value": self.backups.get(id_, [])})
            case "POST", "backups":
                return self._start("Backup", id_, by, lambda: self._back_up(id_, str(body.get("label", ""))))
            case "POST", "copy":
                return self._start_copy(id_, body, by)
            case "POST", "reset":
                return self._start("Reset", id_, by, lambda: _replace(organisation, fresh_state(organisation.name)))
            case "POST", "governanceConfiguration":
                return self._start("EnableGovernanceConfiguration", id_, by, lambda: _govern(organisation, body))
        raise RefusedError(405, "MethodNotAllowed", f"{request.method} is not supported for '{request.path}'.")

    def _start_copy(self, id_: str, body: Mapping[str, Any], by: str) -> Response:
        """Copy another environment over this one, or this one over the one that the body names."""
        target = str(body.get("targetEnvironmentName") or "")
        kind = str(body.get("copyType", ""))
        if kind not in {"FullCopy", "MinimalCopy"}:
            raise RefusedError(400, "InvalidRequestContent", "copyType must be FullCopy or MinimalCopy.")
        source, goal = self._place(id_), self._place(target)
        return self._start("Copy", target, by, lambda: _copy(source, goal, full=kind == "FullCopy"))

    def _start(self, type_: str, environment: str, by: str, work: Callable[[], None]) -> Response:
        operation = Lifecycle(str(uuid.uuid4()), type_, environment, by, work, datetime.now(UTC), self.polls)
        self.operations[operation.id] = operation
        address = f"{BAP}/lifecycleOperations/{operation.id}?api-version=2021-04-01"
        return Response(202, self._told(operation), headers={"operation-location": address, "Retry-After": "1"})

    def _lifecycle(self, id_: str) -> Response:
        operation = self.operations.get(id_)
        if operation is None:
            raise RefusedError(404, "LifecycleOperationNotFound", f"There is no operation {id_}.")
        operation.looks -= 1
        if operation.looks <= 0 and operation.finished is None:
            operation.work()
            operation.finished = datetime.now(UTC)
        return Response(200, self._told(operation))

    def _told(self, operation: Lifecycle) -> dict[str, Any]:
        done = operation.finished is not None
        started = operation.looks < self.polls
        last = _moment(operation.finished or operation.created)
        stages = [
            {
                "id": name,
                "name": name,
                "state": {"id": "Succeeded" if done else "Running" if started and name == "Run" else "NotStarted"},
                "firstActionDateTime": _moment(operation.created),
                "lastActionDateTime": last,
            }
            for name in _STAGES
        ]
        return {
            "id": operation.id,
            "links": {
                "self": {"path": f"{BAP}/lifecycleOperations/{operation.id}"},
                "environment": {"path": f"{BAP}/environments/{operation.environment}"},
            },
            "type": {"id": operation.type},
            "typeDisplayName": operation.type,
            "state": {"id": "Succeeded" if done else "Running" if started else "NotStarted"},
            "createdDateTime": _moment(operation.created),
            "lastActionDateTime": last,
            "requestedBy": {
                "id": operation.by,
                "displayName": "ServicePrincipal",
                "type": "ServicePrincipal",
                "tenantId": self.tenant.id,
            },
            "stages": stages,
        }

    def _back_up(self, id_: str, label: str) -> None:
        organisation = self._place(id_)
        now = datetime.now(UTC)
        backup = {
            "id": str(uuid.uuid4()),
            "backupPointDateTime": _moment(now),
            "label": label,
            "backupExpiryDateTime": _moment(now),
            "createdBy": {"id": "", "displayName": "ServicePrincipal", "type": "ServicePrincipal"},
        }
        with organisation.lock:
            self.kept[str(backup["id"])] = copy.deepcopy(organisation.state)
        self.backups.setdefault(id_, []).append(backup)

    def restore(self, backup: str) -> None:
        """Put back what was in an environment when it was backed up: everything, data and all."""
        kept = self.kept[backup]
        organisation = next(one for one in self.places.values() if one.state.id == kept.id)
        _replace(organisation, copy.deepcopy(kept))

    def _connections(self, request: Request) -> Response:
        found = re.match(rf"{_POWER_APPS}/scopes/admin/environments/([^/]+)/connections$", request.path)
        if found is None or request.method != "GET":
            raise RefusedError(404, "ResourceNotFound", f"No resource was found for '{request.path}'.")
        connections = self._place(found[1]).state.extras.get("connections", ())
        return Response(200, {"value": [_connection(one, found[1]) for one in connections]})

    def _row(self, id_: str) -> dict[str, Any]:
        organisation = self._place(id_)
        governed = organisation.state.settings.get("_governance") or {"protectionLevel": "Basic"}
        return {
            "id": f"{BAP}/scopes/admin/environments/{id_}",
            "type": "Microsoft.BusinessAppPlatform/scopes/environments",
            "location": "europe",
            "name": id_,
            "properties": _properties(organisation, id_, self.tenant.id) | {"governanceConfiguration": governed},
        }


def _connection(one: Mapping[str, Any], environment: str) -> dict[str, Any]:
    api = f"/providers/Microsoft.PowerApps/apis/{one['connector']}"
    return {
        "name": one["name"],
        "id": f"/providers/Microsoft.PowerApps/scopes/admin/environments/{environment}/connections/{one['name']}",
        "type": "Microsoft.PowerApps/scopes/admin/environments/connections",
        "properties": {
            "apiId": api,
            "displayName": one["name"],
            "statuses": [{"status": "Connected"}],
            "createdBy": {"displayName": one["owner"], "type": "User"},
            "environment": {"name": environment, "id": f"{BAP}/environments/{environment}"},
            "allowSharing": True,
        },
    }


def _properties(organisation: Organisation, id_: str, tenant: str) -> dict[str, Any]:
    system = {"id": "SYSTEM", "displayName": "SYSTEM", "type": "NotSpecified"}
    made = "2023-02-15T08:02:36.1799125Z"
    number = {"category": "Prod", "number": "106", "uriSuffix": "eu-il106.gateway.prod.island"}
    return {
        "tenantId": tenant,
        "azureRegion": "northeurope",
        "displayName": organisation.name,
        "description": "",
        "createdTime": made,
        "createdBy": system,
        "provisioningState": "Succeeded",
        "creationType": "User",
        "environmentSku": "Production" if organisation.name.startswith("prod") else "Sandbox",
        "isDefault": False,
        "clientUris": {
            "admin": f"https://admin.powerplatform.microsoft.com/environments/environment/{id_}/hub",
            "maker": f"https://make.powerapps.com/environments/{id_}/home",
        },
        "runtimeEndpoints": {},
        "databaseType": "CommonDataService",
        "linkedEnvironmentMetadata": {
            "resourceId": organisation.state.id,
            "friendlyName": organisation.name,
            "uniqueName": f"unq{organisation.state.id.replace('-', '')[:24]}",
            "domainName": organisation.name,
            "version": "9.2.23092.00206",
            "instanceUrl": f"{organisation.url}/",
            "instanceApiUrl": organisation.url,
            "baseLanguage": 1033,
            "instanceState": "Ready",
            "createdTime": made,
            "backgroundOperationsState": "Enabled",
            "scaleGroup": "EMULATED",
            "platformSku": "Standard",
            "schemaType": "Standard",
        },
        "trialScenarioType": "None",
        "retentionPeriod": "P7D",
        "states": {
            "management": {"id": "Ready"},
            "runtime": {"runtimeReasonCode": "NotSpecified", "requestedBy": system, "id": "Enabled"},
        },
        "updateCadence": {"id": "Moderate"},
        "retentionDetails": {"retentionPeriod": "P7D", "backupsAvailableFromDateTime": made},
        "protectionStatus": {"keyManagedBy": "Microsoft"},
        "cluster": {**number, "geoShortName": "EU", "environment": "Prod"},
        "connectedGroups": [],
        "lifecycleOperationsEnforcement": {"allowedOperations": [{"type": {"id": "Move"}}]},
    }


def _replace(organisation: Organisation, state: State) -> None:
    with organisation.lock:
        state.id, state.name = organisation.state.id, organisation.state.name
        state.users = organisation.state.users
        organisation.state = state
        organisation.changed = True


def _copy(source: Organisation, goal: Organisation, *, full: bool) -> None:
    with source.lock:
        state = copy.deepcopy(source.state)
    if not full:
        for component in state.components.values():
            component.rows = 0
    _replace(goal, state)


def _govern(organisation: Organisation, body: Mapping[str, Any]) -> None:
    with organisation.lock:
        organisation.state.settings["_governance"] = dict(body)
        organisation.changed = True


def environment_id(organisation: Organisation) -> str:
    """Return the id under which an environment is administered."""
    return stable_id(organisation.state.id, "environment")
