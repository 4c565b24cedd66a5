# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""See the module of this name."""

from bridge.hotpath_batch cimport Batch
from bridge.hotpath_legs cimport FastLeg, Kept, Pending
from bridge.hotpath_queue cimport Job, Ring


cdef class FastFanout:
    cdef object latency
    cdef Pending pending
    cdef Batch batch
    # the pacer's: see `pacer.Spreader`
    cdef double credit
    cdef double paced_at
    cdef int carry(self, double now, Kept kept, history, slots, bint late) except -1
    cdef int hurry(self, FastLeg leg, double now) except -1
    cdef int drain(self, FastLeg leg, double now) except -1
    cdef int depart(self, FastLeg leg, Ring* ring, double now) except -1
    cdef int enclose(self, FastLeg leg, Job* job, double now) except -1
