# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Datagrams on their way to the kernel: an arena, and what ``sendmmsg`` (sendmmsg(2)) is told of it.

Datagrams of one size to one receiver go as one message with ``UDP_SEGMENT`` (udp(7)), so that the
kernel walks its path once for all of them.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Malloc, PyMem_Free
from cpython.ref cimport PyObject, Py_INCREF, Py_DECREF
from libc.errno cimport errno, EAGAIN, EINTR
from libc.stdint cimport uint16_t
from libc.string cimport memcpy, memset

import cython

from bridge.hotpath_c cimport (
    CMSG_DATA,
    CMSG_LEN,
    CMSG_SPACE,
    MSG_DONTWAIT,
    SOL_UDP,
    UDP_SEGMENT,
    cmsghdr,
    iovec,
    mmsghdr,
    msghdr,
    sendmmsg,
)

from bridge import hotpath

cdef enum:
    # few enough to stay in the cache, many enough to make a system call cheap
    SLOTS = 128
    SEGMENTS = 60
    SEGMENTED_OCTETS = 64000
    CONTROL = 32
    ARRIVALS = 16

assert hotpath.MAX_PACKET + 144 <= STRIDE  # SRTP_MAX_TRAILER_LEN


@cython.final
cdef class Batch:
    """`room`, write there, `add`; and `send`, which also tells of how long packets were here."""

    def __cinit__(self, counters, clock):
        self.counters = counters
        self.latency = counters.latency
        self.clock = clock
        self.batch_fd = -1
        self.arena = <char*>PyMem_Malloc(SLOTS * STRIDE)
        self.pieces = <iovec*>PyMem_Malloc(SLOTS * sizeof(iovec))
        self.messages = <mmsghdr*>PyMem_Malloc(SLOTS * sizeof(mmsghdr))
        self.controls = <char*>PyMem_Malloc(SLOTS * CONTROL)
        self.arrivals = <double*>PyMem_Malloc(SLOTS * sizeof(double))
        self.bursts = <bint*>PyMem_Malloc(SLOTS * sizeof(bint))
        self.legs = <PyObject**>PyMem_Malloc(SLOTS * sizeof(PyObject*))
        if (
            self.arena == NULL
            or self.pieces == NULL
            or self.messages == NULL
            or self.controls == NULL
            or self.arrivals == NULL
            or self.bursts == NULL
            or self.legs == NULL
        ):
            raise MemoryError
        memset(self.messages, 0, SLOTS * sizeof(mmsghdr))
        assert CMSG_SPACE(sizeof(uint16_t)) <= CONTROL

    def __dealloc__(self):
        PyMem_Free(self.arena)
        PyMem_Free(self.pieces)
        PyMem_Free(self.messages)
        PyMem_Free(self.controls)
        PyMem_Free(self.arrivals)
        PyMem_Free(self.bursts)
        PyMem_Free(self.legs)

    cdef bint may_send(self, FastLeg leg) except -1:
        """Whether the leg has a wire, and that has room."""
        if leg.wire is None:
            return False
        if leg.wire is not self.checked:
            self.checked = leg.wire
            self.full = leg.wire.full
        return not self.full

    cdef char* room(self, FastLeg leg) except NULL:
        """Where the next packet of this leg may be written, and grow by what protects it."""
        if self.count == SLOTS or (self.count and self.batch_fd != leg.fd):
            self.send()
        return self.arena + self.count * STRIDE

    cdef int add(self, FastLeg leg, char* packet, int size, double arrival, bint burst) except -1:
        """The datagram that was made there. `arrival`: when its packet came, 0 if it does not
        count."""
        if leg.fd < 0:
            leg.wire.send(PyBytes_FromStringAndSize(packet, size), leg.address)
            if arrival > 0:
                self.latency.took(self.clock() - arrival, 1, burst)
            return 0
        self.arrivals[self.count] = arrival
        self.bursts[self.count] = burst
        self.enclose(leg, packet, size)
        return 0

    cdef void enclose(self, FastLeg leg, char* packet, int size) noexcept:
        """One datagram more: behind the last one to this receiver if it fits there."""
        cdef iovec* piece = &self.pieces[self.count]
        cdef msghdr* message
        cdef cmsghdr* control
        cdef uint16_t segment
        piece.iov_base = packet
        piece.iov_len = size
        self.batch_fd = leg.fd
        if (
            self.message_count
            and self.legs[self.message_count - 1] == <PyObject*>leg
            and leg.segments
            and size <= self.segment
            and self.segmented_octets + size <= SEGMENTED_OCTETS
            and self.messages[self.message_count - 1].msg_hdr.msg_iovlen < SEGMENTS
        ):
            message = &self.messages[self.message_count - 1].msg_hdr
            if message.msg_iovlen == 1:
                control = <cmsghdr*>(self.controls + (self.message_count - 1) * CONTROL)
                segment = self.segment
                control.cmsg_level = SOL_UDP
                control.cmsg_type = UDP_SEGMENT
                control.cmsg_len = CMSG_LEN(sizeof(segment))
                memcpy(CMSG_DATA(control), &segment, sizeof(segment))
                message.msg_control = control
                message.msg_controllen = CMSG_SPACE(sizeof(segment))
            message.msg_iovlen += 1
            self.segmented_octets += size
            if size < self.segment:
                self.segment = 0  # a shorter one is the last
        else:
            message = &self.messages[self.message_count].msg_hdr
            message.msg_name = &leg.target
            message.msg_namelen = leg.target_size
            message.msg_iov = piece
            message.msg_iovlen = 1
            message.msg_control = NULL
            message.msg_controllen = 0
            self.legs[self.message_count] = <PyObject*>leg
            Py_INCREF(leg)
            self.message_count += 1
            self.segment = size
            self.segmented_octets = size
        self.count += 1

    cdef int send(self) except -1:
        """Hand all to the kernel. What it has no room for waits on the wire, in order."""
        cdef int done = 0, sent, index, error
        cdef long long packets = 0, octets = 0, unreachable = 0
        cdef FastLeg leg
        cdef bint full = False
        if self.count == 0:
            return 0
        while done < self.message_count:
            if not full:
                with nogil:
                    sent = sendmmsg(
                        self.batch_fd,
                        self.messages + done,
                        self.message_count - done,
                        MSG_DONTWAIT,
                    )
                    error = errno
                if sent > 0:
                    for index in range(done, done + sent):
                        packets += self.messages[index].msg_hdr.msg_iovlen
                        octets += self.messages[index].msg_len
                    done += sent
                    continue
                if error == EINTR:
                    continue
                full = error == EAGAIN
            leg = <FastLeg>self.legs[done]
            if full:
                self.hand_over(leg, &self.messages[done].msg_hdr)
                self.full = self.full or leg.wire is self.checked
            elif self.messages[done].msg_hdr.msg_iovlen > 1:
                # the way there does not take segments; one by one it may
                leg.segments = False
                self.hand_over(leg, &self.messages[done].msg_hdr)
            else:
                unreachable += 1
            done += 1
        for index in range(self.message_count):
            Py_DECREF(<object>self.legs[index])
        counters = self.counters
        counters.packets_out += packets
        counters.bytes_out += octets
        if unreachable:
            counters.dropped["unreachable"] += unreachable
        self.took()
        self.count = self.message_count = 0
        return 0

    cdef int hand_over(self, FastLeg leg, msghdr* message) except -1:
        cdef size_t index
        for index in range(message.msg_iovlen):
            if leg.wire is not None:
                leg.wire.send(
                    PyBytes_FromStringAndSize(
                        <char*>message.msg_iov[index].iov_base, message.msg_iov[index].iov_len
                    ),
                    leg.address,
                )
        return 0

    cdef int took(self) except -1:
        """Say how long the packets of the batch were here."""
        cdef double[ARRIVALS] arrivals
        cdef int[ARRIVALS][2] counts
        cdef int known = 0, index, found
        cdef double at = self.clock()
        for index in range(self.count):
            if self.arrivals[index] <= 0:
                continue
            for found in range(known):
                if arrivals[found] == self.arrivals[index]:
                    break
            else:
                found = known
                if known == ARRIVALS:
                    self.report(at, arrivals, counts, known)
                    known = found = 0
                arrivals[found] = self.arrivals[index]
                counts[found][0] = counts[found][1] = 0
                known += 1
            counts[found][1 if self.bursts[index] else 0] += 1
        self.report(at, arrivals, counts, known)
        return 0

    cdef int report(self, double at, double* arrivals, int[2]* counts, int known) except -1:
        cdef int index
        for index in range(known):
            if counts[index][0]:
                self.latency.took(at - arrivals[index], counts[index][0], False)
            if counts[index][1]:
                self.latency.took(at - arrivals[index], counts[index][1], True)
        return 0

