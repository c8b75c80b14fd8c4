"""Reads about privacy: everything held about somebody, the registers, the requests."""
