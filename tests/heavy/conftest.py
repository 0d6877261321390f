"""The server that tests of the console start is the one of the tests over the network."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from n8nkit import Maker

from lampway.app import cache_folder
from lampway.engine.abilities import Launched
from lampway.errors import PlatformError
from lampway.platforms.n8n.platform import N8n

for place in ("engine", "web"):
    sys.path.insert(0, str(Path(__file__).parents[1] / place))

_found = importlib.util.spec_from_file_location("web_conftest", Path(__file__).parents[1] / "web" / "conftest.py")
assert _found is not None
assert _found.loader is not None
_loaded = importlib.util.module_from_spec(_found)
_found.loader.exec_module(_loaded)
served = _loaded.served


@pytest.fixture(scope="session")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Maker, Maker]]:
    """Return makers on dev and prod: real n8n on loopback, installed once into the cache."""
    platform, folder = N8n(), tmp_path_factory.mktemp("n8n")
    started: list[Launched] = []
    makers: list[Maker] = []
    try:
        for name, locked in (("dev", False), ("prod", True)):
            started.append(platform.launch(folder / name, name=name, locked=locked, cache=cache_folder()))
            makers.append(Maker(started[-1], name))
        yield makers[0], makers[1]
    except PlatformError as error:
        reason = f"NO REAL N8N TO TEST WITH: {error} ({error.hint})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    finally:
        for maker in makers:
            maker.close()
        for launched in started:
            platform.stop(launched)


@pytest.fixture(scope="session")
def third(instances: tuple[Maker, Maker], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """Return a maker on a third one, which tests may kill when they start it again."""
    del instances
    platform, folder = N8n(), tmp_path_factory.mktemp("n8n-third")
    maker = None
    try:
        maker = Maker(platform.launch(folder, name="test", locked=True, cache=cache_folder()), "test")
        maker.folder = folder
        yield maker
    finally:
        if maker is not None:
            maker.close()
        platform.stop(platform.launch(folder, name="test", locked=True, cache=cache_folder()))


@pytest.fixture
def between(third: Maker) -> Maker:
    """Return the maker on the third one, without workflows; started again where a test left it dead."""
    third.launched = N8n().launch(third.folder, name="test", locked=True, cache=cache_folder())
    third.clear()
    return third


@pytest.fixture
def dev(instances: tuple[Maker, Maker]) -> Maker:
    """Return the maker on an n8n without workflows."""
    instances[0].clear()
    return instances[0]


@pytest.fixture
def prod(instances: tuple[Maker, Maker]) -> Maker:
    """Return the maker on another one."""
    instances[1].clear()
    return instances[1]
