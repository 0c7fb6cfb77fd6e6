"""Saving and loading of a learner: a checkpoint folder of safetensors and JSON, written atomically, without pickle."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..data.schema import Schema, from_dict, to_dict
from ..errors import CheckpointError, ConfigurationError, DamagedError
from ..json_values import expect, is_switch, is_table, record
from ..nn import Classifier
from ..runs import checkpoint
from ..runs.checkpoint import Checkpoint
from ..runs.marker import LEARNER
from ..runs.rebuild import rebuilt_network, restore_rule
from ..training.optimizer_state import optimizer_state, restore_optimizer, state_for
from .class_memory import ClassMemory
from .layer_trainer import LayerTrainer

KIND = "online learner"
_IDENTITY = record({"network": is_table, "consolidated": is_switch})
_VALUES = record(
    {"settings": is_table, "training": is_switch, "optimizer": is_table}, {"schema": lambda value, place: None}
)


class Storable(Protocol):
    """The state of a learner: its layers are trained by `layer_trainer`, or frozen beside a `memory` of classes."""

    network: Classifier
    schema: Schema | None
    settings: dict[str, Any]
    taught: int
    layer_trainer: LayerTrainer | None
    memory: ClassMemory | None

    def consolidate(self) -> object:
        """Freeze the layers and begin an empty memory."""


Learner = TypeVar("Learner", bound=Storable)


def save(learner: Storable, folder: Path) -> None:
    """Write a learner; see `Learner.save`."""
    network = learner.network
    if not network.spec:
        raise ConfigurationError("save: expected a network that can be built again; make it with bispike.models.")
    tensors = {f"network/{name}": value for name, value in network.state_dict().items()}
    values = {"settings": learner.settings, "training": network.training, "optimizer": {}}
    values["schema"] = None if learner.schema is None else to_dict(learner.schema)
    if learner.memory is not None:
        tensors |= {f"memory/{name}": value for name, value in learner.memory.state_dict().items()}
    elif learner.layer_trainer is not None:
        moments, values["optimizer"] = optimizer_state(learner.layer_trainer.optimizer)
        tensors |= moments
        tensors |= {f"rule/{name}": value for name, value in learner.layer_trainer.rule.state_dict().items()}
    identity = {"kind": KIND, "network": network.spec, "consolidated": learner.memory is not None}
    checkpoint.claim_folder(folder, LEARNER)
    checkpoint.save(folder, Checkpoint(0, 0, learner.taught, tensors, values, identity))


def load(create: Callable[..., Learner], folder: Path) -> Learner:
    """Read a learner; see `Learner.load`.

    Args:
        create: makes a learner from a network and the saved settings.
        folder: where `save` wrote it.
    """
    found = checkpoint.restore(folder, lambda saved: _restored(create, saved, folder), note=_warn)
    if found is None:
        raise CheckpointError(f"{folder}: expected a folder that Learner.save wrote, found none there.")
    return found


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=5)


def _restored(create: Callable[..., Learner], saved: Checkpoint, folder: Path) -> Learner:
    if saved.identity.get("kind") != KIND:
        raise CheckpointError(f"{folder}: expected a folder that Learner.save wrote, found none there.")
    _IDENTITY(saved.identity, f"{folder}: identity")
    _VALUES(saved.values, f"{folder}: values")
    consolidated, source = saved.identity["consolidated"], str(folder)
    network = rebuilt_network(saved.identity["network"], saved.group("network"), source)
    expect(isinstance(network, Classifier), f"{source}: network", "a classifier", network.kind)
    known = saved.values.get("schema")
    schema = None if known is None else from_dict(known, f"{source}: schema")
    try:
        learner = create(network, **saved.values["settings"], schema=schema)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError) as error:
        raise DamagedError(f"{folder}: its learner cannot be built again: {error}") from error
    if consolidated:
        learner.consolidate()
        assert learner.memory is not None
        learner.memory.load_state_dict(saved.group("memory"), source=source)
    elif learner.layer_trainer is not None:
        trainer = learner.layer_trainer
        memory = state_for(
            trainer.optimizer, saved.group("optimizer"), saved.values["optimizer"], most=saved.updates, source=source
        )
        restore_rule(trainer.rule, saved.group("rule"), source)
        restore_optimizer(trainer.optimizer, memory)
    network.train(saved.values["training"])
    learner.taught = saved.updates
    return learner
