from tests.bench.quiet import Patience


def test_without_patience_everything_is_measured_once():
    patience, calls = Patience(0.0), []
    assert patience.measure(lambda: calls.append(1) or "found") == "found"
    assert calls == [1]
    assert patience.disturbed <= 1


def test_patience_ends():
    patience, calls = Patience(0.001), []
    patience.measure(lambda: calls.append(1))
    assert 1 <= len(calls) <= 2
