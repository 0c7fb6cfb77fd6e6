"""Records which functions of the package run, at the cost of one look-up per call.

Copied as `sitecustomize.py` onto the path of the tests, the file also records in the Python processes that a test
starts: they write what ran into the folder `MUTATION_TRACE`, under the name of the test in `MUTATION_TEST`.
"""

import atexit
import json
import os
import sys
import threading
from types import CodeType, FrameType

Touched = set[tuple[str, str]]  # (path within the package, qualified name of the function)


class Recorder:
    """A trace function that asks for no lines; `touched` may be exchanged at any time by `into`."""

    def __init__(self, package: str) -> None:
        self.package = package.rstrip("/") + "/"
        self.seen: set[CodeType] = set()
        self.touched: Touched = set()

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if code not in self.seen:
            self.seen.add(code)
            if code.co_filename.startswith(self.package):
                self.touched.add((code.co_filename[len(self.package) :], code.co_qualname))

    def into(self, touched: Touched) -> None:
        self.touched = touched
        self.seen = set()

    def start(self) -> None:
        threading.settrace(self)  # type: ignore[arg-type]
        sys.settrace(self)  # type: ignore[arg-type]


def _in_a_child(folder: str) -> None:
    recorder = Recorder(os.environ["MUTATION_PACKAGE"])

    def write() -> None:
        sys.settrace(None)
        with open(os.path.join(folder, f"{os.getpid()}.json"), "w") as file:
            json.dump([os.environ.get("MUTATION_TEST", ""), sorted(recorder.touched)], file)

    atexit.register(write)
    recorder.start()


if __name__ == "sitecustomize" and os.environ.get("MUTATION_TRACE"):
    _in_a_child(os.environ["MUTATION_TRACE"])
