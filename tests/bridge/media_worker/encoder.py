"""H.264 as an encoder makes it, and as RTP carries it (RFC 6184)."""

import av

from bridge.parametersets import PPS, SPS


def coded(width, height, count=6):
    """NAL units of each picture, as an encoder makes them."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = context.framerate = 10
    context.time_base = 1 / context.framerate
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "3"}
    frame = av.VideoFrame(width, height, "yuv420p")
    found = []
    for number in range(count):
        frame.pts = number
        for packet in context.encode(frame):
            data = bytes(packet).replace(b"\x00\x00\x00\x01", b"\x00\x00\x01")
            found.append(data.split(b"\x00\x00\x01")[1:])
    return found


def payloads(nals, limit=60):
    """RFC 6184: parameter sets together, large units in fragments."""
    sets = [nal for nal in nals if nal[0] & 0x1F in (SPS, PPS)]
    found = []
    if sets:
        found.append(b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in sets))
    for nal in nals:
        if nal in sets:
            continue
        if len(nal) <= limit:
            found.append(nal)
            continue
        body = nal[1:]
        parts = [body[at : at + limit] for at in range(0, len(body), limit)]
        for index, part in enumerate(parts):
            flags = (0x80 if index == 0 else 0) | (0x40 if index == len(parts) - 1 else 0)
            found.append(bytes((nal[0] & 0xE0 | 28, flags | nal[0] & 0x1F)) + part)
    return found
