"""Features of a classifier, and the path to FID with a small network in the place of Inception."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from scipy.linalg import sqrtm
from torch import Tensor, nn

from bispike.analysis import ClassifierFeatures, Inception, extractors, frechet_between, generation_quality
from bispike.errors import ConfigurationError, DataError, DownloadError, ShapeError, UnknownNameError, UserError
from bispike.models import cnn, mlp
from bispike.nn import RATES


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


# ------------------------------------------------------------------ a classifier


def test_rates_of_the_layer_asked_for_whatever_the_batches() -> None:
    network, images = cnn((1, 8, 8), [3, 4], 2, seed=0), draw(7, 1, 8, 8)
    for layer, record in zip(network.layer_names, network.observe(images), strict=True):
        found = ClassifierFeatures(network, "small", layer, batch_size=3).features(images)
        torch.testing.assert_close(found, record.rate.flatten(1))
    last = ClassifierFeatures(network, "small")
    torch.testing.assert_close(last.features(images), found)
    assert last.label == f"Fréchet (small classifier, {network.layer_names[-1]})"


def test_a_rate_network_gives_its_activations() -> None:
    network, images = mlp((1, 4, 4), [6, 5], 2, seed=0), draw(4, 1, 4, 4)
    network.signals = RATES
    with network.inference():
        expected = [step.activity.rate for step in network.bottom_up_rates(network.encode(images))]
    torch.testing.assert_close(ClassifierFeatures(network, "rates").features(images), expected[-1])


def test_a_classifier_never_passes_for_fid() -> None:
    network = mlp((1, 4, 4), [6], 2)
    assert "FID" not in ClassifierFeatures(network, "confident").label
    with pytest.raises(ConfigurationError, match="FID"):
        ClassifierFeatures(network, "fid")
    with pytest.raises(UnknownNameError, match="layer"):
        ClassifierFeatures(network, "small", "layer9")


def test_all_measures_of_a_generated_set() -> None:
    extractor = ClassifierFeatures(mlp((1, 4, 4), [32], 2, seed=0), "small")
    real = draw(40, 1, 4, 4)
    same = generation_quality(extractor, real, real)
    assert same.pop("frechet") == pytest.approx(0, abs=1e-9)
    assert same.keys() == {"precision", "recall", "density", "coverage", "diversity"}
    assert same["diversity"] == same["precision"] == same["recall"] == 1
    copies = generation_quality(extractor, real, real[:1].expand(20, -1, -1, -1), neighbours=3)
    assert copies["frechet"] > 0
    assert copies["diversity"] == 0
    assert copies["recall"] == 1 / 40  # the one that was copied


# ------------------------------------------------------------------ the path to FID


class Tiny(nn.Module):
    """Five features of an image: as Inception, it takes bytes in three channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)

    def forward(self, pixels: Tensor) -> Tensor:
        assert pixels.dtype == torch.uint8
        assert pixels.shape[1] == 3
        return self.conv(pixels.float() / 128 - 1).relu().mean((2, 3))


def tiny(weights: extractors.Weights) -> nn.Module:
    network = Tiny()
    network.load_state_dict(weights)
    return network


def save(weights: extractors.Weights, path: Path) -> None:
    torch.save(weights, path)


