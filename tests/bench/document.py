"""docs/measurements.md: the text around the figures."""

from __future__ import annotations

from tests.bench.conference import TAKES
from tests.bench.janusserver import INSTALL
from tests.bench.linepage import bad_lines
from tests.bench.markdown import filled, table
from tests.bench.packets import AUDIO_PER_S, VIDEO_BYTES
from tests.bench.quantiles import Quantiles
from tests.bench.quiet import QUIET
from tests.bench.results import NAMES, Results
from tests.bench.spread import show, spread

STEPS = (
    ("all sites join by their links", "join", "a site's click → it sends and receives"),
    ("operator's wall shows every site", "first_picture", "the wall is asked for → first picture"),
    ("takes: all see the site on air", "first_frame", "take → first frame of the new source"),
    ("open microphone is heard by all", "first_sound", "microphone opened → first sound"),
    ("mute silences a site that goes on sending", "last_sound", "mute → last sound"),
    (
        "signaling is killed and comes back",
        "first_frame_after",
        "take after the crash → first frame",
    ),
)


def document(results: Results) -> str:
    """The whole page, in Markdown."""
    parts = [_head(results), _fanout(results), _conference(results), _drill(results)]
    return filled("\n\n".join([*parts, bad_lines(results), _limits(results)])) + "\n"


def _head(results: Results) -> str:
    quiet = (
        "The machine did nothing else meanwhile"
        if not results.disturbed
        else f"**In {results.disturbed} of {results.parts} parts the machine did other things too**"
    )
    return f"""# Measurements

`make bench` measures this anew and writes it; sections with a date of their own are measured apart,
each by its command, and stay. It needs root (for a network namespace) and, for the comparison,
Janus: `{INSTALL}`.

- Machine: {results.machine}.
- Run of {results.at:%d %B %Y, %H:%M} UTC, {results.took_s / 60:.1f} minutes.
  {quiet} (more than {100 * QUIET:.0f} % of a core counts). With root, all that is measured
  runs at the highest priority: other things then take cache from it rather than time.
- Figures are medians of {_repetitions(results)} runs with (lowest–highest).
  The subjects take turns: each repetition runs all of them, beginning with another one."""


def _repetitions(results: Results) -> int:
    return max(len(results.of("bridge")), len(results.held), len(results.drills))


# --- S1 -----------------------------------------------------------------------------------------


def _fanout(results: Results) -> str:
    title = f"## S1: one publisher to {results.receivers} receivers"
    if not results.runs:
        return f"{title}\n\nNot measured."
    where = (
        "Server and generator live in a network namespace of their own"
        if results.isolated
        else "No network namespace could be made, so all is on 127.0.0.1"
    )
    return f"""{title}

`make bench`, parts `tests/bench/fanout.py` (generator) and `tests/bench/line.py` (its sessions).
{where}; the server is held to one core and the generator to the other, so a server with threads has
no advantage of them. One publisher sends VP8 in packets of {VIDEO_BYTES:,} bytes
and {AUDIO_PER_S} packets of Opus a second; every receiver gets both. Real DTLS and ICE;
SRTP as negotiated: {_profiles(results)}. Receivers may ask for lost
packets (NACK), so servers keep what they send; nobody asks, and there are no header extensions.
CPU is what the server process computed in a steady interval of {_seconds(results)} s, divided by
the packets that reached receivers in it, so it holds everything: receiving, waking up, reports.

{_fanout_table(results)}

*Lost* is what was sent × {results.receivers} minus what came; holes in the receivers' sequence
numbers say the same. *Delay* is from just before the publisher protects a packet until the kernel
has it at a receiver (first, middle and last of the {results.receivers}).

{_ratios(results)}

{_memory(results)}

{_generator(results)}"""


def _profiles(results: Results) -> str:
    by_profile: dict[str, list[str]] = {}
    for server in results.servers:
        found = sorted({name for run in results.of(server) for name in run.profiles})
        if found:
            by_profile.setdefault(", ".join(found), []).append(NAMES[server])
    return "; ".join(f"`{name}` with {' and '.join(who)}" for name, who in by_profile.items())


