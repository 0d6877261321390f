"""The path from dev to production: nothing gets past it, and nobody has to walk it twice."""

from __future__ import annotations

import pytest

from lampway.engine.promote import Promote


def test_x(team):
    r = team.ship("1.19")
    print(r.name, team.kinds(), team.holders(), team.source.tags)
    assert 0
