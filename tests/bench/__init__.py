"""Measurements: `make bench` runs them, prints a table and writes docs/measurements.md."""
