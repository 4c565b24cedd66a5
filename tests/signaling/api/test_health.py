"""Health and metrics for whoever watches over the service."""

from __future__ import annotations

from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from signaling.wire.commands import Start
from signaling.wire.control import LATENCY_EDGES_S, StreamStats, Traffic
from signaling.wire.samples import HealthReport, NodeHeard
from tests.fakes.clock import FakeClock
from tests.signaling.figures import stats_of
from tests.signaling.stage import Stage


async def test_alive_without_a_bridge_but_not_ready(stage: Stage) -> None:
    page = await stage.page()

    async with page.http.get("/livez") as response:
        assert response.status == 200
    async with page.http.get("/readyz") as response:
        assert response.status == 503
        assert await response.json() == {
            "ready": False,
            "database": True,
            "bridge": False,
            "accepting": True,
        }


async def test_ready_with_a_bridge(stage: Stage) -> None:
    await stage.node()
    page = await stage.page()

    async with page.http.get("/readyz") as response:
        assert response.status == 200


async def test_metrics_tell_of_conferences_nodes_and_losses(stage: Stage) -> None:
    node, operator, site = await stage.node(), await stage.window(), await stage.site("48")
    await operator.command(Start())
    async with await site.offer("/whip"):
        pass
    stats = stats_of(node.of_port("48/main", "publish")[0], lost=7)
    stats.streams.append(
        StreamStats("video", "camera", 9, 900, 1.2e6, layer="f", height=720, ignores_requests=True)
    )
    await node.report(
        stats,
        dropped={"srtp_auth": 3},
        traffic=[Traffic("in", "audio", 10, 3000), Traffic("out", "video", 20, 6000)],
        feedback={"pli": 2, "twcc": 0},
        latency=[4, 2, *[0] * (len(LATENCY_EDGES_S) - 2), 1],
        latency_sum_s=1.5,
        latency_burst=[0, 3, *[0] * (len(LATENCY_EDGES_S) - 1)],
        latency_burst_sum_s=0.5,
        stalls={"busy": 0, "waited": 4},
        tasks=9,
    )
    link = stage.server.services.nodes.links[0]
    while link.stats is None or not link.stats.sessions:
        await operator.heartbeat()

    async with operator.http.get("/metrics") as response:
        families = list(text_string_to_metric_families(await response.text()))
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }

    def value(name: str, **labels: str) -> float:
        return samples[(name, tuple(sorted(labels.items())))]

    assert value("diemcau_conferences", phase="live") == 1
    assert value("diemcau_conferences", phase="ended") == 0
    assert value("diemcau_recordings", state="interrupted") == 0
    assert value("diemcau_sessions", node="node-1", direction="publish") == 1
    ways = {"in": "audio", "out": "video"}
    for direction, packets in (("in", 10), ("out", 20)):
        labels = {"node": "node-1", "direction": direction, "kind": ways[direction]}
        assert value("diemcau_rtp_packets_total", **labels) == packets
        assert value("diemcau_rtp_bytes_total", **labels) == 300 * packets
    assert value("diemcau_rtcp_feedback_total", node="node-1", type="pli") == 2
    assert value("diemcau_rtcp_feedback_total", node="node-1", type="twcc") == 0
    buckets = {"0.00025": 4, "0.0005": 6, "0.5": 6, "+Inf": 7}
    for edge, count in buckets.items():
        labels = {"node": "node-1", "burst": "no", "le": edge}
        assert value("diemcau_forward_latency_seconds_bucket", **labels) == count
    for burst, count, total in (("no", 7, 1.5), ("yes", 3, 0.5)):
        labels = {"node": "node-1", "burst": burst}
        assert value("diemcau_forward_latency_seconds_count", **labels) == count
        assert value("diemcau_forward_latency_seconds_sum", **labels) == total
    assert value("diemcau_node_info", node="node-1", version="0", packet_path="python") == 1
    assert value("diemcau_packets_dropped_total", node="node-1", reason="srtp_auth") == 3
    labels = {"conference": stage.conference, "site": "48", "direction": "publish", "kind": "audio"}
    assert value("diemcau_rtp_packets_lost_total", **labels) == 7
    labels = {"conference": stage.conference, "site": "48", "track": "camera", "layer": "f"}
    assert value("diemcau_picture_bits_per_second", **labels) == 1.2e6
    assert value("diemcau_picture_lines", **labels) == 720
    assert value("diemcau_picture_ignores_requests", **labels) == 1
    assert any(name == "diemcau_build_info" for name, _ in samples)
    assert value("diemcau_event_loop_lag_seconds", process="bridge/node-1") == 0.001
    labels = {"process": "bridge/node-1"}
    assert value("diemcau_event_loop_stalls_total", cause="waited", **labels) == 4
    assert value("diemcau_event_loop_stalls_total", cause="busy", **labels) == 0
    assert value("diemcau_tasks", **labels) == 9
    assert value("diemcau_tasks", process="signaling") > 0


