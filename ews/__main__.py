"""`python -m ews` is the command `ews`."""

from ews.cli import main

main()
