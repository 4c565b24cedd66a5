"""Small conferences for tests: the centre and five provinces."""

from signaling.conference.commands import Actor, Command, Create, Join
from signaling.conference.decide import decide
from signaling.conference.evolve import evolve
from signaling.conference.state import Conference, SiteInfo
from signaling.wire.commands import Scene, Start, Unmute
from signaling.wire.ids import CENTRAL, ConferenceId, DeviceId, SiteCode

CREATE = Create(
    conference=ConferenceId("hoi-nghi"),
    title="Hội nghị",
    title_en="Conference",
    organizer="Bộ Khoa học và Công nghệ",
    starts_at=1_590_714_000.0,
    central=CENTRAL,
    sites=tuple(
        SiteInfo(SiteCode(code), name, f"tỉnh {name}", f"Sở {name}", order=order)
        for order, (code, name) in enumerate(
            [
                ("00", "Trung tâm"),
                ("48", "Đà Nẵng"),
                ("01", "Hà Nội"),
                ("79", "Hồ Chí Minh"),
                ("31", "Hải Phòng"),
                ("92", "Cần Thơ"),
            ]
        )
    ),
)
OPERATOR = Actor("operator", "account/operator")
TECHNICIAN = Actor("technician", "account/technician")
DA_NANG = SiteCode("48")
HA_NOI = SiteCode("01")
HCM = SiteCode("79")
HAI_PHONG = SiteCode("31")


def device_of(site: SiteCode, device: str = "pc") -> Actor:
    """The actor of a site's page on `device`."""
    return Actor("site", f"site/{site}", site, DeviceId(f"{device}-{site}"))


def run(state: Conference | None, command: Command, actor: Actor, now: float = 0.0) -> Conference:
    """Decide and apply; the state must exist afterwards."""
    for event in decide(state, command, actor, now):
        state = evolve(state, event)
    assert state is not None
    return state


def created() -> Conference:
    """Just created."""
    return run(None, CREATE, OPERATOR)


def joined(state: Conference, site: SiteCode, device: str = "pc") -> Conference:
    """With the site's device in its seat."""
    actor = device_of(site, device)
    assert actor.device is not None
    return run(state, Join(site, actor.device), actor)


def live(*sites: SiteCode) -> Conference:
    """Started, with these sites' devices in their seats."""
    state = created()
    for site in sites:
        state = joined(state, site)
    return run(state, Start(), OPERATOR, 10.0)


def speaking(state: Conference, site: SiteCode) -> Conference:
    """With both flags of the site's microphone lifted."""
    state = run(state, Unmute(site), device_of(site))
    return run(state, Unmute(site), OPERATOR)


def single(site: SiteCode) -> Scene:
    """A scene of one site."""
    return Scene("single", (site,))
