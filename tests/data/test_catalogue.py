"""The published sets by name: where they are looked for, what is said where they are missing or different."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib

import pytest

import bispike.data
from bispike.data import fetch, info, load, names, registry, storage
from bispike.data.formats import idx
from bispike.errors import ConfigurationError, DataError, DownloadError, UnknownNameError

from .makers import IDX_NAMES, idx_folder
from .server import Site, serve


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no other root."""
    monkeypatch.delenv("BISPIKE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return storage.roots()[0]


@pytest.fixture
def small(monkeypatch):
    """MNIST's entry, as if 20 and 10 small images had been published."""
    entry = dataclasses.replace(registry["mnist"], shape=(1, 5, 4), classes=10, sizes=(20, 10))
    entry = dataclasses.replace(entry, classes=3, read=lambda folder: idx.read(folder, name="mnist"))
    monkeypatch.setitem(registry, "mnist", entry)
    return entry


def test_the_registry_is_complete_and_consistent():
    assert set(names()) == {
        "digits", "mnist", "fashion-mnist", "cifar10", "cifar100", "svhn", "tiny-imagenet",
        "python-docs", "tinyshakespeare", "mackey-glass", "exchange-rate", "electricity", "metr-la", "metr-la-week",
        "pems-bay", "pjm-load", "n-mnist",
    }  # fmt: skip
    for name, entry in registry.items():
        assert name == entry.name
        assert entry.source
        assert entry.licence
        assert entry.summary
        for file in entry.files:
            assert file.urls
            schemes = [url.partition(":")[0] for url in file.urls]
            assert schemes == sorted(schemes, reverse=True), "https stands first"
            assert len(file.checksum) in (len("md5:") + 32, len("sha256:") + 64)
            assert all(url.startswith("http") and url.endswith(file.name) for url in file.urls)


@pytest.mark.parametrize("name", ["fashion_mnist", "mnst", "Digits", "tinyshakespear"])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(UnknownNameError, match=r"unknown data set.*tiny-imagenet"):
        load(name)
    with pytest.raises(UnknownNameError, match="unknown data set"):
        info(name)


def test_the_nearest_name_is_suggested():
    with pytest.raises(UnknownNameError, match="did you mean 'fashion-mnist'"):
        load("fashion_mnist")


def test_a_path_that_is_not_there_is_named(tmp_path):
    for path in ("nowhere/set", "set.npz", tmp_path / "set"):
        with pytest.raises(DataError, match="no such file or folder"):
            load(path)
    (tmp_path / "set.doc").write_text("x")
    with pytest.raises(DataError, match=r"expected a file that ends with \.npz, .*, or a folder with"):
        load(tmp_path / "set.doc")


def test_roots_are_searched_in_order(tmp_path, monkeypatch, small, cache):
    places = [tmp_path / "given", tmp_path / "variable", cache]
    monkeypatch.setenv("BISPIKE_DATA", str(places[1]))
    assert storage.roots(places[0]) == places
    for place in reversed(places):
        idx_folder(place / "mnist")
        assert storage.find(small, places[0]) == place / "mnist"
    assert len(load("mnist", root=places[0], download=False).train) == 20


@pytest.mark.parametrize("folder", ["fashion_mnist", "fashion-mnist", "FashionMNIST/raw"])
def test_usual_folder_names_are_accepted(tmp_path, folder):
    idx_folder(tmp_path / folder)
    found = storage.find(registry["fashion-mnist"], tmp_path)
    assert found == tmp_path / folder


def test_cifar_is_found_in_its_folder_and_beside_it(tmp_path):
    entry = registry["cifar10"]
    for place in (tmp_path / "a" / "cifar10", tmp_path / "b" / "cifar-10", tmp_path / "c"):
        folder = place / "cifar-10-batches-bin"
        folder.mkdir(parents=True)
        for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]:
            (folder / name).touch()
        root = tmp_path / place.relative_to(tmp_path).parts[0]
        found = storage.find(entry, root)
        assert found is not None
        assert found.samefile(folder)


