"""The ICE-lite responder in simulated time; checks are built by aioice."""

import pytest
from aioice import stun as peer

from bridge import stun
from bridge.ice import (
    ASK_AFTER_S,
    CHECKS_BURST,
    CLOSED_AFTER_S,
    FRESH_S,
    MAX_PATHS,
    REMEMBERED,
    Ask,
    CheckReceived,
    Credentials,
    Dropped,
    Heard,
    IceLite,
    Moved,
    Path,
    PathAdded,
    PathClosed,
    PathDropped,
    Respond,
    Selected,
    StateChanged,
    Tick,
    Unselected,
)

LOCAL = Credentials("ours", "o" * 24)
REMOTE = Credentials("theirs", "t" * 24)
HOME = Path(0, ("192.0.2.1", 5000))
AWAY = Path(0, ("192.0.2.2", 6000))
QUESTION = b"a question.."


def check(username="ours:theirs", password=LOCAL.password, **more):
    attributes = {"USERNAME": username, "PRIORITY": 1} | more
    message = peer.Message(peer.Method.BINDING, peer.Class.REQUEST, attributes=attributes)
    message.add_message_integrity(password.encode())
    return stun.parse(bytes(message))


def nominating():
    return check(**{"USE-CANDIDATE": None})


def machine(now=0.0):
    return IceLite(LOCAL, REMOTE, now, lambda _ufrag: QUESTION)


def kinds(outputs):
    return [type(one) for one in outputs]


def test_first_check_is_answered_learned_and_selected():
    ice = machine()
    answer, *rest = ice.handle(1.0, CheckReceived(check(), HOME))
    assert isinstance(answer, Respond)
    message = peer.parse_message(answer.datagram)
    assert message.attributes["XOR-MAPPED-ADDRESS"] == HOME.address
    assert message.check_message_integrity(LOCAL.password.encode())
    assert rest == [PathAdded(HOME), Selected(HOME), StateChanged("alive")]
    assert ice.last_check == 1.0


def test_second_address_is_accepted_but_does_not_move_sending():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    outputs = ice.handle(0.1, CheckReceived(check(), AWAY))
    assert kinds(outputs) == [Respond, PathAdded]
    assert ice.selected == HOME
    assert set(ice.paths) == {HOME, AWAY}


def answer(password=REMOTE.password, transaction=QUESTION):
    message = peer.Message(
        peer.Method.BINDING,
        peer.Class.RESPONSE,
        transaction,
        {"XOR-MAPPED-ADDRESS": ("192.0.2.99", 40000)},
    )
    message.add_message_integrity(password.encode())
    return stun.parse(bytes(message))


def test_sending_moves_to_a_nominated_path_once_the_peer_answers_from_there():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    respond, added, ask = ice.handle(0.1, CheckReceived(nominating(), AWAY))
    assert kinds([respond, added, ask]) == [Respond, PathAdded, Ask]
    question = peer.parse_message(ask.datagram)
    assert (ask.path, question.transaction_id) == (AWAY, QUESTION)
    assert question.attributes["USERNAME"] == "theirs:ours"
    assert "USE-CANDIDATE" not in question.attributes
    assert question.check_message_integrity(REMOTE.password.encode())
    assert ice.selected == HOME
    assert ice.handle(0.2, CheckReceived(answer(), AWAY)) == [Selected(AWAY)]
    assert kinds(ice.handle(0.3, CheckReceived(nominating(), AWAY))) == [Respond, PathAdded]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (answer(password=LOCAL.password), AWAY),
        (answer(transaction=b"another one."), AWAY),
        (answer(), HOME),
    ],
    ids=["forged", "to no question", "from elsewhere"],
)
def test_only_the_peers_own_answer_from_there_moves_sending(message, path):
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    ice.handle(0.1, CheckReceived(nominating(), AWAY))
    assert ice.handle(0.2, CheckReceived(message, path)) == [Dropped("stun_unexpected")]
    assert ice.selected == HOME


def test_path_that_fell_silent_gives_way_at_once():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    ice.handle(FRESH_S - 0.1, CheckReceived(nominating(), AWAY))
    assert (ice.selected, ice.fresh(FRESH_S - 0.1, HOME)) == (HOME, True)
    assert Selected(AWAY) in ice.handle(FRESH_S, CheckReceived(nominating(), AWAY))
    assert not ice.fresh(FRESH_S, HOME)


