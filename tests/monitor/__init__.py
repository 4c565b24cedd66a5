"""Samples in, health out."""
