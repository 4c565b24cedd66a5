import asyncio
import time

from cli.drilling.judge import LOOK_S, Stall, own_stall, unfit


def stand_still() -> None:
    time.sleep(3 * LOOK_S)


async def test_a_pause_of_the_process_is_noticed():
    async with own_stall() as stall:
        await asyncio.sleep(0)  # the timer is set
        stand_still()
        await asyncio.sleep(LOOK_S)
    assert stall.longest_s >= LOOK_S


def test_a_judge_that_stood_still_says_so():
    assert "1.5 s" in str(unfit(Stall(1.5)))
