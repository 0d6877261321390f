"""Measures and traces tell what the ledger holds: the same for everybody, with few labels, and no secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from team import Team

from lampway.domain.exposition import to_text
from lampway.domain.health import WatchRule
from lampway.domain.strategy import Solution
from lampway.engine.cases import LookAtLock
from lampway.engine.delivery import ShowDelivery
from lampway.engine.drift import ScanDrift
from lampway.engine.due import RunDue
from lampway.engine.measures import ShowMeasures
from lampway.engine.promote import Rollback
from lampway.engine.traces import ShowSpans
from lampway.errors import DeliveryError, NotFoundError, UsageError
from lampway.integrations.tracing import export_spans
from receiver import Receiver, listening

LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? -?\d+(\.\d+)?')


@pytest.fixture
def told(team: Team) -> Team:
    """Return a team with a first release, one that failed its watch and was taken back, and the mended one."""
    (path,) = team.rules.pipelines
    watch = WatchRule(3600.0, 600.0, checks=("smoke",), failures=1, then="rollback")
    stages = tuple(replace(s, watch=watch) if s.name == "prod" else s for s in path.stages)
    team.govern(replace(team.rules, pipelines=(replace(path, stages=stages),)))
    team.ship("1.19")
    team.clock.move(hours=2)
    team.do(RunDue())
    team.release("1.18")
    team.clock.move(hours=4)
    team.ship("1.17")
    team.clock.move(minutes=30)
    team.bench.fail("smoke", "prod")
    team.run(RunDue())
    team.bench.results.clear()
    team.clock.move(minutes=15)
    team.settle()
    team.clock.move(days=1)
    team.ship("1.16")
    return team


def test_the_five_measures_follow_from_the_ledger(told: Team) -> None:
    orders, billing = told.run(ShowDelivery(since="2026-01-01"))
    assert (orders.solution, orders.environment) == ("orders", "prod")
    assert (orders.deployments, orders.changes, orders.failed) == (3, 3, 1)
    assert orders.failure_rate == 0.3333
    assert orders.time_to_restore == 15 * 60
    assert orders.lead_time == 0, "of none, four hours for what was skipped, none, and none"
    assert (orders.rework, orders.rework_rate) == (2, 0.5)
    assert orders.by_people == 1
    assert (billing.deployments, billing.failure_rate) == (0, None)


def test_a_rollback_that_somebody_asked_for_counts_from_when_they_asked(shipped: Team) -> None:
    shipped.clock.move(hours=3)
    shipped.run(Rollback("orders", "prod", "wrong totals"), "rita")
    shipped.clock.move(minutes=5)
    shipped.settle()
    (orders,) = shipped.run(ShowDelivery("orders"))
    assert (orders.failed, orders.time_to_restore) == (1, 300)


def test_a_time_or_a_name_that_is_none_is_told(team: Team) -> None:
    with pytest.raises(UsageError):
        team.run(ShowDelivery(since="yesterday"))
    with pytest.raises(UsageError, match="no time between"):
        team.run(ShowDelivery(since="2030-01-01"))
    with pytest.raises(NotFoundError):
        team.run(ShowDelivery("nobody"))


def test_what_is_exported_says_where_things_stand(told: Team) -> None:
    told.prod.edit("p2", does="times 3")
    told.run(ScanDrift(("prod",)))
    told.run(LookAtLock("prod"))
    told.release("1.15")
    told.promote()
    text = to_text(told.run(ShowMeasures()))
    for line in text.splitlines():
        assert line.startswith("# ") or LINE.fullmatch(line), line
    assert f"lampway_ledger_events_total {len(told.kinds())}\n" in text
    assert 'lampway_drift_open{environment="prod"} 1\n' in text
    assert 'lampway_drift_open{environment="test"} 0\n' in text
    assert 'lampway_lock{environment="prod",state="locked"} 1\n' in text
    assert 'lampway_deployments{environment="prod",kind="rollback",state="succeeded"} 1\n' in text
    assert 'lampway_promotions_open{environment="prod",state="waiting"} 1\n' in text
    assert 'lampway_deployment_seconds_count{environment="prod"} 4\n' in text
    assert 'lampway_watched{environment="prod"} 1\n' in text


def test_a_hundred_solutions_give_as_many_series_as_one(told: Team) -> None:
    before = to_text(told.run(ShowMeasures()))
    more = tuple(Solution(f"s{n}", "standard", "mia", (f"App {n}",)) for n in range(100))
    told.govern(replace(told.rules, solutions=(*told.rules.solutions, *more)))
    after = to_text(told.run(ShowMeasures()))
    assert len(after.splitlines()) == len(before.splitlines())
    assert "orders" not in after


def test_measures_are_there_before_anything_is_in_force_and_change_nothing(told: Team) -> None:
    head = told.kinds()
    told.run(ShowMeasures())
    told.run(ShowSpans())
    told.run(ShowDelivery())
    assert told.kinds() == head


@pytest.fixture
def collector() -> Iterator[Receiver]:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra lampway[otel] is not installed")
    with listening() as receiver:
        yield receiver


def test_a_receiver_of_opentelemetry_understands_what_it_is_sent(told: Team, collector: Receiver) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans = told.run(ShowSpans("orders"))
    export_spans(spans, f"{collector.url}/v1/traces", {"authorization": "Bearer x"}, "1.2.3")
    (taken,) = collector.taken
    assert (taken.path, taken.headers["authorization"]) == ("/v1/traces", "Bearer x")
    assert taken.headers["content-type"] == "application/x-protobuf"
    request = ExportTraceServiceRequest.FromString(taken.body)
    (resource,) = request.resource_spans
    assert {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"] == "lampway"
    found = [span for scope in resource.scope_spans for span in scope.spans]
    roots = {span.span_id: span for span in found if not span.parent_span_id}
    assert len(roots) == 7, "three releases through two stages, and one rollback"
    steps = [span for span in found if span.parent_span_id]
    assert all(s.trace_id == roots[s.parent_span_id].trace_id for s in steps)
    assert {s.name for s in steps} >= {"pre-flight", "import", "configure", "read-back", "verify", "record"}
    assert all(s.end_time_unix_nano >= s.start_time_unix_nano > 1_700_000_000 * 10**9 for s in found)
    assert all(root.status.code == 1 for root in roots.values())
    names = {a.key: a.value.string_value for a in next(iter(roots.values())).attributes}
    assert names["lampway.solution"] == "orders"


def test_sending_the_same_again_sends_the_same_ids(told: Team, collector: Receiver) -> None:
    for _ in range(2):
        export_spans(told.run(ShowSpans()), f"{collector.url}/v1/traces", {}, "1")
    assert collector.taken[0].body == collector.taken[1].body
    later = told.run(ShowSpans(since="2026-01-06"))
    assert 0 < len(later) < len(told.run(ShowSpans()))


def test_what_did_not_go_well_is_marked_so(shipped: Team) -> None:
    shipped.bench.fail("smoke", "test")
    shipped.release("1.10")
    shipped.promote("test")
    spans = shipped.run(ShowSpans())
    bad = [s for s in spans if s.fault]
    assert [s.name for s in bad] == ["forward orders → test", "verify"]
    assert "smoke" in bad[0].fault


def test_a_receiver_that_refuses_is_told_as_such(told: Team, collector: Receiver) -> None:
    collector.answers = [400]
    with pytest.raises(DeliveryError, match="did not take the spans"):
        export_spans(told.run(ShowSpans()), f"{collector.url}/v1/traces", {}, "1", patience=1)
    assert len(collector.taken) == 1
