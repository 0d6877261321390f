"""Solution packages as Power Platform exports them, made up: for tests, and for whoever has no tenant.

Every part is written in the platform's own form, so that a package reader sees what it would see in a real export.
"""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

Json = Mapping[str, Any]

_NAMES = uuid.UUID("0d4ad0a4-97a4-4d9d-8f43-6f8f30cbb2b4")
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_SECTIONS = (
    "Entities", "Roles", "Workflows", "FieldSecurityProfiles", "Templates", "EntityMaps", "EntityRelationships",
    "OrganizationSettings", "optionsets", "WebResources", "CustomControls", "EntityDataProviders", "CanvasApps",
    "Connectors", "connectionreferences",
)  # fmt: skip
TYPES: Mapping[str, int] = {"text": 0, "number": 1, "yes/no": 2, "json": 3, "data source": 4, "secret": 5}
"""Types of environment variables, as what is added to 100000000."""


def id_of(name: str) -> str:
    """Return the id that a thing of this name has in every package."""
    return str(uuid.uuid5(_NAMES, name))


def label(text: str, tag: str = "LocalizedName") -> str:
    """Return a localised text in XML."""
    return f'<{tag} description={quoteattr(text)} languagecode="1033" />'


def request(url: Any, **inputs: Any) -> Json:
    """Return an action that sends an HTTP request."""
    return {"type": "Http", "inputs": {"method": "GET", "uri": url, **inputs}}


def compose(value: Any) -> Json:
    """Return an action that only holds a value."""
    return {"type": "Compose", "inputs": value}


def call(connection: str, operation: str, **parameters: Any) -> Json:
    """Return an action that calls an operation of a connector."""
    host = {
        "apiId": f"/providers/Microsoft.PowerApps/apis/{connection}",
        "operationId": operation,
        "connectionName": connection,
    }
    authentication = "@parameters('$authentication')"
    inputs = {"host": host, "parameters": parameters, "authentication": authentication}
    return {"type": "OpenApiConnection", "inputs": inputs}


def after(action: Json, *names: str, results: Sequence[str] = ("Succeeded",)) -> Json:
    """Return an action that waits for others."""
    return {**action, "runAfter": {name: list(results) for name in names}}


def recurrence(frequency: str, interval: int = 1) -> Json:
    """Return a trigger that starts at times."""
    return {"type": "Recurrence", "recurrence": {"frequency": frequency, "interval": interval}}


def http_trigger(**inputs: Any) -> Json:
    """Return a trigger that starts when its address is called."""
    return {"type": "Request", "kind": "Http", "inputs": {"schema": {}, **inputs}}


