# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""See the module of this name."""

from libc.stdint cimport uint8_t, uint32_t

cimport cython

from bridge.hotpath_c cimport protect_t
from bridge.hotpath_fanout cimport FastFanout


@cython.final
cdef class Stream:
    cdef uint32_t ssrc
    cdef int payload_type
    cdef int level_extension
    cdef bint pictures
    cdef double clock_rate
    cdef object source
    cdef object reception
    cdef object losses
    cdef object loudness
    cdef object feed
    cdef object history


@cython.final
cdef class FastGate:
    cdef readonly double heard_at
    cdef FastFanout path
    cdef object flow
    cdef object ceiling
    cdef object arrivals
    cdef int number_extension
    cdef object dropped
    cdef object protection
    cdef protect_t function
    cdef void* context
    cdef list streams
    cdef bint take(self, double now, double arrival, uint8_t* datagram, int size) except -1
    cdef int refuse(self, int status) except -1
    cdef Stream knows(self, const uint8_t* datagram, int size)
    cdef bint usual(
        self, Stream one, double now, double arrival, const uint8_t* packet, int size
    ) except -1
