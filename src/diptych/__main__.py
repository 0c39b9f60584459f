"""`python -m diptych`: the command line."""

from diptych.cli import main

main()
