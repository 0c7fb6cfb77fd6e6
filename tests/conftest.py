"""What every test may rely on."""

import signal


def pytest_configure() -> None:
    """Ctrl-C can be tested although a shell that starts jobs in the background lets them ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
