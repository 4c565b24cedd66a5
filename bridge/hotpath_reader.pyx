# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Datagrams from the kernel, compiled: what `UdpSocket` reads one by one, by ``recvmmsg``
(recvmmsg(2)), and media of known addresses straight into their session's gate.
"""

import socket
import time

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_GetItem
from cpython.mem cimport PyMem_Malloc, PyMem_Free
from cpython.ref cimport PyObject
from libc.errno cimport errno, EAGAIN, EINTR
from libc.stdint cimport uint8_t
from libc.string cimport memset

import cython

from bridge.hotpath_c cimport (
    AF_INET6,
    CMSG_DATA,
    CMSG_FIRSTHDR,
    MSG_DONTWAIT,
    SO_TIMESTAMPNS,
    SOL_SOCKET,
    cmsghdr,
    iovec,
    mmsghdr,
    msghdr,
    ntohl,
    ntohs,
    recvmmsg,
    sockaddr_in,
    sockaddr_in6,
    sockaddr_storage,
    timespec,
)
from bridge.hotpath_gate cimport FastGate

from bridge import hotpath

cdef enum:
    STRIDE = 2048
    CONTROL = 64

cdef int BATCH = hotpath.BATCH


@cython.final
cdef class Known:
    """An address, as Python has it, and where its media go; None: to the desk."""

    cdef tuple address
    cdef FastGate gate


@cython.final
cdef class FastReader:
    """See `hotpath.Reader`."""

    cdef object desk
    cdef object counters
    cdef int descriptor
    # by the kernel's form of their address
    cdef dict known
    cdef char* arena
    cdef iovec* pieces
    cdef mmsghdr* messages
    cdef char* controls
    cdef sockaddr_storage* names
    # of a batch: what goes to the desk
    cdef int* others
    cdef int rest

    def __cinit__(self, desk, int descriptor, counters):
        cdef int index
        cdef msghdr* message
        self.desk = desk
        self.descriptor = descriptor
        self.counters = counters
        self.known = {}
        self.arena = <char*>PyMem_Malloc(BATCH * STRIDE)
        self.pieces = <iovec*>PyMem_Malloc(BATCH * sizeof(iovec))
        self.messages = <mmsghdr*>PyMem_Malloc(BATCH * sizeof(mmsghdr))
        self.controls = <char*>PyMem_Malloc(BATCH * CONTROL)
        self.names = <sockaddr_storage*>PyMem_Malloc(BATCH * sizeof(sockaddr_storage))
        self.others = <int*>PyMem_Malloc(BATCH * sizeof(int))
        if (
            self.arena == NULL
            or self.pieces == NULL
            or self.messages == NULL
            or self.controls == NULL
            or self.names == NULL
            or self.others == NULL
        ):
            raise MemoryError
        memset(self.messages, 0, BATCH * sizeof(mmsghdr))
        for index in range(BATCH):
            self.pieces[index].iov_base = self.arena + index * STRIDE
            self.pieces[index].iov_len = STRIDE
            message = &self.messages[index].msg_hdr
            message.msg_name = &self.names[index]
            message.msg_iov = &self.pieces[index]
            message.msg_iovlen = 1
            message.msg_control = self.controls + index * CONTROL

    def __dealloc__(self):
        PyMem_Free(self.arena)
        PyMem_Free(self.pieces)
        PyMem_Free(self.messages)
        PyMem_Free(self.controls)
        PyMem_Free(self.names)
        PyMem_Free(self.others)

    def forget(self):
        """See `hotpath.Reader`."""
        self.known = {}

    def read(self, double now):
        """See `hotpath.Reader`."""
        cdef int index, count, error
        cdef long long octets = 0
        cdef double to_monotonic
        for index in range(BATCH):
            self.messages[index].msg_hdr.msg_namelen = sizeof(sockaddr_storage)
            self.messages[index].msg_hdr.msg_controllen = CONTROL
        with nogil:
            count = recvmmsg(self.descriptor, self.messages, BATCH, MSG_DONTWAIT, NULL)
            error = errno
        if count <= 0:
            if count < 0 and error != EAGAIN and error != EINTR:
                # an ICMP error of an earlier datagram to someone who is gone
                self.counters.dropped["unreachable"] += 1
            return
        to_monotonic = time.monotonic() - time.time()
        # media first: what is said about them may wait until they have left
        self.rest = 0
        for index in range(count):
            octets += self.messages[index].msg_len
            try:
                self.let_in(now, index, to_monotonic)
            except Exception as fault:
                self.desk.fault(fault)
        if self.rest:
            self.desk.media_read()
        for index in range(self.rest):
            try:
                self.hand_out(now, &self.messages[self.others[index]], to_monotonic)
            except Exception as fault:
                self.desk.fault(fault)
        self.counters.packets_in += count
        self.counters.bytes_in += octets

    cdef int let_in(self, double now, int index, double to_monotonic) except -1:
        """Media by the gate of their session; all else is noted."""
        cdef mmsghdr* message = &self.messages[index]
        cdef uint8_t* datagram = <uint8_t*>message.msg_hdr.msg_iov.iov_base
        cdef int size = <int>message.msg_len
        cdef Known known
        if size and 127 < datagram[0] < 192:
            known = self.look_up(&message.msg_hdr)
            if known.gate is not None and known.gate.take(
                now, arrived(&message.msg_hdr) + to_monotonic, datagram, size
            ):
                return 0
        self.others[self.rest] = index
        self.rest += 1
        return 0

    cdef int hand_out(self, double now, mmsghdr* message, double to_monotonic) except -1:
        self.desk.hand_out(
            now,
            arrived(&message.msg_hdr) + to_monotonic,
            PyBytes_FromStringAndSize(<char*>message.msg_hdr.msg_iov.iov_base, message.msg_len),
            self.look_up(&message.msg_hdr).address,
        )
        return 0

    cdef Known look_up(self, msghdr* message):
        cdef bytes key = PyBytes_FromStringAndSize(<char*>message.msg_name, message.msg_namelen)
        cdef PyObject* found = PyDict_GetItem(self.known, key)
        cdef Known known
        if found != NULL:
            return <Known>found
        known = Known()
        known.address = address_of(<sockaddr_storage*>message.msg_name)
        peer = self.desk.holder(known.address)
        if peer is not None:
            known.gate = peer.gate
            self.known[key] = known
        return known


cdef double arrived(msghdr* message) noexcept:
    """When the kernel had it, in seconds of Unix time."""
    cdef cmsghdr* control = CMSG_FIRSTHDR(message)
    cdef timespec* at
    if control == NULL or control.cmsg_level != SOL_SOCKET or control.cmsg_type != SO_TIMESTAMPNS:
        return 0
    at = <timespec*>CMSG_DATA(control)
    return at.tv_sec + at.tv_nsec * 1e-9


cdef tuple address_of(sockaddr_storage* name):
    """As Python's sockets give it."""
    cdef sockaddr_in* four = <sockaddr_in*>name
    cdef sockaddr_in6* six = <sockaddr_in6*>name
    if name.ss_family == AF_INET6:
        return (
            socket.inet_ntop(socket.AF_INET6, PyBytes_FromStringAndSize(<char*>&six.sin6_addr, 16)),
            ntohs(six.sin6_port),
            ntohl(six.sin6_flowinfo),
            six.sin6_scope_id,
        )
    return (
        socket.inet_ntop(socket.AF_INET, PyBytes_FromStringAndSize(<char*>&four.sin_addr, 4)),
        ntohs(four.sin_port),
    )
