"""Settings: sound by default, refused when they contradict each other."""

from __future__ import annotations

import runpy
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import WARNING, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from zhike.config import settings as module

LONG_KEY = "k" * 50
FILE = Path(module.__file__)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "ZHIKE_KEYS",
        "ZHIKE_PRODUCTION",
        "WAREHOUSE_URL",
        "SECRET_KEY",
        "DEBUG",
        "ALLOWED_HOSTS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZHIKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://zhike@db.example:5433/bank")


def read() -> dict[str, Any]:
    """The settings as a process would read them in the present environment."""
    return runpy.run_path(str(FILE))


def test_with_nothing_set_everything_lies_in_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    found = read()
    home = tmp_path / "home"
    assert found["ZHIKE_EMBEDDED"] is True
    assert found["DATABASES"]["default"]["NAME"] == "zhike"
    assert found["WAREHOUSE_URL"] == str(home / "warehouse")
    assert found["DEBUG"] is False
    assert "*" not in found["ALLOWED_HOSTS"]


def test_keys_are_made_once_and_are_the_owners_alone(tmp_path: Path) -> None:
    first, second = read(), read()
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["ZHIKE_DATA_KEYS"].current() == second["ZHIKE_DATA_KEYS"].current()
    assert first["ZHIKE_DATA_KEYS"].key(1) != first["ZHIKE_INDEX_KEY"]
    for key in (tmp_path / "home" / "keys").iterdir():
        assert stat.S_IMODE(key.stat().st_mode) & 0o077 == 0


def test_database_address_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "DATABASE_URL", "postgresql://li%40branch:p%2Fw@db.example:5433/bank?sslmode=verify-full"
    )
    database = read()["DATABASES"]["default"]
    assert (database["USER"], database["PASSWORD"]) == ("li@branch", "p/w")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example", "5433", "bank")
    assert database["OPTIONS"] == {"sslmode": "verify-full", "prepare_threshold": 2}


def test_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///bank.db")
    with pytest.raises(ImproperlyConfigured, match="postgresql://"):
        read()


@pytest.mark.parametrize(
    ("text", "on"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("", False)]
)
def test_switches(monkeypatch: pytest.MonkeyPatch, text: str, on: bool) -> None:
    monkeypatch.setenv("DEBUG", text)
    assert read()["DEBUG"] is on


@pytest.mark.parametrize(
    ("name", "value"),
    [("DEBUG", "1"), ("ALLOWED_HOSTS", "crm.example,*"), ("SECRET_KEY", "short")],
)
def test_production_refuses_an_insecure_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for key, text in {
        "ZHIKE_PRODUCTION": "1",
        "ALLOWED_HOSTS": "crm.example",
        "SECRET_KEY": LONG_KEY,
        name: value,
    }.items():
        monkeypatch.setenv(key, text)
    with pytest.raises(ImproperlyConfigured):
        read()


def test_production_serves_over_tls_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_PRODUCTION", "1")
    monkeypatch.setenv("ALLOWED_HOSTS", "crm.example")
    monkeypatch.setenv("SECRET_KEY", LONG_KEY)
    found = read()
    assert found["SECURE_SSL_REDIRECT"]
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] > 0


def test_production_passes_djangos_own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_PRODUCTION", "1")
    monkeypatch.setenv("ALLOWED_HOSTS", "crm.example")
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP")
    security = ("SECURE_", "SESSION_", "CSRF_", "X_FRAME", "DEBUG", "SECRET_KEY", "ALLOWED_HOSTS")
    read_now = {name: value for name, value in read().items() if name.startswith(security)}
    with override_settings(**read_now):
        found = run_checks(tags=["security"], include_deployment_checks=True)
    assert [each for each in found if each.level >= WARNING and not each.is_silenced()] == []
    with override_settings(**read_now | {"SESSION_COOKIE_SECURE": False}):
        assert run_checks(tags=["security"], include_deployment_checks=True)
