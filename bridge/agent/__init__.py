"""A real room without a browser: its sources, its session, its status page."""
