"""Health and metrics for whoever watches over the service."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from signaling.wire.pages import Start
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
    await node.report(
        stats_of(node.of_port("48/main", "publish")[0], lost=7), dropped={"srtp_auth": 3}
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
    assert value("diemcau_sessions", node="node-1", direction="publish") == 1
    assert value("diemcau_rtp_packets_total", node="node-1", direction="out") == 20
    assert value("diemcau_rtp_bytes_total", node="node-1", direction="in") == 3000
    assert value("diemcau_packets_dropped_total", node="node-1", reason="srtp_auth") == 3
    labels = {"conference": stage.conference, "site": "48", "direction": "publish", "kind": "audio"}
    assert value("diemcau_rtp_packets_lost_total", **labels) == 7
    assert any(name == "diemcau_build_info" for name, _ in samples)
    assert value("diemcau_event_loop_lag_seconds", process="bridge/node-1") == 0.001
