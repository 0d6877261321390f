"""Kinds of components: where a package keeps them, and what the Web API calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element


@dataclass(frozen=True, slots=True)
class Section:
    """How the components of one section of `customizations.xml` are told apart; `@` stands before attributes."""

    kind: str
    key: str
    name: str = ""
    id: str = ""

    def key_of(self, element: Element) -> str:
        """Return what makes the component itself."""
        return _at(element, self.key) or _at(element, self.name) or element.tag

    def name_of(self, element: Element) -> str:
        """Return what makers call the component."""
        return _at(element, self.name) or _at(element, self.key)

    def id_of(self, element: Element) -> str:
        """Return the id that the package gives; empty where it gives none."""
        return _at(element, self.id)


def _at(element: Element, place: str) -> str:
    if not place:
        return ""
    if place.startswith("@"):
        return element.get(place[1:], "")
    found = element.find(place)
    return (found.text or "").strip() if found is not None else ""


SECTIONS: Mapping[str, Section] = {
    "Entities": Section("entity", "Name"),
    "Roles": Section("role", "@id", "@name", "@id"),
    "Workflows": Section("workflow", "@WorkflowId", "@Name", "@WorkflowId"),
    "FieldSecurityProfiles": Section(
        "fieldsecurityprofile", "@fieldsecurityprofileid", "@name", "@fieldsecurityprofileid"
    ),
    "EntityRelationships": Section("entityrelationship", "@Name"),
    "optionsets": Section("optionset", "@Name"),
    "CanvasApps": Section("canvasapp", "Name", "DisplayName"),
    "WebResources": Section("webresource", "WebResourceId", "Name", "WebResourceId"),
    "AppModules": Section("appmodule", "UniqueName"),
    "AppModuleSiteMaps": Section("sitemap", "SiteMapUniqueName"),
    "Connectors": Section("connector", "name", "displayname", "connectorid"),
    "connectionreferences": Section(
        "connectionreference", "@connectionreferencelogicalname", "connectionreferencedisplayname"
    ),
    "AIModels": Section("aimodel", "msdyn_aimodelid", "msdyn_name", "msdyn_aimodelid"),
    "SolutionPluginAssemblies": Section("pluginassembly", "@PluginAssemblyId", "@FullName", "@PluginAssemblyId"),
    "SdkMessageProcessingSteps": Section(
        "sdkmessageprocessingstep", "@SdkMessageProcessingStepId", "@Name", "@SdkMessageProcessingStepId"
    ),
    "CustomControls": Section("customcontrol", "Name"),
}
"""By the name of the section. What is in any other stays with its solution, and is no component here."""

FLAT_FOLDERS = frozenset({"formulas", "assets", "workflows", "canvasapps", "webresources", "connector"})
"""Folders whose files are no records."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the Web API calls one kind of component."""

    type: int
    """Its component type; above 10000 as this environment happened to number it."""
    layer: str
    """Its name where layers are asked for."""


KINDS: Mapping[str, Kind] = {
    "entity": Kind(1, "Entity"),
    "attribute": Kind(2, "Attribute"),
    "optionset": Kind(9, "OptionSet"),
    "entityrelationship": Kind(10, "EntityRelationship"),
    "role": Kind(20, "Role"),
    "workflow": Kind(29, "Workflow"),
    "webresource": Kind(61, "WebResource"),
    "sitemap": Kind(62, "SiteMap"),
    "customcontrol": Kind(66, "CustomControl"),
    "fieldsecurityprofile": Kind(70, "FieldSecurityProfile"),
    "appmodule": Kind(80, "AppModule"),
    "pluginassembly": Kind(91, "PluginAssembly"),
    "sdkmessageprocessingstep": Kind(92, "SdkMessageProcessingStep"),
    "canvasapp": Kind(300, "CanvasApp"),
    "connector": Kind(372, "Connector"),
    "environmentvariabledefinition": Kind(380, "EnvironmentVariableDefinition"),
    "environmentvariablevalue": Kind(381, "EnvironmentVariableValue"),
    "aimodel": Kind(401, "AIModel"),
}
"""Types that are the same everywhere."""

NUMBERED = (
    "connectionreference", "bots", "botcomponents", "customapis", "aiskillconfigs", "appactions", "dvtablesearchs",
    "dvtablesearchentities", "maskingrules", "pluginpackages", "settingdefinitions",
)  # fmt: skip
"""Kinds whose type each environment numbers for itself, from 10000 upwards."""

_SINGULAR: Mapping[str, str] = {"bots": "bot", "botcomponents": "botcomponent", "customapis": "customapi"}


def layer_name(kind: str) -> str:
    """Return what a kind is called where layers are asked for."""
    known = KINDS.get(kind)
    return known.layer if known else _SINGULAR.get(kind, kind)


def kind_named(name: str) -> str:
    """Return the kind that goes by this name where layers are asked for; empty where there is none."""
    return next((kind for kind in (*KINDS, *NUMBERED) if layer_name(kind).lower() == name.lower()), "")


def type_of(kind: str, offset: int) -> int:
    """Return the component type of a kind in an environment; `offset` is the environment's own."""
    known = KINDS.get(kind)
    if known:
        return known.type
    return 10000 + offset + (NUMBERED.index(kind) if kind in NUMBERED else len(NUMBERED))


def kind_of_type(number: int, offset: int) -> str:
    """Return the kind of a component type in an environment; empty where there is none."""
    for kind in (*KINDS, *NUMBERED):
        if type_of(kind, offset) == number:
            return kind
    return ""
