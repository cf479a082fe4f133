"""`python -m elman`: the same as the `elman` command."""

import sys

from elman.cli import main

if __name__ == "__main__":
    sys.exit(main())
