"""Entry point of `python -m emorec`."""

from emorec.cli.main import run

if __name__ == "__main__":
    run()
