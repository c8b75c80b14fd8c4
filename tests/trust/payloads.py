"""Texts that would be a script where a page forgot that they are texts."""

from __future__ import annotations

from itertools import product

MARK = "data-zx"
"""An attribute of every payload's element: one that stands in a page came out of a text."""
# How a text gets out of where it stands: an attribute, a comment, an element that holds no others, a template.
WAYS_OUT = (
    "",
    '">',
    "'>",
    "--></",
    "</script>",
    "</style>",
    "</title>",
    "</textarea>",
    "</option>",
    "]]>",
    "{{",
    "`>",
)
VECTORS = (
    f"<script {MARK}>alert(1)</script>",
    f"<img {MARK} src=x onerror=alert(1)>",
    f"<svg {MARK} onload=alert(1)>",
    f"<iframe {MARK} srcdoc=x onload=alert(1)>",
    f"<a {MARK} href=javascript:alert(1)>x",
    f"<details {MARK} open ontoggle=alert(1)>",
    f"<input {MARK} autofocus onfocus=alert(1)>",
    f"<object {MARK} data=javascript:alert(1)>",
    f"<b {MARK} x-data x-init=alert(1)>",
    f"<b {MARK} hx-get=/me/ hx-trigger=load>",
)
OTHERS = (
    "javascript:alert(1)//" + MARK,
    "{% load i18n %}" + MARK,
    "{{ 7|add:7 }}" + MARK,
    "${alert(1)}" + MARK,
    "\\u003cscript " + MARK + "\\u003ealert(1)",
    "＜script " + MARK + "＞alert(1)＜/script＞",
    "%3Cscript%20" + MARK + "%3Ealert(1)",
    "&lt;script " + MARK + "&gt;alert(1)",
    '" onmouseover=alert(1) ' + MARK + '="',
    "' onfocus=alert(1) autofocus " + MARK + "='",
    "\u202e>" + f"<u {MARK} onclick=alert(1)>",
    "constructor.constructor('alert(1)')()" + MARK,
)
PAYLOADS = tuple(way + vector for way, vector in product(WAYS_OUT, VECTORS)) + OTHERS
