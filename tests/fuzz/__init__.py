"""Whatever comes from outside: no exception escapes, the work is bounded, nothing is kept.

`targets.py` names what is fed, `corpus/` what with, `mutation.py` changes it. The suite runs the
corpus and seeded mutations of it; ``python -m tests.fuzz TARGET`` searches on with coverage.
"""
