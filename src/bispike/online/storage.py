"""A learner at rest: a checkpoint folder of safetensors and JSON, written atomically, read without a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .. import models
from ..errors import CheckpointError, ConfigurationError, UnknownNameError
from ..runs import checkpoint
from ..runs.checkpoint import Checkpoint, load_weights
from ..training.state import optimizer_state, restore_optimizer
from .class_memory import ClassMemory

if TYPE_CHECKING:
    from .learner import Learner

KIND = "online learner"


def save(learner: Learner, folder: Path) -> None:
    """Write a learner; see `Learner.save`."""
    network = learner.network
    if not network.spec:
        raise ConfigurationError("save: expected a network that can be built again; make it with bispike.models.")
    tensors = {f"network/{name}": value for name, value in network.state_dict().items()}
    values = {"settings": learner.settings, "training": network.training, "optimizer": {}}
    if learner.memory is not None:
        tensors |= {f"memory/{name}": value for name, value in learner.memory.state_dict().items()}
    elif learner.plasticity is not None:
        memory, values["optimizer"] = optimizer_state(learner.plasticity.optimizer)
        tensors |= memory
        tensors |= {f"rule/{name}": value for name, value in learner.plasticity.rule.state_dict().items()}
    identity = {"kind": KIND, "network": network.spec, "consolidated": learner.memory is not None}
    checkpoint.save(folder, Checkpoint(0, 0, learner.taught, tensors, values, identity))


def load(kind: type[Learner], folder: Path) -> Learner:
    """Read a learner; see `Learner.load`."""
    saved = checkpoint.load(folder)
    if saved is None or saved.identity.get("kind") != KIND:
        raise CheckpointError(f"{folder}: expected a folder that Learner.save wrote, found none there.")
    try:
        network = models.build(saved.identity["network"])
        weights = saved.group("network")
        network.to(weights["readout.weight"].dtype)
        load_weights(network, weights, folder)
        learner = kind(network, **saved.values["settings"])
        if saved.identity["consolidated"]:
            learner.consolidate()
            assert isinstance(learner.memory, ClassMemory)
            learner.memory.load_state_dict(saved.group("memory"))
        elif learner.plasticity is not None:
            learner.plasticity.rule.load_state_dict(saved.group("rule"))
            restore_optimizer(learner.plasticity.optimizer, saved.group("optimizer"), saved.values["optimizer"])
    except (KeyError, TypeError, ConfigurationError, UnknownNameError) as error:
        raise CheckpointError(f"{folder}: its learner cannot be built again: {error}") from error
    network.train(saved.values["training"])
    learner.taught = saved.updates
    return learner
