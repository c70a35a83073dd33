"""Makes the packages named in HIDDEN impossible to import, as if they were not installed."""

import os
import sys

for name in os.environ["HIDDEN"].split(","):
    sys.modules[name] = None  # type: ignore[assignment]