def flow(
    actions: Mapping[str, Json],
    *,
    trigger: Json | None = None,
    variables: Mapping[str, Any] | None = None,
    references: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the definition of a cloud flow.

    `variables` are environment variables to the value that is left as default, `references` connections to the
    connection references they use; an empty one has none.
    """
    parameters: dict[str, Any] = {
        "$connections": {"defaultValue": {}, "type": "Object"},
        "$authentication": {"defaultValue": {}, "type": "SecureObject"},
    }
    for name, value in (variables or {}).items():
        parameters[f"{name} ({name})"] = {"type": "String", "defaultValue": value, "metadata": {"schemaName": name}}
    connections = {
        name: {
            "api": {"name": name},
            "connection": {"connectionReferenceLogicalName": reference} if reference else {},
            "runtimeSource": "embedded",
        }
        for name, reference in (references or {}).items()
    }
    definition = {
        "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
        "contentVersion": "1.0.0.0",
        "parameters": parameters,
        "triggers": {"start": trigger or recurrence("Day")},
        "actions": {name: {"runAfter": {}, **body} for name, body in actions.items()},
    }
    return {
        "properties": {"connectionReferences": connections, "definition": definition, "templateName": ""},
        "schemaVersion": "1.0.0.0",
    }


def column(name: str, type_: str = "nvarchar", *, shown: str = "", **settings: Any) -> str:
    """Return a column of a table, in XML."""
    more = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in settings.items())
    return (
        f'<attribute PhysicalName="{name}"><Type>{type_}</Type><Name>{name}</Name><LogicalName>{name}</LogicalName>'
        f"<RequiredLevel>none</RequiredLevel>{more}"
        f"<displaynames>{label(shown or name, 'displayname')}</displaynames></attribute>"
    )


def form(name: str, fields: Sequence[str], labels: Mapping[str, str] | None = None) -> str:
    """Return a main form of a table, in XML; `labels` are what it calls its fields."""
    rows = "".join(
        f'<row><cell id="{{{id_of(name + one)}}}"><labels>{label((labels or {}).get(one, ""), "label")}</labels>'
        f'<control id="{one}" datafieldname="{one}" /></cell></row>'
        for one in fields
    )
    return (
        f"<systemform><formid>{{{id_of('form ' + name)}}}</formid><form><tabs><tab><columns><column><sections><section>"
        f"<rows>{rows}</rows></section></sections></column></columns></tab></tabs></form>"
        f"<LocalizedNames>{label(name)}</LocalizedNames></systemform>"
    )


def view(name: str, columns: Sequence[str]) -> str:
    """Return a view of a table, in XML."""
    cells = "".join(f'<cell name="{one}" width="100" />' for one in columns)
    return (
        f"<savedquery><savedqueryid>{{{id_of('view ' + name)}}}</savedqueryid>"
        f'<layoutxml><grid name="resultset"><row name="result">{cells}</row></grid></layoutxml>'
        f"<LocalizedNames>{label(name)}</LocalizedNames></savedquery>"
    )


def control(name: str, kind: str, children: Sequence[Json] = (), **formulas: str) -> Json:
    """Return a control of a canvas app, with its formulas."""
    rules = [{"Property": key, "Category": "Design", "InvariantScript": value} for key, value in formulas.items()]
    return {
        "Type": "ControlInfo",
        "Name": name,
        "Template": {"Name": kind, "Version": "1.0.0"},
        "Rules": rules,
        "Children": list(children),
        "ControlUniqueId": id_of(name)[:4],
    }


def msapp(
    tops: Sequence[Json], *, sources: Sequence[Json] = (), saved: str = "01/02/2026", connections: str = "{}"
) -> bytes:
    """Return a canvas app: screens and what they read, saved at a time."""
    members = {
        "Header.json": {"DocVersion": "1.340", "LastSavedDateTimeUTC": saved},
        "Properties.json": {"Name": "app", "LocalConnectionReferences": connections, "LocalDatabaseReferences": "{}"},
        "References\\DataSources.json": {"DataSources": list(sources)},
        "checksum.json": {"ServerStampedChecksum": saved},
    }
    for number, top in enumerate(tops, 1):
        members[f"Controls\\{number}.json"] = {"TopParent": top}
    texts = {name: json.dumps(value, separators=(",", ":"), ensure_ascii=False) for name, value in members.items()}
    return zipped({name: text.encode() for name, text in texts.items()})


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Return a zip of members with exactly these names, in this order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo("x", (2026, 1, 2, 3, 4, 6))
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


@dataclass
class Solution:
    """A solution to be exported. Every method adds something and returns the solution."""

    name: str = "Orders"
    version: str = "1.0.0.0"
    managed: bool = False
    publisher: str = "Contoso"
    prefix: str = "con"
    tenant: str = ""
    sections: dict[str, list[str]] = field(default_factory=dict)
    """Elements of `customizations.xml`, in XML."""
    members: dict[str, bytes] = field(default_factory=dict)
    """Files."""
    roots: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def flow(self, name: str, definition: Json, *, on: bool = True, category: int = 5) -> Solution:
        """Add a flow."""
        id_ = id_of(f"flow {name}")
        file = f"Workflows/{''.join(filter(str.isalnum, name))}-{id_.upper()}.json"
        self.members[file] = json.dumps(definition, indent=2).encode()
        state = (
            "<StateCode>1</StateCode><StatusCode>2</StatusCode>"
            if on
            else "<StateCode>0</StateCode><StatusCode>1</StatusCode>"
        )
        self._add(
            "Workflows",
            f'<Workflow WorkflowId="{{{id_}}}" Name={quoteattr(name)}><JsonFileName>/{file}</JsonFileName>'
            f"<Category>{category}</Category>{state}<IntroducedVersion>1.0</IntroducedVersion></Workflow>",
        )
        return self._root(29, id=f"{{{id_}}}")

    def variable(self, name: str, type_: str = "text", *, default: str = "", value: str | None = None) -> Solution:
        """Add an environment variable; `value` is a current value that was left in the package."""
        folder = f"environmentvariabledefinitions/{name}"
        given = f"<defaultvalue>{escape(default)}</defaultvalue>" if default else ""
        self.members[f"{folder}/environmentvariabledefinition.xml"] = (
            f'<environmentvariabledefinition schemaname="{name}">{given}<displayname default="{name}" />'
            f"<isrequired>0</isrequired><type>{100000000 + TYPES[type_]}</type></environmentvariabledefinition>"
        ).encode()
        if value is not None:
            held = {"@environmentvariablevalueid": id_of(f"value {name}"), "iscustomizable": "1", "value": value}
            whole = {"environmentvariablevalues": {"environmentvariablevalue": held}}
            self.members[f"{folder}/environmentvariablevalues.json"] = json.dumps(whole, indent=2).encode()
        return self

    def reference(self, name: str, connector: str = "shared_sharepointonline") -> Solution:
        """Add a connection reference."""
        return self._add(
            "connectionreferences",
            f'<connectionreference connectionreferencelogicalname="{name}">'
            f"<connectionreferencedisplayname>{name}</connectionreferencedisplayname>"
            f"<connectorid>/providers/Microsoft.PowerApps/apis/{connector}</connectorid></connectionreference>",
        )

    def table(
        self, name: str, columns: Sequence[str], *, forms: Sequence[str] = (), views: Sequence[str] = ()
    ) -> Solution:
        """Add a table."""
        self._add(
            "Entities",
            f'<Entity><Name LocalizedName="{name}" OriginalName="{name}">{self.prefix}_{name}</Name>'
            f'<EntityInfo><entity Name="{self.prefix}_{name}"><attributes>{"".join(columns)}</attributes></entity>'
            f"</EntityInfo>"
            f'<FormXml><forms type="main">{"".join(forms)}</forms></FormXml>'
            f"<SavedQueries><savedqueries>{''.join(views)}</savedqueries></SavedQueries>"
            f"<RibbonDiffXml><CustomActions /></RibbonDiffXml></Entity>",
        )
        return self._root(1, schemaName=f"{self.prefix}_{name}".lower())

    def canvas(
        self, name: str, content: bytes, *, app_version: str = "2026-01-02T03:04:05Z", hints: str = "a"
    ) -> Solution:
        """Add a canvas app; its version and its hints are new with every export."""
        id_ = f"{self.prefix}_{name.lower()}_{id_of(name)[:5]}"
        self.members[f"CanvasApps/{id_}_DocumentUri.msapp"] = content
        connection = {
            "id": "/providers/microsoft.powerapps/apis/shared_logicflows",
            "displayName": "Logic flows",
            "parameterHints": {id_of(name): {"workflowName": {"value": hints}}},
        }
        self._add(
            "CanvasApps",
            f"<CanvasApp><Name>{id_}</Name><AppVersion>{app_version}</AppVersion><DisplayName>{name}</DisplayName>"
            f"<ConnectionReferences>{escape(json.dumps({id_of('c'): connection}))}</ConnectionReferences>"
            f"<DocumentUri>/CanvasApps/{id_}_DocumentUri.msapp</DocumentUri></CanvasApp>",
        )
        return self._root(300, schemaName=id_)

    def web_resource(self, name: str, content: str, type_: int = 3) -> Solution:
        """Add a web resource: a script, unless another type is given."""
        id_ = id_of(f"web {name}").upper()
        file = f"WebResources/{''.join(filter(str.isalnum, name))}{id_}"
        self.members[file] = content.encode()
        self._add(
            "WebResources",
            f"<WebResource><WebResourceId>{{{id_.lower()}}}</WebResourceId><Name>{name}</Name>"
            f"<WebResourceType>{type_}</WebResourceType><FileName>/{file}</FileName></WebResource>",
        )
        return self._root(61, schemaName=name)

    def role(self, name: str, **privileges: str) -> Solution:
        """Add a security role: privileges to the rows they hold for (Basic, Local, Deep, Global)."""
        listed = "".join(f'<RolePrivilege name="{key}" level="{level}" />' for key, level in privileges.items())
        id_ = id_of(f"role {name}")
        self._add("Roles", f'<Role id="{{{id_}}}" name="{name}"><RolePrivileges>{listed}</RolePrivileges></Role>')
        return self._root(20, id=f"{{{id_}}}")

    def choice(self, name: str, **options: int) -> Solution:
        """Add a choice: labels of its options to their values."""
        listed = "".join(
            f'<option value="{value}"><labels>{label(text, "label")}</labels></option>'
            for text, value in options.items()
        )
        self._add(
            "optionsets", f'<optionset Name="{name}" localizedName="{name}"><options>{listed}</options></optionset>'
        )
        return self._root(9, schemaName=name)

    def connector(self, name: str, definition: Json) -> Solution:
        """Add a custom connector."""
        file = f"Connector/{name}_openapidefinition.json"
        self.members[file] = json.dumps(definition).encode()
        self._add(
            "Connectors",
            f"<Connector><connectorid>{id_of(name)}</connectorid><displayname>{name}</displayname><name>{name}</name>"
            f"<openapidefinition>/{file}</openapidefinition></Connector>",
        )
        return self._root(372, id=f"{{{id_of(name)}}}", schemaName=name)

    def needs(self, name: str, solution: str = "Active", type_: str = "1") -> Solution:
        """Add something that must be in the target: of a solution `Name (version)`, or of none."""
        self.missing.append(
            f'<MissingDependency><Required type="{type_}" schemaName="{name}" displayName="{name}" '
            f'solution="{solution}" />'
            f'<Dependent type="29" displayName="Notify" id="{{{id_of("flow Notify")}}}" /></MissingDependency>'
        )
        return self

    def file(self, name: str, content: bytes) -> Solution:
        """Add a file as it is."""
        self.members[name] = content
        return self

    def manifest(self) -> bytes:
        """Return `solution.xml`."""
        tenant = f' TenantId="{self.tenant}"' if self.tenant else ""
        return (
            f'<ImportExportXml version="9.2.25094.138" SolutionPackageVersion="9.2"{tenant} {_XSI}>\n'
            f"  <SolutionManifest>\n    <UniqueName>{self.name}</UniqueName>\n"
            f"    <LocalizedNames>{label(self.name)}</LocalizedNames>\n    <Descriptions />\n"
            f"    <Version>{self.version}</Version>\n    <Managed>{int(self.managed)}</Managed>\n"
            f"    <Publisher><UniqueName>{self.publisher}</UniqueName>"
            f"<LocalizedNames>{label(self.publisher)}</LocalizedNames>"
            f"<CustomizationPrefix>{self.prefix}</CustomizationPrefix>"
            f"<CustomizationOptionValuePrefix>10000</CustomizationOptionValuePrefix></Publisher>\n"
            f"    <RootComponents>{''.join(self.roots)}</RootComponents>\n"
            f"    <MissingDependencies>{''.join(self.missing)}</MissingDependencies>\n"
            f"  </SolutionManifest>\n</ImportExportXml>"
        ).encode()

    def customizations(self) -> bytes:
        """Return `customizations.xml`."""
        names = dict.fromkeys((*_SECTIONS, *self.sections))
        sections = "".join(f"  <{name}>{''.join(self.sections.get(name, ()))}</{name}>\n" for name in names)
        languages = "  <Languages><Language>1033</Language></Languages>\n"
        return f"<ImportExportXml {_XSI}>\n{sections}{languages}</ImportExportXml>".encode()

    def build(self) -> bytes:
        """Return the package."""
        types = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types" />'
        manifests = {"solution.xml": self.manifest(), "customizations.xml": self.customizations()}
        return zipped({**self.members, **manifests, "[Content_Types].xml": types})

    def _add(self, section: str, element: str) -> Solution:
        self.sections.setdefault(section, []).append(element)
        return self

    def _root(self, type_: int, **names: str) -> Solution:
        told = " ".join(f"{key}={quoteattr(value)}" for key, value in names.items())
        self.roots.append(f'<RootComponent type="{type_}" {told} behavior="0" />')
        return self
