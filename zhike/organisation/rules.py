"""Decisions about positions, without I/O."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from pypinyin.constants import PINYIN_DICT

from zhike.organisation.models import Role

LONGEST_NAME = 8
ADMINISTRATORS = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR})


def may_hold_together(duties: Collection[str]) -> bool:
    """The three administrators are disjoint, from each other, all other roles and single actions (三员分立)."""
    held = set(duties)
    return not (held & ADMINISTRATORS) or len(held) == 1


def new_path(parent_path: str | None, unit_id: int) -> str:
    """The materialised path of a unit under its parent; "/" separates ids."""
    return f"{parent_path or '/'}{unit_id}/"


def reading(typed: str) -> str:
    """The regular expression of Chinese names that begin to read so; "" for what is no pinyin.

    `typed` are initials ("zwm") or whole syllables, the last perhaps begun ("zhangwe"). Each reading of a
    character counts, for a surname is often read another way than the word.
    """
    letters = typed.replace(" ", "").replace("'", "").lower()
    if not letters.isascii() or not letters.isalpha():
        return ""
    by_syllable, by_initial = _characters()
    ways = {"".join(f"[{each}]" for each in way) for way in _ways(letters, by_syllable)}
    if len(letters) <= LONGEST_NAME and all(each in by_initial for each in letters):
        ways.add("".join(f"[{by_initial[each]}]" for each in letters))
    return f"^({'|'.join(sorted(ways))})" if ways else ""


def _ways(letters: str, by_syllable: Mapping[str, str]) -> Iterator[list[str]]:
    """Each way to cut `letters` into syllables, as the characters that are read so."""
    if len(letters) > 1 and letters not in by_syllable:
        begun = "".join(
            characters for each, characters in by_syllable.items() if each.startswith(letters)
        )
        if begun:
            yield ["".join(sorted(set(begun)))]
    for length in range(1, min(len(letters), 6) + 1):
        if characters := by_syllable.get(letters[:length]):
            rest = letters[length:]
            for way in _ways(rest, by_syllable) if rest else [[]]:
                yield [characters, *way]


@lru_cache(1)
def _characters() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The common Chinese characters by toneless syllable, and by its first letter."""
    syllables: dict[str, set[str]] = defaultdict(set)
    for code, readings in PINYIN_DICT.items():
        if 0x4E00 <= code <= 0x9FFF:
            for each in readings.split(","):
                plain = unicodedata.normalize("NFD", each).replace("u\u0308", "v")
                toneless = "".join(c for c in plain if c.isascii() and c.isalpha())
                syllables[toneless].add(chr(code))
    initials: dict[str, set[str]] = defaultdict(set)
    for syllable, characters in syllables.items():
        if syllable:
            initials[syllable[0]] |= characters
    return _joined(syllables), _joined(initials)


def _joined(found: Mapping[str, set[str]]) -> dict[str, str]:
    return {key: "".join(sorted(characters)) for key, characters in found.items() if key}
