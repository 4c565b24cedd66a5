import unicodedata
from typing import get_args

import pytest

from signaling.permissions import ACTIONS, ALLOWED, allowed, reaches
from signaling.wire.ids import Role

DIRECTING = (
    "create schedule rehearse end_rehearsal start recess resume end reopen preview take mute"
    " unmute lower_hand lower_all_hands order_hands mark_next give_floor take_back_floor end_floor"
    " clear_help promote see_all_sites see_links see_devices change_links see_history see_stills"
    " watch_pictures record see_recordings delete_recordings"
)
EXPECTED = {
    "administrator": f"{DIRECTING} manage_accounts",
    "operator": DIRECTING,
    "technician": "see_all_sites see_devices see_history see_stills clear_help promote",
    "secretary": "see_all_sites see_recordings",
    "viewer": "",
    "site": "join leave mute unmute raise_hand lower_hand ask_help clear_help share unshare",
    "system": "create lose lose_standby hear note_recording",
}


def test_the_table_is_what_was_agreed_for_every_role_and_action():
    table = {role: {wanted for wanted in ACTIONS if allowed(role, wanted)} for role in ALLOWED}
    assert table == {role: set(actions.split()) for role, actions in EXPECTED.items()}


def test_every_role_has_a_row():
    assert set(ALLOWED) == set(get_args(Role))


@pytest.mark.parametrize(
    ("organizer", "owned_by", "expected"),
    [
        (None, "Bộ Y tế", True),
        (None, "", True),
        ("Bộ Y tế", "Bộ Y tế", True),
        (unicodedata.normalize("NFD", "Bộ Y tế"), "Bộ Y tế", True),
        ("Bộ Y tế", unicodedata.normalize("NFD", "Bộ Y tế"), True),
        ("Bộ Y tế", "Bộ Khoa học và Công nghệ", False),
        ("Bộ Y tế", "bộ y tế", False),
        ("Bộ Y tế", "Bộ Y tế ", False),
        ("Bộ Y tế", "", False),
        ("", "Bộ Y tế", False),
    ],
)
def test_an_organizer_reaches_its_own_and_none_reaches_all(organizer, owned_by, expected):
    assert reaches(organizer, owned_by) is expected
