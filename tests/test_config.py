"""Settings: the last that names one wins, a misspelt one is loud, a secret is never shown."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from ews.config import SECRETS, Settings, SettingsError, load_settings

ROOT = Path(__file__).parent.parent
TOKEN = "xoxb-not-a-real-token"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("EWS_"):
            monkeypatch.delenv(name)


def write(home: Path, text: str) -> Path:
    (home / "ews.toml").write_text(text, encoding="utf-8")
    return home


def test_the_defaults_need_no_file_and_no_environment(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "absent")
    assert settings.home == tmp_path / "absent"
    assert (settings.lang, settings.cycle_every_s) == ("ko", 900)
    assert (settings.web_host, settings.web_port) == ("127.0.0.1", 8765)
    assert settings.database_url is None
    assert settings.slack_bot_token is None
    assert not (tmp_path / "absent").exists(), "reading settings makes nothing"


def test_the_home_is_the_argument_else_the_environment_else_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().home == Path(".ews")
    monkeypatch.setenv("EWS_HOME", str(tmp_path))
    assert load_settings().home == tmp_path
    assert load_settings(tmp_path / "given").home == tmp_path / "given"


def test_the_file_wins_over_defaults_and_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 'lang = "en"\nthreads = 2')
    monkeypatch.setenv("EWS_THREADS", "4")
    settings = load_settings(tmp_path)
    assert (settings.lang, settings.threads, settings.cycle_every_s) == ("en", 4, 900)


def test_paths_in_the_file_count_from_its_folder(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, 'routes_file = "routes.toml"'))
    assert settings.routes_file == tmp_path / "routes.toml"
    assert settings.model_folder is None


# --------------------------------------------------------------------------- loud


def test_an_unknown_key_names_the_file_the_key_and_the_likely_one(tmp_path: Path) -> None:
    write(tmp_path, "cycle_evry_s = 60")
    with pytest.raises(
        SettingsError, match=r"ews\.toml.*'cycle_evry_s'.*did you mean cycle_every_s"
    ):
        load_settings(tmp_path)


def test_an_unknown_variable_is_named_with_the_likely_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EWS_SLACK_CHANEL", "C1")
    with pytest.raises(SettingsError, match="EWS_SLACK_CHANEL; did you mean EWS_SLACK_CHANNEL"):
        load_settings(tmp_path)


def test_variables_that_kubernetes_sets_for_a_service_called_ews_are_let_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EWS_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("EWS_PORT_8765_TCP_ADDR", "10.0.0.1")
    assert load_settings(tmp_path).web_port == 8765


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("threads = -1", "ews.toml: threads: .*greater than or equal to 0"),
        ("web_port = 'many'", "ews.toml: web_port: .*integer"),
        ("lang = 'fr'", "ews.toml: lang: .*'ko' or 'en'"),
        ("cycle_every_s = 1", "ews.toml: cycle_every_s: .*60"),
        ("slack_base_url = 'slack.com'", "ews.toml: slack_base_url: "),
        ("home = 'x'", "home cannot be set here"),
        ("threads = ", "not valid TOML"),
    ],
)
def test_a_wrong_value_names_the_file_and_the_key(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load_settings(write(tmp_path, line))


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "threads = 2")
    monkeypatch.setenv("EWS_THREADS", "several")
    with pytest.raises(SettingsError, match=r"^EWS_THREADS: .*integer"):
        load_settings(tmp_path)


# --------------------------------------------------------------------------- contact


def test_a_live_run_without_a_contact_is_refused_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"contact is not set.*EWS_CONTACT"):
        load_settings(tmp_path).live_contact()


@pytest.mark.parametrize(
    "contact",
    ["nobody", "https://example.invalid/ews", "a@example.com", "http://localhost/", "ftp://a.kr"],
)
def test_a_contact_that_reaches_nobody_is_refused(tmp_path: Path, contact: str) -> None:
    with pytest.raises(SettingsError, match=r"ews\.toml: contact: give "):
        load_settings(write(tmp_path, f'contact = "{contact}"'))


@pytest.mark.parametrize("contact", ["ews@agency.go.kr", "https://agency.go.kr/ews?x=1"])
def test_a_contact_that_can_be_reached_is_used(tmp_path: Path, contact: str) -> None:
    assert load_settings(write(tmp_path, f'contact = "{contact}"')).live_contact() == contact


# --------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("form", [str, repr])
def test_a_secret_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: type
) -> None:
    monkeypatch.setenv("EWS_SLACK_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("EWS_DATABASE_URL", "postgresql+psycopg://ews:hidden@db/ews")
    settings = load_settings(tmp_path)
    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.get_secret_value() == TOKEN
    for text in (form(settings), form(settings.shown())):
        assert TOKEN not in text
        assert "hidden" not in text
        assert "***" in text
    assert settings.shown()["slack_bot_token"] == "***"
    assert settings.shown()["database_url"] == "postgresql+psycopg://ews:***@db/ews"


def test_a_secret_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("EWS_SLACK_BOT_TOKEN_FILE", str(tmp_path / "token"))
    secret = load_settings(tmp_path).slack_bot_token
    assert secret is not None
    assert secret.get_secret_value() == TOKEN


def test_a_secret_file_that_is_absent_or_a_second_value_is_loud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EWS_SLACK_BOT_TOKEN_FILE", str(tmp_path / "absent"))
    with pytest.raises(SettingsError, match="EWS_SLACK_BOT_TOKEN_FILE: cannot read"):
        load_settings(tmp_path)
    monkeypatch.setenv("EWS_SLACK_BOT_TOKEN", TOKEN)
    with pytest.raises(SettingsError, match="both EWS_SLACK_BOT_TOKEN_FILE") as caught:
        load_settings(tmp_path)
    assert TOKEN not in str(caught.value)


def test_an_error_never_shows_the_value(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, f'slack_bot_token = ["{TOKEN}"]'))
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


# --------------------------------------------------------------------------- documents


def test_every_setting_has_a_default_with_its_reason_and_a_line_in_the_docs() -> None:
    text = (ROOT / "ews" / "defaults.toml").read_text(encoding="utf-8")
    docs = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert set(tomllib.loads(text)) == set(Settings.model_fields)
    for name in Settings.model_fields:
        assert re.search(rf"^{name} = .+# \S+", text, re.M), f"defaults.toml: why this {name}?"
        assert f"| `{name}` | `EWS_{name.upper()}` |" in docs, f"docs/settings.md lacks {name}"
    for name in SECRETS:
        assert f"EWS_{name.upper()}_FILE" in docs
