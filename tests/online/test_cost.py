"""What observing and teaching cost: products counted, tensors alive counted."""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from bispike.online import Learner
from tests.online.conftest import CLASSES, KNOWN, clouds, consolidated, small, teach_new

STEPS = 6
CLASS_ROWS = {classes * steps for classes in (KNOWN, CLASSES) for steps in (1, STEPS)}
PRODUCTS = {"mm", "addmm", "mv", "addmv", "bmm", "baddbmm", "convolution"}


class Products(TorchDispatchMode):
    """Sizes of the factors of every matrix product under way."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[set[int]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.overloadpacket.__name__.rstrip("_") in PRODUCTS:
            factors = [a for a in args if isinstance(a, torch.Tensor)][-2:]
            self.sizes.append({size for factor in factors for size in factor.shape})
        return func(*args, **(kwargs or {}))

    def without_classes(self) -> list[set[int]]:
        """Products in which no factor has one row per class, or one row per class and time step."""
        return [sizes for sizes in self.sizes if not sizes & CLASS_ROWS]


@pytest.fixture(autouse=True)
def _products_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiled product is no operation of torch and would not be counted."""
    monkeypatch.setattr("bispike.functional.backends.compiled.library", lambda: None)


def products(action: Callable[[], object]) -> Products:
    with Products() as watch:
        action()
    return watch


def training() -> Learner:
    return Learner(small(time_steps=STEPS))


def extended() -> Learner:
    learner = consolidated(small(time_steps=STEPS))
    teach_new(learner, shots=2)
    return learner


STATES = {"training": training, "consolidated": lambda: consolidated(small(time_steps=STEPS)), "extended": extended}


@pytest.mark.parametrize("state", STATES)
def test_observing_costs_the_products_of_inference(state: str) -> None:
    learner = STATES[state]()
    stimulus, _ = clouds(1, seed=0)
    observed = products(lambda: learner.observe(stimulus))
    inferred = products(lambda: learner.network.logits(stimulus))
    assert observed.without_classes() == inferred.without_classes()
    assert len(inferred.without_classes()) >= len(learner.network.layers)


@pytest.mark.parametrize(("state", "ends"), [("training", 0), ("consolidated", 1), ("extended", 1)])
def test_teaching_costs_one_product_per_layer_and_products_with_as_many_rows_as_classes(state: str, ends: int) -> None:
    """Frozen layers: one for the templates of each layer, and one for those of the readout's input."""
    learner = STATES[state]()
    stimulus, _ = clouds(1, seed=0)
    learner.observe(stimulus)
    taught = products(lambda: learner.teach(len(learner.classes) - 1))
    assert len(taught.without_classes()) == len(learner.network.layers) + ends


@pytest.fixture
def _frozen_objects() -> Iterator[None]:
    """Objects from before the stream are left out of the count: there are many, and to visit them takes a second."""
    gc.freeze()
    yield
    gc.unfreeze()


def alive() -> tuple[int, int]:
    """Number of tensors, and bytes of their storages."""
    gc.collect()
    tensors = [thing for thing in gc.get_objects() if type(thing) in (torch.Tensor, torch.nn.Parameter)]
    storages = {tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes() for tensor in tensors}
    return len(tensors), sum(storages.values())


@pytest.mark.usefixtures("_frozen_objects")
@pytest.mark.parametrize("state", STATES)
def test_memory_does_not_grow_with_the_stream(state: str) -> None:
    learner = STATES[state]()
    stimuli, labels = clouds(60, seed=0, classes=len(learner.classes))
    stream = list(zip(stimuli, labels, strict=True))
    learner.run(stream[:20])
    before = alive()
    learner.run(stream[20:])
    assert alive() == before
