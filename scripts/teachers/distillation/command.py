"""What the scripts of the run share: errors as one line, with emorec's exit codes."""

import sys
from collections.abc import Callable
from typing import NoReturn

from emorec.errors import EmorecError, MissingDependencyError


def run(main: Callable[[], None]) -> NoReturn:
    """Run a script's function and end the process; errors are printed without a traceback."""
    try:
        try:
            main()
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                f"the package {error.name} is not installed; see scripts/teachers/README.md"
            ) from error
    except EmorecError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)