def test_a_missing_set_says_which_files_go_where(tmp_path):
    with pytest.raises(DataError) as caught:
        load("mnist", root=tmp_path / "data", download=False)
    message = str(caught.value)
    assert str(tmp_path / "data" / "mnist") in message
    assert all(f"{name}.gz" in message for name in IDX_NAMES)
    assert "BISPIKE_DATA" in message
    assert not (tmp_path / "data").exists()


def test_other_content_than_published_is_refused(tmp_path):
    idx_folder(tmp_path / "mnist")
    with pytest.raises(DataError, match=r"not the published 'mnist': expected stimuli .1, 28, 28.*20 and 10"):
        load("mnist", root=tmp_path)
    assert load(tmp_path / "mnist" / ".").stimulus.shape == (1, 5, 4)


def test_names_take_no_options():
    with pytest.raises(ConfigurationError, match="takes no options, received size"):
        load("digits", size=3, target=None)


def published(folder, site_of, small):
    files = []
    for file in small.files:
        content = (folder / file.name).read_bytes()
        site = site_of(content)
        checksum = "md5:" + hashlib.md5(content).hexdigest()
        files.append(dataclasses.replace(file, urls=(site.address,), checksum=checksum, size=len(content)))
    return dataclasses.replace(small, files=tuple(files))


def test_a_missing_set_is_downloaded_once_to_the_first_root(tmp_path, monkeypatch, small):
    idx_folder(tmp_path / "source")
    with contextlib.ExitStack() as stack:
        entry = published(tmp_path / "source", lambda content: stack.enter_context(serve(Site(content))), small)
        monkeypatch.setitem(registry, "mnist", entry)
        monkeypatch.setenv("BISPIKE_DATA", str(tmp_path / "variable"))
        found = []
        data = load("mnist", progress=lambda name, *_: found.append(name))
        assert len(data.train) == 20
        assert set(found) == {f"{name}.gz" for name in IDX_NAMES}
        assert info("mnist")["path"] == str(tmp_path / "variable" / "mnist")
        assert fetch("mnist", tmp_path / "given") == tmp_path / "variable" / "mnist"
    assert load("mnist", download=False).fingerprint == data.fingerprint


def test_offline_the_message_names_folder_and_files(tmp_path, monkeypatch, small):
    with serve(Site(b"no", status=404)) as site:
        files = tuple(dataclasses.replace(file, urls=(site.address,)) for file in small.files)
        monkeypatch.setitem(registry, "mnist", dataclasses.replace(small, files=files))
        with pytest.raises(DownloadError) as caught:
            fetch("mnist", tmp_path / "data")
    message = str(caught.value)
    assert "answered 404" in message
    assert f"Put these files into {tmp_path / 'data' / 'mnist'}" in message
    assert all(f"{name}.gz" in message for name in IDX_NAMES)


def test_a_root_that_cannot_be_written_is_named_before_anything_is_fetched(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot write to .*/file"):
        fetch("mnist", tmp_path / "file")


def test_a_root_that_cannot_be_written_is_passed_over_where_none_was_given(tmp_path, monkeypatch, cache):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BISPIKE_DATA", str(tmp_path / "file"))
    assert storage.destination(registry["mnist"]) == cache / "mnist"


def test_the_embedded_set_needs_nothing():
    assert fetch("digits") is None
    found = info("digits")
    assert found["present"] is True
    assert found["files"] == []


def test_info_says_whether_the_files_are_on_disk(tmp_path, small):
    found = info("mnist", tmp_path)
    assert found["present"] is False
    assert found["path"] is None
    assert found["searched"][0] == str(tmp_path / "mnist")
    idx_folder(tmp_path / "mnist")
    assert info("mnist", tmp_path)["path"] == str(tmp_path / "mnist")


def test_damage_in_a_published_set_is_named(tmp_path):
    idx_folder(tmp_path / "mnist")
    path = tmp_path / "mnist" / f"{IDX_NAMES[0]}.gz"
    path.write_bytes(gzip.compress(b"\0" * 100)[:20])
    with pytest.raises(DataError, match="truncated or damaged"):
        load("mnist", root=tmp_path)


def test_the_public_names():
    assert bispike.data.registry is registry
    assert callable(bispike.data.augment.create)
