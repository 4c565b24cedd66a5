"""An agent's settings: a TOML file for each room, and the command line above it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bridge.agent import source as agentsource
from bridge.agent.source import MAX_FRAMES_PER_S, Size, Source
from bridge.endpoint import doors
from config.problems import ConfigError, Problem, problems_of
from config.settings import LogSettings
from config.sources import from_toml

SECRETS = frozenset({"link", "video", "audio"})
"""Keys whose values are never repeated: a link is a site's key, an address may hold a password."""


def _link(value: object) -> doors.Link:
    return value if isinstance(value, doors.Link) else doors.read_link(_string(value))


def _source(value: object) -> Source:
    return value if isinstance(value, Source) else agentsource.read_source(_string(value))


def _size(value: object) -> Size:
    return value if isinstance(value, Size) else agentsource.read_size(_string(value))


def _video(value: object) -> Source:
    return _of("video", _source(value))


def _audio(value: object) -> Source:
    return _of("audio", _source(value))


def _of(kind: str, source: Source) -> Source:
    if source.kind != "none" and kind not in source.gives:
        raise ValueError(f"{source.kind} has no {kind}")
    return source


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("text is expected")
    return value


class AgentSettings(BaseModel):
    """What an agent needs to know. Without `audio` it is the sound of a file or an RTSP camera,
    the tone of the test picture, else the first ALSA microphone."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    link: Annotated[Any, BeforeValidator(_link)]
    video: Annotated[Any, BeforeValidator(_video)] = Source("test")
    audio: Annotated[Any, BeforeValidator(_audio)] = None
    size: Annotated[Any, BeforeValidator(_size)] = Size(1280, 720)
    frames_per_s: Annotated[int, Field(ge=1, le=MAX_FRAMES_PER_S)] = 25
    unmute: bool = False
    state: Path | None = None
    status_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    log: LogSettings = LogSettings()

    @property
    def sound(self) -> Source:
        """The source of sound, chosen or implied."""
        if self.audio is not None:
            return _audio(self.audio)
        video = _video(self.video)
        return video if "audio" in video.gives or video.kind == "none" else Source("alsa")


def load(file: Path | None, given: Mapping[str, object]) -> AgentSettings:
    """The file's settings with those of the command line above them (None: not given).

    Raises:
        ConfigError: something in them cannot be used; it lists everything that is wrong.
    """
    problems: list[Problem] = []
    merged = from_toml(file, problems) | {
        key: value for key, value in given.items() if value is not None
    }
    if not problems:
        try:
            return AgentSettings.model_validate(merged)
        except ValidationError as error:
            problems.extend(problems_of(error, SECRETS))
    raise ConfigError("the agent's settings cannot be used", problems)
