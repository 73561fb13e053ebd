"""`python -m careplan` and the `careplan` command."""

import sys

from careplan.cli import run


def main() -> None:
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
