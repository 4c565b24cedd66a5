# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""See the module of this name."""

from cpython.ref cimport PyObject
from libc.stdint cimport int32_t, uint16_t, uint32_t

cimport cython

from bridge.hotpath_c cimport protect_t, sockaddr_storage, socklen_t
from bridge.hotpath_queue cimport Job, Ring


@cython.final
cdef class Kept:
    cdef readonly long long sequence
    cdef readonly double at
    cdef double arrival
    cdef long long timestamp
    cdef long long picture
    cdef int marker
    cdef int descriptor
    cdef int tl0_picture
    cdef int tail_size
    cdef int size
    cdef bint burst
    cdef bytes tail


@cython.final
cdef class Pending:
    cdef list legs
    cdef bint told
    cdef object on_pending
    cdef int add(self, FastLeg leg) except -1


@cython.final
cdef class FastOutlet:
    cdef readonly uint32_t ssrc
    cdef readonly int payload_type
    cdef readonly long long packets
    cdef readonly long long octets
    cdef readonly long long failures
    cdef readonly long long resent
    cdef readonly long long first
    cdef readonly FastLeg leg
    cdef bint urgent
    cdef int extension
    cdef object memory
    cdef bint has_rtx
    cdef int rtx_payload_type
    cdef uint32_t rtx_ssrc
    cdef long long rtx_sequence
    cdef long long sequence_offset
    cdef long long timestamp_offset
    cdef long long picture_offset
    cdef long long tl0_picture_offset
    cdef long long last
    cdef double last_at
    # what may have to be sent again as it was: extended number and transport-wide number
    cdef long long* departed_as
    cdef int* departed_number
    cdef int forward(self, double now, Kept kept) except -1


@cython.final
cdef class FastLeg:
    cdef readonly long long dropped
    cdef Pending pending
    cdef object budget
    cdef object protection
    cdef object wire
    cdef object address
    cdef protect_t function
    cdef void* context
    cdef int fd
    cdef bint segments
    cdef socklen_t target_size
    cdef bint held_up
    cdef bint listed
    cdef int waiting
    cdef Ring urgent
    cdef Ring paced
    cdef long long paced_octets
    # the pacer's: see `pacer.LinkPacer`
    cdef double octets_per_s
    cdef double credit
    cdef double paced_at
    # transport-wide numbers
    cdef int number
    cdef double* sent_at
    cdef uint16_t* sent_octets
    cdef int32_t* sent_number
    # the last, as most of it is never looked at
    cdef sockaddr_storage target
    cdef int remember(self) except -1
    cdef bint push(self, Job* job) except -1
    cdef double allowance(self, double now) noexcept
