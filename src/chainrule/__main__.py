"""``python -m chainrule``: the command line. It is the same as the ``chainrule`` script."""

from chainrule.cli import main

if __name__ == "__main__":
    main()
