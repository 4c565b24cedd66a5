"""Encoders and players that nobody here wrote, at the doors of the whole service."""
