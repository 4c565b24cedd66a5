"""Watches the sites: samples in, a word about each of them out, once a second.

It reads `signaling.wire.samples` and reaches into neither signaling nor the bridge, so that it can
move to a process of its own.
"""
