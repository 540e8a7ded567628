"""A page: templates with every value escaped, style, script and font within it, and a policy that allows no network."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from verify.pictures import Picture
from verify.report.html.derivations import NO_STEPS
from verify.report.html.maths import render_math
from verify.version import VERSION

FONT = "stix-two-math.woff2"


def page(template: str, **values: Any) -> str:
    """A whole page."""
    style, script = _text("page.css") + _font_face(), _text("page.js")
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "font-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    inside = {"style": Markup(style), "script": Markup(script), "policy": policy}  # files of our own
    return environment().get_template(template).render(**inside, **values)


def fragment(template: str, **values: Any) -> str:
    """A piece for a notebook: with the page's style, without its script and font."""
    return environment().get_template(template).render(style=Markup(_text("page.css")), **values)


@cache
def environment() -> Environment:
    """The templates; a value that is missing is an error, none is ever written unescaped."""
    found = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.globals.update(math=render_math, version=VERSION, no_steps=NO_STEPS)
    found.filters["ticked"] = _ticked
    found.filters["drawn"] = _drawn
    return found


def _drawn(picture: Picture) -> Markup:
    """A drawing of our own, escaped where it is made; its title and description are for those who do not see it."""
    return Markup(picture.svg)


def _ticked(text: str) -> Markup:
    """What a message has between backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(one) if k % 2 else one for k, one in enumerate(parts))


@cache
def _text(name: str) -> str:
    return (files("verify.report.html") / "templates" / name).read_text(encoding="utf-8")


@cache
def _font_face() -> str:
    data = (files("verify.report.html") / "templates" / FONT).read_bytes()
    source = f"url(data:font/woff2;base64,{b64encode(data).decode()}) format('woff2')"
    return f"\n@font-face {{ font-family: 'STIX Two Math'; src: {source}; font-display: block }}\n"


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
