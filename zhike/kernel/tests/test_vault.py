"""What was sealed comes back, and nothing else does."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.kernel import vault
from zhike.kernel.vault import SealedReader, SealedWriter, Spoilt

KEY, OTHER = bytes(32), bytes([1]) * 32


def sealed(content: bytes, key: bytes = KEY) -> bytes:
    file = io.BytesIO()
    with SealedWriter(file, key) as writer:
        for start in range(0, len(content), 700):
            writer.write(content[start : start + 700])
    return file.getvalue()


def opened(stored: bytes, key: bytes = KEY) -> bytes:
    return io.BufferedReader(SealedReader(io.BytesIO(stored), key)).read()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "CHUNK", 1000)


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 5432])
def test_what_was_sealed_comes_back(size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    stored = sealed(content)
    assert opened(stored) == content
    assert size < 16 or content[:16] not in stored
    assert sealed(content) != stored, "the same content is sealed differently each time"


CONTENT = bytes(range(250)) * 12
STORED = sealed(CONTENT)  # one part: the chunks of a test are smaller


@given(st.integers(0, len(STORED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found(place: int, by: int) -> None:
    changed = bytearray(STORED)
    changed[place] ^= by
    with pytest.raises(Spoilt):
        opened(bytes(changed))


@given(st.integers(0, len(STORED) - 1))
def test_a_cut_is_found(length: int) -> None:
    with pytest.raises(Spoilt):
        opened(STORED[:length])


def test_parts_that_are_moved_left_out_or_added_are_found() -> None:
    begin = len(vault.MAGIC) + vault.SALT_BYTES
    size = 4 + 1000 + vault.TAG_BYTES
    stored = sealed(CONTENT)
    head, parts = stored[:begin], [stored[at : at + size] for at in range(begin, len(stored), size)]
    assert opened(head + b"".join(parts)) == CONTENT
    for order in ([1, 0, 2], [0, 2], [0, 1], [0, 1, 2, 2], [0, 0, 1, 2]):
        with pytest.raises(Spoilt):
            opened(head + b"".join(parts[place] for place in order))


def test_another_key_opens_nothing() -> None:
    with pytest.raises(Spoilt, match="key"):
        opened(sealed(b"x"), OTHER)
