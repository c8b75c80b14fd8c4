"""G-35: a configuration that is not safe does not start, and nothing secret lies in the repository."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
SECRET = re.compile(
    rb"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----\n[A-Za-z0-9+/]{40}"
    rb"|\bzhike_[A-Za-z0-9_-]{40,}|\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{36}\b"
)
SOUND = {
    "ZHIKE_PRODUCTION": "1",
    "ALLOWED_HOSTS": "crm.example",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP",
    "DATABASE_URL": "postgresql://zhike@db.example/bank",
}


def started(home: Path, **said: str) -> subprocess.CompletedProcess[str]:
    """A process that reads the settings as `zhike` does."""
    code = "import django; django.setup()"
    environment = {"PATH": "/usr/bin:/bin", "ZHIKE_HOME": str(home), **SOUND, **said}
    environment["DJANGO_SETTINGS_MODULE"] = "zhike.config.settings"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, cwd=HERE, capture_output=True, text=True)


@pytest.mark.parametrize(
    "unsound",
    [{"DEBUG": "1"}, {"ALLOWED_HOSTS": "*"}, {"SECRET_KEY": "default"}],
    ids=lambda each: next(iter(each)),
)
def test_the_process_itself_does_not_start(tmp_path: Path, unsound: dict[str, str]) -> None:
    failed = started(tmp_path, **unsound)
    assert failed.returncode
    assert "ImproperlyConfigured" in failed.stderr


def test_no_secret_lies_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HERE, capture_output=True, check=True)
    found = [
        name
        for name in listed.stdout.decode().split("\0")
        if name and (HERE / name).is_file() and SECRET.search((HERE / name).read_bytes())
    ]
    assert found == []
    assert SECRET.search(b"x = 'zhike_" + b"a" * 43 + b"'")
