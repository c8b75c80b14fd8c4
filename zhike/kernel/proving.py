"""That an entry of the trail was sealed, shown from the entry, a path through its seal's tree, and the kept root.

A proof is a page of text that somebody keeps: it holds for ever, also when the entry itself was purged long ago.
"""

from __future__ import annotations

from dataclasses import dataclass

from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditSeal
from zhike.kernel.sealing import above, head, leaf, lines_of, node, outside_head


@dataclass(frozen=True)
class Proof:
    """`line` is the entry as it was sealed; `path` the digests beside its way up to the root of seal `seal`, in hex."""

    seal: int
    index: int
    line: str
    path: tuple[str, ...]


def prove(entry: int) -> Proof:
    """Raises UserError for an entry that is not sealed yet, or not there any more."""
    seal = AuditSeal.objects.filter(last_id__gte=entry).order_by("number").first()
    lines = _sealed(seal) if seal else []
    ids = [key for key, _line in lines]
    if seal is None or entry not in ids or len(lines) != seal.count:
        raise UserError(
            "This entry is not under a seal.", "It waits for it a minute, or was purged."
        )
    index = at = ids.index(entry)
    level, path = [leaf(line) for _key, line in lines], []
    while len(level) > 1:
        if (beside := at ^ 1) < len(level):
            path.append(level[beside].hex())
        level, at = above(level), at // 2
    return Proof(seal.number, index, lines[index][1].decode(), tuple(path))


def holds(proof: Proof) -> bool:
    """Whether the entry is the one that was sealed there, by the kept root and the head outside the database."""
    seal = AuditSeal.objects.filter(number=proof.seal).first()
    before = AuditSeal.objects.filter(number=proof.seal - 1).first()
    if seal is None or (before is None and proof.seal > 1):
        return False
    at, left, path = proof.index, seal.count, list(proof.path)
    found = leaf(proof.line.encode())
    while left > 1:
        if at ^ 1 < left:
            if not path:
                return False
            beside = bytes.fromhex(path.pop(0))
            found = node(beside, found) if at & 1 else node(found, beside)
        at, left = at // 2, (left + 1) // 2
    previous = bytes(before.head) if before else bytes(32)
    return (
        at == 0
        and not path
        and found == bytes(seal.root)
        and head(previous, seal.number, seal.last_id, seal.count, found) == bytes(seal.head)
        and outside_head(seal.number) in (None, bytes(seal.head))
    )


def _sealed(seal: AuditSeal) -> list[tuple[int, bytes]]:
    before = AuditSeal.objects.filter(number=seal.number - 1).first()
    return list(lines_of(before.last_id if before else 0, seal.last_id))
