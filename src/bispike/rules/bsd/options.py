"""Options of BSD, one class per case: single stimuli, sequences, autoencoders. Each class has only its own options."""

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
    """Options of BSD on single stimuli; each states its values, its meaning and the options that it needs."""

    loss: str = option("reco", one_of(LOSSES), "local loss of a layer")
    feature: str = option("rate", one_of(FEATURES), "what is aligned: the firing rate or the time-mean drive")
    template: str = option(
        "same",
        one_of(TEMPLATES),
        "what of the top-down population it is aligned with: the rate, the drive (what reaches the apical dendrite, "
        "real-valued), or the same as the feature",
    )
    contrast: str = option(
        "expected",
        one_of(CONTRASTS),
        "which classes are negatives: those of the batch (the paper's literal loss), those of other classes only "
        "(masked), every other class (classes), or their expectation over batches",
        only_with={"loss": ("reco", "infonce", "cross-entropy")},
    )
    prior: str = option(
        "uniform",
        one_of(PRIORS),
        "share of each class that expected and classes assume, and that weighs the mean of the templates: uniform, or "
        "how often it occurred over the last centre_samples samples or so",
    )
    strength: float = option(
        0.2,
        NOT_NEGATIVE,
        "λ of ReCo: weight of the negatives",
        only_with={"loss": ("reco",), "top_loss": ("reco",)},
        one_suffices=True,
    )
    temperature: float = option(
        0.1,
        POSITIVE,
        "κ of InfoNCE and of cross-entropy",
        only_with={"loss": ("infonce", "cross-entropy")},
    )
    reduction: str = option("sample", one_of(REDUCTIONS), "sums over samples and pairs, or means (functional.align)")
    centre: str = option(
        "running", one_of(CENTRES), "mean that features lose first: none, of the batch, or running (works at batch 1)"
    )
    centre_samples: int = option(1280, at_least(1), "memory of the running means and of the running prior, in samples")
    reference_batch: int = option(
        128,
        at_least(2),
        "batch size that classes and expected refer to",
        only_with={"contrast": ("classes", "expected")},
    )
    slope: str = option(
        "mean-field",
        one_of(SLOPES),
        "d rate / d drive: mean-field, or unrolled (forward through the neuron's steps)",
    )
    pool: int = option(
        0, at_least(0), "side of the grid that larger maps are averaged to before alignment; 0: whole maps"
    )
    top_loss: str = option(
        "cross-entropy", one_of(TOP_LOSSES), "loss of the readout: cross-entropy, or ReCo against the concept code"
    )


@dataclass(frozen=True)
class BSDSequenceOptions(BSDOptions):
    """Options of BSD on sequences: those on single stimuli, and the size of a block."""

    block: int = option(
        32,
        at_least(1),
        "positions of a sequence that are processed at once; where positions have templates of their own, those of a "
        "block (512 at most) are each other's contrast",
    )


@dataclass(frozen=True)
class BSDAutoencoderOptions(RuleOptions):
    """Options of BSD on autoencoders; each states its values, its meaning and the options that it needs."""

    reconstruction: str = option(
        "affinity", one_of(RECONSTRUCTIONS), "what a layer keeps: the affinities of its input, or ReCo of samples"
    )
    strength: float = option(0.2, NOT_NEGATIVE, "λ of ReCo", only_with={"reconstruction": ("reco",)})
    reduction: str = option(
        "sample",
        one_of(REDUCTIONS),
        "of ReCo: sums over samples and pairs, or means",
        only_with={"reconstruction": ("reco",)},
    )
    whitening: float = option(
        0.7,
        SHARE,
        "power of the stimulus's affinities that the first layer keeps",
        only_with={"reconstruction": ("affinity",)},
    )
    occlusion: float = option(
        0.0,
        FRACTION,
        "largest share of a stimulus that is hidden in cues, which learn to recall the whole; 0: no cues",
        only_with={"reconstruction": ("affinity",)},
    )
    cutoff: float = option(
        0.0,
        in_range(0, 0.71),
        "between a low and a high frequency band, in cycles per sample (0.5: the highest along one axis); 0: one band",
    )
    low: float = option(1.0, NOT_NEGATIVE, "weight of the low band, or its λ of ReCo", only_with={"cutoff": POSITIVE})
    high: float = option(4.0, NOT_NEGATIVE, "weight of the high band, or its λ of ReCo", only_with={"cutoff": POSITIVE})
