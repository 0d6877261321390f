"""One solution between what an environment holds and what it shall hold: read once, decided upon everywhere alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from lampway.domain.digest import digest_bytes
from lampway.domain.package import Diff, Inventory, Reversibility
from lampway.engine.platform import Wanted
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.contents import Contents, read_package
from lampway.platforms.powerplatform.diff import diff_contents
from lampway.platforms.powerplatform.held import UPGRADE, Edit, Held, find_edits, find_held, own_state
from lampway.platforms.powerplatform.inventory import inspect_contents
from lampway.platforms.powerplatform.manifest import version_key
from lampway.platforms.powerplatform.restamp import free_version, restamp, version_key_of
from lampway.platforms.powerplatform.switching import flows_in_order, ships_on


class Way(Enum):
    """What is to be done with a solution in an environment."""

    INSTALL = auto()
    """It is not there."""
    UPGRADE = auto()
    """Another version of it is there."""
    KEEP = auto()
    """This very release is there: only what was edited, its values and its flows can differ."""
    REMOVE = auto()


@dataclass(frozen=True, slots=True)
class Situation:
    """A solution as it was read in an environment, and what is wanted of it."""

    wanted: Wanted
    name: str
    """Its unique name on the platform."""
    new: Contents | None
    old: Contents | None
    held: Held | None
    leftover: Held | None
    """An upgrade that was begun and not ended."""
    edits: tuple[Edit, ...]

    @property
    def way(self) -> Way:
        """What is to be done."""
        if self.new is None or self.wanted.package is None:
            return Way.REMOVE
        if self.held is None:
            return Way.INSTALL
        sealed = digest_bytes(self.wanted.package)
        if not self.held.is_release(self.new.manifest.version, sealed):
            return Way.UPGRADE
        return Way.UPGRADE if self._was_other(sealed) else Way.KEEP

    def _was_other(self, sealed: str) -> bool:
        """Return whether the records know other bytes under the version that is there."""
        if self.old is None or self.wanted.installed is None or self.held is None:
            return False  # what was raised by us stands under a version that no release has of its own
        return self.held.carries(self.old.manifest.version) and digest_bytes(self.wanted.installed) != sealed

    @property
    def version(self) -> str:
        """The version it will carry there: its own, or a free one where what is there is not lower."""
        if self.new is None:
            return ""
        own = self.new.manifest.version
        if self.held is None or self.way is Way.KEEP:
            return own if self.held is None else self.held.version
        return own if version_key(own) > version_key_of(self.held.version) else free_version(self.held.version)

    @property
    def is_raised(self) -> bool:
        """Whether it is given another version than its own."""
        return self.new is not None and version_key(self.new.manifest.version) != version_key_of(self.version)

    @property
    def own(self) -> str:
        """A digest of what is ours there."""
        return own_state(self.held, self.edits)

    def bytes_for(self, version: str) -> bytes:
        """Return what is sent: the sealed bytes, untouched unless they go under another version."""
        package = self.wanted.package or b""
        if self.new is None or version_key(self.new.manifest.version) == version_key_of(version):
            return package
        return restamp(package, version)

    def change(self) -> Diff | None:
        """Return what separates what the records say is installed from what is wanted; None for a first one."""
        return diff_contents(self.old, self.new) if self.old is not None and self.new is not None else None

    def destroys(self) -> bool:
        """Return whether the change takes away what holds data."""
        change = self.change()
        return change is not None and change.reversibility is Reversibility.FORWARD_ONLY

    def inventory(self) -> Inventory | None:
        """Return what the wanted package holds and needs."""
        return inspect_contents(self.new).inventory if self.new is not None else None


def read_situation(client: Client, wanted: Wanted) -> Situation:
    """Return what is there now and what is wanted. Raises InvalidPackageError for a package that cannot be read."""
    new = read_package(wanted.package) if wanted.package is not None else None
    old = read_package(wanted.installed) if wanted.installed is not None else None
    name = next((one.manifest.unique_name for one in (new, old) if one is not None), wanted.solution)
    held = find_held(client, name)
    edits = find_edits(client, held) if held is not None and held.managed else ()
    return Situation(wanted, name, new, old, held, find_held(client, name + UPGRADE), edits)


def flows_to_turn_on(contents: Contents) -> dict[str, str]:
    """Return the cloud flows that are on in a package, by id with their names: those that others call come first."""
    return {part.id: part.name for part in flows_in_order(contents) if ships_on(part)}


def flows_to_turn_off(contents: Contents) -> dict[str, str]:
    """Return the cloud flows that are off in a package, by id with their names: those that call others come first."""
    return {part.id: part.name for part in reversed(flows_in_order(contents)) if not ships_on(part)}
