"""Recurrent networks for sequences: text and time series."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from ..arguments import checked, wholes
from ..errors import ConfigurationError
from ..nn import (
    Dense,
    Layer,
    Pathway,
    QuantityCode,
    RecurrentPathway,
    SequenceClassifier,
    SequenceForecaster,
    SequenceNetwork,
)
from ..nn.weight_limit import limited
from ..spaces import Concept, Quantities, Stimulus
from .assembly import MOST_LAYERS, Options
from .registry import Model, register

TUNED: dict[str, Any] = {"decay": 0.8, "reset": "soft", "threshold": 1.5, "excitability": 0.1}
"""Constants of neurons whose rate grows linearly with the drive and whose membrane decays."""


@checked
@limited
def rnn(
    stimulus: Stimulus | Sequence[int] | int,
    widths: Sequence[int],
    concept: Concept | Sequence[str] | int,
    *,
    symbols: bool | None = None,
    carry: bool = False,
    top_down_recurrent: bool = False,
    **options: Any,
) -> SequenceNetwork:
    """Recurrent two-pathway network.

    Args:
        stimulus: the input at a position: `data.stimulus`, or a number of symbols or columns.
        widths: neurons of each recurrent layer, bottom to top.
        concept: the target at a position: one of several classes, or `Quantities`.
        symbols: whether stimuli are symbols; None: they are symbols if the targets are as many classes.
        carry: whether membrane potentials continue from position to position: the sequence is time itself (with
            `time_steps=1` a position is a time step). Otherwise each position begins at rest.
        top_down_recurrent: whether the top-down populations are recurrent too, so that a template depends on the
            earlier targets.
        **options: fields of `Options` (time_steps, threshold, decay, reset, norm, excitability, gain, seed).

    Raises:
        ConfigurationError: all wrong settings, listed together.
    """
    opts = Options.of(options)
    widths = wholes("widths", widths, most=MOST_LAYERS)
    stimulus = Stimulus.of(stimulus)
    target = Concept.of(concept)
    problems = []
    if len(stimulus.shape) != 1:
        problems.append(
            f"stimulus: expected a row of values at each position, received shape {list(stimulus.shape)}; "
            "recordings of events are sequences with sequence=true."
        )
    if opts.stimulus_code != "current" or opts.decoder != "drive" or opts.concept_code_kind != "one-hot":
        problems.append("rnn: expected stimulus_code 'current', decoder 'drive' and concept_code 'one-hot'.")
    if problems:
        raise ConfigurationError(problems)
    quantities = target if isinstance(target, Quantities) else None
    if symbols is None:
        symbols = quantities is None and target.classes == stimulus.size
    sizes = [stimulus.size, *[int(width) for width in widths]]
    code = opts.concept_code(target)
    if quantities is not None:
        code = QuantityCode(target.classes, size=opts.concept_size, neuron=opts.top_down_neuron)
    generator = torch.Generator().manual_seed(opts.seed + 1)
    above = [*sizes[2:], code.size]
    ups = [RecurrentPathway(below, units, opts.neuron, norm=opts.norm, carry=carry) for below, units in pairwise(sizes)]
    downs = [
        _down(top, units, opts, recurrent=top_down_recurrent, carry=carry)
        for top, units in zip(above, sizes[1:], strict=True)
    ]
    for pathway in [*ups, *downs]:
        bias = pathway.synapse.bias if pathway.norm is None else pathway.norm.bias
        assert bias is not None
        nn.init.constant_(bias, opts.excitability * pathway.neuron.threshold)
    readout, stimulus_readout = Dense((sizes[-1],), (target.classes,)), Dense((sizes[1],), stimulus.shape)
    for place, path in enumerate(ups):
        path.initialise(opts.gain, generator, one_hot=symbols and place == 0)
        if path.norm is not None:
            nn.init.constant_(path.norm.weight, 0.35 * opts.threshold)
    readout.initialise(opts.gain, generator)
    for place, down in enumerate(downs):
        if top_down_recurrent:
            one_hot = place == len(downs) - 1 and quantities is None
            down.initialise(opts.gain, generator, one_hot=one_hot)  # type: ignore[operator]
        else:
            down.synapse.initialise(opts.gain, generator)
    stimulus_readout.initialise(opts.gain, generator)
    spec: dict[str, Any] = {
        "model": "rnn",
        "widths": sizes[1:],
        "symbols": symbols,
        "carry": carry,
        "top_down_recurrent": top_down_recurrent,
        **opts.plain(),
        **stimulus.spec,
        "concept_names": list(target.names),
    }
    kind: type[SequenceNetwork] = SequenceClassifier
    if quantities is not None:
        kind = SequenceForecaster
        spec |= {f"quantity_{part}": list(getattr(quantities, part)) for part in ("mean", "std", "present", "scale")}
    return kind(
        [Layer(f"layer{i}", up, down) for i, (up, down) in enumerate(zip(ups, downs, strict=True), start=1)],
        readout,
        stimulus_readout,
        stimulus=stimulus,
        concept=target,
        code=code,
        neuron=opts.neuron,
        time_steps=opts.time_steps,
        symbols=symbols,
        spec=spec,
    )


def _down(above: int, units: int, opts: Options, *, recurrent: bool, carry: bool) -> Pathway:
    """The top-down pathway of a layer; a recurrent one receives its own output too."""
    if recurrent:
        return RecurrentPathway(above, units, opts.top_down_neuron, norm=opts.norm, carry=carry)
    return Pathway(Dense((above,), (units,)), opts.top_down_neuron, norm=opts.norm)


register(
    Model("rnn", "recurrent layer of 324 for sequences", rnn, "widths", SequenceNetwork, {"widths": [324], **TUNED})
)
