"""How words stand beside each other in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.utils.translation import pgettext

_AFTER_AN_END = re.compile(r"(?<=[。！？；])\s+")


def listed(words: Iterable[object]) -> str:
    """The words one after another: with a comma in English, with the mark of a list in Chinese."""
    return pgettext("between words", ", ").join(str(word) for word in words)


def labelled(label: object, words: object) -> str:
    """What something is called, and what it is."""
    return pgettext("between words", ": ").join((str(label), str(words)))


def sentences(words: Iterable[object]) -> str:
    """Sentences one after another; empty ones are left out."""
    return closed_up(" ".join(said for each in words if (said := str(each))))


def closed_up(text: str) -> str:
    """No gap after the end of a Chinese sentence: its mark brings its own."""
    return _AFTER_AN_END.sub("", text)