def _seconds(results: Results) -> str:
    found = spread(phase.seconds for run in results.runs for phase in run.phases)
    return "–" if found is None else f"{found.median:.0f}"


def _fanout_table(results: Results) -> str:
    head = ("packets/s in", "server", "packets/s out", "CPU per packet, µs", "core", "lost, %",
            "delay p50, ms", "delay p99, ms")  # fmt: skip
    rows = []
    for rate in results.rates:
        for server in results.servers:
            phases = results.phases(server, rate)
            rows.append(
                (
                    f"{rate + AUDIO_PER_S:,}",
                    NAMES[server],
                    show((one.received / one.seconds for one in phases), 0),
                    show((one.cpu_us for one in phases), 2),
                    show((one.server_cpu_s / one.seconds for one in phases), 2),
                    show((100 * one.lost / one.expected for one in phases), 2),
                    show(one.delay_p50_ms for one in phases),
                    show(one.delay_p99_ms for one in phases),
                )
            )
    return table(head, rows)


def _ratios(results: Results) -> str:
    """The bridge's CPU per packet as a multiple of the others'."""
    others = [server for server in results.servers if server != "bridge"]
    if not others or not results.of("bridge"):
        return "There is nothing to compare the bridge with."
    rows = []
    for rate in results.rates:
        cells = [f"{rate + AUDIO_PER_S:,}"]
        for other in others:
            mine, theirs = (
                spread(one.cpu_us for one in results.phases(server, rate))
                for server in ("bridge", other)
            )
            cells.append(f"{mine.median / theirs.median:.2f}" if mine and theirs else "–")
        rows.append(cells)
    head = ["packets/s in", *(NAMES[one] for one in others)]
    return "The bridge's CPU per packet as a multiple of:\n\n" + table(head, rows)


def _memory(results: Results) -> str:
    head = ("server", "without sessions, MiB", "at the end, MiB", "at most, MiB", "threads",
            f"{results.receivers + 1} sessions connected, s")  # fmt: skip
    rows = [
        (
            NAMES[server],
            show((run.memory_idle / 1024 for run in results.of(server)), 0),
            show((run.memory_end / 1024 for run in results.of(server)), 0),
            show((run.memory_peak / 1024 for run in results.of(server)), 0),
            show((run.threads for run in results.of(server)), 0),
            show(run.connected_s for run in results.of(server)),
        )
        for server in results.servers
    ]
    return "What the server process takes of memory (resident):\n\n" + table(head, rows)


def _generator(results: Results) -> str:
    phases = [phase for run in results.runs for phase in run.phases]
    busiest = max(one.generator_cpu_s / one.seconds for one in phases)
    others = show((100 * one.others_cpu_s / one.seconds for one in phases), 0)
    slowest = max(run.slowest_turn_ms for run in results.runs)
    overrun = sum(one.overrun for one in phases)
    unreadable = sum(run.unreadable for run in results.runs)
    dropped = {
        reason: count for run in results.of("bridge") for reason, count in run.dropped.items()
    }
    told = ", ".join(f"{reason} {count}" for reason, count in dropped.items()) or "nothing"
    return f"""The generator was busy for at most {100 * busiest:.0f} % of its core, its
slowest turn took {slowest:.0f} ms (5 are wanted), its sockets overran by {overrun} packets,
and {unreadable} packets did not decrypt. All else on the machine
took {others} % of a core meanwhile. The bridge itself reported as dropped: {told}."""


# --- S2 and the drill ---------------------------------------------------------------------------


