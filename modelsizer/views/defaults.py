"""What views show where nothing else is asked for."""

from __future__ import annotations

USERS_AT = (4096, 8192, 16384, 32768, 65536, 131072)
"""Tokens of each request."""
ALLOCATED_AT = (4096, 32768, 131072)
"""Contexts of an architecture at which FLOPs are counted."""
NEAREST = 4
"""Published models beside a design."""
