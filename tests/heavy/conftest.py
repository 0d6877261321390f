"""What heavy tests share with others: a served team."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "web"), str(TESTS / "engine")]
