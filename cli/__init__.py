"""The composition root: one file per command. Only here do the rooms meet."""
