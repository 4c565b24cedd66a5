from typing import get_args

from signaling.permissions import ACTIONS, ALLOWED, allowed
from signaling.wire.ids import Role

DIRECTING = (
    "create schedule rehearse end_rehearsal start recess resume end reopen preview take mute"
    " unmute lower_hand lower_all_hands order_hands mark_next give_floor take_back_floor end_floor"
    " clear_help promote see_all_sites see_links change_links see_history watch_pictures"
)
EXPECTED = {
    "administrator": f"{DIRECTING} manage_accounts",
    "operator": DIRECTING,
    "technician": "see_all_sites see_history clear_help promote",
    "secretary": "see_all_sites",
    "viewer": "",
    "site": "join leave mute unmute raise_hand lower_hand ask_help clear_help",
    "system": "create lose lose_standby",
}


def test_the_table_is_what_was_agreed_for_every_role_and_action():
    table = {role: {wanted for wanted in ACTIONS if allowed(role, wanted)} for role in ALLOWED}
    assert table == {role: set(actions.split()) for role, actions in EXPECTED.items()}


def test_every_role_has_a_row():
    assert set(ALLOWED) == set(get_args(Role))
