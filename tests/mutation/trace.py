"""Records which functions of the package run and which of their lines, each once per test.

Copied as `sitecustomize.py` onto the path of the tests, the file also records in the Python processes that a test
starts: they write what ran into the folder `MUTATION_TRACE`, under the name of the test in `MUTATION_TEST`.
"""

import atexit
import json
import os
import sys
import threading
from types import CodeType, FrameType

Touched = set[tuple[str, str]]  # (path within the package, qualified name of a function or ":" and a line)


class Recorder:
    """A trace function; `touched` may be exchanged at any time by `into`."""

    def __init__(self, package: str) -> None:
        self.package = package.rstrip("/") + "/"
        self.missing: dict[CodeType, set[int]] = {}  # lines that have not run yet
        self.touched: Touched = set()

    def __call__(self, frame: FrameType, event: str, argument: object) -> object:
        code = frame.f_code
        missing = self.missing.get(code)
        if missing is None:
            missing = self.missing[code] = set()
            if code.co_filename.startswith(self.package):
                missing |= {line for _, _, line in code.co_lines() if line}
                self.touched.add((code.co_filename[len(self.package) :], code.co_qualname))
        return self._line if missing else None

    def _line(self, frame: FrameType, event: str, argument: object) -> object:
        missing = self.missing.get(frame.f_code, set())
        if event == "line" and frame.f_lineno in missing:
            missing.discard(frame.f_lineno)
            self.touched.add((frame.f_code.co_filename[len(self.package) :], f":{frame.f_lineno}"))
        if not missing:
            frame.f_trace_lines = False
        return self._line

    def into(self, touched: Touched) -> None:
        self.touched = touched
        self.missing = {}

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
