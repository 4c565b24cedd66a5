# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Packets that wait on a leg: a ring that grows, each entry in the numbers of its slot."""

from cpython.mem cimport PyMem_Malloc, PyMem_Free
from cpython.ref cimport PyObject, Py_DECREF
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset

cdef enum:
    MEDIA = 0
    RTX = 1
    AGAIN = 2
    PAD = 3


cdef struct Job:
    # both references are owned
    PyObject* outlet
    PyObject* kept
    double at
    long long sequence
    uint32_t timestamp
    uint16_t picture
    uint8_t tl0_picture
    uint8_t kind
    bint burst
    int number


cdef struct Ring:
    Job* jobs
    int size
    int head
    int count


cdef inline int ring_push(Ring* ring, Job* job) except -1:
    cdef int size, index
    cdef Job* grown
    if ring.count == ring.size:
        size = 2 * ring.size if ring.size else 16
        grown = <Job*>PyMem_Malloc(size * sizeof(Job))
        if grown == NULL:
            raise MemoryError
        for index in range(ring.count):
            grown[index] = ring.jobs[(ring.head + index) & (ring.size - 1)]
        PyMem_Free(ring.jobs)
        ring.jobs, ring.size, ring.head = grown, size, 0
    ring.jobs[(ring.head + ring.count) & (ring.size - 1)] = job[0]
    ring.count += 1
    return 0


cdef inline Job* ring_first(Ring* ring) noexcept:
    return &ring.jobs[ring.head]


cdef inline void ring_pop(Ring* ring) noexcept:
    ring.count -= 1
    # an empty one begins at its first job again, which is in the cache
    ring.head = (ring.head + 1) & (ring.size - 1) if ring.count else 0


cdef inline void ring_clear(Ring* ring) noexcept:
    cdef Job* job
    while ring.count:
        job = ring_first(ring)
        ring_pop(ring)
        Py_DECREF(<object>job.outlet)
        Py_DECREF(<object>job.kept)
    PyMem_Free(ring.jobs)
    memset(ring, 0, sizeof(Ring))
