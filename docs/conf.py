"""Sphinx: the documentation as a site that loads nothing from the network. `make docs` builds it."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

project = "semalign"
author = "The semalign maintainers"
copyright = "The semalign maintainers, Apache-2.0"
html_title = project
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
exclude_patterns = ["_build"]
nitpicky = True


def setup(app: Sphinx) -> dict[str, Any]:
    """Formulas as MathML, which browsers draw themselves: the usual renderers fetch a script from the network."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True}


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode
