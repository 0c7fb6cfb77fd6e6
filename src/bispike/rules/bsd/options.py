"""Options of BSD, one class per case: single stimuli, sequences, autoencoders. No option is there that does nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ...functional import CENTRES, CONTRASTS, LOSSES, REDUCTIONS
from ...nn import SLOPES
from ..options import FRACTION, NOT_NEGATIVE, POSITIVE, SHARE, RuleOptions, at_least, in_range, one_of, option
from ..readouts import TOP_LOSSES

FEATURES = ("rate", "drive")
TEMPLATES = ("same", *FEATURES)
PRIORS = ("uniform", "running")
RECONSTRUCTIONS = ("affinity", "reco")


@dataclass(frozen=True)
class BSDOptions(RuleOptions):
    """Options of BSD on single stimuli.

    Args:
        loss: `reco`, `infonce`, `cross-entropy` or `mse`.
        feature: what is aligned: the firing `rate` or the time-mean `drive`.
        template: what of the top-down population it is aligned with: the `rate`, the `drive` (what reaches the apical
            dendrite, real-valued), or the `same` as `feature`.
        contrast: which negatives: `batch` (the paper's literal loss), `masked`, `classes`, `expected`.
        prior: share of each class that `expected` and `classes` assume, and that weighs the mean of the templates:
            `uniform`, or `running`: how often it occurred over the last `centre_samples` samples or so.
        strength: λ of ReCo, at least 0.
        temperature: κ of InfoNCE and cross-entropy, positive.
        reduction: `sum`, `sample` or `mean` (see `functional.align`).
        centre: `none`, `batch`, or `running` (a running mean over samples; works at batch 1).
        centre_samples: memory of the running mean, in samples.
        reference_batch: batch size that `classes` and `expected` refer to.
        slope: d rate / d drive: `mean-field` or `unrolled` (forward through the neuron's steps).
        pool: side of the grid that larger maps are averaged to before they are aligned; 0: whole maps.
        top_loss: `cross-entropy`, or `reco` against the concept code (no signed error).
    """

    loss: str = option("reco", one_of(LOSSES))
    feature: str = option("rate", one_of(FEATURES))
    template: str = option("same", one_of(TEMPLATES))
    contrast: str = option("expected", one_of(CONTRASTS))
    prior: str = option("uniform", one_of(PRIORS))
    strength: float = option(0.2, NOT_NEGATIVE)
    temperature: float = option(0.1, POSITIVE)
    reduction: str = option("sample", one_of(REDUCTIONS))
    centre: str = option("running", one_of(CENTRES))
    centre_samples: int = option(1280, at_least(1))
    reference_batch: int = option(128, at_least(2))
    slope: str = option("mean-field", one_of(SLOPES))
    pool: int = option(0, at_least(0))
    top_loss: str = option("cross-entropy", one_of(TOP_LOSSES))


@dataclass(frozen=True)
class BSDSequenceOptions(BSDOptions):
    """Options of BSD on sequences: those on single stimuli, and the size of a block.

    Args:
        block: positions of a sequence that are processed at once. Where positions have templates of their own those of
            a block (512 at most) are each other's contrast; with 1 those of one position, so the update is local in
            time.
    """

    block: int = option(32, at_least(1))


@dataclass(frozen=True)
class BSDAutoencoderOptions(RuleOptions):
    """Options of BSD on autoencoders.

    Args:
        reconstruction: `affinity`, or `reco` of samples.
        strength: λ of ReCo, at least 0.
        reduction: of ReCo: `sum`, `sample` or `mean` (see `functional.align`).
        whitening: power in (0, 1] of the stimulus's affinities that the first layer keeps.
        cutoff: between a low and a high frequency band, in cycles per sample (0.5 is the highest along one axis); 0: one
            band.
        occlusion: largest share of a stimulus that is hidden in cues, which learn to call up the whole; 0: no cues.
        low, high: weight of each band in the stimulus's affinities, or λ of ReCo in each band.
    """

    reconstruction: str = option("affinity", one_of(RECONSTRUCTIONS))
    strength: float = option(0.2, NOT_NEGATIVE)
    reduction: str = option("sample", one_of(REDUCTIONS))
    whitening: float = option(0.7, SHARE)
    occlusion: float = option(0.0, FRACTION)
    cutoff: float = option(0.0, in_range(0, 0.71))
    low: float = option(1.0, NOT_NEGATIVE)
    high: float = option(4.0, NOT_NEGATIVE)
