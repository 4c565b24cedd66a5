"""The generator against the real bridge, with few receivers: figures are not judged here."""

import json
from dataclasses import asdict

from tests.bench import fanout
from tests.bench.fanout import Job, Phase, Run, read_run
from tests.bench.server import cores


async def test_every_packet_reaches_every_receiver_of_a_real_bridge():
    job = Job("bridge", "127.0.0.1", receivers=3, rates=[100, 300], seconds=0.2, settle_s=0.1)
    run = await fanout.run(job, cores()[1])
    assert run.profiles == ["SRTP_AEAD_AES_128_GCM"]
    assert run.unreadable == 0
    assert [one.rate for one in run.phases] == [100, 300]
    for phase in run.phases:
        assert phase.expected > 0
        assert (phase.lost, phase.holes) == (0, 0)
        assert phase.delay_p50_ms > 0


async def test_the_floor_forwards_too():
    job = Job("floor", "127.0.0.1", receivers=3, rates=[100], seconds=0.2, settle_s=0.1)
    run = await fanout.run(job, cores()[1])
    assert run.phases[0].received > 0
    assert run.phases[0].holes == 0


def test_a_run_can_be_handed_over_as_json():
    phase = Phase(160, 3.0, 10, 620, 0.0062, 0.01, 0.0, 620, 0, 0, 0, 0.5, 1.5)
    run = Run("bridge", ["P"], 0.5, 1, 2, 3, 1, 5.0, 0, {"late": 1}, [phase])
    assert read_run(json.dumps(asdict(run))) == run
    assert round(phase.cpu_us, 6) == 10.0
