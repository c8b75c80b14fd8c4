"""Words beside each other are joined as the reader's language joins them."""

from __future__ import annotations

import pytest
from django.utils import translation

from zhike.kernel.wording import labelled, listed, sentences


@pytest.mark.parametrize(
    ("language", "both", "named"),
    [("en", "a, b", "State: open"), ("zh-hans", "a、b", "State：open"), ("zh-hant", "a、b", "State：open")],
)  # fmt: skip
def test_words_are_joined_in_the_readers_language(language: str, both: str, named: str) -> None:
    with translation.override(language):
        assert listed(iter(["a", "b"])) == both
        assert labelled("State", "open") == named
        assert (listed([]), listed(["a"])) == ("", "a")


@pytest.mark.parametrize(
    ("said", "together"),
    [
        (("It runs.", "Wait."), "It runs. Wait."),
        (("它在运行。", "请稍候。"), "它在运行。请稍候。"),
        (("它在运行！", "", "Wait."), "它在运行！Wait."),
        (("名称", "Zhike"), "名称 Zhike"),
    ],
)
def test_a_chinese_sentence_brings_its_own_gap(said: tuple[str, ...], together: str) -> None:
    assert sentences(said) == together
