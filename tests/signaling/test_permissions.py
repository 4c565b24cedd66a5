from typing import get_args

from signaling.permissions import ACTIONS, ALLOWED, allowed
from signaling.wire.ids import Role

EXPECTED = {
    "administrator": "create start end preview take mute unmute see_all_sites see_links"
    " watch_pictures",
    "operator": "create start end preview take mute unmute see_all_sites see_links watch_pictures",
    "technician": "see_all_sites",
    "secretary": "",
    "viewer": "",
    "site": "join leave mute unmute",
    "system": "create lose",
}


def test_the_table_is_what_was_agreed_for_every_role_and_action():
    table = {role: {wanted for wanted in ACTIONS if allowed(role, wanted)} for role in ALLOWED}
    assert table == {role: set(actions.split()) for role, actions in EXPECTED.items()}


def test_every_role_has_a_row():
    assert set(ALLOWED) == set(get_args(Role))