def _conference(results: Results) -> str:
    held = results.held
    if not held:
        return "## S2: the whole conference\n\nNot measured."
    rows = [
        ("bridge, share of a core", show((one.bridge_cpu_s / one.seconds for one in held), 3)),
        (
            "signaling, share of a core",
            show((one.signaling_cpu_s / one.seconds for one in held), 3),
        ),
        (
            f"all {held[0].sites} sites and the operator, in one process, share of a core",
            show((one.sites_cpu_s / one.seconds for one in held), 3),
        ),
        ("packets/s that reached receivers", show((one.received / one.seconds for one in held), 0)),
        (
            "bridge CPU per forwarded packet, µs",
            show((1e6 * one.bridge_cpu_s / one.received for one in held), 1),
        ),
        ("packets lost", show((one.lost for one in held), 0)),
        (
            "latency inside the bridge outside bursts, p50 / p99, ms",
            _latency([one.usual for one in held]),
        ),
        (
            f"the same in keyframe bursts (of the pages' wishes and {TAKES} takes), p50 / p99, ms",
            _latency([one.burst for one in held]),
        ),
        ("bridge, memory at most, MiB", show((one.bridge_memory_peak / 1024 for one in held), 0)),
        (
            "signaling, memory at most, MiB",
            show((one.signaling_memory_peak / 1024 for one in held), 0),
        ),
    ]
    return f"""## S2: the whole conference, held steady

`.venv/bin/python -m tests.bench.conference {held[0].sites - 1} {held[0].seconds:.0f} CACHE`, or
`make bench`.
The whole service as `diemcau up` starts it, on both cores. {held[0].sites} sites send a picture of
320×180 ten times a second and Opus without pause; each receives the program and two open
microphones, and the operator all {held[0].sites} thumbnails besides.

{table(("", "median (lowest–highest)"), rows)}

Latency is from the kernel's receive time of a packet until the kernel has it again, counted by the
bridge for each packet and receiver (`diemcau_forward_latency_seconds`); quantiles are interpolated
within its buckets. Bursts are keyframes, and what the pacer held up behind them."""


def _latency(found: list[Quantiles]) -> str:
    return " / ".join(
        (show((one.p50_ms for one in found), 2), show((one.p99_ms for one in found), 2))
    )


def _drill(results: Results) -> str:
    drills = results.drills
    if not drills:
        return "## S4, S5: the drill\n\nNot measured."
    passed = sum(one.passed for one in drills)
    rows = []
    for step, name, words in STEPS:
        cells = [
            show((one.figures.get((step, f"{name}_{share}_ms"), float("nan")) for one in drills), 0)
            for share in ("p50", "p95")
        ]
        rows.append((words, *cells))
    crash = STEPS[-1][0]
    gap = [one.figures.get((crash, "longest_picture_gap_ms"), float("nan")) for one in drills]
    back = [one.figures.get((crash, "last_back_s"), float("nan")) for one in drills]
    joined = [one.figures.get((STEPS[0][0], "all_joined_s"), float("nan")) for one in drills]
    return f"""## S4, S5: take, mute and a crash, under {results.sites} sites

`diemcau drill --sites {results.sites} --json FILE`, {len(drills)} times; {passed} passed. Times are
over all sites of a step, and exact to the 10 ms at which the synthetic sites read their sockets.

{table(("", "p50, ms", "p95, ms"), rows)}

- All sites joined after {show(joined)} s.
- Signaling killed with `SIGKILL`: the last page was back after {show(back)} s; no picture stood for
  longer than {show(gap, 0)} ms meanwhile (one comes each 100 ms).
- The bridge took at most {show((one.bridge_busiest for one in drills), 2)} of a core in any half
  second, and {show((one.peak_kib.get("bridge", 0) / 1024 for one in drills), 0)} MiB at most;
  signaling {show((one.peak_kib.get("signaling", 0) / 1024 for one in drills), 0)} MiB."""


def _limits(results: Results) -> str:
    lines = []
    if results.janus is None:
        lines.append(f"Janus was not installed, so S1 has no peer here (`{INSTALL}`).")
    else:
        lines.append(
            f"Janus is {results.janus}. Its Debian libsrtp is built with NSS, which is slower than "
            "OpenSSL's; a Janus built with the latter would look better than it does here."
        )
    lines += [
        "Everything is on one machine: there is no network card, no driver and no distance in it.",
        "S1's receivers neither lose nor ask for packets.",
        "S2's sites send test pictures of 120 kbit/s, and 1.2 Mbit/s of 640×360 on stage, ten a "
        "second: their keyframes are smaller than a camera's.",
        "S3 with 3,355 endpoints, S5's other faults (bridge, database, a site's network, loss) and "
        "S6, the working day, are not measured yet.",
    ]
    lines += [f"Failed in this run: {one}" for one in results.failures]
    return "## What this does not show\n\n" + "\n".join(f"- {line}" for line in lines)
