"""``python -m chainrule`` runs the command line. There is nothing to import here."""

import sys

from chainrule.cli import main

if __name__ == "__main__":
    sys.exit(main())
