"""Where things lie in a source tree, in the classic layout that the platform's own tools write and read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lampway.platforms.powerplatform.manifest import bare_id
from lampway.platforms.powerplatform.xmltext import Element, text_of

SOLUTION = "Other/Solution.xml"
CUSTOMIZATIONS = "Other/Customizations.xml"
RELATIONSHIPS = "Other/Relationships.xml"
"""The index of relationships; each lies in `Other/Relationships/<table>.xml`."""
OLD_CANVAS_SOURCE = "CanvasApps/src/"
"""Where an old option of the platform's tools wrote a second form of canvas apps; never read back."""
SECTIONS: tuple[str, ...] = (
    "Entities", "Roles", "Workflows", "FieldSecurityProfiles", "Templates", "EntityMaps", "EntityRelationships",
    "OrganizationSettings", "optionsets", "WebResources", "CustomControls", "AppModuleSiteMaps", "AppModules",
    "SolutionPluginAssemblies", "SdkMessageProcessingSteps", "EntityDataProviders", "CanvasApps", "Connectors",
    "connectionreferences", "Languages",
)  # fmt: skip
"""Sections of `customizations.xml` in their order."""

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Home:
    """Where the elements of one section lie, one file each."""

    section: str
    tag: str
    path: Callable[[Element], str]
    """The file of an element."""
    pattern: re.Pattern[str]
    """What the files of this section are called."""


def safe(name: str) -> str:
    """Return a name that every file system takes."""
    return _UNSAFE.sub("_", name).strip(". ")[:_LONGEST] or "unnamed"


def _process(element: Element) -> str:
    file = text_of(element, "JsonFileName") or text_of(element, "XamlFileName")
    base = (
        file.rpartition("/")[2] or f"{safe(element.get('Name', ''))}-{bare_id(element.get('WorkflowId', '')).upper()}"
    )
    return f"Workflows/{safe(base)}.data.xml"


def _web_resource(element: Element) -> str:
    name = "/".join(safe(part) for part in text_of(element, "Name").split("/"))
    return f"WebResources/{name}.data.xml"


def _assembly(element: Element) -> str:
    file = text_of(element, "FileName").strip("/")
    folders = [safe(part) for part in file.split("/")[1:]]
    return f"PluginAssemblies/{'/'.join(folders) or safe(element.get('FullName', ''))}.data.xml"


HOMES: tuple[Home, ...] = (
    Home("Workflows", "Workflow", _process, re.compile(r"Workflows/[^/]+\.data\.xml")),
    Home("WebResources", "WebResource", _web_resource, re.compile(r"WebResources/.+\.data\.xml")),
    Home(
        "SolutionPluginAssemblies",
        "PluginAssembly",
        _assembly,
        re.compile(r"PluginAssemblies/.+\.data\.xml"),
    ),
    Home(
        "CanvasApps",
        "CanvasApp",
        lambda one: f"CanvasApps/{safe(text_of(one, 'Name'))}.meta.xml",
        re.compile(r"CanvasApps/[^/]+\.meta\.xml"),
    ),
    Home(
        "Connectors",
        "Connector",
        lambda one: f"Connectors/{safe(text_of(one, 'name'))}.xml",
        re.compile(r"Connectors/[^/]+\.xml"),
    ),
    Home("Roles", "Role", lambda one: f"Roles/{safe(one.get('name', ''))}.xml", re.compile(r"Roles/[^/]+\.xml")),
    Home(
        "optionsets",
        "optionset",
        lambda one: f"OptionSets/{safe(one.get('Name', ''))}.xml",
        re.compile(r"OptionSets/[^/]+\.xml"),
    ),
    Home(
        "AppModules",
        "AppModule",
        lambda one: f"AppModules/{safe(text_of(one, 'UniqueName'))}/AppModule.xml",
        re.compile(r"AppModules/[^/]+/AppModule\.xml"),
    ),
    Home(
        "AppModuleSiteMaps",
        "AppModuleSiteMap",
        lambda one: f"AppModuleSiteMaps/{safe(text_of(one, 'SiteMapUniqueName'))}/AppModuleSiteMap.xml",
        re.compile(r"AppModuleSiteMaps/[^/]+/AppModuleSiteMap\.xml"),
    ),
    Home(
        "SdkMessageProcessingSteps",
        "SdkMessageProcessingStep",
        lambda one: f"SdkMessageProcessingSteps/{{{bare_id(one.get('SdkMessageProcessingStepId', ''))}}}.xml",
        re.compile(r"SdkMessageProcessingSteps/[^/]+\.xml"),
    ),
)
"""Sections that become files, one per component. Tables and relationships have folders and rules of their own."""

ENTITY = re.compile(r"Entities/(?P<table>[^/]+)/Entity\.xml")
RELATIONSHIP = re.compile(r"Other/Relationships/[^/]+\.xml")
MSAPP = re.compile(r"(?P<app>CanvasApps/[^/]+\.msapp)/(?P<member>.+)", re.IGNORECASE)
"""A file of a canvas app that was laid out: a folder that is called like the file it becomes."""


def relationship_table(relationship: Element) -> str:
    """Return the table under which a relationship lies."""
    found = text_of(relationship, "ReferencedEntityName") or text_of(relationship, "FirstEntityName")
    return safe(found or relationship.get("Name", ""))


def member_path(source: str, web_resources: Mapping[str, str]) -> str:
    """Return where a file of the tree lies in the package; `web_resources` tells it for files that are renamed."""
    if source in web_resources:
        return web_resources[source]
    if source.startswith("Connectors/"):
        return "Connector/" + source.removeprefix("Connectors/")
    return source


def visible(member: str) -> str:
    """Return the name of a member of an app as it lies in a tree: a file that git would obey or hide is written out."""
    return "/".join(f"%2E{part[1:]}" if part.startswith(".") else part for part in member.split("/"))


def as_member(path: str) -> str:
    """Return what `visible` was given."""
    return "/".join(f".{part[3:]}" if part.startswith("%2E") else part for part in path.split("/"))
