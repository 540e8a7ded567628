"""The site: `.ci/docs` builds it, warnings are errors, and nothing is loaded from elsewhere."""

import sys
from pathlib import Path

from pygments.lexers.data import YamlLexer
from pygments.lexers.special import TextLexer

from verify.version import VERSION

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Backproof"
author = "The Backproof authors"
copyright = author
version = release = VERSION

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "api_pages",
    "contents",
    "derivation_pages",
    "mathml_math",
    "repository_links",
    "self_contained",
]
exclude_patterns = ["_build", "_ext"]
suppress_warnings = ["misc.highlighting_failure"]  # an excerpt with … in it is no TOML, and shown all the same
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # what the tutorial shows is what it printed during this build
nb_execution_raise_on_error = True
nb_execution_timeout = 60
nb_execution_in_temp = True  # it writes its documents there

default_role = "code"  # `name` in a docstring is code
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True}
viewcode_line_numbers = True
add_module_names = False  # a page's title has the public name
nitpicky = True
nitpick_ignore_regex = [("py:(class|obj|data)", r"(sympy|collections|pathlib|typing)\..*")]  # pages of others
nitpick_ignore_regex += [("py:(class|obj)", r"(derive|verify)\..*|[A-Z]\w*")]  # types that have no page of their own

html_theme = "furo"
html_title = "Backproof"
html_static_path = ["_static", *map(str, (Path(__file__).parents[1] / "verify").rglob("stix-two-math.woff2"))]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"light_css_variables": {"font-stack--monospace": "ui-monospace, Menlo, Consolas, monospace"}}


def setup(app):
    """A declaration block is YAML; a document is shown as it is, as Markdown its formulas would be in italics."""
    app.add_lexer("backproof", YamlLexer)
    app.add_lexer("markdown", TextLexer)
