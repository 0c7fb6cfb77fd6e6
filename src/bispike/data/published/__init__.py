"""The published data sets by name. A new one is an entry in a module of this folder, which is listed here."""

from __future__ import annotations

from . import cifar, digits, mnist, n_mnist, series, svhn, texts, tiny_imagenet
from .entry import DatasetEntry as DatasetEntry
from .entry import RemoteFile as RemoteFile

registry: dict[str, DatasetEntry] = {
    entry.name: entry
    for module in (digits, mnist, cifar, svhn, tiny_imagenet, texts, series, n_mnist)
    for entry in module.ENTRIES
}
"""The published data sets, by the names users type."""
