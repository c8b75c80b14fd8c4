"""A stranger's pack comes in by the door our own came in by."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from django.apps import apps

from zhike.config import settings as module
from zhike.kernel import packs
from zhike.kernel.errors import UserError

CODE = """
from pathlib import Path
from zhike.kernel.packs import Pack
PACK = Pack(id="{id}", label="Telecom", app="{name}", mappings=Path(__file__).parent / "mappings")
"""


def install(folder: Path, name: str, *, id: str, target: str = "PACK") -> None:
    """Put a pack's distribution on the path, as an installer would."""
    package, info = folder / name, folder / f"{name}-0.1.dist-info"
    (package / "mappings").mkdir(parents=True)
    (package / "__init__.py").write_text(CODE.format(id=id, name=name))
    (package / "mappings" / f"{name}_billing.toml").touch()
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(f"[zhike.packs]\n{name} = {name}:{target}\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("strange_telecom", "strange_second"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_our_own_pack_is_installed_and_its_application_runs() -> None:
    found = {pack.id: pack for pack in packs.installed()}
    assert "bank" in found
    assert all(apps.is_installed(pack.app) for pack in found.values())


def test_a_strangers_pack_brings_its_mapping_and_its_application(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(folder, "strange_telecom", id="telecom")
    assert [pack.id for pack in packs.installed()] == ["bank", "telecom"]
    assert packs.find_mapping("strange_telecom_billing").parent.parent.name == "strange_telecom"
    monkeypatch.setenv("ZHIKE_HOME", str(folder / "home"))
    assert "strange_telecom" in runpy.run_path(module.__file__)["INSTALLED_APPS"]


def test_two_packs_of_one_id_are_refused(folder: Path) -> None:
    install(folder, "strange_telecom", id="telecom")
    install(folder, "strange_second", id="telecom")
    with pytest.raises(UserError, match=r"telecom|second"):
        packs.installed()


def test_what_is_no_pack_is_refused(folder: Path) -> None:
    install(folder, "strange_telecom", id="telecom", target="Path")
    with pytest.raises(UserError, match="strange_telecom"):
        packs.installed()


def test_an_unknown_mapping_names_those_that_are_there() -> None:
    with pytest.raises(UserError, match=r"one of: .*berka"):
        packs.find_mapping("no-such-mapping")
