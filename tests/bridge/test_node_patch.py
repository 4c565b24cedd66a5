"""PATCH at a node: ICE restarts under media, preconditions; and players that share a port."""

from bridge.fragment import read_fragment
from signaling.wire.control import CloseSession
from tests.bridge.client import keyframe


def fragment(ufrag, password):
    return f"m=video 9 X 96\r\na=mid:0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\n"


async def test_ice_restart_moves_to_new_credentials_and_media_goes_on(house):
    client = await house.publisher("48", ["video"], ssrcs=[1])
    receiver = await house.receiver("01", "stage:1")
    house.route(("01", "stage:1", "48", "camera"))
    client.rtp(1, 1, keyframe(1))
    await receiver.until(lambda: receiver.received)

    reply = house.patch(client.session, fragment("fresh", "f" * 24), "*")
    told = read_fragment(reply.fragment)
    assert reply.etag == told.credentials.ufrag != client.etag
    assert told.candidates == 1
    assert (told.media, told.mid) == ("m=video 9 X 96", "a=mid:0")
    client.ufrag = "fresh"
    client.remote_ufrag, client.remote_password = (
        told.credentials.ufrag,
        told.credentials.password,
    )
    client.answers.clear()
    await client.bind()
    client.check()
    await client.until(lambda: client.answers)
    client.rtp(1, 2, keyframe(2))
    await receiver.until(lambda: len(receiver.received) == 2)


async def test_fragments_have_their_preconditions(house):
    client = await house.publisher("48", ["video"], ssrcs=[1])
    same = fragment(client.ufrag, client.password) + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host"
    trickled = house.patch(client.session, same, client.etag)
    assert (trickled.etag, trickled.fragment) == (client.etag, None)
    assert house.patch(client.session, same, "other").code == "precondition_failed"
    assert house.patch(client.session, same).etag == client.etag
    other = fragment("fresh", "f" * 24)
    assert house.patch(client.session, other).code == "precondition_required"
    assert house.patch(client.session, "a=end-of-candidates").code == "precondition_required"
    assert house.patch(client.session, "v=0", "*").code == "fragment_malformed"
    assert house.patch("nobody", same, "*").code == "not_found"
    restarted = house.patch(client.session, fragment("fresh", "f" * 24), client.etag)
    assert restarted.fragment is not None
    assert house.patch(client.session, same, client.etag).code == "precondition_failed"


async def test_restarts_leave_nothing_behind(house):
    client = await house.publisher("48", ["video"], ssrcs=[1])
    former = house.dropped("unknown_peer")
    etags = [
        house.patch(client.session, fragment(f"new{number}", "f" * 24), "*").etag
        for number in range(3)
    ]
    for etag in (client.etag, etags[0]):
        client.check(username=f"{etag}:{client.ufrag}")
    await house.counted("unknown_peer", former + 2)
    house.node.handle(CloseSession(1, client.session, ""))
    for etag in etags[1:]:
        client.check(username=f"{etag}:{client.ufrag}")
    await house.counted("unknown_peer", former + 4)


async def test_players_that_share_a_port_live_side_by_side(house):
    publisher = await house.publisher("00", ["video"], ssrcs=[1])
    house.route(("48", "stage:1", "00", "camera"))
    page = await house.receiver("48", "stage:1")
    players = [await house.receiver("48", "stage:1", shared=True) for _ in range(2)]
    assert [one.shared for one in house.node.sessions()] == [False, False, True, True]
    publisher.rtp(1, 1, keyframe(1))
    for client in (page, *players):
        await client.until(lambda one=client: one.received)
    newer = await house.receiver("48", "stage:1")
    await house.until(lambda: ("48", "receive", "closed", "replaced") in house.edges)
    publisher.rtp(1, 2, keyframe(2))
    for client in (newer, *players):
        count = 1 if client is newer else 2
        await client.until(lambda one=client, least=count: len(one.received) >= least)
    assert len(house.node.sessions()) == 4
