"""The platform's own words and codes, as documents, recorded answers and reports of others show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

IMPORT_FAILED = 0x80048033
"""Of an import that was refused, when nothing more exact is known."""
MANAGED_OVER_UNMANAGED = 0x80048040
UNMANAGED_OVER_MANAGED = 0x80048041
MISSING_DEPENDENCIES = 0x8004801D
HOLDING_EXISTS = 0x80048539
STILL_NEEDED = 0x8004F01F
FLOW_ERROR = 0x80060467
BUSY = 0x80071151
LOCKED = 0x80040216

LOCKED_TEXT = (
    "This environment doesn't allow unmanaged customizations. This was a choice made by your admin, and certain "
    "actions won't be available or will be view only."
)
_NO_ID = "00000000-0000-0000-0000-000000000000"


def code(number: int) -> str:
    """Return a code as answers have it."""
    return f"0x{number & 0xFFFFFFFF:08x}"


def signed(text: str) -> int:
    """Return a code as rows have it: a number that may be negative."""
    number = int(text, 16)
    return number - 2**32 if number >= 2**31 else number


def busy(wanted: str, running: str) -> str:
    """Return the words for an operation that another one keeps from starting."""
    return (
        f"Microsoft.Crm.ObjectModel.CustomizationLockException: Cannot start another [{wanted}] because there is a "
        f"previous [{running}] running at this moment. Use Solution History for more details. -- The solution "
        "installation or removal failed due to the installation or removal of another solution at the same time. "
        "Please try again later."
    )


def modes_differ(*, managed: bool) -> str:
    """Return the words for an unmanaged package over a managed solution, or the other way round."""
    installed, given = ("a managed", "unmanaged") if managed else ("an unmanaged", "managed")
    return (
        "Solution manifest import: FAILURE: The solution is already installed on this system as "
        f"{installed} solution and the package supplied is attempting to install it in {given} mode. Import can only "
        "update solutions when the modes match. Uninstall the current solution and try again."
    )


def not_higher() -> str:
    """Return the words for a managed package whose version is no higher than what is installed."""
    return "The import solution must have a higher version than the existing solution it is upgrading."


def holding_exists(name: str, *, update: bool) -> str:
    """Return the words for a solution whose upgrade was imported and never applied."""
    how = "exists. Cannot update solution." if update else "already exists."
    return f"Solution manifest import: FAILURE: Holding solution {name}_Upgrade {how}"


def no_base(name: str) -> str:
    """Return the words for an upgrade of something that is not there."""
    return f"The base solution '{name}' of the upgrade is not installed."


def missing_dependencies(name: str, listed: str) -> str:
    """Return the words for a package that needs what is not there."""
    return (
        f"The following solution cannot be imported: {name}. Some dependencies are missing. "
        f"The missing dependencies are : <MissingDependencies>{listed}</MissingDependencies>"
    )


def unmanaged_base(kind: str, name: str, id_: str) -> str:
    """Return the words for a managed component over one that a maker made in place."""
    return (
        f"{kind} import: FAILURE: A managed solution cannot overwrite the {kind} component '{name}' with Id={id_} "
        "which has an unmanaged base instance.  The most likely scenario for this error is that an unmanaged solution "
        f"has installed a new unmanaged {kind} component on the target system, and now a managed solution from the "
        f"same publisher is trying to install that same {kind} component as managed.  This will cause an invalid "
        "layering of solutions on the target system and is not allowed."
    )


def cannot_uninstall(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the words for a solution that others need; each entry names what is needed and by what."""
    listed = " ".join(
        f"RequiredComponentObject details: Type: {one['type']}, ObjectName: {one['name']}, Id: {one['id']}, "
        f"ParentObjectName: , ParentId: {_NO_ID}, DependentComponentObject details: Type: {one['user_type']}, "
        f"ObjectName: {one['user']}, Id: {one['user_id']}, ParentObjectName: , ParentId: {_NO_ID}"
        for one in found
    )
    return f"Solution dependencies exist, cannot uninstall. DependencyCount : {len(found)} {listed}"


def upgrade_failed(inner: str) -> str:
    """Return the words for an upgrade that was held and could not be applied."""
    return f"Solution Upgrade action failed after import as holding. InnerException is: {inner}"


def connection_unknown(caller: str, connection: str, connector: str) -> str:
    """Return the words for a connection that is not there, or that whoever turns the flow on may not use."""
    message = (
        f"The caller object id is '{caller}'. Connection '{connection}' to '{connector}' cannot be used to activate "
        "this flow, either because this is not a valid connection or because it is not a connection you have access "
        "permission for."
    )
    return flow_client_error("ConnectionAuthorizationFailed", message)


def flow_client_error(name: str, message: str) -> str:
    """Return the words for a flow that cannot be turned on."""
    return (
        'Flow client error returned with status code "BadRequest" and details '
        f'"{{"error":{{"code":"{name}","message":"{message}"}}}}".'
    )


def reference_unbound(reference: str) -> str:
    """Return the words for a flow whose connection reference stands for nothing."""
    message = f"Connection Id missing for connection reference logical name '{reference}'."
    return flow_client_error("XrmConnectionReferenceMissingConnection", message)


def variable_unset(schema: str) -> str:
    """Return the words for a flow whose environment variable has no value here."""
    message = f"No value was found for the environment variable '{schema}'."
    return flow_client_error("XrmEnvironmentVariableAttributeNotFound", message)


def child_off(child: str) -> str:
    """Return the words for a flow that calls one that was never turned on."""
    message = f"The child flow '{child}' was never published, and cannot be called."
    return flow_client_error("ChildFlowNeverPublished", message)


def still_needed(name: str, count: int) -> str:
    """Return the words for something that others need."""
    return (
        f"The {name} component cannot be deleted because it is referenced by {count} other components. "
        "For a list of referenced components, use the RetrieveDependenciesForDeleteRequest."
    )
