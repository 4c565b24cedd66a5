# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""See the module of this name."""

from cpython.ref cimport PyObject

cimport cython

from bridge.hotpath_c cimport iovec, mmsghdr, msghdr
from bridge.hotpath_legs cimport FastLeg

cdef enum:
    # octets of the arena for one datagram
    STRIDE = 1600


@cython.final
cdef class Batch:
    cdef object counters
    cdef object latency
    cdef object clock
    cdef object checked
    cdef bint full
    # a batch on its way to the kernel
    cdef char* arena
    cdef iovec* pieces
    cdef mmsghdr* messages
    cdef char* controls
    cdef double* arrivals
    cdef bint* bursts
    cdef PyObject** legs
    cdef int count
    cdef int message_count
    cdef int batch_fd
    cdef int segment
    cdef int segmented_octets
    cdef char* room(self, FastLeg leg) except NULL
    cdef int add(self, FastLeg leg, char* packet, int size, double arrival, bint burst) except -1
    cdef bint may_send(self, FastLeg leg) except -1
    cdef int send(self) except -1
    cdef void enclose(self, FastLeg leg, char* packet, int size) noexcept
    cdef int hand_over(self, FastLeg leg, msghdr* message) except -1
    cdef int took(self) except -1
    cdef int report(self, double at, double* arrivals, int[2]* counts, int known) except -1
