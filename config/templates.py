"""Conference templates: one TOML file per kind of event, with the roster it names.

A new kind of event is a new file, never new code. Templates come from this package and, if the
administrator has one, from a folder of their own, whose files win over ours of the same name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from config.problems import ConfigError, Problem, problems_of, shown
from config.roster import RosterError, Site, load_roster
from signaling.wire.ids import CENTRAL, ProgramCodec, SiteCode

HOME = Path(__file__).parent / "templates"
"""The templates that come with the service."""
ROSTERS = Path(__file__).parent / "rosters"
"""The rosters that come with the service."""
DEFAULT = "conference-2020"
"""The template of a conference for which nobody chose another."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_BLANK = re.compile(r"\{([^{}]*)\}")
_BLANKS = ("code", "name", "full_name", "region", "capital")


class TemplateError(ConfigError):
    """A template that cannot be used, or that does not exist; lists every problem."""


def _pattern(text: str) -> str:
    """A text with blanks such as ``{name}``; refuses blanks that no roster row can fill."""
    unknown = [blank for blank in _BLANK.findall(text) if blank not in _BLANKS]
    rest = _BLANK.sub("", text)
    if unknown or "{" in rest or "}" in rest:
        allowed = ", ".join(f"{{{blank}}}" for blank in _BLANKS)
        raise ValueError(f"may hold these blanks only: {allowed}")
    return text


def _roster_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.csv", text):
        raise ValueError("name a .csv file beside the template, without a folder")
    return text


Text = Annotated[str, Field(min_length=1, max_length=500)]
Pattern = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_pattern)]
Code = Annotated[str, Field(pattern=r"^[0-9]{2,8}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Central(_Strict):
    """The central site: a row of the roster if `code` says so, else seat ``00`` beside it."""

    code: Code | None = None
    name: Text
    room: str = ""
    address: str = ""
    attendance: str = ""
    chair: str = ""


class Remote(_Strict):
    """All other sites: their roster, and texts with blanks for each row's values."""

    roster: Annotated[str, AfterValidator(_roster_name)]
    banner: Pattern
    venue: Pattern = "{name}"
    attendance: str = ""


class Documents(_Strict):
    """Titles of the papers that belong to the event."""

    letter: str = ""
    programme: str = ""


class Themes(_Strict):
    """The groups into which proposals are sorted, in order."""

    items: tuple[Text, ...] = ()


class TemplateFile(_Strict):
    """What a template file says. `starts_at` carries its offset from UTC; `codec` is the one of all
    pictures, H264 where encoders in the rooms demand it."""

    title: Annotated[str, Field(min_length=1, max_length=300)]
    title_en: str = ""
    organizer: Text
    starts_at: AwareDatetime
    form: str = ""
    timezone: str = "Asia/Ho_Chi_Minh"
    codec: ProgramCodec = "VP8"
    central: Central
    remote: Remote
    documents: Documents = Documents()
    themes: Themes = Themes()


class Template(TemplateFile):
    """A template with its roster read: what a conference is founded from.

    `sites` are the remote sites in protocol order, which is the order of the roster. The central
    site is not among them; `central_row` is its row if it is one of the roster.
    """

    key: str
    sites: tuple[Site, ...]
    central_row: Site | None

    @property
    def central_code(self) -> SiteCode:
        """The seat of the central site."""
        return SiteCode(self.central.code) if self.central.code else CENTRAL

    def banner(self, site: Site) -> str:
        """The text on the wall behind a site's people, such as “Sở … tỉnh Hà Giang”."""
        return _fill(self.remote.banner, site)

    def venue(self, site: Site) -> str:
        """Where a site's people sit."""
        return _fill(self.remote.venue, site)


def list_templates(folders: Sequence[Path] = ()) -> list[str]:
    """Names of all templates, sorted: ours and those in the administrator's `folders`."""
    found = {path.stem for folder in (*folders, HOME) for path in folder.glob("*.toml")}
    return sorted(name for name in found if _NAME.fullmatch(name))


def load_template(name: str, folders: Sequence[Path] = ()) -> Template:
    """Read a template and its roster.

    Raises:
        TemplateError: there is no such template, or it or its roster is wrong; lists all problems.
    """
    path = _find(name, folders)
    raw = _read_toml(path)
    problems: list[Problem] = []
    sites: tuple[Site, ...] = ()
    parsed: TemplateFile | None = None
    try:
        parsed = TemplateFile.model_validate(raw)
    except ValidationError as error:
        problems.extend(problems_of(error, frozenset()))
    if parsed is not None:
        try:
            sites = load_roster(_find_roster(parsed.remote.roster, path.parent))
        except RosterError as error:
            problems.extend(
                Problem(f"{parsed.remote.roster}, {one.where}", one.reason, one.value)
                for one in error.problems
            )
        problems.extend(_check_central(parsed, sites) if sites else ())
    if problems or parsed is None:
        raise TemplateError(f"template {path}", problems)
    remote = tuple(site for site in sites if site.code != parsed.central.code)
    row = next((site for site in sites if site.code == parsed.central.code), None)
    return Template(**dict(parsed), key=name, sites=remote, central_row=row)


def _find(name: str, folders: Sequence[Path]) -> Path:
    if _NAME.fullmatch(name):
        for folder in (*folders, HOME):
            path = folder / f"{name}.toml"
            if path.is_file():
                return path
    known = ", ".join(list_templates(folders))
    problem = Problem("template", f"there is none of that name; there are: {known}", shown(name))
    raise TemplateError("template", [problem])


def _find_roster(name: str, folder: Path) -> Path:
    beside = folder / name
    return beside if beside.is_file() else ROSTERS / name


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TemplateError(f"template {path}", [Problem("file", str(error))]) from None


def _check_central(template: TemplateFile, sites: tuple[Site, ...]) -> Iterator[Problem]:
    code = template.central.code
    if code not in (None, CENTRAL) and code not in {site.code for site in sites}:
        yield Problem("central.code", f"no row of {template.remote.roster} has it", shown(code))


def _fill(pattern: str, site: Site) -> str:
    return _BLANK.sub(lambda blank: str(getattr(site, blank[1])), pattern)
