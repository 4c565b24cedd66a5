# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""From a packet to its slots, compiled: `PlainPath` of `hotpath_plain`, which read first.

Headers are written into the arena of a `hotpath_batch`, and protected in place by the libsrtp that
pylibsrtp carries.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM
from cpython.ref cimport Py_DECREF
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

import cython

from bridge.hotpath_batch cimport STRIDE, Batch
from bridge.hotpath_c cimport diemcau_prefetch
from bridge.hotpath_legs cimport FastLeg, FastOutlet, Kept, Pending
from bridge.hotpath_queue cimport MEDIA, PAD, RTX, Job, Ring, ring_first, ring_pop

from bridge import hotpath, packetcache, pacer

cdef int MAX_PACKET = hotpath.MAX_PACKET
cdef int SENT_HISTORY = hotpath.SENT_HISTORY
cdef int HISTORY = packetcache.HISTORY
# numbers may lie below 0, where the remainder of C does
cdef int IN_HISTORY = HISTORY - 1
assert HISTORY & IN_HISTORY == 0
cdef double KEEP_S = packetcache.KEEP_S
cdef double MAX_WAIT_S = pacer.MAX_WAIT_S
cdef double ALL_BURST_OCTETS = pacer.ALL_BURST_OCTETS
cdef double ALL_OCTETS_PER_S = pacer.ALL_OCTETS_PER_S
cdef double STEP_S = pacer.STEP_S


cdef inline void fetch_ahead(FastLeg leg) noexcept:
    """Have the memory of a leg come in while others are served: between two packets of a source
    everything else has passed through the cache."""
    diemcau_prefetch(leg.context)
    if leg.urgent.count:
        diemcau_prefetch(leg.urgent.jobs)
    if leg.paced.count:
        diemcau_prefetch(leg.paced.jobs)
    diemcau_prefetch(&leg.target)


cdef class FastFanout:
    """See `hotpath.HotPath`; arguments as of `hotpath_plain.PlainPath`."""

    def __cinit__(self, counters, clock, on_pending):
        self.latency = counters.latency
        self.pending = Pending(on_pending)
        self.batch = Batch(counters, clock)
        self.credit = ALL_BURST_OCTETS

    def leg(self, double now):
        """See `hotpath.HotPath`."""
        return FastLeg(self.pending, now)

    def forward(self, double now, packet, slots, /):
        """See `hotpath.Fanout`."""
        cdef Kept kept = Kept()
        history = packet.history
        kept.sequence = packet.sequence
        kept.at = now
        kept.arrival = self.latency.arrival
        kept.timestamp = packet.timestamp
        kept.marker = packet.marker
        kept.picture = packet.picture
        kept.descriptor = packet.descriptor
        kept.tl0_picture = packet.tl0_picture
        kept.tail = packet.tail
        if packet.starts_keyframe:
            history.keyframe_timestamp = kept.timestamp
        self.carry(now, kept, history, slots, packet.late)

    cdef int carry(self, double now, Kept kept, history, slots, bint late) except -1:
        """The rest of `forward`: store a packet of a source, and queue it for its slots."""
        cdef FastOutlet outlet
        kept.tail_size = <int>PyBytes_GET_SIZE(kept.tail)
        kept.size = 12 + kept.tail_size
        if kept.picture >= 0:
            kept.size += 5 if kept.tl0_picture >= 0 else 4
        kept.burst = kept.timestamp == <long long>history.keyframe_timestamp
        store(history, kept)
        for slot in slots:
            outlet = slot.outlet
            if not late or kept.sequence >= outlet.first:
                outlet.forward(now, kept)
        return 0

    def flush(self, double now):
        """See `hotpath.HotPath`."""
        cdef FastLeg leg
        cdef bint served
        cdef list busy = self.pending.legs
        cdef list after = []
        cdef Py_ssize_t index, count = len(busy)
        self.pending.told = False
        self.pending.legs = []
        self.batch.checked = None
        self.credit += (now - self.paced_at) * ALL_OCTETS_PER_S
        if self.credit > ALL_BURST_OCTETS:
            self.credit = ALL_BURST_OCTETS
        self.paced_at = now
        for index in range(count):
            if index + 2 < count:
                fetch_ahead(<FastLeg>PyList_GET_ITEM(busy, index + 2))
            self.hurry(<FastLeg>PyList_GET_ITEM(busy, index), now)
        # who got nothing this time is first the next
        for index in range(count):
            if index + 2 < count:
                fetch_ahead(<FastLeg>PyList_GET_ITEM(busy, index + 2))
            leg = <FastLeg>PyList_GET_ITEM(busy, index)
            served = self.credit > 0
            self.drain(leg, now)
            leg.listed = leg.waiting > 0
            if leg.waiting:
                if served:
                    after.append(leg)
                else:
                    self.pending.legs.append(leg)
        self.batch.send()
        self.pending.legs.extend(after)
        return now + STEP_S if self.pending.legs else None

    cdef int hurry(self, FastLeg leg, double now) except -1:
        """Send what does not wait for its turn."""
        if leg.urgent.count and self.batch.may_send(leg):
            while leg.urgent.count and not self.batch.full:
                self.depart(leg, &leg.urgent, now)
        return 0

    cdef int drain(self, FastLeg leg, double now) except -1:
        """Send what the pacer lets leave."""
        cdef double allowance
        cdef bint overdue
        cdef long long octets = 0
        if leg.paced.count == 0 or not self.batch.may_send(leg):
            return 0
        allowance = leg.allowance(now)
        overdue = ring_first(&leg.paced).at + MAX_WAIT_S <= now
        while (
            leg.paced.count
            and octets < allowance
            and (overdue or self.credit > 0)
            and not self.batch.full
        ):
            octets += (<Kept>ring_first(&leg.paced).kept).size
            self.credit -= (<Kept>ring_first(&leg.paced).kept).size
            self.depart(leg, &leg.paced, now)
        leg.paced_octets -= octets
        leg.credit -= octets
        if leg.credit < 0:
            leg.credit = 0
        leg.held_up = leg.paced.count > 0
        return 0

    cdef int depart(self, FastLeg leg, Ring* ring, double now) except -1:
        """Take the first of a queue, and build, protect and enclose it."""
        cdef Job job = ring_first(ring)[0]
        ring_pop(ring)
        leg.waiting -= 1
        try:
            self.enclose(leg, &job, now)
        finally:
            Py_DECREF(<object>job.outlet)
            Py_DECREF(<object>job.kept)
        return 0

    cdef int enclose(self, FastLeg leg, Job* job, double now) except -1:
        cdef FastOutlet outlet = <FastOutlet>job.outlet
        cdef Kept kept = <Kept>job.kept
        cdef int number = leg.number if job.number < 0 else job.number
        cdef int size = kept.size + (8 if outlet.extension else 0) + (2 if job.kind == RTX else 0)
        cdef int index
        cdef char* packet = self.batch.room(leg)
        if job.kind == RTX or job.kind == PAD:
            outlet.rtx_sequence += 1
        if size > MAX_PACKET:
            outlet.failures += 1
            return 0
        build(outlet, kept, job, number, <uint8_t*>packet)
        size = protect(leg, packet, size)
        if size < 0:
            outlet.failures += 1
            return 0
        if job.kind == MEDIA:
            outlet.packets += 1
            outlet.octets += kept.size - 12
            if outlet.departed_as != NULL:
                index = <int>(job.sequence & IN_HISTORY)
                outlet.departed_as[index] = job.sequence
                outlet.departed_number[index] = number
        if outlet.extension and job.number < 0:
            leg.number = (number + 1) & 0xFFFF
            index = number & (SENT_HISTORY - 1)
            leg.sent_number[index] = number
            leg.sent_at[index] = now
            leg.sent_octets[index] = size
        self.batch.add(leg, packet, size, kept.arrival if job.kind == MEDIA else 0, job.burst)
        return 0


