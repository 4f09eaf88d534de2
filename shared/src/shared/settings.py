"""Everything an installation may set, read once at start (DESIGN §5).

Sources, the first wins: environment `VESTNIK_*`, then `vestnik.toml`, then defaults.
A wrong value stops the start with a sentence that says which and why; secret values
are never repeated in it.
"""

import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from shared.consent import ITEMS
from shared.errors import ForPeople

DEFAULT_PUSH_HOSTS = (
    "fcm.googleapis.com,updates.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com"
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


_Rate = Annotated[int, Field(gt=0)]
"""The most calls all replicas together make to a provider in any such time."""


class SettingsError(ForPeople):
    """A setting that cannot be used; the text says which, why and what is expected."""


def _clock_time(value: str) -> time:
    hours, minutes = value.split(":")
    return time(int(hours), int(minutes))


class WeeklyMoment(BaseModel):
    """A weekday and a time of day in the school's zone, written `fri 18:30`."""

    model_config = ConfigDict(frozen=True)
    weekday: int
    at: time

    @model_validator(mode="before")
    @classmethod
    def parse(cls, value: object) -> object:
        if isinstance(value, str):
            day, _, at = value.strip().lower().partition(" ")
            if day not in _WEEKDAYS or not at:
                raise ValueError("expected a weekday and a time, such as 'fri 18:30'")
            return {"weekday": _WEEKDAYS.index(day), "at": _clock_time(at)}
        return value


class Profile(BaseModel):
    """How one school works: its times, limits and forms (`[profile]`, `[schools.ID]`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    daily_digest_at: tuple[time, ...] = (time(18, 30),)
    weekly_digest_at: WeeklyMoment = WeeklyMoment(weekday=4, at=time(18, 30))
    quiet_hours: tuple[time, time] = (time(21), time(8))
    hold_absence_until: time = time(10)
    close_week_at: time = time(18, 30)
    hand_out_by: time = time(15)
    final_marks_within: Annotated[int, Field(gt=0, description="hours")] = 24
    sms_segments_per_month: Annotated[int, Field(ge=0)] = 20_000
    erase_after: Annotated[int, Field(ge=0, le=9)] = 5
    """Working days between a withdrawal and the destruction: a mistake can be mended meanwhile, and the
    legal ten leave room for what fails (R-B8)."""
    consent_form: Mapping[str, tuple[str, ...]] = {}
    """Another school's consent sheet: each of its items with the items of `shared.consent` it means."""

    @field_validator("daily_digest_at", mode="before")
    @classmethod
    def _one_or_by_shift(cls, value: object) -> object:
        return (value,) if isinstance(value, (str, time)) else value

    @field_validator("consent_form")
    @classmethod
    def _onto_known_items(cls, value: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        if strange := sorted({item for items in value.values() for item in items} - ITEMS):
            raise ValueError(f"expected items of the consent sheet (1.1 to 6.15), found {', '.join(strange)}")
        return value

    @field_validator("final_marks_within", mode="before")
    @classmethod
    def _hours(cls, value: object) -> object:
        return value.removesuffix("h") if isinstance(value, str) else value

    def daily_digest(self, shift: int) -> time:
        """When the digest of a class of this shift (1, 2) leaves, in the school's zone."""
        return self.daily_digest_at[min(shift, len(self.daily_digest_at)) - 1]


class YearOfWork(BaseModel):
    """A year of the working calendar as the installation knows it (`[working_days.2028]`): every day off
    from Monday to Friday, and every working Saturday or Sunday."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    off: tuple[date, ...] = ()
    working: tuple[date, ...] = ()


class JournalSettings(BaseModel):
    """One wired journal; its own keys are in the guide of its type."""

    model_config = ConfigDict(frozen=True, extra="allow")
    school: str
    name: str
    type: str


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="VESTNIK_", extra="ignore", frozen=True)

    config: Path = Path("vestnik.toml")
    data: Path = Path("var")
    database_url: SecretStr | None = None
    bus: str = "postgres"
    bus_prefix: str = ""
    host: str = "127.0.0.1"
    public_url: str = "http://127.0.0.1:8100"
    secret_key: SecretStr | None = None
    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    bounce_address: str | None = None
    bounce_lmtp: str | None = None
    bounce_maildir: Path | None = None
    smsaero_email: str | None = None
    smsaero_api_key: SecretStr | None = None
    smsaero_sign: str = "SMS Aero"
    smsaero_url: str | None = None
    vapid_private_key: SecretStr | None = None
    vapid_subject: str | None = None
    push_hosts: str = DEFAULT_PUSH_HOSTS
    smtp_per_second: _Rate = 100
    smtp_per_hour: _Rate = 100_000
    smsaero_per_second: _Rate = 20
    smsaero_per_hour: _Rate = 20_000
    push_per_second: _Rate = 200
    push_per_hour: _Rate = 500_000
    clock_start: datetime | None = None
    clock_anchor: datetime | None = None
    clock_rate: Annotated[float, Field(ge=0)] = 1.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    profile: Profile = Profile()
    schools: dict[str, dict[str, Any]] = {}
    journals: tuple[JournalSettings, ...] = ()
    working_days: dict[int, YearOfWork] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The file's keys arrive through init (see load), so the environment goes first.
        return env_settings, init_settings

    @field_validator("bus")
    @classmethod
    def _known_bus(cls, value: str) -> str:
        if value != "postgres" and not value.startswith("kafka://"):
            raise ValueError("expected 'postgres' or 'kafka://host:9092,host:9092'")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _smtp_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in {"smtp", "smtps"}:
            raise ValueError("expected smtp://[user:password@]host:port or smtps://…")
        return value

    @field_validator("bounce_address")
    @classmethod
    def _short_mailbox(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9._-]{1,11}@[A-Za-z0-9.-]+", value):
            raise ValueError(
                "expected a mailbox such as bounce@school.example, up to 11 letters before the @"
            )
        return value

    @field_validator("bounce_lmtp")
    @classmethod
    def _socket(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"unix:/.+|[^:/\s]+:\d{1,5}", value):
            raise ValueError("expected host:port or unix:/path/of/socket")
        return value

    @field_validator("clock_start", "clock_anchor")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("expected an instant with an offset, such as 2026-11-23T07:00:00+03:00")
        return value

    @field_validator("smsaero_url")
    @classmethod
    def _tls_unless_loopback(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
                raise ValueError("expected an https address (plain http only to this machine)")
        return value

    @model_validator(mode="after")
    def _complete_channels(self) -> Self:
        if self.smtp_url is not None and not self.mail_from:
            raise ValueError("VESTNIK_SMTP_URL needs VESTNIK_MAIL_FROM, the address mail comes from")
        if (self.bounce_lmtp or self.bounce_maildir) and not (self.bounce_address or self.mail_from):
            raise ValueError("VESTNIK_BOUNCE_LMTP and VESTNIK_BOUNCE_MAILDIR need VESTNIK_MAIL_FROM")
        if (self.smsaero_email is None) != (self.smsaero_api_key is None):
            raise ValueError("VESTNIK_SMSAERO_EMAIL and VESTNIK_SMSAERO_API_KEY go together")
        for school, keys in self.schools.items():
            try:
                Profile.model_validate({**self.profile.model_dump(), **keys})
            except ValidationError as wrong:
                raise ValueError(f"[schools.{school}]: {_sentence(wrong)}") from None
        return self

    def profile_of(self, school: str) -> Profile:
        """The profile of one school: `[schools.ID]` over `[profile]`."""
        keys = self.schools.get(school)
        return Profile.model_validate({**self.profile.model_dump(), **keys}) if keys else self.profile

    def signing_key(self) -> bytes:
        """The installation's secret: as set, else made on first start and kept in the data folder."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        return kept_secret(self.data / "secret.key", lambda: secrets.token_urlsafe(48)).encode()


def is_loopback(host: str | None) -> bool:
    return host in {"localhost", "::1"} or (host or "").startswith("127.")


def kept_secret(path: Path, make: Any) -> str:
    """The secret kept at `path` (mode 0600), made once; two starts at the same time agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its secret is the one
        finally:
            draft.unlink()
    return path.read_text()


def _sentence(wrong: ValidationError) -> str:
    # The offending input is left out on purpose: it may be a password.
    return "; ".join(
        f"{'.'.join(str(part) for part in error['loc']) or 'settings'}: {error['msg']}"
        for error in wrong.errors()
    )


def load() -> Settings:
    """Read the environment and `vestnik.toml`. Raises SettingsError in words for a person."""
    path = Path(os.environ.get("VESTNIK_CONFIG", "vestnik.toml"))
    values: dict[str, Any] = {}
    if path.exists():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
            raise SettingsError(f"{path}: {wrong}") from wrong
    elif "VESTNIK_CONFIG" in os.environ:
        raise SettingsError(f"VESTNIK_CONFIG: no file {path}")
    known = set(Settings.model_fields)
    values = {key.lower().removeprefix("vestnik_"): value for key, value in values.items()}
    if unknown := sorted(set(values) - known):
        raise SettingsError(f"{path}: unknown keys {', '.join(unknown)}")
    try:
        return Settings(**values)
    except UnreadableVariable as wrong:
        field = str(wrong).split('"')[1]
        raise SettingsError(f"VESTNIK_{field.upper()}: not JSON") from None
    except ValidationError as wrong:
        named = "; ".join(
            f"VESTNIK_{'.'.join(str(part) for part in error['loc']).upper()}: {error['msg']}"
            if error["loc"]
            else str(error["msg"])
            for error in wrong.errors()
        )
        raise SettingsError(named) from None


def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
