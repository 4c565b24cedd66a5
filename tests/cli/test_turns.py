"""Short turns are asked for, and nothing else changes."""

import subprocess
import sys

from cli.turns import ask_for_short_turns

NOTED = """
import os
from cli.turns import ask_for_short_turns
print(ask_for_short_turns(), os.sched_getscheduler(0) == os.SCHED_OTHER, os.nice(0))
"""


def test_policy_and_niceness_stay_what_they_were():
    command = ["nice", "-n", "3", sys.executable, "-c", NOTED]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert told[1:] == ["True", "3"]


def test_an_unknown_machine_is_left_as_it_is():
    assert ask_for_short_turns("pdp11") is False
