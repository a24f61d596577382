"""``python -m ringfence`` is ``ringfence``."""

from ringfence.cli.main import main

if __name__ == "__main__":
    main()