@pytest.mark.parametrize(
    "message",
    [
        check(password="x" * 24),
        check(username="ours:stranger"),
        check(username="stranger:theirs"),
        check(username="ours"),
    ],
)
def test_foreign_checks_are_dropped_and_never_answered(message):
    ice = machine()
    assert ice.handle(0.0, CheckReceived(message, HOME)) == [Dropped("stun_integrity")]
    assert ice.state == "new"
    assert ice.last_check is None


def test_responses_are_dropped():
    ice = machine()
    response = peer.Message(peer.Method.BINDING, peer.Class.RESPONSE)
    response.add_message_integrity(LOCAL.password.encode())
    outputs = ice.handle(0.0, CheckReceived(stun.parse(bytes(response)), HOME))
    assert outputs == [Dropped("stun_unexpected")]


def test_controlled_peer_is_told_of_the_role_conflict():
    ice = machine()
    outputs = ice.handle(0.0, CheckReceived(check(**{"ICE-CONTROLLED": 9}), HOME))
    assert kinds(outputs) == [Respond]
    assert peer.parse_message(outputs[0].datagram).error_code == 487
    assert ice.selected is None


def test_silence_loses_the_peer_and_a_check_brings_it_back():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    assert ice.next_deadline() == 5.0
    assert ice.handle(4.9, Tick()) == []
    assert ice.handle(5.0, Tick()) == [StateChanged("lost", "silent")]
    assert ice.handle(6.0, Tick()) == []
    assert ice.next_deadline() == 30.0
    assert ice.handle(7.0, CheckReceived(check(), HOME))[-1] == StateChanged("alive")


def test_media_keeps_alive_but_is_no_consent():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    for now in range(1, 30):
        assert ice.handle(float(now), Heard()) == []
        assert StateChanged not in kinds(ice.handle(float(now), Tick()))
    assert ice.handle(30.0, Tick()) == [StateChanged("closed", "consent_expired")]


def test_moved_peer_is_accepted_but_sending_waits_for_its_check():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    ice.handle(5.0, Tick())
    assert ice.handle(6.0, Moved(AWAY)) == [PathAdded(AWAY), StateChanged("alive")]
    assert ice.handle(6.1, Moved(AWAY)) == [PathAdded(AWAY)]
    assert ice.selected == HOME
    assert ice.last_check == 0.0
    assert Selected(AWAY) in ice.handle(7.0, CheckReceived(nominating(), AWAY))


def test_media_before_any_check_means_nothing():
    ice = machine()
    assert ice.handle(1.0, Heard()) == []
    assert ice.state == "new"


def test_peer_that_never_checks_is_closed():
    ice = machine(now=100.0)
    assert ice.handle(129.9, Tick()) == []
    assert ice.handle(130.0, Tick()) == [StateChanged("closed", "never_checked")]
    assert ice.next_deadline() is None
    assert ice.handle(131.0, CheckReceived(check(), HOME)) == [Dropped("unknown_peer")]


def test_paths_are_bounded_and_the_selected_one_stays():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    dropped = []
    for port in range(1000, 1000 + 2 * MAX_PATHS):
        outputs = ice.handle(port - 999.0, CheckReceived(check(), Path(0, ("192.0.2.9", port))))
        dropped += [one.path for one in outputs if isinstance(one, PathDropped)]
    assert len(ice.paths) == MAX_PATHS
    assert HOME in ice.paths
    assert dropped[0] == Path(0, ("192.0.2.9", 1000))


def test_checks_are_rate_limited_and_the_limit_recovers():
    ice = machine()
    answers = [ice.handle(0.0, CheckReceived(check(), HOME)) for _ in range(150)]
    assert sum(one == [Dropped("stun_rate")] for one in answers) == 150 - CHECKS_BURST
    assert isinstance(ice.handle(1.0, CheckReceived(check(), HOME))[0], Respond)


def test_path_that_closes_is_unselected_and_the_next_check_selects_anew():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    ice.handle(0.1, CheckReceived(check(), AWAY))
    assert ice.handle(0.2, PathClosed(HOME)) == [Unselected()]
    assert ice.selected is None
    assert set(ice.paths) == {AWAY}
    assert Selected(AWAY) in ice.handle(0.3, CheckReceived(check(), AWAY))
    assert ice.handle(0.4, PathClosed(HOME)) == []
    assert ice.selected == AWAY


