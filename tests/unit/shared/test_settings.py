"""Settings (DESIGN §5): who wins, and what is said of a wrong one: which, why, and never a secret."""

import os
from collections.abc import Callable
from datetime import time
from pathlib import Path

import pytest

from shared.settings import Settings, SettingsError, kept_secret, load

SECRET = "hunter2-very-secret"
File = Callable[[str], Path]


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No VESTNIK_* of whoever runs the tests, no vestnik.toml of the folder they stand in."""
    for name in [name for name in os.environ if name.upper().startswith("VESTNIK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> File:
    def write(text: str) -> Path:
        path = tmp_path / "vestnik.toml"
        path.write_bytes(text.encode())
        return path

    return write


def test_without_anything_the_defaults_of_the_contract_hold() -> None:
    settings = load()
    assert (settings.host, settings.public_url, settings.bus) == (
        "127.0.0.1",
        "http://127.0.0.1:8100",
        "postgres",
    )
    assert (
        settings.database_url is settings.smtp_url is settings.smsaero_email is settings.clock_start is None
    )
    assert settings.profile.daily_digest_at == (time(18, 30),)
    assert settings.profile.quiet_hours == (time(21), time(8))
    assert settings.profile.final_marks_within == 24


def test_environment_over_file_over_default(monkeypatch: pytest.MonkeyPatch, file: File) -> None:
    file('host = "10.0.0.1"\nbus_prefix = "file."\n')
    monkeypatch.setenv("VESTNIK_HOST", "10.0.0.2")
    settings = load()
    assert (settings.host, settings.bus_prefix, settings.log_level) == ("10.0.0.2", "file.", "info")


def test_a_file_may_use_the_names_of_the_variables(file: File) -> None:
    file('VESTNIK_HOST = "10.0.0.3"\n')
    assert load().host == "10.0.0.3"


def test_a_file_from_windows(file: File) -> None:
    """CRLF line ends, and the mark that Notepad puts before the first letter."""
    file('\ufeffhost = "10.0.0.4"\r\n[profile]\r\ndaily_digest_at = "19:15"\r\n')
    assert load().host == "10.0.0.4"
    assert load().profile.daily_digest(1) == time(19, 15)


def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VESTNIK_CONFIG", str(tmp_path / "elsewhere.toml"))
    with pytest.raises(SettingsError, match=r"VESTNIK_CONFIG.*elsewhere\.toml"):
        load()


@pytest.mark.parametrize("text", ["host = ", "host", '[profile\nhost = "x"'])
def test_a_file_that_is_no_toml_is_named(file: File, text: str) -> None:
    path = file(text)
    with pytest.raises(SettingsError, match=path.name):
        load()


def test_unknown_keys_are_refused_by_name(file: File) -> None:
    file('hots = "10.0.0.1"\nsmpt_url = "smtp://x"\n')
    with pytest.raises(SettingsError, match="hots, smpt_url"):
        load()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("VESTNIK_BUS", "rabbit", "kafka://"),
        ("VESTNIK_SMTP_URL", f"http://u:{SECRET}@mail", "smtps://"),
        ("VESTNIK_SMTP_URL", f"u:{SECRET}@mail", "smtps://"),
        ("VESTNIK_SMSAERO_URL", "http://gate.smsaero.ru/v2/", "https"),
        ("VESTNIK_CLOCK_START", "2026-11-23T07:00:00", "offset"),
        ("VESTNIK_CLOCK_START", "monday", "CLOCK_START"),
        ("VESTNIK_CLOCK_ANCHOR", "2026-11-23T07:00:00", "offset"),
        ("VESTNIK_CLOCK_RATE", "-1", "greater than or equal to 0"),
        ("VESTNIK_CLOCK_RATE", "fast", "number"),
        ("VESTNIK_LOG_LEVEL", "loud", "debug"),
        ("VESTNIK_PROFILE", "{broken", "PROFILE"),
    ],
)
def test_a_wrong_value_is_named_and_never_a_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv("VESTNIK_MAIL_FROM", "a@b.example")
    monkeypatch.setenv("VESTNIK_SECRET_KEY", SECRET)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load()
    text = str(refused.value)
    assert name in text
    assert says in text
    assert SECRET not in text
    assert SECRET not in repr(refused.value.__cause__)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"VESTNIK_SMTP_URL": f"smtp://u:{SECRET}@mail"}, "VESTNIK_MAIL_FROM"),
        ({"VESTNIK_SMSAERO_EMAIL": "a@b.example"}, "VESTNIK_SMSAERO_API_KEY"),
        ({"VESTNIK_SMSAERO_API_KEY": SECRET}, "VESTNIK_SMSAERO_EMAIL"),
    ],
)
def test_half_a_channel_is_refused(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], says: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=says) as refused:
        load()
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('daily_digest_at = "half past six"', "daily_digest_at"),
        ('weekly_digest_at = "someday 18:30"', "fri 18:30"),
        ('quiet_hours = ["21:00"]', "quiet_hours"),
        ('final_marks_within = "0h"', "final_marks_within"),
        ("sms_segments_per_month = -1", "sms_segments_per_month"),
        ('close_weak_at = "18:30"', "close_weak_at"),
    ],
)
@pytest.mark.parametrize("table", ["profile", "schools.ilinskaya"])
def test_a_wrong_profile_is_found_at_the_start(file: File, table: str, line: str, says: str) -> None:
    """Also one of a single school: not on the day when its digest is due."""
    file(f"[{table}]\n{line}\n")
    with pytest.raises(SettingsError) as refused:
        load()
    assert says.lower() in str(refused.value).lower()
    assert table.rsplit(".", maxsplit=1)[-1].lower() in str(refused.value).lower()


def test_a_school_overrides_the_profile_key_by_key(file: File) -> None:
    file(
        '[profile]\ndaily_digest_at = ["18:30", "20:00"]\nhand_out_by = "14:00"\n'
        '[schools.ilinskaya]\nfinal_marks_within = "72h"\nweekly_digest_at = "sat 12:00"\n'
    )
    settings = load()
    own, others = settings.profile_of("ilinskaya"), settings.profile_of("another")
    assert (own.final_marks_within, others.final_marks_within) == (72, 24)
    assert (own.weekly_digest_at.weekday, others.weekly_digest_at.weekday) == (5, 4)
    assert own.hand_out_by == others.hand_out_by == time(14)
    assert [own.daily_digest(shift) for shift in (1, 2)] == [time(18, 30), time(20)]


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "SECRET_KEY", "SMSAERO_API_KEY", "VAPID_PRIVATE_KEY"):
        monkeypatch.setenv(f"VESTNIK_{name}", SECRET)
    monkeypatch.setenv("VESTNIK_SMTP_URL", f"smtp://u:{SECRET}@mail")
    monkeypatch.setenv("VESTNIK_MAIL_FROM", "a@b.example")
    monkeypatch.setenv("VESTNIK_SMSAERO_EMAIL", "a@b.example")
    settings = load()
    assert SECRET not in f"{settings!r} {settings}"
    assert settings.signing_key() == SECRET.encode()


def test_a_secret_is_made_once_and_kept_for_us_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "var")
    key = settings.signing_key()
    assert len(key) >= 32
    assert settings.signing_key() == Settings(data=tmp_path / "var").signing_key() == key
    kept = tmp_path / "var" / "secret.key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept_secret(kept, lambda: "another") == key.decode()
    assert [path.name for path in kept.parent.iterdir()] == ["secret.key"]
