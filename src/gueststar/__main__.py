"""``python -m gueststar``."""

from gueststar.cli import main

if __name__ == "__main__":
    main()
