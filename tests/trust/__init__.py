"""What the trust goals promise, proven: `make trust` prints a line a goal."""

import os

FULL = os.environ.get("ZHIKE_TRUST") == "full"
"""Whether the proofs run in their long form."""
