"""Fingerprints of SDP."""

from bridge.fingerprint import is_fingerprint


def test_fingerprint_syntax():
    assert is_fingerprint("SHA-256", ":".join(["aB"] * 32))
    assert not is_fingerprint("sha-256", ":".join(["AB"] * 31))
    assert not is_fingerprint("sha-1", ":".join(["AB"] * 20))
    assert not is_fingerprint("sha-256", "x" * 95)
