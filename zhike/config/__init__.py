"""Roof: puts the rooms together. Settings, addresses, the command line, the daily loop; no business of its own."""
