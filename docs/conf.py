"""How the documentation is built. Warnings are errors (``make docs``)."""

from pathlib import Path

from ringfence import __version__
from ringfence.cli.manual import page

project = "Ringfence"
author = "The Ringfence authors"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "adr/template.md"]
highlight_language = "text"
html_theme = "furo"
html_title = "Ringfence"
nitpicky = False
html_static_path = ["_static"]
html_css_files = ["ringfence.css"]
html_show_copyright = False

_COMMANDS = Path(__file__).parent / "_build" / "commands.md"
"""Every command's help, as reference/commands.md includes it: made at each build, so that it is what is typed."""
_COMMANDS.parent.mkdir(exist_ok=True)
_COMMANDS.write_text(page(), encoding="utf-8")
