"""How the system's Chromium is started: without its own talk to the network."""

from __future__ import annotations

from typing import Any

ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
LAUNCH: dict[str, Any] = {"executable_path": "/usr/bin/chromium", "args": ARGUMENTS.split()}