async def component(stage: Stage, name: str) -> dict[str, Any]:
    page = await stage.page()
    async with page.http.get("/healthz?verbose") as response:
        told = await response.json()
    assert response.status == (200 if told["ok"] else 503)
    found: dict[str, Any] = told["components"][name]
    return found


async def test_health_tells_of_each_part(stage: Stage) -> None:
    node, operator = await stage.node(), await stage.window()
    await stage.site("48")
    with stage.server.bus.subscribe(NodeHeard) as heard:
        await node.report()
        await heard.get()

    async with operator.http.get("/healthz") as response:
        assert (response.status, await response.text()) == (200, "ok\n")
    async with operator.http.get("/healthz?verbose") as response:
        told = await response.json()

    assert told["ok"]
    assert set(told["components"]) == {
        *("database", "event_loop", "conferences", "bridge", "monitor", "bus", "pages", "mixes")
    }
    assert told["components"]["pages"]["figures"] == {"operator": 1, "site": 1}
    assert told["components"]["conferences"]["figures"] == {"loaded": 1, "open": 1}
    assert told["components"]["bridge"]["figures"] == {"nodes": 1, "sessions": 0}


async def test_missing_or_silent_node_is_named(stage: Stage, clock: FakeClock) -> None:
    assert (await component(stage, "bridge"))["detail"] == "no node is connected"
    node = await stage.node()
    with stage.server.bus.subscribe(NodeHeard) as heard:
        await node.report()
        await heard.get()
    assert (await component(stage, "bridge"))["ok"]

    clock.advance(6)

    assert (await component(stage, "bridge"))["detail"] == "no word from node-1"


async def test_monitor_that_falls_silent_is_told(stage: Stage, clock: FakeClock) -> None:
    technician = await stage.window("technician")
    assert (await component(stage, "monitor"))["detail"] == "it has not spoken yet"
    stage.server.bus.publish(HealthReport(stage.conference, 1.0, {}, {}))
    await technician.until(lambda: technician.figures is not None)
    assert (await component(stage, "monitor"))["ok"]

    clock.advance(6)

    assert not (await component(stage, "monitor"))["ok"]


async def test_ways_in_are_counted_by_their_outcome(stage: Stage) -> None:
    site, page = await stage.site("48"), await stage.page()
    second = await stage.device("48")
    await second.open()
    await second.hello()
    await second.closed()
    async with await page.post("/api/join", '{"code": "48-AAAAAAAA"}'):
        pass
    async with await site.offer("/whip") as response:
        assert response.status == 503

    async with page.http.get("/metrics") as response:
        text = await response.text()

    for stage_of, result, count in (
        ("link", "ok", 2),
        ("seat", "ok", 1),
        ("seat", "seat_taken", 1),
        ("code", "code_invalid", 1),
        ("publish", "no_bridge", 1),
    ):
        assert f'diemcau_join_total{{result="{result}",stage="{stage_of}"}} {count}.0' in text
    assert 'diemcau_pages{role="site"} 1.0' in text


async def test_load_of_a_node_is_its_share_of_a_core(stage: Stage) -> None:
    node = await stage.node()
    link = stage.server.services.nodes.links[0]
    assert link.stats is not None
    first = link.stats
    link.reported(msgspec.structs.replace(first, at=first.at + 2, cpu_s=first.cpu_s + 0.5), 0.0)
    assert link.load_ratio == 0.25

    async with (await stage.page()).http.get("/metrics") as response:
        assert 'diemcau_node_load_ratio{node="node-1"} 0.25' in await response.text()
    await node.disconnect()


async def test_node_that_counts_latency_otherwise_or_not_at_all_has_no_histogram(
    stage: Stage,
) -> None:
    node, page = await stage.node(), await stage.page()
    for latency in ([], [1, 2]):
        with stage.server.bus.subscribe(NodeHeard) as heard:
            await node.report(latency=latency)
            await heard.get()
        async with page.http.get("/metrics") as response:
            assert response.status == 200
            assert "diemcau_forward_latency_seconds_bucket" not in await response.text()
