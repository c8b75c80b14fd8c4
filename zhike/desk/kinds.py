"""Kinds of notices, as the rooms that send them register them."""

from __future__ import annotations

from dataclasses import dataclass

from zhike.kernel.registry import Registry


@dataclass(frozen=True)
class NoticeKind:
    """`id` is what `notify` is given. Give `icon` by keyword, so that the sprite's build finds it."""

    id: str
    icon: str


kinds: Registry[NoticeKind] = Registry("desk.notice_kinds")
