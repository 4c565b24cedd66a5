import os
import subprocess
import time

import pytest

from tests.bench import proc
from tests.bench.proc import Memory

STATUS = "Name:\tbridge\nVmPeak:\t  900 kB\nVmHWM:\t   134228 kB\nVmRSS:\t   96520 kB\n"
UDP = """\
   sl  local_address rem_address   st tx_queue rx_queue …  drops
 1: 010012C6:C350 010012C6:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1 2 0 7
 2: 010012C6:C351 010012C6:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2 2 0 5
 3: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 3 2 0 9
"""


def test_cpu_time_is_that_of_the_process():
    before = proc.cpu_s(os.getpid())
    own = time.process_time()
    assert before <= own <= proc.cpu_s(os.getpid())


def test_a_process_that_is_gone_has_none():
    gone = subprocess.Popen(["true"])
    gone.wait()
    with pytest.raises(OSError, match="Invalid argument"):
        proc.cpu_s(gone.pid)


def test_memory_is_resident_now_and_at_most():
    assert proc.read_status(STATUS) == Memory(now_kib=96520, peak_kib=134228)


def test_drops_are_summed_over_the_ports_asked_for():
    assert proc.read_udp(UDP, {0xC350, 0xC351}) == 12
    assert proc.read_udp(UDP, {0xC351, 1}) == 5
    assert proc.read_udp(UDP, set()) == 0


def test_a_machine_is_busy_when_it_neither_idles_nor_waits_for_disks():
    text = "cpu  100 10 50 9000 700 5 20 15 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
    assert proc.read_busy(text) == 200 / proc.TICKS_PER_S


def test_waiting_for_a_core_is_in_nanoseconds_and_wakes_are_voluntary_switches():
    assert proc.read_schedstat("1000 2500000000 7\n") == 2.5
    status = "Threads:\t1\nvoluntary_ctxt_switches:\t41\nnonvoluntary_ctxt_switches:\t9\n"
    assert proc.read_wakes(status) == 41


def test_this_process_can_be_read():
    assert proc.cpu_s(os.getpid()) > 0
    assert 0 < proc.memory(os.getpid()).now_kib <= proc.memory(os.getpid()).peak_kib
    assert proc.threads(os.getpid()) >= 1
    assert "cores" in proc.machine()
    assert proc.waited_s(os.getpid()) >= 0
    assert proc.wakes(os.getpid()) >= 0
