"""Finding and sorting people and firms by name: character bigrams, pinyin and pinyin initials. Pure.

Indexed and queried by the same functions, so what is stored is what is asked for. A change here means a re-index.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from pypinyin.constants import PINYIN_DICT

# Characters whose reading as a surname differs from the everyday one.
SURNAME_READINGS = {
    "单": "shan",
    "單": "shan",
    "曾": "zeng",
    "仇": "qiu",
    "解": "xie",
    "查": "zha",
    "区": "ou",
    "盖": "ge",
    "朴": "piao",
    "乐": "yue",
    "翟": "zhai",
    "缪": "miao",
    "任": "ren",
    "华": "hua",
    "洗": "xian",
    "冼": "xian",
    "召": "shao",
    "晁": "chao",
    "员": "yun",
    "繁": "po",
    "覃": "qin",
    "宓": "mi",
    "逄": "pang",
    "么": "yao",
}
DOUBLE_SURNAME_READINGS = {
    "尉迟": ("yu", "chi"),
    "长孙": ("zhang", "sun"),
    "万俟": ("mo", "qi"),
    "澹台": ("tan", "tai"),
    "单于": ("chan", "yu"),
}
SEPARATORS = re.compile(r"[\s\W_]+")
LONGEST_INITIALS = 8


def folded(text: str) -> str:
    """Compatibility-normalised, lower case, without spaces, punctuation or zero-width characters."""
    kept = unicodedata.normalize("NFKC", text).lower()
    return kept if kept.isalnum() else SEPARATORS.sub("", kept)


@lru_cache(maxsize=50_000)
def _reading(character: str) -> str:
    """The everyday toneless reading of one Chinese character, "" for anything else."""
    readings = PINYIN_DICT.get(ord(character))
    if not readings:
        return ""
    first = unicodedata.normalize("NFD", readings.split(",")[0]).replace("u\u0308", "v")
    return "".join(c for c in first if c.isascii() and c.isalpha())


def syllables(name: str, *, person: bool = True) -> list[str]:
    """Toneless pinyin, one a character; a Latin character stands for itself. `person` reads the surname as one."""
    return _syllables(folded(name), person)


def _syllables(text: str, person: bool) -> list[str]:
    if person and text[:2] in DOUBLE_SURNAME_READINGS:
        return [*DOUBLE_SURNAME_READINGS[text[:2]], *(_reading(c) or c for c in text[2:])]
    read = [_reading(c) or c for c in text]
    if person and text[:1] in SURNAME_READINGS:
        read[0] = SURNAME_READINGS[text[0]]
    return read


def sort_key(name: str, *, person: bool = True) -> str:
    """Sorts by pinyin under C collation; equal readings by the characters themselves. At most 200 characters."""
    return _sort_key(name, syllables(name, person=person))


def _sort_key(name: str, read: list[str]) -> str:
    return f"{' '.join(read)} {name}"[:200]


def bigrams(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


def search_tokens(name: str, *, person: bool = True) -> list[str]:
    """What a name can be found by, sorted.

    Bigrams of its characters; "i:" and the pinyin initials, from two letters on, growing from the front;
    "p:" and the pinyin of the first one, two, … characters.
    """
    text = folded(name)
    return _search_tokens(text, _syllables(text, person))


def keys(name: str, *, person: bool = True) -> tuple[str, list[str]]:
    """`sort_key` and `search_tokens` of a name, which is read once."""
    text = folded(name)
    read = _syllables(text, person)
    return _sort_key(name, read), _search_tokens(text, read)


def _search_tokens(text: str, read: list[str]) -> list[str]:
    tokens = bigrams(text)
    if any(map(_reading, text)):
        initials = "".join([syllable[:1] for syllable in read])
        tokens.update(["i:" + initials[:n] for n in range(2, min(len(read), LONGEST_INITIALS) + 1)])
        tokens.update(["p:" + "".join(read[:n]) for n in range(1, min(len(read), 4) + 1)])
    return sorted(tokens)


def query_tokens(query: str) -> list[list[str]]:
    """Alternatives to ask for: each inner list must be contained whole. Empty when the query is too short."""
    text = folded(query)
    if len(text) < 2:
        return []
    if text.isascii() and text.isalpha():
        ways = [[f"p:{text}"], sorted(bigrams(text))]
        if len(text) <= LONGEST_INITIALS:
            ways.insert(0, [f"i:{text}"])
        return ways
    return [sorted(bigrams(text))]