cdef int store(history, Kept kept) except -1:
    """`packetcache.History.store`."""
    cdef list held = history._kept
    cdef long long number = kept.sequence, highest = history._highest, oldest = history._oldest
    cdef Kept old
    if number > highest:
        if number - highest > HISTORY:
            history.store(kept)
            return 0
        highest = number
        while oldest < highest:
            old = held[oldest & IN_HISTORY]
            if old is not None and old.at >= kept.at - KEEP_S and oldest > highest - HISTORY:
                break
            held[oldest & IN_HISTORY] = None
            oldest += 1
        history._highest = highest
    elif number <= highest - HISTORY:
        return 0
    held[number & IN_HISTORY] = kept
    history._oldest = min(oldest, number)
    return 0


cdef int protect(FastLeg leg, char* packet, int size) except -2:
    """In place; the size of the datagram, -1 if it failed."""
    cdef int length = size
    if leg.function != NULL:
        return length if leg.function(leg.context, packet, &length) == 0 else -1
    try:
        datagram = leg.protection.protect(PyBytes_FromStringAndSize(packet, size))
    except Exception:
        return -1
    if len(datagram) > STRIDE:
        return -1
    memcpy(packet, PyBytes_AS_STRING(datagram), len(datagram))
    return len(datagram)


cdef void build(FastOutlet outlet, Kept kept, Job* job, int number, uint8_t* at) noexcept:
    """The plain packet of a job; see `hotpath_plain.PlainOutlet.build`."""
    cdef uint32_t timestamp = job.timestamp
    cdef long long sequence = job.sequence
    cdef uint32_t ssrc = outlet.ssrc
    cdef int payload_type = outlet.payload_type
    cdef uint16_t picture
    if job.kind == RTX or job.kind == PAD:
        sequence = outlet.rtx_sequence
        ssrc = outlet.rtx_ssrc
        payload_type = outlet.rtx_payload_type
    at[0] = (0x90 if outlet.extension else 0x80) | (0x20 if job.kind == PAD else 0)
    at[1] = <uint8_t>(kept.marker | payload_type)
    at[2] = <uint8_t>(sequence >> 8)
    at[3] = <uint8_t>sequence
    at[4] = <uint8_t>(timestamp >> 24)
    at[5] = <uint8_t>(timestamp >> 16)
    at[6] = <uint8_t>(timestamp >> 8)
    at[7] = <uint8_t>timestamp
    at[8] = <uint8_t>(ssrc >> 24)
    at[9] = <uint8_t>(ssrc >> 16)
    at[10] = <uint8_t>(ssrc >> 8)
    at[11] = <uint8_t>ssrc
    at += 12
    if outlet.extension:
        at[0], at[1], at[2], at[3] = 0xBE, 0xDE, 0, 1
        at[4] = <uint8_t>(outlet.extension << 4 | 1)
        at[5] = <uint8_t>(number >> 8)
        at[6] = <uint8_t>number
        at[7] = 0
        at += 8
    if job.kind == RTX:
        at[0] = <uint8_t>(job.sequence >> 8)
        at[1] = <uint8_t>job.sequence
        at += 2
    if kept.picture >= 0:
        picture = 0x8000 | job.picture
        at[0] = <uint8_t>(kept.descriptor >> 8)
        at[1] = <uint8_t>kept.descriptor
        at[2] = <uint8_t>(picture >> 8)
        at[3] = <uint8_t>picture
        at += 4
        if kept.tl0_picture >= 0:
            at[0] = job.tl0_picture
            at += 1
    memcpy(at, PyBytes_AS_STRING(kept.tail), kept.tail_size)
