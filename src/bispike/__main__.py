"""`python -m bispike` is the command `bispike`."""

from .cli import main

if __name__ == "__main__":
    main()
