"""Settings of an installation: one frozen model per room, read from several places.

Later wins: defaults < TOML file < environment (``DIEMCAU_SIGNALING__PORT``) < secrets folder (one
file per secret) < the command line. Everything that is wrong is said at once; a key that does not
exist is wrong too, because a misspelt one would otherwise silently do nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from config.problems import ConfigError, Problem, problems_of
from config.sources import (
    CONFIG_VARIABLE,
    PREFIX,
    from_environment,
    from_secrets,
    from_toml,
    merge,
    nested,
    secrets_folder,
)

SECRETS = frozenset({"node_token", "worker_token", "turn_secret"})
"""Keys whose values are never shown and may lie in the secrets folder."""


class SettingsError(ConfigError):
    """Settings that cannot be used; lists every problem with its key."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("an IP address is expected, such as 127.0.0.1") from None


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None
    if address.is_unspecified:
        raise ValueError(
            f"{text} is no address that a peer could send to; name this machine's own, because a "
            "reply from another address than the one that was checked breaks ICE (RFC 8445 §7.2.2)"
        )
    return str(address)


def _media_address(text: str) -> str:
    """An address of this machine, or ``OWN=ANNOUNCED`` behind a 1:1 NAT."""
    bound, nat, announced = (part.strip() for part in text.partition("="))
    if not nat:
        return _address(bound)
    bound, announced = _address(bound), _address(announced)
    if (":" in bound) != (":" in announced):
        raise ValueError(f"{text!r} mixes IPv4 and IPv6")
    return f"{bound}={announced}"


def _unique(addresses: tuple[str, ...]) -> tuple[str, ...]:
    announced = [one.rpartition("=")[2] for one in addresses]
    for one in announced:
        if announced.count(one) > 1:
            raise ValueError(f"{one} is announced twice; peers could not tell which is meant")
    return addresses


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError(f"{text!r} is no address and no network such as 10.0.0.0/8") from None


