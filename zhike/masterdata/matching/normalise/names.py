"""People's names: one form, toneless pinyin with surname readings, surname and given name.

What is only a title (先生, 李女士) or masked (张*) is no name: two of them say nothing of each other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import attrgetter

import pyarrow as pa
import pyarrow.compute as pc
from pypinyin.constants import PINYIN_DICT

from zhike.masterdata.matching.normalise.characters import folded, simplified_column
from zhike.masterdata.matching.normalise.coding import coded, read

# Characters whose reading as a surname differs from the everyday one.
SURNAME_READINGS = dict(
    pair.split(":")
    for pair in (
        "单:shan 曾:zeng 仇:qiu 解:xie 查:zha 区:ou 盖:ge 朴:piao 乐:yue 翟:zhai 缪:miao 任:ren 华:hua 洗:xian 冼:xian"
        " 召:shao 晁:chao 员:yun 繁:po 覃:qin 宓:mi 逄:pang 么:yao 秘:bi 折:she 种:chong 黑:he 那:na 撒:sa 逯:lu 燕:yan"
        " 哈:ha 纪:ji 葛:ge 尹:yin"
    ).split()
)
DOUBLE_SURNAMES = frozenset(
    "尉迟 长孙 万俟 澹台 单于 欧阳 上官 司马 诸葛 夏侯 东方 皇甫 公孙 令狐 慕容 宇文 司徒 司空 轩辕 钟离 闻人 淳于"
    " 濮阳 公冶 太叔 申屠 仲孙 南宫 端木 百里 东郭 呼延 独孤 拓跋 赫连 鲜于 闾丘 公羊 梁丘 左丘 西门 第五 谷梁 宗政"
    " 完颜 耶律 贺兰 纳兰 哥舒 司寇 亓官 巫马 公西 漆雕 乐正 壤驷 拓拔 夹谷 段干 子车 颛孙 即墨 达奚 褚师".split()
)
DOUBLE_READINGS = {
    "尉迟": ("yu", "chi"),
    "长孙": ("zhang", "sun"),
    "万俟": ("mo", "qi"),
    "澹台": ("tan", "tai"),
    "单于": ("chan", "yu"),
    "乐正": ("yue", "zheng"),
}
# What people are called by, after the sex it tells.
TITLES: dict[str, str | None] = {
    **dict.fromkeys("先生 师傅 大哥 大爷 大叔 叔叔 mr".split(), "M"),
    **dict.fromkeys("女士 小姐 太太 夫人 大姐 阿姨 大妈 老板娘 mrs ms miss".split(), "F"),
    **dict.fromkeys(
        "老师 同志 老板 经理 总经理 主任 医生 大夫 教授 局长 处长 科长 校长 院长 行长 董事长 总 董 工".split()
    ),
}
_WORDS = "无|未知|不详|不明|空|暂无|匿名|测试|客户|本人|null|none|nan|na|test|unknown"
# What may be a title or no name at all; whoever matches is read one by one.
_MAYBE_TITLED = f"(?:{'|'.join(sorted(title for title in TITLES if not title.isascii()))})$|^[小老]|某|^(?:{_WORDS})$"
_USUAL = r"^\p{Han}{2,4}$"
_UNTOLD = re.compile(rf"(?:{_WORDS}|某+|x+)")
_MASK = re.compile(r"[*＊●○•█?？]|(?<=.)[xX×某]{1,3}$")
_BRACKETED = re.compile(r"[(（\[【].*?[)）\]】]")
_WORD = re.compile(r"[a-z]+")
_PASSPORT = {"lyu": "lv", "nyu": "nv", "lyue": "lve", "nyue": "nve"}
_LONGEST = 6  # letters of a syllable


@dataclass(frozen=True, slots=True)
class Name:
    """`text` folded; `pinyin` toneless syllables joined by blanks, surname first where it is known;
    `rotated` the other order; `sex` as a title tells it. None where absent."""

    text: str | None = None
    pinyin: str | None = None
    rotated: str | None = None
    surname: str | None = None
    given: str | None = None
    sex: str | None = None


NOBODY = Name()


def person_name(raw: str) -> Name:
    """A person's name in its parts. A title alone, a masked or an untold name has no `text`, only a surname
    and a sex where they show."""
    bare = _BRACKETED.sub("", unicodedata.normalize("NFKC", raw)).strip().lower()
    if _MASK.search(bare):
        shown = _MASK.split(bare)[0]
        return Name(surname=_surname(folded(shown), alone=True))
    text = folded(bare)
    if not text or text.isdigit() or _UNTOLD.fullmatch(text):
        return NOBODY
    latin = _toneless(bare)
    if latin.isascii() and (words := _WORD.findall(latin)):
        return _latin(words, latin)
    text, sex = _untitled(text)
    if len(text) < 2 or text in DOUBLE_SURNAMES:
        return Name(surname=_surname(text, alone=True), sex=sex)
    if re.search(r"[·•‧.]", bare):
        read = " ".join(_readings(text))
        return Name(text, read, read, sex=sex)
    return _chinese(text, sex)


def name_columns(values: pa.Array) -> dict[str, pa.Array]:
    """The parts of `person_name` for every row of a string array, as codes.

    Nine names of ten are two to four ideographs without a title: they are cut and read by columns, since there
    are few distinct surnames and given names.
    """
    whole = coded(values)
    raw = whole.dictionary
    texts = simplified_column(raw)
    double = pc.and_(
        pc.is_in(_slice(texts, 0, 2), pa.array(sorted(DOUBLE_SURNAMES))),
        pc.greater(pc.utf8_length(texts), 2),
    )
    usual = pc.match_substring_regex(texts, _USUAL)
    odd = pc.or_(
        pc.match_substring_regex(texts, _MAYBE_TITLED),
        pc.is_in(texts, pa.array(sorted(DOUBLE_SURNAMES))),
    )
    usual = pc.and_not(usual, odd)
    surname = pc.if_else(double, _slice(texts, 0, 2), _slice(texts, 0, 1))
    given = pc.if_else(double, _slice(texts, 2, None), _slice(texts, 1, None))
    first = _read(surname, lambda text: " ".join(_surname_readings(text)))
    last = _read(given, lambda text: " ".join(_reading(c) or c for c in text))
    found = {
        "text": texts,
        "pinyin": pc.binary_join_element_wise(first, last, " "),
        "rotated": pc.binary_join_element_wise(last, first, " "),
        "surname": surname,
        "given": given,
        "sex": pa.nulls(len(texts), pa.string()),
    }
    others = pc.invert(usual)
    names = [person_name(text) for text in raw.filter(others).to_pylist()]
    for part, column in found.items():
        parts = pa.array(map(attrgetter(part), names), pa.string(), size=len(names))
        found[part] = read(whole, pc.replace_with_mask(column, others, parts))
    return found


def sounds_column(texts: pa.Array) -> pa.Array:
    """Toneless syllables of folded texts that are no person's name, joined by blanks; words and numbers whole."""
    return _read(texts, lambda text: " ".join("".join(map(_spaced, text)).split()))


