"""Settings: `defaults.toml`, then `$EWS_HOME/ews.toml`, then `EWS_*` in the environment.

The last one that names a setting wins. The only place that reads files or the environment for
settings; everything else is handed a `Settings`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "EWS_"
# Kubernetes sets these by itself for a service that is called "ews".
NOT_OURS = re.compile(r"EWS_(SERVICE_(HOST|PORT)|PORT)(_|$)")


class SettingsError(ValueError):
    """A setting that cannot be used. Says which file or variable, which key, and what to do."""


def _unset(value: object) -> object:
    return None if value == "" else value


Text = Annotated[str | None, BeforeValidator(_unset)]
Secret = Annotated[SecretStr | None, BeforeValidator(_unset)]
Folder = Annotated[Path | None, BeforeValidator(_unset)]


class Settings(BaseSettings):
    """Every setting in force. `defaults.toml` says why each default is what it is."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path
    database_url: Text = Field(repr=False)  # may hold a password
    recorded_data: Folder
    model_folder: Folder

    lang: Literal["ko", "en"]
    contact: Text
    routes_file: Folder
    viewer_token: Secret

    slack_bot_token: Secret
    slack_app_token: Secret
    slack_signing_secret: Secret
    slack_team: Text
    slack_channel: Text
    slack_base_url: str = Field(pattern=r"^https?://.+/$")

    smtp_host: Text
    smtp_port: int = Field(ge=1, le=65_535)
    smtp_tls: Literal["starttls", "tls", "none"]
    smtp_user: Text
    smtp_password: Secret
    smtp_from: Text

    webhook_secrets: Secret

    cap_sender: Text
    cap_status: Literal["Actual", "Exercise", "Test"]
    public_url: Text = Field(pattern=r"^https?://[^\s?#]+$")

    threads: int = Field(ge=0, le=64)
    cycle_every_s: int = Field(ge=60, le=86_400)
    keep_raw_days: int = Field(ge=0, le=3_660)
    keep_raw_mb: int = Field(ge=0, le=1_000_000)

    heartbeat_at: str = Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    heartbeat_grace_min: int = Field(ge=5, le=720)
    heartbeat_url: Secret

    web_host: str = Field(min_length=1)
    web_port: int = Field(ge=0, le=65_535)

    @field_validator("contact")
    @classmethod
    def _reachable(cls, contact: str | None) -> str | None:
        if contact is None:
            return None
        host = re.search(r"^[^@\s]+@([\w.-]+\.\w+)$|^https?://([\w.-]+\.\w+)(/\S*)?$", contact)
        if host is None:
            raise ValueError("give an e-mail address or the http(s) address of a page about you")
        name = host[1] or host[2]
        if re.search(r"(^|\.)(example(\.\w+)?|invalid|test|localhost)$", name):
            raise ValueError("give a real address: publishers write there before they block")
        return contact

    def live_contact(self) -> str:
        """The contact for the User-Agent; SettingsError when none is set, before any live fetch."""
        if self.contact is None:
            raise SettingsError(
                "contact is not set, and no source is fetched without one: write "
                'contact = "you@your.organisation" to ews.toml in the home, or set EWS_CONTACT'
            )
        return self.contact

    def shown(self) -> dict[str, str]:
        """Every setting as text that may be printed: secrets and passwords read ***."""
        return {name: _masked(getattr(self, name)) for name in type(self).model_fields}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Strongest first; what `load_settings` read from ews.toml comes as arguments."""
        return env_settings, SecretFiles(settings_cls), init_settings, Defaults(settings_cls)


class Layer(PydanticBaseSettingsSource):
    """One place settings come from."""

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        raise NotImplementedError


class Defaults(Layer):
    """`defaults.toml`, the only home of default values."""

    def __call__(self) -> dict[str, Any]:
        return dict(_shipped())


@cache
def _shipped() -> dict[str, Any]:
    """Read once: the file is a part of the program."""
    return tomllib.loads(resources.files("ews").joinpath("defaults.toml").read_text("utf-8"))


class SecretFiles(Layer):
    """EWS_<NAME>_FILE: a file that holds the value, for what must not stand in an environment."""

    def __call__(self) -> dict[str, Any]:
        found = {}
        for name in SECRETS:
            variable = f"{PREFIX}{name.upper()}_FILE"
            if path := os.environ.get(variable):
                if os.environ.get(variable.removesuffix("_FILE")):
                    raise SettingsError(
                        f"both {variable} and the one without _FILE are set; keep one"
                    )
                try:
                    found[name] = Path(path).read_text("utf-8").strip()
                except OSError as error:
                    raise SettingsError(
                        f"{variable}: cannot read that file ({error.strerror})"
                    ) from None
        return found


SECRETS = (
    "smtp_password",
    "webhook_secrets",
    "slack_bot_token",
    "slack_app_token",
    "slack_signing_secret",
    "database_url",
    "heartbeat_url",
    "viewer_token",
)
PATHS = ("recorded_data", "model_folder", "routes_file")


def load_settings(home: Path | None = None) -> Settings:
    """The settings in force for `home` (else EWS_HOME, else `.ews` here).

    SettingsError names the file or variable and the key of anything unknown or of a wrong kind.
    """
    defaults = Defaults(Settings)()
    home = home or Path(os.environ.get("EWS_HOME") or str(defaults["home"]))
    file = home / "ews.toml"
    own = _read(file) if file.exists() else {}
    _check_environment()
    try:
        settings = Settings(**own)
    except ValidationError as error:
        raise SettingsError(_explain(error, own, file)) from None  # its text shows the value
    return settings.model_copy(update={"home": home})


def _read(file: Path) -> dict[str, Any]:
    """The settings of ews.toml; its relative paths count from its folder."""
    try:
        own = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None
    if "home" in own:
        raise SettingsError(f"{file}: home cannot be set here; use EWS_HOME or --home")
    for key in own:
        if key not in Settings.model_fields:
            raise SettingsError(f"{file}: unknown setting {key!r}{_hint(key)}")
    for key in PATHS:
        if own.get(key):
            own[key] = str(file.parent / str(own[key]))
    return own


def _check_environment() -> None:
    """A misspelt variable would silently change nothing; say so instead."""
    names = {PREFIX + name.upper() for name in Settings.model_fields}
    names |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    for variable in sorted(os.environ):
        if variable.startswith(PREFIX) and variable not in names and not NOT_OURS.match(variable):
            key = variable.removeprefix(PREFIX).lower()
            raise SettingsError(f"environment: unknown setting {variable}{_hint(key, PREFIX)}")


def _hint(key: str, prefix: str = "") -> str:
    close = difflib.get_close_matches(key, Settings.model_fields, n=1)
    if not close:
        return "; `ews config` lists the known ones"
    return f"; did you mean {(prefix + close[0]).upper() if prefix else close[0]}?"


def _explain(error: ValidationError, own: Mapping[str, object], file: Path) -> str:
    """Which file or variable, which key, what is wrong; never the value, it may be a secret."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        key = str(problem["loc"][0])
        variable = PREFIX + key.upper()
        where = variable if variable in os.environ else f"{file}: {key}" if key in own else key
        lines.append(f"{where}: {problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


def _masked(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "***"
    return re.sub(r"(://[^:/@\s]*:)[^@\s]*@", r"\1***@", str(value))