def _split(value: object) -> object:
    """A list may be written with commas, as environment variables must; an empty one is none."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",")] if value.strip() else []


def _unless_empty(value: object) -> object:
    """An empty environment variable is none."""
    return None if value == "" else value


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not _host_and_port(parts):
        raise ValueError("write it as browsers open it, such as https://hop.example.vn")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError("scheme, host and port only; nothing may follow them")
    return text.rstrip("/")


def _token(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]{32,512}", secret.get_secret_value()):
        raise ValueError("32 to 512 letters, digits, hyphens and underscores are allowed")
    return secret


_TURN_URL = re.compile(
    r"turns?:(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)


def _turn_url(text: str) -> str:
    """RFC 7065 §3.1."""
    found = _TURN_URL.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) < 65536:
        raise ValueError(
            "write it as turn:HOST:PORT?transport=udp, turn:HOST:PORT?transport=tcp or "
            "turns:HOST:443?transport=tcp"
        )
    if text.startswith("turns:") and found["transport"] == "udp":
        raise ValueError("browsers speak TLS to a TURN server, not DTLS; write transport=tcp")
    return text


def _turn_secret(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]{16,512}", secret.get_secret_value()):
        raise ValueError("16 to 512 visible characters without spaces are allowed")
    return secret


def _host_and_port(parts: SplitResult) -> bool:
    """Whether a URL names a host, and a port that exists if any (`SplitResult.port` raises)."""
    try:
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


Port = Annotated[int, Field(ge=1, le=65535)]
ProxyNetwork = Annotated[str, AfterValidator(_network)]
TurnUrl = Annotated[str, AfterValidator(_turn_url)]
MediaAddress = Annotated[str, AfterValidator(_media_address)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LogSettings(_Section):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    form: Literal["auto", "text", "json"] = "auto"


class SignalingSettings(_Section):
    """The control plane: where it listens, and under which address people reach it."""

    host: Annotated[str, AfterValidator(_ip)] = "127.0.0.1"
    port: Port = 8080
    public_url: Annotated[str, AfterValidator(_base_url)] | None = None
    trusted_proxies: Annotated[
        tuple[ProxyNetwork, ...], BeforeValidator(_split), Field(max_length=32)
    ] = ()
    turn_urls: Annotated[tuple[TurnUrl, ...], BeforeValidator(_split), Field(max_length=8)] = ()
    turn_lifetime_s: Annotated[int, Field(ge=600, le=604_800)] = 86_400
    max_mixes: Annotated[int, Field(ge=0, le=64)] = 24

    @property
    def url(self) -> str:
        """The address in links: the public one, or this machine's."""
        return self.public_url or f"http://{_in_url(self.host)}:{self.port}"

    @property
    def local_url(self) -> str:
        """The address from this machine itself, also when it listens everywhere."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://{_in_url(here)}:{self.port}"


class BridgeSettings(_Section):
    """The media plane of this machine.

    A media address is bound and announced as it is; ``10.0.0.5=203.0.113.7`` is bound as the first
    and announced as the second, which a 1:1 NAT leads to the first.
    """

    node: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")] = "node-1"
    signaling_url: Annotated[str, AfterValidator(_base_url)] | None = None
    media_addresses: Annotated[
        tuple[MediaAddress, ...],
        BeforeValidator(_split),
        Field(min_length=1, max_length=8),
        AfterValidator(_unique),
    ] = ("127.0.0.1",)
    media_port: Port = 40000
    media_tcp_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    max_sessions: Annotated[int, Field(ge=2, le=10_000)] = 400
    packet_path: Literal["auto", "compiled", "python"] = "auto"
    processes: Annotated[int, Field(ge=1, le=16)] = 1

    @field_validator("processes")
    @classmethod
    def _ports_suffice(cls, processes: int, told: ValidationInfo) -> int:
        last = int(told.data.get("media_port", 0)) + processes - 1
        if last > 65535:
            raise ValueError(f"the last process would take port {last}; lower media_port")
        return processes

    def process(self, index: int) -> BridgeSettings:
        """Of the further nodes that `diemcau up` starts, from 0: each has a name and ports of its
        own, the next ones."""
        if index == 0:
            return self
        update: dict[str, object] = {
            "node": f"{self.node}-{index + 1}",
            "media_port": self.media_port + index,
        }
        if self.media_tcp_port:
            update["media_tcp_port"] = self.media_tcp_port + index
        return self.model_copy(update=update)

    @property
    def announced(self) -> tuple[str, ...]:
        """The addresses that peers are told, in their order."""
        return tuple(one.rpartition("=")[2] for one in self.media_addresses)

    @property
    def bound(self) -> dict[str, tuple[str, ...]]:
        """Each own address, and what is announced for it."""
        bound: dict[str, tuple[str, ...]] = {}
        for one in self.media_addresses:
            own, _, nat = one.partition("=")
            bound[own] = (*bound.get(own, ()), nat or own)
        return bound

    @property
    def tcp_port(self) -> int | None:
        """For ICE-TCP: as set, else the number of the UDP port; None if it is off."""
        return self.media_port if self.media_tcp_port is None else self.media_tcp_port or None


class MonitorSettings(_Section):
    """When a site is called lost, and when it is believed again."""

    lost_after_s: Annotated[float, Field(ge=3, le=30)] = 3.5
    good_samples: Annotated[int, Field(ge=1, le=10)] = 2


class WorkerSettings(_Section):
    """The media worker of this machine."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")] = "worker-1"
    signaling_url: Annotated[str, AfterValidator(_base_url)] | None = None


class RecordingSettings(_Section):
    """Where recordings lie, in pieces of which length, and how much room is left to others."""

    folder: Path | None = None
    segment_s: Annotated[float, Field(ge=10, le=7200)] = 600.0
    sync_s: Annotated[float, Field(ge=0.5, le=60)] = 5.0
    keep_free_mib: Annotated[int, Field(ge=16, le=16_777_216)] = 2048


