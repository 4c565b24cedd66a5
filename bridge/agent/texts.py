"""The agent's words for people, in Vietnamese and English: its status page is no part of the web.

Each language has the same keys; a test holds them equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "vi": {
            "title": "Thiết bị của điểm cầu",
            "site": "Điểm cầu",
            "conference": "Hội nghị",
            "connection": "Kết nối điều khiển",
            "publish": "Hình và tiếng gửi đi",
            "receive": "Hình và tiếng nhận về",
            "connected": "đã kết nối",
            "connecting": "đang kết nối",
            "tally": "Đèn báo",
            "on_air": "ĐANG LÊN SÓNG",
            "next": "chuẩn bị",
            "listening": "đang nghe",
            "unknown": "chưa rõ",
            "microphone": "Micrô",
            "open": "đang mở",
            "muted_by_operator": "đạo diễn đã tắt",
            "muted_by_site": "điểm cầu đã tắt",
            "sources": "Nguồn hình và tiếng",
            "source": "Nguồn",
            "video": "hình",
            "audio": "tiếng",
            "state": "Trạng thái",
            "since": "Từ lúc",
            "flowing": "có tín hiệu",
            "lost": "mất tín hiệu, đang thử lại",
            "waiting": "đang mở",
            "why": "Lý do",
            "figures": "Số đo 5 giây gần nhất",
            "rtt_s": "Thời gian khứ hồi (s)",
            "receive_loss_ratio": "Tỷ lệ mất gói chiều về",
            "freeze_s": "Hình đứng (s)",
            "frames_per_s": "Hình nhận (khung/s)",
            "sent_frames_per_s": "Hình gửi (khung/s)",
            "sent_bps": "Tốc độ gửi (bit/s)",
            "microphone_level": "Mức tiếng micrô (0–1)",
            "camera": "Có hình",
            "microphone_found": "Có tiếng",
            "yes": "có",
            "no": "không",
            "last_error": "Lỗi gần nhất",
            "none": "không có",
        },
        "en": {
            "title": "Device of the site",
            "site": "Site",
            "conference": "Conference",
            "connection": "Control connection",
            "publish": "Picture and sound sent",
            "receive": "Picture and sound received",
            "connected": "connected",
            "connecting": "connecting",
            "tally": "Tally",
            "on_air": "ON AIR",
            "next": "next",
            "listening": "listening",
            "unknown": "not known yet",
            "microphone": "Microphone",
            "open": "open",
            "muted_by_operator": "muted by the operator",
            "muted_by_site": "muted by the site",
            "sources": "Sources of picture and sound",
            "source": "Source",
            "video": "picture",
            "audio": "sound",
            "state": "State",
            "since": "Since",
            "flowing": "signal present",
            "lost": "no signal, trying again",
            "waiting": "being opened",
            "why": "Reason",
            "figures": "Figures of the last 5 seconds",
            "rtt_s": "Round trip (s)",
            "receive_loss_ratio": "Share of packets lost towards here",
            "freeze_s": "Picture frozen (s)",
            "frames_per_s": "Pictures received (per s)",
            "sent_frames_per_s": "Pictures sent (per s)",
            "sent_bps": "Bitrate sent (bit/s)",
            "microphone_level": "Microphone level (0–1)",
            "camera": "Picture present",
            "microphone_found": "Sound present",
            "yes": "yes",
            "no": "no",
            "last_error": "Last error",
            "none": "none",
        },
    }
)


def language(accept: str) -> str:
    """The language to answer in, from ``Accept-Language`` (RFC 9110 §12.5.4); Vietnamese if in
    doubt."""
    best, chosen = 0.0, "vi"
    for part in accept.split(","):
        tag, _, weight = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        quality = _quality(weight)
        if name in TEXTS and quality > best:
            best, chosen = quality, name
    return chosen


def _quality(weight: str) -> float:
    name, _, value = weight.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
