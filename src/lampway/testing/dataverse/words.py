"""The platform's own words. Where they come from, and what rests on documents alone, is in the documentation."""

from __future__ import annotations

IMPORT_FAILED = -2147188706
"""Error code of an import that was refused, when nothing more exact is known."""
BUSY = -2147020463
LOCKED = "0x80048d24"


def busy(wanted: str, running: str) -> str:
    """Return the words for an operation that another one keeps from starting."""
    return (
        f"Cannot start another [{wanted}] because there is a previous [{running}] running at this moment. "
        "Use Solution History for more details."
    )


def modes_differ(installed: str, given: str) -> str:
    """Return the words for a managed package over an unmanaged solution, or the other way round."""
    return (
        "Solution manifest import: FAILURE: The solution is already installed on this system as "
        f"{installed} solution and the package supplied is attempting to install it in {given} mode. Import can only "
        "update solutions when the modes match. Uninstall the current solution and try again."
    )


def not_higher(name: str, installed: str, given: str) -> str:
    """Return the words for a managed package whose version is no higher than what is installed."""
    return (
        f"Solution manifest import: FAILURE: The solution [{name}] with version {given} cannot be imported: "
        f"version {installed} is already installed. Use a higher version."
    )


def pending_upgrade(name: str) -> str:
    """Return the words for a solution whose upgrade was imported and never applied."""
    return (
        f"The solution {name} has a pending upgrade: {name}_Upgrade is installed. "
        "Apply the upgrade or delete it before another import."
    )


def missing_dependencies(count: int, listed: str) -> str:
    """Return the words for a package that needs what is not there."""
    return (
        "The following solution cannot be imported. Some dependencies are missing. "
        f"The missing dependencies are : <MissingDependencies>{listed}</MissingDependencies> , "
        f"ProductUpdatesOnly : False ({count})"
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


def connection_missing(reference: str, connection: str) -> str:
    """Return the words for a connection that is not there, or not shared with whoever imports."""
    return (
        f"connectionreference import: FAILURE: The connection '{connection}' that is given for the connection "
        f"reference '{reference}' could not be found, or the caller has no permission for it."
    )


def flow_client_error(code: str, message: str) -> str:
    """Return the words for a flow that cannot be turned on."""
    return (
        'Flow client error returned with status code "BadRequest" and details '
        f'"{{"error":{{"code":"{code}","message":"{message}"}}}}".'
    )


def reference_unbound(reference: str) -> str:
    """Return the words for a flow whose connection reference stands for nothing."""
    message = f"The Xrm connection reference '{reference}' is missing a connection."
    return flow_client_error("XrmConnectionReferenceMissingConnection", message)


def child_off(child: str) -> str:
    """Return the words for a flow that calls one that is off."""
    return flow_client_error("ChildFlowNeverPublished", f"The child flow '{child}' is not turned on.")


def locked(what: str) -> str:
    """Return the words for an edit that the lock on unmanaged customizations keeps out."""
    return f"Unmanaged customizations are not allowed in this environment: {what} was blocked."


def still_needed(name: str, count: int) -> str:
    """Return the words for something that others need."""
    return (
        f"The {name} component cannot be deleted because it is referenced by {count} other components. "
        "For a list of referenced components, use the RetrieveDependenciesForDeleteRequest."
    )
