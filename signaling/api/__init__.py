"""The HTTP surface: one file per resource, and the table of all routes (`table`)."""