class ConferenceSettings(_Section):
    """Templates of conferences."""

    default_template: str = "conference-2020"
    templates_dir: Path | None = None


class Settings(_Section):
    """All settings of one installation. Build it with `load_settings`."""

    data_dir: Path = Path("data")
    secrets_dir: Path | None = None
    node_token: Annotated[SecretStr, AfterValidator(_token)] | None = None
    worker_token: Annotated[SecretStr, AfterValidator(_token)] | None = None
    turn_secret: Annotated[
        Annotated[SecretStr, AfterValidator(_turn_secret)] | None, BeforeValidator(_unless_empty)
    ] = None
    log: LogSettings = LogSettings()
    signaling: SignalingSettings = SignalingSettings()
    bridge: BridgeSettings = BridgeSettings()
    worker: WorkerSettings = WorkerSettings()
    recording: RecordingSettings = RecordingSettings()
    monitor: MonitorSettings = MonitorSettings()
    conference: ConferenceSettings = ConferenceSettings()

    @model_validator(mode="after")
    def _reachable(self) -> Settings:
        """Outside loopback nobody may be sent a link that only works on this machine."""
        if not is_loopback(self.signaling.host) and self.signaling.public_url is None:
            raise ValueError(
                f"signaling.host {self.signaling.host} is reachable from outside, so "
                "signaling.public_url must say under which address (https://…)"
            )
        return self

    @model_validator(mode="after")
    def _with_secret(self) -> Settings:
        """Credentials of the TURN server are made from its secret."""
        if self.signaling.turn_urls and self.turn_secret is None:
            raise ValueError(
                "signaling.turn_urls needs turn_secret: the static-auth-secret of that coturn, "
                "best in a file of that name in secrets_dir"
            )
        return self

    @property
    def secrets(self) -> Path:
        """Where secrets lie as files of mode 0600."""
        return self.secrets_dir or self.data_dir / "secrets"

    @property
    def signaling_url(self) -> str:
        """Where the bridge dials signaling: as set, or on this machine."""
        return self.bridge.signaling_url or self.signaling.local_url

    @property
    def worker_signaling_url(self) -> str:
        """Where the media worker dials signaling, pages and doors alike."""
        return self.worker.signaling_url or self.signaling.local_url

    @property
    def recordings_dir(self) -> Path:
        """Where recordings lie: as set, or in the data directory."""
        return self.recording.folder or self.data_dir / "recordings"

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """The administrator's own folder of templates, if there is one."""
        folder = self.conference.templates_dir
        return () if folder is None else (folder,)


def load_settings(
    environ: Mapping[str, str],
    config: Path | None = None,
    options: Mapping[str, object] | None = None,
) -> Settings:
    """Read all sources. `options` are the command line's, by dotted key; None values are unset.

    Raises:
        SettingsError: lists every unknown key, unreadable file and value that is not allowed.
    """
    problems: list[Problem] = []
    path = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    given = nested({key: value for key, value in (options or {}).items() if value is not None})
    known = {variable(key): key for key in keys()}
    base = merge(from_toml(path, problems), from_environment(environ, known, problems))
    merged = merge(base, from_secrets(secrets_folder(merge(base, given)), SECRETS, problems))
    merged = merge(merged, given)
    settings: Settings | None = None
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        problems.extend(problems_of(error, SECRETS))
    if problems or settings is None:
        raise SettingsError("settings", problems)
    return settings


def keys(model: type[BaseModel] = Settings, before: str = "") -> Iterator[str]:
    """Every dotted key that there is, in the order of the models."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{before}{name}.")
        else:
            yield before + name


def variable(key: str) -> str:
    """The environment variable of a dotted key."""
    return PREFIX + key.replace(".", "__").upper()


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
