"""A sample institution: an invented rural commercial bank as three source systems with real-life dirt.

Lives here: the generator, its marks of invention, its dirt. A library without Django: it writes files and
reads none. Does not live here: mappings, loading, or anything that looks at the files afterwards.
"""

from zhike.packs.bank.sample.dirt import Dirt
from zhike.packs.bank.sample.generate import Manifest, generate
from zhike.packs.bank.sample.sheets import FileFacts

__all__ = ["Dirt", "FileFacts", "Manifest", "generate"]
