"""The program's entry: ``ringfence`` and ``python -m ringfence``.

Apart from the command line's own module, so that Ctrl-C in the first moments, while that is being read, is an answer
like any later one and no traceback.
"""

import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from ringfence.cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.stderr.write("ringfence: interrupted\n")
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
