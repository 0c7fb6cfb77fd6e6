"""Batch norm on time-mean statistics: against torch's own, and its backward against autograd."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bispike.functional import (
    batch_statistics,
    normalise,
    normalise_backward,
    normalise_backward_fixed,
    normalise_backward_reference,
)

shapes = st.tuples(st.integers(2, 5), st.integers(1, 4), st.sampled_from([(), (3, 2), (1, 4)]), st.integers(0, 99))


def draw(case: tuple) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batch, channels, tail, seed = case
    generator = torch.Generator().manual_seed(seed)
    drive = torch.randn(batch, channels, *tail, dtype=torch.float64, generator=generator)
    weight = torch.rand(channels, dtype=torch.float64, generator=generator) + 0.5
    return drive, weight, torch.randn(channels, dtype=torch.float64, generator=generator)


@given(case=shapes)
@settings(max_examples=30, deadline=None)
def test_forward_equals_torch_batch_norm(case: tuple) -> None:
    drive, weight, bias = draw(case)
    expected = torch.nn.functional.batch_norm(drive, None, None, weight, bias, training=True, eps=1e-5)
    received = normalise(drive, *batch_statistics(drive), weight, bias, 1e-5)
    torch.testing.assert_close(received, expected, rtol=1e-10, atol=1e-10)


@given(case=shapes)
@settings(max_examples=30, deadline=None)
def test_backward_equals_autograd(case: tuple) -> None:
    drive, weight, bias = draw(case)
    leaves = [drive.clone().requires_grad_(), weight.clone().requires_grad_(), bias.clone().requires_grad_()]
    out = normalise(leaves[0], *batch_statistics(leaves[0]), leaves[1], leaves[2], 1e-5)
    grad = torch.randn(out.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(case[-1]))
    expected = torch.autograd.grad(out, leaves, grad)
    for backward in (normalise_backward, normalise_backward_reference):
        received = backward(grad, drive, *batch_statistics(drive), weight, 1e-5)
        for have, want in zip(received, expected, strict=True):
            torch.testing.assert_close(have, want, rtol=1e-10, atol=1e-10)


@given(case=shapes)
@settings(max_examples=30, deadline=None)
def test_backward_with_fixed_statistics_equals_autograd_in_any_layout(case: tuple) -> None:
    drive, weight, bias = draw(case)
    mean, variance = draw(case)[1], weight + 0.3
    leaves = [drive.clone().requires_grad_(), weight.clone().requires_grad_(), bias.clone().requires_grad_()]
    out = normalise(leaves[0], mean, variance, leaves[1], leaves[2], 1e-5)
    grad = torch.randn(out.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(case[-1]))
    expected = torch.autograd.grad(out, leaves, grad)
    layouts = [torch.contiguous_format] if drive.dim() == 2 else [torch.contiguous_format, torch.channels_last]
    for layout in layouts:
        received = normalise_backward_fixed(grad, drive.contiguous(memory_format=layout), mean, variance, weight, 1e-5)
        for have, want in zip(received, expected, strict=True):
            torch.testing.assert_close(have, want, rtol=1e-10, atol=1e-10)


@given(case=shapes, time_steps=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_the_time_mean_of_normalised_drives_is_the_norm_of_the_time_mean(case: tuple, time_steps: int) -> None:
    drive, weight, bias = draw(case)
    train = drive[None] + torch.randn(
        time_steps, *drive.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(case[-1] + 1)
    )
    mean = train.mean(0)
    statistics = batch_statistics(mean)
    each = torch.stack([normalise(step, *statistics, weight, bias, 1e-5) for step in train])
    torch.testing.assert_close(each.mean(0), normalise(mean, *statistics, weight, bias, 1e-5), rtol=1e-10, atol=1e-10)
