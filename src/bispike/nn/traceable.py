"""What a transform of torch cannot do with a network, refused by its cause."""

from __future__ import annotations

from torch import nn

from ..errors import ConfigurationError
from ..functional.backends.tracing import is_captured, is_forward_mode, is_transformed
from .inference import is_inference
from .norm import DriveNorm


def expect_traceable(network: nn.Module) -> None:
    """Check that a pass changes no state of the network where torch transforms or records it.

    Raises:
        ConfigurationError: norms in training mode update their statistics, or forward derivatives are wanted.
    """
    if not (is_transformed() or is_captured()) or is_inference():
        return
    if is_forward_mode():
        raise ConfigurationError(
            "network: expected a transform that goes backward, such as torch.func.grad, vjp or jacrev, received "
            "torch.func.jvp or jacfwd. The surrogate of a spike has no forward derivative."
        )
    if any(isinstance(module, DriveNorm) and module.training for module in network.modules()):
        raise ConfigurationError(
            "network: expected one in evaluation mode inside a tracer or transform of torch, received one in training "
            "mode, whose norms follow each batch. Call network.eval() first."
        )
