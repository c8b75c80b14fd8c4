"""Sentences the program wrote in one person's language, said again in that of who reads them now.

A refusal stands on the trail as it was told to whom it was told. The catalogues know which message it was and what
stood in its gaps, so that an auditor reads it in their own language. Read backwards, and not kept as message and gaps:
entries are sealed as they were written and stay for half a year and more, so this way is needed whatever is kept.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext, pgettext
from django.utils.translation.trans_real import translation

_CONTEXT = "\x04"
_GAP = re.compile(r"%\((\w+)\)s")
_SHORTEST = 10
"""Bytes beside the gaps of a pattern (a Chinese sign has three), under which it would be found in anything."""


def echoed(text: str) -> str:
    """The sentence in the reader's language; a sentence that no catalogue knows stays as it is."""
    key, gaps = _message(text)
    if key is None:
        return text
    context, _mark, message = key.rpartition(_CONTEXT)
    words = pgettext(context, message) if context else gettext(message)
    return words % {name: echoed(value) for name, value in gaps} if gaps else words


@lru_cache(maxsize=4096)
def _message(text: str) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """The message that reads like this in one of our languages, and what stands in its gaps."""
    whole, patterns = _known()
    if text in whole:
        return whole[text], ()
    for pattern, key in patterns:
        if found := pattern.fullmatch(text):
            return key, tuple(found.groupdict().items())
    return None, ()


@cache
def _known() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Messages by their whole words in any language, and those with gaps, the longest first."""
    whole: dict[str, str] = {}
    gapped: dict[str, str] = {}
    for language, _name in settings.LANGUAGES:
        catalogue: Any = translation(language)
        for key, words in catalogue._catalog.items():
            if (
                not isinstance(key, str) or not key or not words
            ):  # numbers choose among several forms
                continue
            for each in (key.rpartition(_CONTEXT)[2], words):
                if not _GAP.search(each):
                    whole.setdefault(each, key)
                elif len(_GAP.sub("", each).encode()) >= _SHORTEST:
                    gapped.setdefault(each, key)
    longest_first = sorted(gapped, key=lambda each: -len(_GAP.sub("", each)))
    return whole, [(pattern, gapped[each]) for each in longest_first if (pattern := _pattern(each))]


def _pattern(words: str) -> re.Pattern[str] | None:
    """What matches the words with anything in their gaps; None where one gap comes twice."""
    parts = _GAP.split(words.replace("%%", "%"))
    names = parts[1::2]
    if len(set(names)) < len(names):
        return None
    return re.compile(
        "".join(
            f"(?P<{part}>.+?)" if nth % 2 else re.escape(part) for nth, part in enumerate(parts)
        ),
        re.DOTALL,
    )
