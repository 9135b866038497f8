"""`python -m lookalike.cli` is `lookalike`."""

from lookalike.cli import main

main()
