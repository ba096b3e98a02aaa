"""`python -m poolkeeper` is the `poolkeeper` command."""

from poolkeeper.cli.main import main

if __name__ == "__main__":
    main()
