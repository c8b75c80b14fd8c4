"""Retail and rural commercial banks: their vocabulary, source mappings, metrics and a sample institution."""

from pathlib import Path

from zhike.kernel.packs import Pack

PACK = Pack(
    id="bank",
    label="Bank",
    app="zhike.packs.bank",
    mappings=Path(__file__).parent / "mappings",
)
