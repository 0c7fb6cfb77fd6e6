"""Alignment losses: closed forms against autograd of independent formulas, and the equalities that the engine uses."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike.errors import ConfigurationError, ShapeError
from bispike.functional import (
    CONTRASTS,
    LOSSES,
    REDUCTIONS,
    Alignment,
    AlignmentLoss,
    align,
    centre_rows,
    centre_rows_backward,
    centre_templates,
    centre_templates_backward,
    negative_counts,
    unit_rows,
)
from tests.oracles import cosine_matrix, literal_infonce, literal_mse, literal_reco

cases = st.tuples(st.integers(1, 7), st.integers(2, 5), st.integers(1, 6), st.integers(0, 999))


Case = tuple[int, int, int, int]


def draw(case: Case) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batch, classes, width, seed = case
    generator = torch.Generator().manual_seed(seed)
    feature = torch.randn(batch, width, dtype=torch.float64, generator=generator, requires_grad=True)
    template = torch.randn(classes, width, dtype=torch.float64, generator=generator, requires_grad=True)
    return feature, template, torch.randint(0, classes, (batch,), generator=generator)


def assert_gradients(loss: torch.Tensor, feature: torch.Tensor, template: torch.Tensor, result: Alignment) -> None:
    grad_feature, grad_template = torch.autograd.grad(loss, (feature, template))
    torch.testing.assert_close(result.value, loss.detach(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(result.grad_feature, grad_feature, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(result.grad_template, grad_template, rtol=1e-10, atol=1e-10)


@given(case=cases, strength=st.floats(0, 2))
@settings(max_examples=40, deadline=None)
def test_literal_loss_equals_the_class_form_with_counted_columns(case: Case, strength: float) -> None:
    feature, template, labels = draw(case)
    counts = negative_counts(labels, template.shape[0], contrast="batch", dtype=torch.float64)
    result = align(
        feature.detach(), template.detach(), labels, counts, AlignmentLoss(strength=strength, reduction="sum")
    )
    assert_gradients(literal_reco(feature, template[labels], strength), feature, template, result)


@given(case=cases)
@settings(max_examples=30, deadline=None)
def test_masked_leaves_out_pairs_of_the_same_class(case: Case) -> None:
    feature, template, labels = draw(case)
    counts = negative_counts(labels, template.shape[0], contrast="masked", dtype=torch.float64)
    result = align(feature.detach(), template.detach(), labels, counts, AlignmentLoss(strength=0.3, reduction="sum"))
    other = labels[:, None] != labels[None]
    assert_gradients(literal_reco(feature, template[labels], 0.3, keep=other), feature, template, result)


@given(case=cases, temperature=st.floats(0.1, 2))
@settings(max_examples=30, deadline=None)
def test_infonce_over_the_batch_equals_the_pairwise_cross_entropy(case: Case, temperature: float) -> None:
    feature, template, labels = draw(case)
    counts = negative_counts(labels, template.shape[0], contrast="batch", dtype=torch.float64)
    result = align(
        feature.detach(),
        template.detach(),
        labels,
        counts,
        AlignmentLoss(kind="infonce", temperature=temperature, reduction="sum"),
    )
    assert_gradients(literal_infonce(feature, template[labels], temperature), feature, template, result)


@given(case=cases, temperature=st.floats(0.1, 2))
@settings(max_examples=30, deadline=None)
def test_cross_entropy_is_a_classifier_with_the_templates_as_weights(case: Case, temperature: float) -> None:
    feature, template, labels = draw(case)
    counts = negative_counts(labels, template.shape[0], contrast="classes", reference_batch=template.shape[0])
    result = align(
        feature.detach(),
        template.detach(),
        labels,
        counts.double(),
        AlignmentLoss(kind="cross-entropy", temperature=temperature, reduction="sum"),
    )
    scores = feature @ template.T / feature.shape[1] ** 0.5 / temperature
    loss = torch.nn.functional.cross_entropy(scores, labels, reduction="sum")
    assert_gradients(loss, feature, template, result)
    torch.testing.assert_close(result.cosine, cosine_matrix(feature, template).detach(), rtol=1e-10, atol=1e-10)


@given(case=cases)
@settings(max_examples=20, deadline=None)
def test_mse(case: Case) -> None:
    feature, template, labels = draw(case)
    counts = negative_counts(labels, template.shape[0], dtype=torch.float64)
    result = align(feature.detach(), template.detach(), labels, counts, AlignmentLoss(kind="mse", reduction="sum"))
    assert_gradients(literal_mse(feature, template[labels]), feature, template, result)


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", ["reco", "infonce"])
@given(case=cases)
@settings(max_examples=8, deadline=None)
def test_every_option_against_autograd_of_the_weighted_form(
    contrast: str, reduction: str, loss: str, case: Case
) -> None:
    feature, template, labels = draw(case)
    batch, classes = feature.shape[0], template.shape[0]
    counts = negative_counts(labels, classes, contrast=contrast, dtype=torch.float64)
    result = align(
        feature.detach(),
        template.detach(),
        labels,
        counts,
        AlignmentLoss(kind=loss, strength=0.4, temperature=0.5, reduction=reduction),
    )
    cosine = cosine_matrix(feature, template)
    own = cosine[torch.arange(batch), labels]
    if reduction == "mean":
        counts = counts / counts.sum(1, keepdim=True).clamp(min=1e-12)
    if loss == "reco":
        each = (1 - own) ** 2 + 0.4 * (counts * cosine.clamp(min=0) ** 2).sum(1)
    else:
        counts = counts * (classes - 1) if reduction == "mean" else counts
        each = ((own / 0.5).exp() + (counts * (cosine / 0.5).exp()).sum(1)).log() - own / 0.5
    value = each.sum() if reduction == "sum" else each.mean()
    assert_gradients(value, feature, template, result)


@given(case=cases)
@settings(max_examples=20, deadline=None)
def test_centring_backwards(case: Case) -> None:
    feature, template, _ = draw(case)
    draws = torch.Generator().manual_seed(case[-1])
    prior = torch.rand(template.shape[0], dtype=torch.float64, generator=draws)
    prior = prior / prior.sum()
    grad = torch.randn(feature.shape, dtype=torch.float64, generator=draws)
    (expected,) = torch.autograd.grad(centre_rows(feature), feature, grad)
    torch.testing.assert_close(centre_rows_backward(grad.clone()), expected, rtol=1e-10, atol=1e-10)
    grad = torch.randn(template.shape, dtype=torch.float64, generator=draws)
    (expected,) = torch.autograd.grad(centre_templates(template, prior), template, grad)
    torch.testing.assert_close(centre_templates_backward(grad.clone(), prior), expected, rtol=1e-10, atol=1e-10)


def test_expected_counts_are_the_mean_of_the_literal_counts_over_batches() -> None:
    generator = torch.Generator().manual_seed(0)
    prior = torch.tensor([0.5, 0.3, 0.2])
    size, rounds = 64, 4000
    total = torch.zeros(3)
    for _ in range(rounds):
        others = torch.multinomial(prior, size - 1, replacement=True, generator=generator)
        total += torch.bincount(others, minlength=3)
    literal = total / rounds
    expected = negative_counts(torch.tensor([0]), 3, contrast="expected", prior=prior, reference_batch=size)[0]
    assert expected.tolist() == pytest.approx([64 * 0.5 - 1, 64 * 0.3, 64 * 0.2])
    torch.testing.assert_close(literal, expected, atol=1.0, rtol=0)


@pytest.mark.parametrize("contrast", ["classes", "expected"])
@given(case=cases)
@settings(max_examples=15, deadline=None)
def test_no_sample_depends_on_the_others_where_the_contrast_needs_no_batch(contrast: str, case: Case) -> None:
    feature, template, labels = draw(case)
    feature, template = feature.detach(), template.detach()
    counts = negative_counts(labels, template.shape[0], contrast=contrast, dtype=torch.float64)
    whole = align(feature, template, labels, counts, AlignmentLoss(reduction="sum"))
    for k in range(feature.shape[0]):
        alone = negative_counts(labels[k : k + 1], template.shape[0], contrast=contrast, dtype=torch.float64)
        single = align(feature[k : k + 1], template, labels[k : k + 1], alone, AlignmentLoss(reduction="sum"))
        torch.testing.assert_close(single.grad_feature[0], whole.grad_feature[k], rtol=1e-10, atol=1e-12)


def test_silent_rows_get_finite_gradients() -> None:
    counts = negative_counts(torch.tensor([0, 1]), 2, dtype=torch.float64)
    zeros = torch.zeros(2, 3, dtype=torch.float64)
    result = align(zeros, zeros.clone(), torch.tensor([0, 1]), counts)
    assert result.value == 1
    assert result.grad_template.abs().max() == 0
    one = torch.eye(2, 3, dtype=torch.float64)
    assert (
        align(zeros, one, torch.tensor([0, 1]), counts, AlignmentLoss(reduction="sum")).grad_feature.abs().max()
        <= 2 / 0.01
    )


def test_inputs_stay_unchanged_unless_given_away() -> None:
    feature, template, labels = draw((4, 3, 5, 1))
    feature, template = feature.detach(), template.detach()
    before = feature.clone(), template.clone()
    counts = negative_counts(labels, 3, dtype=torch.float64)
    kept = align(feature, template, labels, counts)
    assert torch.equal(feature, before[0])
    assert torch.equal(template, before[1])
    given_away = align(feature, template, labels, counts, consume=True)
    assert torch.equal(kept.grad_feature, given_away.grad_feature)


def test_wrong_shapes_and_names_are_explained() -> None:
    feature, template, labels = draw((4, 3, 5, 1))
    counts = negative_counts(labels, 3)
    with pytest.raises(ShapeError, match=r"\[4, 5\] and \[3, 4\]"):
        align(feature, template[:, :4], labels, counts)
    with pytest.raises(ShapeError, match="labels"):
        align(feature, template, labels[:2], counts)
    with pytest.raises(ConfigurationError, match="reco"):
        align(feature, template, labels, counts, AlignmentLoss(kind="recco"))
    with pytest.raises(ConfigurationError, match="did you mean 'classes'"):
        negative_counts(labels, 3, contrast="class")


def test_counts_by_hand() -> None:
    labels, occurrences = torch.tensor([0, 2, 0]), torch.tensor([5, 3, 1])
    batch = negative_counts(labels, 4, contrast="batch")
    assert batch.tolist() == [[1, 0, 1, 0], [2, 0, 0, 0], [1, 0, 1, 0]]
    assert negative_counts(labels, 4, contrast="masked").tolist() == [[0, 0, 1, 0], [2, 0, 0, 0], [0, 0, 1, 0]]
    whole = negative_counts(labels, 3, contrast="batch", occurrences=occurrences)
    assert whole.tolist() == [[4, 3, 1], [5, 3, 0], [4, 3, 1]]
    assert negative_counts(labels, 4, contrast="classes").tolist() == [
        [0, 32, 32, 32],
        [32, 32, 0, 32],
        [0, 32, 32, 32],
    ]
    assert negative_counts(labels, 4).tolist() == [[31, 32, 32, 32], [32, 32, 31, 32], [31, 32, 32, 32]]
    assert negative_counts(labels, 4).dtype == torch.float32


def test_a_class_that_a_reference_batch_hardly_holds_is_no_negative_of_itself() -> None:
    prior = torch.tensor([0.05, 0.95])
    counts = negative_counts(torch.tensor([0, 1]), 2, contrast="expected", prior=prior, reference_batch=10)
    torch.testing.assert_close(counts, torch.tensor([[0.0, 9.5], [0.5, 8.5]]))


def test_losses_are_the_documented_ones_by_default() -> None:
    loss = AlignmentLoss()
    assert (loss.kind, loss.strength, loss.temperature, loss.reduction) == ("reco", 0.1, 0.1, "sample")
    feature, template, labels = (value.detach() for value in draw((4, 3, 5, 1)))
    counts = negative_counts(labels, 3, dtype=torch.float64)
    assert torch.equal(
        align(feature, template, labels, counts).value, align(feature, template, labels, counts, loss).value
    )


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_rows_of_a_larger_batch_have_their_part_of_its_mean(kind: str, reduction: str) -> None:
    feature, template, labels = (value.detach() for value in draw((6, 3, 5, 1)))
    counts = negative_counts(labels, 3, dtype=torch.float64)
    loss = AlignmentLoss(kind, reduction=reduction)
    whole = align(feature, template, labels, counts, loss)
    parts = [
        align(feature[rows], template, labels[rows], counts[rows], loss, samples=6) for rows in (slice(2), slice(2, 6))
    ]
    torch.testing.assert_close(parts[0].value + parts[1].value, whole.value)
    torch.testing.assert_close(torch.cat([part.grad_feature for part in parts]), whole.grad_feature)
    torch.testing.assert_close(parts[0].grad_template + parts[1].grad_template, whole.grad_template)
    torch.testing.assert_close(torch.cat([part.cosine for part in parts]), whole.cosine)
    torch.testing.assert_close(whole.cosine, cosine_matrix(feature, template), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["infonce", "cross-entropy"])
def test_small_temperatures_do_not_overflow(kind: str) -> None:
    feature, template, labels = (value.detach().float() for value in draw((5, 3, 4, 2)))
    labels = labels.long()
    counts = negative_counts(labels, 3)
    result = align(feature * 10, template * 10, labels, counts, AlignmentLoss(kind, temperature=1e-3))
    exact = align(
        feature.double() * 10, template.double() * 10, labels, counts.double(), AlignmentLoss(kind, temperature=1e-3)
    )
    assert torch.isfinite(result.grad_feature).all()
    torch.testing.assert_close(result.value.double(), exact.value, rtol=1e-3, atol=1e-3)


def test_a_sample_without_negatives_is_pulled_alone() -> None:
    feature, template = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, 0.8]])
    labels, counts = torch.tensor([0]), torch.zeros(1, 1)
    result = align(feature, template, labels, counts, AlignmentLoss(reduction="mean"))
    cosine = 0.6 / (1 + 1e-4)
    assert float(result.value) == pytest.approx((1 - cosine) ** 2)
    assert torch.isfinite(result.grad_feature).all()


def test_unit_rows_by_hand() -> None:
    unit, norm = unit_rows(torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.03, 0.0]], dtype=torch.float64))
    assert norm.shape == (3, 1)
    assert norm.flatten().tolist() == pytest.approx([(25 + 1e-4) ** 0.5, 0.01, (9e-4 + 1e-4) ** 0.5])
    assert unit[1].tolist() == [0, 0]
    assert unit[0].tolist() == pytest.approx([3 / (25 + 1e-4) ** 0.5, 4 / (25 + 1e-4) ** 0.5])


def test_all_wrong_names_of_a_loss_are_listed() -> None:
    with pytest.raises(ConfigurationError) as error:
        AlignmentLoss("recco", reduction="summ")
    assert len(error.value.problems) == 2


@pytest.mark.parametrize(
    ("kind", "normed"), [("reco", True), ("infonce", True), ("cross-entropy", False), ("mse", False)]
)
def test_which_losses_compare_at_unit_length(kind: str, normed: bool) -> None:
    assert AlignmentLoss(kind).normed == normed
    feature, template, labels = (value.detach() for value in draw((4, 3, 5, 1)))
    counts = negative_counts(labels, 3, dtype=torch.float64)
    small, large = (align(size * feature, template, labels, counts, AlignmentLoss(kind)).value for size in (100, 200))
    assert torch.allclose(small, large, rtol=1e-5) == normed


@pytest.mark.parametrize("wrong", ["feature", "template", "negatives"])
def test_every_shape_is_checked(wrong: str) -> None:
    feature, template, labels = (value.detach() for value in draw((4, 3, 5, 1)))
    given: dict[str, torch.Tensor] = {"feature": feature, "template": template, "negatives": negative_counts(labels, 3)}
    given[wrong] = given[wrong][..., None] if wrong != "negatives" else given[wrong][:, :2]
    with pytest.raises(ShapeError, match="align"):
        align(given["feature"], given["template"], labels, given["negatives"])
