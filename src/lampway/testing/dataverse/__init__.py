"""An emulator of Dataverse, for tests and for whoever has no tenant: `python -m lampway.testing.dataverse`.

It was written from documents, recorded answers and real packages. Nothing of it ran against a live tenant.
"""

from lampway.testing.dataverse.emulator import DataverseEmulator, Environment
from lampway.testing.dataverse.exchange import Entry
from lampway.testing.dataverse.faults import Faults
from lampway.testing.dataverse.maker import Maker
from lampway.testing.dataverse.refusals import RefusedError

__all__ = ["DataverseEmulator", "Entry", "Environment", "Faults", "Maker", "RefusedError"]
