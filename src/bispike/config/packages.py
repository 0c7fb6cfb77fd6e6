"""Rules, settings and data sets of other packages, for the command line.

In Python a package is imported by hand. For `bispike` it names its module in pyproject.toml:

    [project.entry-points."bispike.packages"]
    mine = "my_package"
"""

from __future__ import annotations

from importlib.metadata import entry_points

from ..errors import ConfigurationError

GROUP = "bispike.packages"


def load_packages() -> None:
    """Import the modules that installed packages name, so that they register what they add.

    Raises:
        ConfigurationError: a module cannot be imported.
    """
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:
            raise ConfigurationError(
                f"package {point.name!r}: expected a module {point.value!r} that can be imported, received "
                f"{type(error).__name__}: {error}. Repair or uninstall that package."
            ) from error
