"""One emulated environment: its state, who asks, and what comes of time passing."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lampway.testing.dataverse.faults import Faults
from lampway.testing.dataverse.package import Publisher
from lampway.testing.dataverse.state import Solution, State, User, stable_id

ACTIVE_ID = "fd140aae-4df4-11dd-bd17-0019b9312238"
DEFAULT_ID = "fd140aaf-4df4-11dd-bd17-0019b9312238"
"""Solutions that hold what was edited in place, and everything."""

ADMINISTRATOR = "System Administrator"
CUSTOMIZER = "System Customizer"
MAKER = "Environment Maker"
ROLES = (ADMINISTRATOR, CUSTOMIZER, MAKER, "Basic User")
"""Roles that every environment has."""

PLATFORM_SOLUTIONS = (
    "BaseCustomControlsCore", "msdynce_AppCommon", "PowerVirtualAgents", "AppModuleWebResources", "AuthorizationCore",
    "PowerPages_AppResources", "PowerPlatformEnvironmentSettings", "msdyn_AppFrameworkInfraExtensions",
    "msdynce_PortalPrivacyExtensions", "msdyn_UserShareSecuredFields", "MicrosoftOperationsERPVE",
    "msft_ColumnLevelSecurityData", "System",
)  # fmt: skip
"""Solutions of the platform itself, which packages in the wild depend on."""


@dataclass
class Organisation:
    """One environment with a Dataverse. Whoever reads or changes its state holds its lock."""

    name: str
    state: State
    faults: Faults = field(default_factory=Faults)
    lock: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""
    """Where it is reached, without a slash at the end; known once the emulator listens."""
    polls: int = 3
    """How often an operation must be looked at before it is done."""
    seconds: float = 1.0
    """After which it is one step further when nobody looks."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ids: Callable[[], str] = lambda: str(uuid.uuid4())
    looked: datetime | None = None
    changed: bool = False
    """Whether there is something that was not kept yet."""

    def now(self) -> datetime:
        """Return the time."""
        return self.clock()

    @property
    def type_offset(self) -> int:
        """By how much this environment numbers its own component types."""
        return int(self.state.id[:4], 16) % 500

    @property
    def locked(self) -> bool:
        """Whether unmanaged customizations are blocked."""
        return bool(self.state.settings.get("IsLockdownOfUnmanagedCustomizationEnabled", False))

    def user(self, id_: str) -> User:
        """Return a user who is known to be there."""
        return self.state.users[id_]

    def user_named(self, name: str) -> User | None:
        """Return a user by name or e-mail address."""
        return next((one for one in self.state.users.values() if name in {one.name, one.email, one.id}), None)

    def add_user(self, name: str, *roles: str, application: str = "", email: str = "") -> User:
        """Add a person, or the user of an application, and return it."""
        id_ = stable_id(self.state.id, "user", application or name)
        user = User(id=id_, name=name, roles=list(roles), application=application, email=email)
        self.state.users[id_] = user
        return user


def fresh_state(name: str) -> State:
    """Return an environment as the platform makes it: nothing of anybody's in it."""
    state = State(id=stable_id("organisation", name), name=name)
    now = datetime.now(UTC)
    system = Publisher("MicrosoftCorporation", "MicrosoftCorporation", "", 10000)
    default = Publisher(f"DefaultPublisher{name}", f"Default Publisher for {name}", "new", 10000)
    common = Publisher("Crdefault", "CDS Default Publisher", "cr000", 84241)
    own = [
        ("Cr0c985", "Common Data Services Default Solution", "1.0.0.0", False, common, True),
        ("Default", "Default Solution", "1.0", False, default, True),
        ("Active", "Active Solution", "1.0", False, default, False),
        *((one, one, "9.2.0.0", True, system, False) for one in PLATFORM_SOLUTIONS),
    ]
    fixed = {"Active": ACTIVE_ID, "Default": DEFAULT_ID}  # the same in every environment
    for unique, friendly, version, managed, publisher, visible in own:
        publisher.id = publisher.id or stable_id(state.id, "publisher", publisher.unique_name)
        state.solutions[unique.lower()] = Solution(
            id=fixed.get(unique) or stable_id(state.id, "solution", unique),
            unique_name=unique,
            friendly_name=friendly,
            version=version,
            managed=managed,
            publisher=publisher,
            installed=now,
            modified=now,
            visible=visible,
            number=state.next_number(),
        )
    return state