def _spaced(character: str) -> str:
    reading = _reading(character)
    return f" {reading} " if reading else character


def _slice(texts: pa.Array, start: int, stop: int | None) -> pa.Array:
    return pc.utf8_slice_codeunits(texts, start, stop)


def _read(texts: pa.Array, reading: Callable[[str], str]) -> pa.Array:
    distinct = texts.dictionary_encode()
    return pa.array(map(reading, distinct.dictionary.to_pylist()), pa.string()).take(
        distinct.indices
    )


def _surname_readings(surname: str) -> list[str]:
    if surname in DOUBLE_READINGS:
        return list(DOUBLE_READINGS[surname])
    return [SURNAME_READINGS.get(surname) or _reading(c) or c for c in surname]


def _untitled(text: str) -> tuple[str, str | None]:
    """A name without the title at its end, and the sex the title tells. 张总, 小王: only the surname is left."""
    for length in (3, 2, 1):
        title, rest = text[-length:], text[:-length]
        if title in TITLES and (length > 1 or len(rest) == 1 or rest in DOUBLE_SURNAMES):
            return rest, TITLES[title]
    if len(text) == 2 and text[0] in "小老" and text[1] in _FREQUENT:
        return text[1], None
    return text, None


# The hundred or so surnames that 小 and 老 are put before.
_FREQUENT = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾萧肖田董潘袁蔡蒋余于杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆"
    "汪范金石廖贾夏韦付方邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔"
)


