import jwt
import pytest

from signaling.tokens import Device, Door, KeyRing, Link, issue, verify
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, DeviceId, Port, SiteCode

RING = KeyRing("k2", {"k1": b"1" * 32, "k2": b"2" * 32})
LINK = Link(ConferenceId("hoi-nghi"), SiteCode("48"), "jti-1")


def code_of(token: str, kind=Link, now: float = 0.0, ring: KeyRing = RING) -> str:
    with pytest.raises(WireError) as caught:
        verify(token, kind, ring, now)
    return caught.value.code


@pytest.mark.parametrize(
    "claims",
    [
        LINK,
        Device(ConferenceId("hoi-nghi"), SiteCode("48"), DeviceId("pc"), "jti-1"),
        Door(ConferenceId("hoi-nghi"), Port("48/main"), publish=True, site=SiteCode("48")),
    ],
)
def test_claims_come_back_as_they_were_signed(claims):
    assert verify(issue(claims, RING, 100.0), type(claims), RING, 99.0) == claims


def test_a_token_is_judged_at_the_given_time():
    token = issue(LINK, RING, 100.0)
    assert verify(token, Link, RING, 99.9) == LINK
    assert code_of(token, now=100.0) == "link_expired"


def test_a_token_of_an_older_key_holds_while_the_key_is_in_the_ring():
    token = issue(LINK, KeyRing("k1", RING.keys), 100.0)
    assert verify(token, Link, RING, 0.0) == LINK
    assert code_of(token, ring=KeyRing("k2", {"k2": b"2" * 32})) == "link_invalid"


def test_a_token_is_good_for_its_own_kind_only():
    assert code_of(issue(LINK, RING, 100.0), kind=Device) == "unauthenticated"
    door = Door(ConferenceId("hoi-nghi"), Port("48/main"), publish=True)
    assert code_of(issue(door, RING, 100.0)) == "link_invalid"


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "." * 3000, "é.é.é", "eyJhbGciOiJub25lIn0.e30."]
)
def test_rubbish_is_an_invalid_link(token):
    assert code_of(token) == "link_invalid"


@pytest.mark.parametrize(
    ("headers", "algorithm", "key"),
    [
        ({"kid": "k2"}, "none", None),
        ({"kid": "k2"}, "HS512", b"2" * 64),
        ({"kid": "k9"}, "HS256", b"2" * 32),
        ({}, "HS256", b"2" * 32),
        ({"kid": "k2"}, "HS256", b"3" * 32),
    ],
)
def test_another_algorithm_or_key_is_refused(headers, algorithm, key):
    body = {"kind": "link", "conference": "hoi-nghi", "site": "48", "jti": "j", "exp": 100}
    assert code_of(jwt.encode(body, key, algorithm=algorithm, headers=headers)) == "link_invalid"


@pytest.mark.parametrize("exp", [None, "100", 1e300, True])
def test_an_expiry_that_is_no_time_is_refused(exp):
    body = {"kind": "link", "conference": "hoi-nghi", "site": "48", "jti": "j", "exp": exp}
    token = jwt.encode(body, RING.keys["k2"], headers={"kid": "k2"})
    assert code_of(token, now=200.0) in ("link_invalid", "link_expired")
