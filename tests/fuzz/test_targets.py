import gc
import sys
import tracemalloc

import pytest

from tests.fuzz.mutation import mutations
from tests.fuzz.targets import CORPUS, TARGETS, corpus

ROUNDS = 2_000
GROWTH_BYTES = 64 * 1024


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_holds(name):
    inputs = corpus(name)
    assert inputs
    for data in inputs:
        TARGETS[name](data)


def test_every_folder_of_the_corpus_is_fed():
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_do_no_harm_and_leave_nothing(name):
    target, seeds = TARGETS[name], corpus(name)
    for data in mutations(seeds, ROUNDS // 4, seed=1):
        target(data)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for data in mutations(seeds, ROUNDS // 4, seed=2):
            target(data)
        del data
        gc.collect()
        sys._clear_type_cache()  # it holds a name for each `case` of a class that was gone through
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < GROWTH_BYTES
    for data in mutations(seeds, ROUNDS // 2, seed=3):
        target(data)
