"""How the documentation is built. Warnings are errors (``make docs``)."""

from ringfence import __version__

project = "Ringfence"
author = "The Ringfence authors"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "adr/template.md"]
html_theme = "furo"
html_title = "Ringfence"
nitpicky = False
