"""How words stand beside each other in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import pgettext


def listed(words: Iterable[object]) -> str:
    """The words one after another: with a comma in English, with the mark of a list in Chinese."""
    return pgettext("between words", ", ").join(str(word) for word in words)


def labelled(label: object, words: object) -> str:
    """What something is called, and what it is."""
    return pgettext("between words", ": ").join((str(label), str(words)))
