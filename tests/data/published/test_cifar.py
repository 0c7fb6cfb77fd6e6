"""CIFAR's binary records, from a folder and from the archive."""

from __future__ import annotations

import numpy as np
import pytest

from bispike.data import load
from bispike.data.published.cifar import CIFAR10, CIFAR100, locate, read
from bispike.errors import DataError

from ..makers import cifar_records, tar_gz


def files(version, count=20):
    classes, heads = version.classes, version.label_bytes
    count = max(count, classes)
    records = {
        name: cifar_records(count, classes=classes, label_bytes=heads, seed=i) for i, name in enumerate(version.files)
    }
    images = {name: pair[1] for name, pair in records.items()}
    content = {name: pair[0] for name, pair in records.items()}
    content[version.class_file] = ("\n".join(f"kind{i}" for i in range(classes)) + "\n\n").encode()
    return content, images


@pytest.mark.parametrize("version", [CIFAR10, CIFAR100], ids=lambda version: version.name)
def test_folder_and_archive_hold_the_same_data(tmp_path, version):
    content, images = files(version)
    folder = tmp_path / "there" / version.folder
    folder.mkdir(parents=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    archive = tmp_path / "packed" / version.archive
    archive.parent.mkdir()
    tar_gz(archive, {f"{version.folder}/{name}": data for name, data in content.items()})
    assert locate(tmp_path / "there", version=version) == folder
    assert locate(archive.parent, version=version) == archive
    unpacked, packed = read(folder, version=version), read(archive, version=version)
    assert unpacked.fingerprint == packed.fingerprint == load(archive).fingerprint == load(folder).fingerprint
    assert np.array_equal(unpacked.train.stimuli.numpy(), np.concatenate([images[n] for n in version.train]))
    assert unpacked.train.labels[: version.classes].tolist() == list(range(version.classes))
    assert unpacked.concept.names[3] == "kind3"


def test_damage_is_named(tmp_path):
    content, _ = files(CIFAR10)
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "data_batch_3.bin").write_bytes(content["data_batch_3.bin"][:-1])
    with pytest.raises(DataError, match=r"data_batch_3.bin: expected a multiple of 3073 bytes"):
        read(tmp_path, version=CIFAR10)
    archive = tmp_path / CIFAR10.archive
    tar_gz(archive, content)
    archive.write_bytes(archive.read_bytes()[:-5000])
    with pytest.raises(DataError, match="truncated or damaged"):
        read(archive, version=CIFAR10)
    archive.write_bytes(b"no archive")
    with pytest.raises(DataError, match="truncated or damaged"):
        read(archive, version=CIFAR10)


def test_the_pickled_version_is_refused(tmp_path):
    archive = tmp_path / CIFAR10.archive
    tar_gz(archive, {"cifar-10-batches-py/data_batch_1": b"pickle"})
    with pytest.raises(DataError, match="binary version"):
        read(archive, version=CIFAR10)
    with pytest.raises(DataError, match="neither"):
        read(tmp_path / "nowhere", version=CIFAR10)
