"""How late the event loop runs, how often it stands still, and whose doing that is."""

from bridge.metrics import LoopLag


def test_the_worst_delay_is_told_once():
    lag = LoopLag()
    for late_s in (0.001, 0.03, 0.002):
        lag.late(10.0, 10.0 + late_s, 0.0)
    assert round(lag.take(), 3) == 0.03
    assert lag.take() == 0.0
    assert lag.stalls == {"busy": 0, "waited": 0}


def test_a_stall_is_busy_when_the_process_computed_for_most_of_it():
    lag = LoopLag()
    lag.late(10.0, 10.0, 3.0)
    lag.late(10.01, 10.11, 3.06)
    lag.late(10.12, 10.22, 3.10)
    lag.late(10.23, 10.26, 3.13)
    assert lag.stalls == {"busy": 1, "waited": 1}