def _surname(text: str, *, alone: bool = False) -> str | None:
    """The surname that a text begins with; `alone`: no given name follows."""
    if text[:2] in DOUBLE_SURNAMES and (alone or len(text) > 2):
        return text[:2]
    first = text[:1]
    return first if first and _reading(first) and first not in "某x" else None


def _chinese(text: str, sex: str | None) -> Name:
    surname = _surname(text)
    read = _readings(text)
    if surname is None or len(text) > 4:
        joined = " ".join(read)
        return Name(text, joined, joined, sex=sex)
    first = len(surname)
    return Name(
        text,
        " ".join(read),
        " ".join(read[first:] + read[:first]),
        surname,
        text[first:] or None,
        sex,
    )


def pinyin(text: str, *, person: bool = True) -> str:
    """Toneless syllables joined by blanks, ü as v; other signs stand for themselves. `person` reads a surname first."""
    return " ".join(_readings(folded(text), person=person))


def _readings(text: str, *, person: bool = True) -> list[str]:
    first = 2 if text[:2] in DOUBLE_SURNAMES and len(text) > 2 else 1
    head = _surname_readings(text[:first]) if person else [_reading(c) or c for c in text[:first]]
    return head + [_reading(c) or c for c in text[first:]]


@lru_cache(maxsize=100_000)
def _reading(character: str) -> str:
    """The everyday toneless reading of one Chinese character, "" for anything else."""
    readings = PINYIN_DICT.get(ord(character))
    if not readings:
        return ""
    return _toneless(readings.split(",")[0])


def _toneless(text: str) -> str:
    """Without marks over the letters, ü as v."""
    apart = unicodedata.normalize("NFD", text).replace("u\u0308", "v")
    return "".join(c for c in apart if not unicodedata.combining(c))


def _latin(words: list[str], bare: str) -> Name:
    """A name in Latin letters: syllables where it is pinyin, else its words; `rotated` puts the last word first."""
    sex = next((TITLES[word] for word in words if word in TITLES), None)
    words = [word for word in words if word not in TITLES]
    if not words:
        return Name(sex=sex)
    read = [" ".join(syllables(word) or (word,)) for word in words]
    comma = bare.find(",")
    surname = words[0] if comma >= 0 and len(_WORD.findall(bare[:comma])) == 1 else None
    return Name(
        "".join(words),
        " ".join(read),
        " ".join([read[-1], *read[:-1]]),
        surname,
        "".join(words[1:]) or None if surname else None,
        sex,
    )


@lru_cache(maxsize=100_000)
def syllables(word: str) -> tuple[str, ...]:
    """A Latin word as pinyin syllables, the longest first; empty where it cannot be cut into them."""
    return tuple(_PASSPORT.get(each, each) for each in next(_cut(word), ()))


def _cut(word: str) -> Iterator[tuple[str, ...]]:
    if not word:
        yield ()
    for length in range(min(_LONGEST, len(word)), 0, -1):
        if word[:length] in _syllables():
            for rest in _cut(word[length:]):
                yield (word[:length], *rest)


@cache
def _syllables() -> frozenset[str]:
    """Every syllable that an ideograph of the basic block is read as, and how passports write lü and nü."""
    read = {_reading(chr(code)) for code in range(0x4E00, 0x9FA6)}
    vowels = set("aeiouv")
    return frozenset(s for s in read if vowels & set(s)) | _PASSPORT.keys()
