"""What an industry pack is. Ours come in by the same door as a stranger's: the entry-point group `zhike.packs`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from zhike.kernel.errors import UserError

GROUP = "zhike.packs"


@dataclass(frozen=True)
class Pack:
    """`app` is its Django application, `mappings` a folder of TOML files named after the source they read."""

    id: str
    label: str
    app: str
    mappings: Path


def installed() -> list[Pack]:
    """Every pack on this machine, by id. Raises UserError when two share an id or one is no pack."""
    packs: dict[str, Pack] = {}
    for entry in entry_points(group=GROUP):
        pack = entry.load()
        if not isinstance(pack, Pack) or pack.id in packs:
            raise UserError(f"The pack {entry.value} is not a Pack of its own id.", "Remove it.")
        packs[pack.id] = pack
    return [packs[id] for id in sorted(packs)]


def mapping_files() -> Iterator[Path]:
    """The mappings all packs bring."""
    for pack in installed():
        yield from sorted(pack.mappings.glob("*.toml"))


def find_mapping(name: str) -> Path:
    """A mapping by its file, or by the name of one that a pack brings. Raises UserError otherwise."""
    if (path := Path(name)).is_file():
        return path
    brought = {path.stem: path for path in mapping_files()}
    if name in brought:
        return brought[name]
    raise UserError(
        f"There is no mapping {name}.",
        f"Give the path of a TOML file, or one of: {', '.join(sorted(brought))}.",
    )