def test_restart_answers_both_generations_until_the_first_check_of_the_new():
    ice = machine()
    ice.handle(1.0, CheckReceived(nominating(), HOME))
    ice.restart(Credentials("newer", "n" * 24), Credentials("fresh", "f" * 24))
    old, new = check(), check("newer:fresh", "n" * 24, **{"USE-CANDIDATE": None})
    assert isinstance(ice.handle(2.0, CheckReceived(old, HOME))[0], Respond)
    outputs = ice.handle(3.0, CheckReceived(new, AWAY))
    assert peer.parse_message(outputs[0].datagram).check_message_integrity(b"n" * 24)
    assert PathAdded(AWAY) in outputs
    assert ice.handle(4.0, CheckReceived(old, HOME)) == [Dropped("stun_integrity")]
    assert HOME in ice.paths


def test_restart_remembers_two_generations_at_most():
    ice = machine()
    for name in ("one1", "two2"):
        ice.restart(Credentials(name, name * 6), REMOTE)
    assert ice.handle(1.0, CheckReceived(check(), HOME)) == [Dropped("stun_integrity")]
    for name in ("one1", "two2"):
        answered = ice.handle(1.0, CheckReceived(check(f"{name}:theirs", name * 6), HOME))
        assert isinstance(answered[0], Respond)


def test_a_peer_that_checks_no_more_is_asked_for_consent():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    ice.handle(ASK_AFTER_S - 0.1, Heard())
    assert ice.handle(ASK_AFTER_S - 0.1, Tick()) == []
    [ask] = ice.handle(ASK_AFTER_S, Tick())
    assert (type(ask), ask.path) == (Ask, HOME)
    assert ice.handle(ASK_AFTER_S + 0.1, CheckReceived(answer(), HOME)) == []
    assert ice.last_check == ASK_AFTER_S + 0.1
    assert ice.handle(ASK_AFTER_S + 0.2, Tick()) == []
    assert ice.handle(ASK_AFTER_S + CLOSED_AFTER_S, Tick())[0] != StateChanged(
        "closed", "consent_expired"
    )


def test_who_does_not_answer_has_not_consented():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    ice.handle(ASK_AFTER_S, Tick())
    for wrong in (answer("x" * 24), answer(transaction=b"y" * 12)):
        assert ice.handle(9.0, CheckReceived(wrong, HOME)) == [Dropped("stun_unexpected")]
    assert ice.handle(9.0, CheckReceived(answer(), AWAY)) == [Dropped("stun_unexpected")]
    assert ice.last_check == 0.0
    assert ice.handle(CLOSED_AFTER_S, Tick()) == [StateChanged("closed", "consent_expired")]


def test_check_that_was_here_before_is_no_consent_and_opens_no_path():
    ice = machine()
    captured = nominating()
    ice.handle(0.0, CheckReceived(captured, HOME))
    assert ice.handle(0.1, CheckReceived(captured, AWAY)) == [Dropped("stun_replay")]
    assert set(ice.paths) == {HOME}
    assert kinds(ice.handle(20.0, CheckReceived(captured, HOME))) == [Respond]
    assert ice.last_check == 0.0
    assert ice.handle(CLOSED_AFTER_S, Tick()) == [StateChanged("closed", "consent_expired")]


def test_consent_from_the_former_path_does_not_move_sending_back():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    ice.handle(ASK_AFTER_S, Tick())
    ice.handle(20.0, CheckReceived(nominating(), AWAY))
    assert ice.selected == AWAY
    ice.handle(20.1, CheckReceived(answer(), HOME))
    assert ice.selected == AWAY


def test_checks_that_are_remembered_are_bounded():
    ice = machine()
    first = nominating()
    ice.handle(0.0, CheckReceived(first, HOME))
    for number in range(REMEMBERED):
        ice.handle(number + 1.0, CheckReceived(check(), HOME))
    assert kinds(ice.handle(REMEMBERED + 1.0, CheckReceived(first, AWAY)))[:2] == [
        Respond,
        PathAdded,
    ]


def test_path_is_in_use_while_checks_or_media_come():
    ice = machine()
    ice.handle(0.0, CheckReceived(check(), HOME))
    ice.handle(FRESH_S, Heard())
    assert ice.uses(FRESH_S + 1, HOME)
    assert not ice.uses(FRESH_S + 1, AWAY)
    assert not ice.uses(2 * FRESH_S, HOME)
