"""A function call that runs in a thread of its own while the caller goes on."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """A call that begins at once, in a thread; `result` waits for it.

    `concurrent.futures` does the same, but importing it takes longer than most of these calls save.

    Args:
        function: Called without arguments.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._returned: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="emorec-background")
        self._thread.start()

    def _run(self) -> None:
        try:
            self._returned.append(self._function())
        except BaseException as error:
            self._error = error

    def result(self) -> T:
        """Wait for the call, and return or raise what it returned or raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._returned[0]
