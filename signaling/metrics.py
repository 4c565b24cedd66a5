"""Prometheus figures of the service and its bridge nodes, made when they are asked for.

A collector and not gauges, so that what is over leaves no series behind. The sites' health figures
are the monitor's; it registers its own collector beside this one.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import get_args

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from signaling.bus import Bus
from signaling.conferences import Conferences
from signaling.mixwatch import MixWatch
from signaling.nodes import Nodes
from signaling.sessions import newest
from signaling.wire.control import LATENCY_EDGES_S
from signaling.wire.ids import Direction, Role
from signaling.wire.pages import Phase
from signaling.wire.ports import site_of
from signaling.wire.recordings import RecordingState
from signaling.workers import WorkerLink

Family = GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily


class ServiceMetrics(Collector):
    """Conferences, sessions, and each node's packets as of its last report.

    `event_loop_lag_s` is set by the server's tick: by how much the newest one came late.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        version: str,
        conferences: Conferences,
        nodes: Nodes,
        pages: Callable[[], Mapping[Role, int]],
        bus: Bus,
        mixes: MixWatch,
        workers: Callable[[], Sequence[WorkerLink]] = tuple,
    ) -> None:
        self.event_loop_lag_s = 0.0
        self.joins = Counter(
            "diemcau_join",
            "Steps on a device's way in, by outcome: ok, or the error code.",
            ["stage", "result"],
            registry=registry,
        )
        self._pages = pages
        self._bus = bus
        self._workers, self._mixes = workers, mixes
        self._version = version
        self._conferences = conferences
        self._nodes = nodes
        registry.register(self)

    def collect(self) -> Iterable[Family]:
        """All families, with a sample for each thing that is there now."""
        yield self._build()
        yield self._phases()
        yield self._recordings()
        yield self._mixed()
        yield self._sessions()
        yield self._lag()
        yield self._stalls()
        yield self._tasks()
        yield self._sockets()
        yield self._load()
        yield self._node_info()
        yield self._bus_lost()
        yield from self._packets()
        yield self._feedback()
        yield self._latency()
        yield self._lost()
        yield from self._pictures()

    def _build(self) -> Family:
        family = GaugeMetricFamily("diemcau_build_info", "Always 1.", labels=["version"])
        family.add_metric([self._version], 1)
        return family

    def _phases(self) -> Family:
        family = GaugeMetricFamily("diemcau_conferences", "Conferences by phase.", labels=["phase"])
        counts = Tally(owner.current().phase for owner in self._conferences.all())
        for phase in get_args(Phase):
            family.add_metric([phase], counts[phase])
        return family

    def _recordings(self) -> Family:
        family = GaugeMetricFamily(
            "diemcau_recordings", "Recordings that are wanted, by state.", labels=["state"]
        )
        held = (owner.current().recording for owner in self._conferences.all())
        counts = Tally(one.state for one in held if one is not None)
        for state in get_args(RecordingState):
            family.add_metric([state], counts[state])
        return family

    def _mixed(self) -> Family:
        family = GaugeMetricFamily(
            "diemcau_mixes", "Mixes for players that take one sound.", labels=["state"]
        )
        held = self._mixes.all_figures()
        family.add_metric(["wanted"], sum(one.wanted for one in held))
        family.add_metric(["flowing"], sum(one.flowing for one in held))
        return family

    def _sessions(self) -> Family:
        family = GaugeMetricFamily(
            "diemcau_sessions", "WHIP and WHEP sessions.", labels=["node", "direction"]
        )
        counts = Tally((one.node, one.direction) for one in self._nodes.all_sessions())
        for link in self._nodes.links:
            for direction in get_args(Direction):
                family.add_metric([link.node, direction], counts[(link.node, direction)])
        return family

    def _lag(self) -> Family:
        family = GaugeMetricFamily(
            "diemcau_event_loop_lag_seconds",
            "How late the event loop ran its newest tick.",
            labels=["process"],
        )
        family.add_metric(["signaling"], self.event_loop_lag_s)
        for link in self._nodes.links:
            if link.stats is not None:
                family.add_metric([f"bridge/{link.node}"], link.stats.loop_lag_s)
        return family

    def _stalls(self) -> Family:
        family = CounterMetricFamily(
            "diemcau_event_loop_stalls",
            "Times that a node's event loop stood still for 50 ms or more: busy itself, or waiting "
            "for a core.",
            labels=["process", "cause"],
        )
        for link in self._nodes.links:
            if link.stats is not None:
                for cause, count in sorted(link.stats.stalls.items()):
                    family.add_metric([f"bridge/{link.node}", cause], count)
        return family

    def _tasks(self) -> Family:
        family = GaugeMetricFamily("diemcau_tasks", "Tasks of the event loop.", labels=["process"])
        family.add_metric(["signaling"], len(asyncio.all_tasks()))
        for link in self._nodes.links:
            if link.stats is not None:
                family.add_metric([f"bridge/{link.node}"], link.stats.tasks)
        for worker in self._workers():
            if worker.facts is not None:
                family.add_metric([f"worker/{worker.worker}"], worker.facts.tasks)
        return family

    def _sockets(self) -> Family:
        family = GaugeMetricFamily("diemcau_pages", "Connected pages by role.", labels=["role"])
        for role, count in sorted(self._pages().items()):
            family.add_metric([role], count)
        return family

    def _load(self) -> Family:
        family = GaugeMetricFamily(
            "diemcau_node_load_ratio", "Share of one core that a node uses.", labels=["node"]
        )
        for link in self._nodes.links:
            if link.load_ratio is not None:
                family.add_metric([link.node], link.load_ratio)
        return family

    def _node_info(self) -> Family:
        family = GaugeMetricFamily(
            "diemcau_node_info",
            "Always 1; packet_path is compiled or python.",
            labels=["node", "version", "packet_path"],
        )
        for link in self._nodes.links:
            family.add_metric([link.node, link.version, link.packet_path], 1)
        return family

    def _bus_lost(self) -> Family:
        family = CounterMetricFamily(
            "diemcau_bus_messages_lost", "Messages that a subscriber was too slow for."
        )
        family.add_metric([], self._bus.lost)
        return family

    def _packets(self) -> Iterable[Family]:
        labels = ["node", "direction", "kind"]
        packets = CounterMetricFamily("diemcau_rtp_packets", "RTP packets.", labels=labels)
        octets = CounterMetricFamily("diemcau_rtp_bytes", "RTP payload bytes.", labels=labels)
        dropped = CounterMetricFamily(
            "diemcau_packets_dropped", "Packets that were not used.", labels=["node", "reason"]
        )
        for link in self._nodes.links:
            stats = link.stats
            if stats is None:
                continue
            for one in stats.traffic:
                packets.add_metric([link.node, one.direction, one.media], one.packets)
                octets.add_metric([link.node, one.direction, one.media], one.bytes)
            for reason, count in sorted(stats.dropped.items()):
                dropped.add_metric([link.node, reason], count)
        return packets, octets, dropped

    def _feedback(self) -> Family:
        family = CounterMetricFamily(
            "diemcau_rtcp_feedback",
            "RTCP feedback packets that a node sent or received.",
            labels=["node", "type"],
        )
        for link in self._nodes.links:
            if link.stats is not None:
                for kind, count in sorted(link.stats.feedback.items()):
                    family.add_metric([link.node, kind], count)
        return family

    def _latency(self) -> Family:
        family = HistogramMetricFamily(
            "diemcau_forward_latency_seconds",
            "How long forwarded packets were in the node, once for each receiver; burst: of a "
            "keyframe, or held up by the pacer.",
            labels=["node", "burst"],
        )
        edges = [*map(str, LATENCY_EDGES_S), "+Inf"]
        for link in self._nodes.links:
            # a node of another version may know none or others
            stats = link.stats
            if stats is None:
                continue
            for burst, counts, sum_s in (
                ("no", stats.latency, stats.latency_sum_s),
                ("yes", stats.latency_burst, stats.latency_burst_sum_s),
            ):
                if len(counts) == len(edges):
                    buckets = list(zip(edges, accumulate(counts), strict=True))
                    family.add_metric([link.node, burst], buckets, sum_s)
        return family

    def _pictures(self) -> Iterator[Family]:
        labels = ["conference", "site", "track", "layer"]
        bits = GaugeMetricFamily(
            "diemcau_picture_bits_per_second",
            "What a site sends of a picture, by layer; the name is empty of a single one.",
            labels=labels,
        )
        lines = GaugeMetricFamily(
            "diemcau_picture_lines", "The height of a site's picture, by layer.", labels=labels
        )
        stubborn = GaugeMetricFamily(
            "diemcau_picture_ignores_requests",
            "1 for an encoder that makes keyframes when it pleases: a take to it waits.",
            labels=labels,
        )
        for session in newest(self._nodes.all_sessions()):
            site = site_of(session.port)
            if site is None or session.stats is None or session.direction != "publish":
                continue
            for stream in session.stats.streams:
                if stream.media == "video" and stream.track is not None:
                    values = [session.scope, site, stream.track, stream.layer]
                    bits.add_metric(values, stream.bitrate_bps)
                    stubborn.add_metric(values, float(stream.ignores_requests))
                    if stream.height is not None:
                        lines.add_metric(values, stream.height)
        yield from (bits, lines, stubborn)

    def _lost(self) -> Family:
        family = CounterMetricFamily(
            "diemcau_rtp_packets_lost",
            "RTP packets of a site that were lost, since its newest session opened.",
            labels=["conference", "site", "direction", "kind"],
        )
        own = [one for one in self._nodes.all_sessions() if one.relayed_from is None]
        for session in newest(own):
            site = site_of(session.port)
            if site is None or session.stats is None:
                continue
            lost: Tally[str] = Tally()
            for stream in session.stats.streams:
                lost[stream.media] += stream.lost
            for media, count in sorted(lost.items()):
                family.add_metric([session.scope, site, session.direction, media], count)
        return family
