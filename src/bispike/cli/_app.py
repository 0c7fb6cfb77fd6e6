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
from typing import Any, NoReturn

import click

from .. import errors
from .._version import __version__
from ..config.packages import load_packages
from ._output import Answer, as_json_text, show
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
                empty = next(
                    (i for i, word in enumerate(words) if not word.strip() or (word[-1] == "=" and word[:2] == "--")),
                    None,
                )
                if empty is not None:
                    raise _empty_word(words[empty].strip("= ") or words[empty - 1 if empty else 0])
                load_packages()
                answer = super().main(words, prog_name or "bispike", standalone_mode=False, **extra)
            if isinstance(answer, Answer):
                show(answer, as_json=as_json, stream=stdout)
                stdout.flush()
                sys.exit(answer.status)
            sys.exit(answer if isinstance(answer, int) else 0)
        except BrokenPipeError:
            _leave_quietly()
        except (Exception, KeyboardInterrupt) as error:
            status, message = describe(error)
            print(message, file=sys.stderr, flush=True)
            if os.environ.get("BISPIKE_DEBUG") == "1":
                traceback.print_exception(error)
            if as_json:
                stdout.write(as_json_text({"error": _payload(error, status, message)}) + "\n")
                stdout.flush()
            sys.exit(status)


def describe(error: BaseException) -> tuple[int, str]:
    """Exit status and message of an error."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return 2, error.format_message()
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "bispike"
        return 2, f"error: {error.format_message()}\nTry '{where} --help' for help."
    if isinstance(error, click.ClickException):
        return 2, f"error: {error.format_message()}"
    if isinstance(error, errors.ConfigurationError) and len(error.problems) > 1:
        listed = "\n".join(f"  - {problem}" for problem in error.problems)
        return error.exit_status, f"error: {len(error.problems)} settings are wrong:\n{listed}"
    if isinstance(error, errors.BispikeError):
        return error.exit_status, f"error: {error}"
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return 1, "error: interrupted."
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return 1, "error: out of memory; a smaller --batch-size or fewer --time-steps need less."
    if isinstance(error, OSError) and error.strerror:
        what = f" ({error.filename})" if error.filename else ""
        return 1, f"error: {error.strerror}{what}."
    return 1, f"internal error: {type(error).__name__}: {error}\nBISPIKE_DEBUG=1 shows where."


def _empty_word(place: str) -> errors.UserError:
    """An empty value: `--out "$DIR"` with a variable that is not set would stand for the current folder."""
    return errors.UserError(f"{place}: expected a value, received an empty text. Is a variable of the shell not set?")


def _payload(error: BaseException, status: int, message: str) -> dict[str, Any]:
    kind = type(error).__name__
    return {"kind": kind, "message": message.removeprefix("error: "), "status": status}


def _leave_quietly() -> NoReturn:
    """Whoever reads our output has closed it: print nothing more, also not when the interpreter ends."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


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
    app.main()
