"""Multi-layer perceptron: dense layers of any number and width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arguments import checked, wholes
from ..nn import Classifier, Dense
from ..nn.weight_limit import limited
from ..spaces import Concept, Stimulus
from .assembly import MOST_LAYERS, N, Options, finish
from .registry import Model, register


@checked
@limited
def mlp(
    stimulus: Stimulus | Sequence[int] | int,
    widths: Sequence[int],
    concept: Concept | Sequence[str] | int,
    **options: Any,
) -> Classifier:
    """Dense two-pathway network.

    Args:
        stimulus: the input (`data.stimulus`, a shape, or a number of features).
        widths: neurons of each hidden layer, bottom to top; at least one layer.
        concept: the classes (`data.concept`, names, or a number of classes).
        **options: fields of `Options` (time_steps, threshold, decay, norm, gain, codes, seed, ...).

    Returns:
        Classifier.

    Raises:
        ConfigurationError: settings are wrong; all are listed together.
    """
    spec = {"model": "mlp", "widths": wholes("widths", widths, most=MOST_LAYERS)}
    return dense_network(Classifier, stimulus, widths, concept, options, spec)


@checked
def dense_network(
    kind: type[N],
    stimulus: Stimulus | Sequence[int] | int,
    widths: Sequence[int],
    concept: Concept | Sequence[str] | int,
    options: dict[str, Any],
    spec: dict[str, Any],
) -> N:
    """A network of this class from dense layers; arguments as for `mlp`, with the options in a dict."""
    opts = Options.of(options)
    widths = wholes("widths", widths, most=MOST_LAYERS)
    stimulus, concept = Stimulus.of(stimulus), Concept.of(concept)
    code = opts.concept_code(concept)
    shapes = [opts.source_shape(stimulus), *[(int(width),) for width in widths]]
    above = [*shapes[2:], (code.size,)]
    layers = []
    for i, (source, target, top) in enumerate(zip(shapes[:-1], shapes[1:], above, strict=True), start=1):
        layers.append(opts.layer(i, Dense(source, target), Dense(top, target)))
    return finish(
        layers,
        readout=Dense(shapes[-1], (code.size,)),
        stimulus_readout=Dense(shapes[1], stimulus.shape),
        stimulus=stimulus,
        concept=concept,
        code=code,
        options=opts,
        spec=spec,
        kind=kind,
    )


register(Model("mlp", "dense layers 1024-512-256", mlp, "widths", Classifier, {"widths": [1024, 512, 256]}))
register(Model("mlp-small", "dense layers 256-128", mlp, "widths", Classifier, {"widths": [256, 128]}))
