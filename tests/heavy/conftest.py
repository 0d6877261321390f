"""The server that tests of the console start is the one of the tests over the network."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

for place in ("engine", "web"):
    sys.path.insert(0, str(Path(__file__).parents[1] / place))

_found = importlib.util.spec_from_file_location("web_conftest", Path(__file__).parents[1] / "web" / "conftest.py")
assert _found is not None
assert _found.loader is not None
_loaded = importlib.util.module_from_spec(_found)
_found.loader.exec_module(_loaded)
served = _loaded.served
