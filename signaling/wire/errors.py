"""The one table of error codes: what each means, its HTTP status and its WebSocket close code.

A code is stable; its sentence in a person's language is in the web's catalogue. WebSocket close
codes 4000–4999 are for private use (RFC 6455 §7.4.2).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class ErrorKind(NamedTuple):
    """One row: the HTTP status, the close code where a socket is closed for it, the meaning."""

    status: int
    close: int | None
    meaning: str


ERRORS: dict[str, ErrorKind] = {
    # what was sent is not readable
    "bad_json": ErrorKind(400, 4400, "The body or frame is not JSON."),
    "bad_message": ErrorKind(400, 4400, "JSON, but not a message of this protocol."),
    "too_large": ErrorKind(413, 1009, "The body or frame exceeds its limit."),
    "binary_frame": ErrorKind(400, 1003, "This socket takes text frames only."),
    "hello_expected": ErrorKind(400, 4402, "The first frame must be hello, within 10 s."),
    "method_not_allowed": ErrorKind(405, None, "The resource does not take this method."),
    "unsupported_media_type": ErrorKind(415, None, "Another Content-Type is expected."),
    # who sent it
    "unauthenticated": ErrorKind(401, 4401, "No valid sign-in, device cookie or token."),
    "forbidden": ErrorKind(403, 4403, "This role may not do that."),
    "foreign_origin": ErrorKind(403, 4403, "The Origin header is not this service's."),
    "sign_in_invalid": ErrorKind(401, None, "The sign-in link is wrong, used or expired."),
    "bad_credentials": ErrorKind(401, None, "The account or its password is wrong."),
    "account_locked": ErrorKind(429, None, "Too many wrong passwords; the account rests a while."),
    "link_invalid": ErrorKind(401, None, "The link is not one of this service's."),
    "link_expired": ErrorKind(401, 4401, "The link's time is over."),
    "link_foreign": ErrorKind(403, None, "The link belongs to another site or conference."),
    "link_revoked": ErrorKind(401, 4401, "The link was withdrawn; the operator has a new one."),
    "code_invalid": ErrorKind(401, None, "No site of a running conference has this code."),
    "links_not_ready": ErrorKind(
        409, None, "Links would not work: set public_url and bridge.media_addresses first."
    ),
    "rate_limited": ErrorKind(429, 4429, "Too many in too short a time; wait and retry."),
    # seats
    "seat_taken": ErrorKind(409, 4409, "Another device holds the seat and is alive."),
    "replaced": ErrorKind(409, 4410, "The same device opened a newer page."),
    "taken_over": ErrorKind(409, 4411, "The site's other device has taken the seat."),
    "promoted": ErrorKind(409, 4412, "This standby device has the seat now; connect again."),
    "no_standby": ErrorKind(409, None, "The site has no standby device waiting."),
    # commands
    "not_found": ErrorKind(404, 4404, "No such conference, site, session or page."),
    "wrong_phase": ErrorKind(409, None, "The conference's phase does not allow it now."),
    "unknown_site": ErrorKind(404, None, "The conference has no such site."),
    "bad_scene": ErrorKind(422, None, "A scene needs 1 to 4 different sites that fit its layout."),
    "not_sharing": ErrorKind(409, None, "The site does not share its screen."),
    "site_absent": ErrorKind(409, None, "No device of this site is connected."),
    "queue_changed": ErrorKind(409, None, "The queue has changed meanwhile; order it again."),
    "nobody_speaks": ErrorKind(409, None, "Nobody has been given the floor."),
    "too_late": ErrorKind(409, None, "The time in which this could be taken back is over."),
    "recording_runs": ErrorKind(409, None, "The recording is still running; stop it first."),
    "command_conflict": ErrorKind(409, None, "The command id was used for another command."),
    "unknown_template": ErrorKind(404, None, "There is no template of that name."),
    # SDP (RFC 9725)
    "offer_malformed": ErrorKind(400, None, "The SDP offer cannot be read."),
    "offer_without_media": ErrorKind(400, None, "The offer has neither audio nor video."),
    "offer_too_many_sections": ErrorKind(
        406, None, "The offer has more media sections than allowed."
    ),
    "offer_no_codec": ErrorKind(406, None, "None of the offered codecs is forwarded here."),
    "offer_other_codec": ErrorKind(
        406, None, "The offer's pictures are not in the one codec of this conference."
    ),
    "offer_unusable": ErrorKind(
        406, None, "No bundle, rtcp-mux, DTLS fingerprint or ICE credentials."
    ),
    "fragment_malformed": ErrorKind(400, None, "The SDP fragment cannot be read."),
    "precondition_required": ErrorKind(428, None, "If-Match is missing: name the session's ETag."),
    "precondition_failed": ErrorKind(412, None, "The session's ETag is another by now."),
    "not_acceptable": ErrorKind(406, None, "Nothing that Accept names can be answered."),
    "slots_invalid": ErrorKind(
        400, None, "The slots parameter is malformed or does not fit the offer."
    ),
    # the media plane
    "no_bridge": ErrorKind(503, None, "No bridge node is connected."),
    "bridge_timeout": ErrorKind(504, None, "The bridge node did not answer in time."),
    "bridge_full": ErrorKind(503, None, "The bridge node takes no more sessions."),
    # the service
    "slow_reader": ErrorKind(503, 4408, "The page reads too slowly; reconnect for a snapshot."),
    "shutting_down": ErrorKind(503, 1001, "The service is stopping or restarting."),
    "internal": ErrorKind(500, 1011, "A fault of the service; it has been logged."),
}
"""Every code that a door, a socket or the control link may answer."""


class Problem(msgspec.Struct, frozen=True):
    """An error on the wire, as a reply or a body (``application/problem+json``, RFC 9457).

    `detail` is English for engineers and names the bad value; `params` holds the values for the
    sentence that a page makes from `code`.
    """

    code: str
    detail: str = ""
    params: dict[str, str] = {}


class WireError(Exception):
    """A request, message or command that is refused, with its documented code."""

    def __init__(self, code: str, detail: str = "", **params: str) -> None:
        assert code in ERRORS, code
        super().__init__(f"{code}: {detail or ERRORS[code].meaning}")
        self.problem = Problem(code, detail or ERRORS[code].meaning, params)

    @property
    def code(self) -> str:
        """The stable code, a key of `ERRORS`."""
        return self.problem.code

    @property
    def kind(self) -> ErrorKind:
        """Status and close code of this error."""
        return ERRORS[self.problem.code]


class TooOftenError(WireError):
    """A request that is refused for now, and may be tried again after `wait_s` seconds."""

    def __init__(self, code: str, detail: str, wait_s: float) -> None:
        super().__init__(code, detail)
        self.wait_s = wait_s
