"""A read-only view of RTP headers (RFC 3550 §5.1, RFC 8285)."""