def save_as_before_1_6(weights: extractors.Weights, path: Path) -> None:
    torch.save(weights, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize(
    ("name", "store"), [("tiny.pth", save), ("tiny.pth", save_as_before_1_6), ("tiny.safetensors", save_file)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_frechet_distance_of_stored_weights(tmp_path: Path, name: str, store: Callable, channels: int) -> None:
    torch.manual_seed(0)
    network = Tiny()
    store(network.state_dict(), tmp_path / name)
    extractor = Inception(tmp_path / name, build=tiny, batch_size=16)
    assert extractor.label == f"Fréchet (tiny, {name})"

    real = torch.randint(256, (50, channels, 8, 8), generator=torch.Generator().manual_seed(1))
    generated = torch.randint(200, (40, channels, 8, 8), generator=torch.Generator().manual_seed(2))
    gaussians = []
    for images in (real, generated):
        with torch.no_grad():
            features = network(images.to(torch.uint8).repeat(1, 3 // channels, 1, 1)).double()
        gaussians.append((features.mean(0), features.T.cov()))
    (mean, spread), (other_mean, other_spread) = gaussians
    root = sqrtm((spread @ other_spread).numpy()).trace().real
    expected = float((mean - other_mean).square().sum() + spread.trace() + other_spread.trace()) - 2 * root
    assert frechet_between(extractor, real / 255, generated / 255) == pytest.approx(expected, rel=1e-4)


def test_values_outside_are_clipped_and_other_shapes_refused(tmp_path: Path) -> None:
    save(Tiny().state_dict(), tmp_path / "tiny.pth")
    extractor = Inception(tmp_path / "tiny.pth", build=tiny)
    images = draw(3, 1, 8, 8) * 2 - 0.5
    torch.testing.assert_close(extractor.features(images), extractor.features(images.clamp(0, 1)))
    for shape in ((3, 8, 8), (0, 1, 8, 8), (3, 2, 8, 8)):
        with pytest.raises(ShapeError, match="images"):
            extractor.features(torch.zeros(shape))
    with pytest.raises(UserError, match="NaN"):
        extractor.features(images * float("nan"))


def test_the_file_given_comes_before_the_variable_and_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tmp_path / "hub" / "checkpoints" / "weights-inception-2015-12-05-6726825d.pth"
    cached.parent.mkdir(parents=True)
    places = [tmp_path / "given.pth", tmp_path / "named.pth", cached]
    for path in places:
        path.touch()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setenv(extractors.VARIABLE, str(places[1]))
    assert extractors.weights_file(places[0]) == places[0]
    assert extractors.weights_file() == places[1]
    monkeypatch.setenv(extractors.VARIABLE, "")
    assert extractors.weights_file() == cached


def test_a_file_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"weights: .*absent\.pth is not a file"):
        Inception(tmp_path / "absent.pth")
    monkeypatch.setenv(extractors.VARIABLE, str(tmp_path / "absent.pth"))
    with pytest.raises(DataError, match=rf"\${extractors.VARIABLE}: .*absent\.pth is not a file"):
        Inception()


def test_without_a_file_the_message_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> Path:
        raise DownloadError("no network")

    monkeypatch.delenv(extractors.VARIABLE, raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(extractors, "download", unreachable)
    with pytest.raises(DownloadError, match="no network") as caught:
        Inception()
    for part in (extractors.WEIGHTS_URL, str(tmp_path / "checkpoints"), extractors.VARIABLE):
        assert part in str(caught.value)


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    save(Tiny().state_dict(), tmp_path / "tiny.pth")
    with pytest.raises(DataError, match=r"tiny\.pth: is not the published file"):
        Inception(tmp_path / "tiny.pth")


def test_damaged_files_other_networks_and_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    for damaged in (path, path.with_suffix(".safetensors")):
        damaged.write_bytes(b"no weights")
        with pytest.raises(DataError, match="cannot be read"):
            Inception(damaged, build=tiny)
    save({"other": torch.zeros(1)}, path)
    with pytest.raises(DataError, match="does not contain the weights of tiny"):
        Inception(path, build=tiny)
    torch.save(Tiny(), path)
    with pytest.raises(DataError, match="cannot be read"):
        Inception(path, build=tiny)
    for suffix, store in (("safetensors", save_file), ("pth", torch.save)):
        stored = tmp_path / f"damaged.{suffix}"
        store({"bias": torch.tensor([1.0, float("nan")])}, stored)
        with pytest.raises(DataError, match=r"bias: expected finite values, received NaN or infinity in 1 of 2"):
            Inception(stored, build=tiny)
    torch.save([torch.zeros(1)], path)
    with pytest.raises(DataError, match="expected tensors by name, received list"):
        Inception(path, build=tiny)


def test_the_real_network_takes_weights_that_were_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights in the place of the published ones: the shapes and the way to load them are real."""
    module = "torch_fidelity.feature_extractor_inceptionv3"
    try:
        library = importlib.import_module(module)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"torch-fidelity cannot be imported: {error}")
    with monkeypatch.context() as patched:
        patched.setattr(library, "load_state_dict_from_url", lambda *_, **__: {})
        patched.setattr(nn.Module, "load_state_dict", lambda *_, **__: None)
        random = library.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    save_file(random.state_dict(), tmp_path / "random.safetensors")
    extractor = Inception(tmp_path / "random.safetensors")
    images = draw(2, 3, 8, 8)
    expected = random((images * 255).round().to(torch.uint8))[0]
    assert expected.shape == (2, 2048)
    torch.testing.assert_close(extractor.features(images), expected)
    assert extractor.label == "FID (weights random.safetensors)"
