"""The application, and the one place where an error becomes a message and an exit status.

Exit status: 0 done, 1 the work failed, 2 a user's mistake. A message never carries a traceback; for an
error that is a defect of the library, `BISPIKE_DEBUG=1` adds one.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from .. import errors, files
from .._version import __version__
from ..config.packages import load_packages
from ..escaping import printable
from ..stopping import at_once
from ._output import Answer, as_json_text, show
from ._streams import lasting_streams, quiet_when_lost
from ._verbs import PACKAGE, Folder


class Application(Folder):
    """The group whose verbs return an `Answer` and whose errors are one message each."""

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run one verb and leave with its exit status."""
        words = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        as_json = "--json" in words
        stdout = sys.stdout
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show
        try:
            with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
                for place, word in enumerate(words):
                    if not word.strip() or (word.startswith("--") and word.endswith("=")):
                        raise _empty_word(words, place)
                load_packages()
                answer = super().main(words, prog_name or "bispike", standalone_mode=False, **extra)
            if isinstance(answer, Answer):
                with quiet_when_lost(stdout):
                    show(answer, as_json=as_json, stream=stdout)
                    stdout.flush()
                sys.exit(answer.status)
            sys.exit(answer if isinstance(answer, int) else 0)
        except (Exception, KeyboardInterrupt) as error:
            status, message = describe(error)
            print(message, file=sys.stderr, flush=True)
            if os.environ.get("BISPIKE_DEBUG") == "1":
                print(printable("".join(traceback.format_exception(error)), keep="\n"), file=sys.stderr)
            if as_json:
                with quiet_when_lost(stdout):
                    stdout.write(as_json_text({"error": _payload(error, status, message)}) + "\n")
                    stdout.flush()
            sys.exit(status)


def describe(error: BaseException) -> tuple[int, str]:
    """Exit status and message of an error, in printable characters."""
    status, message = _described(error)
    return status, printable(message, keep="\n")


def _described(error: BaseException) -> tuple[int, str]:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return 2, error.format_message()
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "bispike"
        return 2, f"error: {_usage(error)}\nTry '{where} --help' for help."
    if isinstance(error, click.ClickException):
        return 2, f"error: {_usage(error)}"
    if isinstance(error, errors.ConfigurationError) and len(error.problems) > 1:
        listed = "\n".join(f"  - {problem}" for problem in error.problems)
        return error.exit_status, f"error: {len(error.problems)} settings are wrong:\n{listed}"
    if isinstance(error, errors.BispikeError):
        return error.exit_status, f"error: {error}"
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return 1, "error: interrupted."
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or _lacks_memory(error):
        return 1, "error: out of memory; a smaller --batch-size or fewer --time-steps need less."
    if isinstance(error, OSError) and error.strerror:
        if not isinstance(error.filename, str):
            return 1, f"error: {error.strerror}."
        known = files.describe(error, Path(error.filename), left="What was written before is complete")
        return known.exit_status, f"error: {known}"
    return 1, f"internal error: {type(error).__name__}: {error}\nBISPIKE_DEBUG=1 shows where."


def _lacks_memory(error: BaseException) -> bool:
    """Whether torch could not allocate memory of the processor, which it says by an error of no kind of its own."""
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def _usage(error: click.ClickException) -> str:
    """A message of click in one line: it quotes what was typed, line breaks included."""
    lists_choices = isinstance(error, click.MissingParameter)
    return " ".join(error.format_message().split()) if lists_choices else printable(error.format_message())


def _empty_word(words: Sequence[str], place: int) -> errors.UserError:
    """Refuses an empty value: `--out "$DIR"` with a variable that is not set would stand for the current folder."""
    word = words[place]
    before = word.rstrip("=") if word.strip() else words[place - 1] if place else "bispike"
    return errors.UserError(f"{before}: expected a value, received an empty text. Is a variable of the shell not set?")


def _payload(error: BaseException, status: int, message: str) -> dict[str, Any]:
    kind = type(error).__name__
    return {"kind": kind, "message": message.removeprefix("error: "), "status": status}


@click.group(
    cls=Application,
    package=PACKAGE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="bispike", message="%(prog)s %(version)s")
def app() -> None:
    """Spiking networks whose two pathways teach each other, without backpropagation.

    Every verb takes --json: standard output is then exactly one JSON object. Exit status: 0 done, 1 the work
    failed, 2 a mistake in what was asked for.
    """


def main() -> NoReturn:
    """Entry point of the command `bispike`."""
    with lasting_streams(), at_once():
        app.main()
