"""What tests of what people do share: rules that ask for more of them, and what there is to see of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from team import APPROVAL, PROD_GATES, Team, with_gates

from lampway.domain.judgement import GateResult
from lampway.domain.strategy import Strategy
from lampway.engine.audit import History
from lampway.engine.views import ShowPromotion

LATER = "2026-01-31"


def with_stage(rules: Strategy, **changes: Any) -> Strategy:
    """Return the rules with terms of the production stage changed."""
    (path,) = rules.pipelines
    stages = tuple(replace(s, **changes) if s.name == "prod" else s for s in path.stages)
    return replace(rules, pipelines=(replace(path, stages=stages),))


def with_approval(rules: Strategy, **changes: Any) -> Strategy:
    gates = tuple(replace(g, **changes) if g == APPROVAL else g for g in PROD_GATES)
    return with_gates(rules, "prod", gates)


def gate(team: Team, promotion: str, kind: str) -> GateResult:
    return next(g for g in team.run(ShowPromotion(promotion)).gates if g.gate == kind)


def said(team: Team) -> list[str]:
    return [line.what for line in team.run(History())]
