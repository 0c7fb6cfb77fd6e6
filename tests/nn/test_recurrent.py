"""Recurrent layers: closed forms against autograd, time's arrow, blocks, and sequences that go on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bispike import models, rules
from bispike.errors import ConfigurationError, ShapeError
from bispike.functional import lif, native_usable
from bispike.nn import RATES, SPIKES, QuantityCode, RecurrentState, SequenceNetwork, Signals
from bispike.rules.feedback import eprop
from bispike.spaces import Quantities

LIVELY = {"threshold": 0.5, "excitability": 0.5}


def text_network(widths: list[int] | None = None, **options: object) -> SequenceNetwork:
    network = models.create("rnn", 6, tuple("abcdef"), widths=widths or [9], **{**LIVELY, **options})
    assert isinstance(network, SequenceNetwork)
    return network


def series_network(widths: list[int] | None = None, **options: object) -> SequenceNetwork:
    target = Quantities(("u", "v"), (0.5, -1.0), (2.0, 0.5), (2, 0), (1.0, 3.0))
    network = models.create("rnn", 3, target, widths=widths or [9], **{**LIVELY, **options})
    assert isinstance(network, SequenceNetwork)
    return network


def symbols(batch: int, length: int, seed: int = 0) -> Tensor:
    return torch.randint(6, (batch, length), generator=torch.Generator().manual_seed(seed))


def values(batch: int, length: int, columns: int = 3, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(batch, length, columns, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# ------------------------------------------------------------------ one position, float64


@pytest.mark.parametrize("norm", [False, True])
def test_the_update_of_one_position_is_the_surrogate_gradient(norm: bool) -> None:
    network = series_network(norm=norm).double().eval()
    path = network.paths[0]
    generator = torch.Generator().manual_seed(3)
    source = torch.randn(1, 5, 3, dtype=torch.float64, generator=generator)
    before = RecurrentState(torch.rand(5, 9, dtype=torch.float64, generator=generator))
    pull = torch.randn(5, 9, dtype=torch.float64, generator=generator)
    with torch.enable_grad():
        spikes, _ = path.taped_positions(source, before, 4, constant=True)
        parameters = [path.synapse.weight, path.synapse.bias]
        expected = torch.autograd.grad((spikes.mean(0)[0] * pull).sum(), parameters)
    found = path.forward_positions(source, source, before, 4, constant=True, unrolled=True)
    torch.testing.assert_close(found.activity.rate, spikes.mean(0)[0].detach())
    grad = pull * path.rate_slope(found.activity)
    if norm:  # the closed form takes off what the samples share twice over; a mean is what the tape takes off
        with torch.no_grad():
            shifted = grad * found.activity.statistics.scale
            path.synapse.write_gradient(shifted - shifted.mean(0), found.below)
    else:
        path.backward(grad, found.below, found.activity)
    torch.testing.assert_close(path.synapse.weight.grad, expected[0], rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(path.synapse.bias.grad, expected[1], rtol=1e-10, atol=1e-12)


def test_the_step_of_bsd_at_one_position_is_the_gradient_of_its_loss() -> None:
    """Features and templates from the two passes, the loss by torch: a graph of one position."""
    network = text_network(norm=False).double()
    stimulus, labels = symbols(7, 1), symbols(7, 1, seed=1)
    before = RecurrentState(torch.rand(7, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))
    network.rest = lambda batch: [before]  # type: ignore[method-assign]
    options = {"loss": "cross-entropy", "temperature": 0.3, "template": "drive", "slope": "unrolled"}
    rule = rules.create("bsd", network, **options, contrast="classes", centre="none", reference_batch=6)
    rule.compute_gradients(stimulus, labels)
    path, down = network.paths[0], network.layers[0].down
    with torch.enable_grad():
        spikes, _ = path.taped_positions(network.encode(stimulus), before, network.time_steps, constant=True)
        rate = spikes.mean(0)[0]
        template = down.synapse(network.code.rate(network.time_steps).double())
        logits = rate @ template.T / 9**0.5 / 0.3
        loss = torch.nn.functional.cross_entropy(logits, labels[:, 0])
        expected = torch.autograd.grad(loss, [path.synapse.weight, down.synapse.weight])
    torch.testing.assert_close(path.synapse.weight.grad, expected[0], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(down.synapse.weight.grad, expected[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["text", "series"])
def test_the_step_of_bsd_with_recurrence_on_both_ways_is_the_gradient_of_its_loss(kind: str) -> None:
    """The template too hears what its population did at the position before, a constant."""
    options = {"norm": False, "top_down_recurrent": True, "time_steps": 4 if kind == "text" else 1}  # a constant input
    network = (text_network(**options) if kind == "text" else series_network(**options)).double()
    stimulus = symbols(7, 1) if kind == "text" else values(7, 1, dtype=torch.float64)
    targets = symbols(7, 1, seed=1) if kind == "text" else values(7, 1, columns=2, seed=1, dtype=torch.float64)
    draws = torch.Generator().manual_seed(2)
    before, called = (RecurrentState(torch.rand(7, 9, dtype=torch.float64, generator=draws)) for _ in range(2))
    network.rest = lambda batch: [before]  # type: ignore[method-assign]
    network.rest_down = lambda batch: [called]  # type: ignore[method-assign]
    settings = {"loss": "cross-entropy", "temperature": 0.3, "slope": "unrolled", "centre": "none"}
    rules.create("bsd", network, **settings).compute_gradients(stimulus, targets)
    path, down = network.paths[0], network.paths_down[0]
    if kind == "text":
        spikes = network.code.spikes(network.time_steps)[:, targets[:, 0]].double()
        other = (targets != targets.T).double()
    else:
        assert isinstance(network.code, QuantityCode)
        spikes = network.code.spikes_of(network.target_rows(stimulus, targets), network.time_steps).double()
        other = 1 - torch.eye(7, dtype=torch.float64)
    with torch.enable_grad():
        rate = path.taped_positions(network.encode(stimulus), before, network.time_steps, constant=True)[0].mean(0)[0]
        template = down.taped_positions(spikes[:, None], called, network.time_steps, constant=False)[0].mean(0)[0]
        weights = torch.exp(rate @ template.T / 9**0.5 / 0.3)
        own = weights.diagonal()
        loss = -(own / (own + (weights * other).sum(1))).log().mean()
        expected = torch.autograd.grad(loss, [path.synapse.weight, down.synapse.weight])
    torch.testing.assert_close(path.synapse.weight.grad, expected[0], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(down.synapse.weight.grad, expected[1], rtol=1e-9, atol=1e-12)


def test_with_membranes_that_go_on_a_sequence_is_time_itself() -> None:
    """Positions of one step without recurrent weights: the neuron of `lif` over as many steps, its slope local."""
    network = series_network(norm=False, time_steps=1, carry=True).double()
    path = network.paths[0]
    with torch.no_grad():
        path.parts()[1].zero_()
    source = values(4, 10, dtype=torch.float64).transpose(0, 1)
    found = path.forward_positions(source, source, path.rest(4), 1, constant=True, unrolled=False)
    drive = torch.nn.functional.linear(source, path.parts()[0], path.synapse.bias)
    expected = lif(drive.detach(), path.neuron)
    assert 0.05 < float(expected.mean()) < 0.95
    assert torch.equal(found.activity.rate.unflatten(0, (10, 4)), expected)
    taped, _ = path.taped_positions(source, path.rest(4), 1, constant=True)
    assert torch.equal(taped[0].detach(), expected)
    first = path.forward_positions(source[:6], source[:6], path.rest(4), 1, constant=True, unrolled=False)
    then = path.forward_positions(source[6:], source[6:], first.last, 1, constant=True, unrolled=False)
    assert torch.equal(torch.cat([first.activity.rate, then.activity.rate]), found.activity.rate)


@pytest.mark.parametrize("time_steps", [1, 3])
def test_the_update_of_a_position_that_goes_on_is_the_surrogate_gradient(time_steps: int) -> None:
    network = series_network(norm=False, time_steps=time_steps, carry=True).double()
    path = network.paths[0]
    draws = torch.Generator().manual_seed(3)
    source, rate, membrane, pull = (
        torch.rand(*shape, dtype=torch.float64, generator=draws) for shape in [(1, 5, 3), (5, 9), (5, 9), (5, 9)]
    )
    before = RecurrentState(rate, membrane)
    with torch.enable_grad():
        spikes, _ = path.taped_positions(source, before, time_steps, constant=True)
        expected = torch.autograd.grad((spikes.mean(0)[0] * pull).sum(), path.synapse.weight)[0]
    found = path.forward_positions(source, source, before, time_steps, constant=True, unrolled=False)
    assert torch.equal(before.membrane, membrane)
    path.backward(pull * path.rate_slope(found.activity), found.below, found.activity)
    torch.testing.assert_close(path.synapse.weight.grad, expected, rtol=1e-10, atol=1e-12)


def test_kernels_and_plain_torch_agree() -> None:
    network = text_network([9, 7]).eval()
    if not native_usable(network.readout.weight):
        pytest.skip("no compiled kernels here")
    stimulus = symbols(4, 6)
    fast = network.logits(stimulus)
    torch.testing.assert_close(fast.double(), network.double().logits(stimulus), rtol=1e-4, atol=1e-4)


# ------------------------------------------------------------------ time's arrow


@pytest.mark.parametrize("signals", [SPIKES, RATES])
@pytest.mark.parametrize("kind", ["text", "series"])
def test_the_future_never_reaches_a_prediction(signals: Signals, kind: str) -> None:
    network = (text_network([9, 7]) if kind == "text" else series_network([9, 7])).eval()
    network.signals = signals
    stimulus = symbols(3, 8) if kind == "text" else values(3, 8)
    said = network.logits(stimulus)
    for place in range(1, 8):
        changed = stimulus.clone()
        changed[:, place:] = symbols(3, 8 - place, seed=9) if kind == "text" else values(3, 8 - place, seed=9)
        assert torch.equal(network.logits(changed)[:, :place], said[:, :place])
    assert not torch.equal(network.logits(torch.flip(stimulus, [1]))[:, -1], said[:, -1])


def test_the_past_does_reach_it() -> None:
    network = text_network().eval()
    stimulus = symbols(3, 8)
    changed = stimulus.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 6
    assert not torch.equal(network.logits(changed)[:, 1], network.logits(stimulus)[:, 1])


@pytest.mark.parametrize(("signals", "carry"), [(SPIKES, False), (RATES, False), (SPIKES, True)])
def test_reading_on_says_what_the_whole_says(signals: Signals, carry: bool) -> None:
    network = text_network([9, 7], carry=carry).eval()
    network.signals = signals
    stimulus = symbols(1, 9)
    read = network.reader()
    read(stimulus[:, :4])
    said = [read(stimulus[:, place : place + 1]) for place in range(4, 9)]
    torch.testing.assert_close(torch.stack(said), network.logits(stimulus)[0, 4:])


def test_changes_are_counted_from_the_present_value() -> None:
    network = series_network().eval()
    stimulus, targets = values(2, 4), values(2, 4, columns=2, seed=5)
    rows = network.target_rows(stimulus, targets)
    assert rows.shape == (8, 2)
    torch.testing.assert_close(network.answers(stimulus, rows), targets)
    # position 1, sample 0: (target − present − mean) / std
    expected = (targets[0, 1, 0] - stimulus[0, 1, 2] - 0.5) / 2.0
    torch.testing.assert_close(rows[2, 0], expected)


# ------------------------------------------------------------------ rules


@pytest.mark.parametrize("rule", ["bsd", "bptt", "backprop", "e-prop", "dll", "pc"])
@pytest.mark.parametrize("kind", ["text", "series"])
@pytest.mark.parametrize(
    ("widths", "options"),
    [([9], {}), ([9, 7], {}), ([9, 7], {"carry": True, "top_down_recurrent": True, "time_steps": 2})],
)
def test_rules_learn_sequences(rule: str, kind: str, widths: list[int], options: dict[str, object]) -> None:
    network = text_network(widths, **options) if kind == "text" else series_network(widths, **options)
    made = rules.create(rule, network)
    stimulus = symbols(8, 5) if kind == "text" else values(8, 5)
    targets = symbols(8, 5, seed=1) if kind == "text" else values(8, 5, columns=2, seed=1)
    before = {id(p): p.detach().clone() for p in made.parameters()}
    optimizer = torch.optim.Adam(made.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        report = made.compute_gradients(stimulus, targets)
        for parameter in made.parameters():
            assert parameter.grad is not None
            assert torch.isfinite(parameter.grad).all()
        optimizer.step()
        losses.append(float(report.loss))
        assert 0 <= float(report.correct) <= 8
        assert len(report.spike_rate) == len(widths)
    assert losses[-1] < losses[0]
    moved = [not torch.equal(before[id(p)], p) for p in made.parameters()]
    assert all(moved)


@pytest.mark.parametrize("rule", ["bsd", "e-prop"])
def test_blocks_add_up_to_the_whole(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stimulus, targets = symbols(4, 12), symbols(4, 12, seed=1)
    found = []
    for positions in (12, 5):
        network = text_network([9, 7], norm=False).double()
        monkeypatch.setattr(eprop, "POSITIONS", positions)
        options = {"centre": "none", "contrast": "classes", "block": positions} if rule == "bsd" else {}
        made = rules.create(rule, network, **options)
        report = made.compute_gradients(stimulus, targets)
        found.append((report, [p.grad for p in made.parameters()]))
    (whole, grads), (parts, others) = found
    torch.testing.assert_close(whole.loss, parts.loss)
    torch.testing.assert_close(whole.correct.double(), parts.correct.double())
    for one, other in zip(grads, others, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)


def test_written_out_recursions_are_backpropagation() -> None:
    """DLL with the transposed weights as feedback, and predictive coding with enough steps, give its gradient."""
    stimulus, targets = symbols(4, 6), symbols(4, 6, seed=1)

    def network() -> SequenceNetwork:
        return text_network([9, 7], norm=False).double()

    exact = network()
    rules.create("backprop", exact, activation="tanh").compute_gradients(stimulus, targets)
    relaxed = network()
    rules.create("pc", relaxed, activation="tanh", inference_steps=12).compute_gradients(stimulus, targets)
    dendritic = network()
    rule = rules.create("dll", dendritic, activation="tanh", label_smoothing=0.0, feedback_sign="none")
    below = [dendritic.paths[1].parts()[0], dendritic.readout.weight]
    with torch.no_grad():
        for i, path in enumerate(dendritic.paths):
            getattr(rule.state, f"down{i}").weight.copy_(below[i].T)
            getattr(rule.state, f"across{i}").weight.copy_(path.parts()[1].T)
    rule.compute_gradients(stimulus, targets)
    for other in (relaxed, dendritic):
        for one, two in zip(exact.bottom_up_parameters(), other.bottom_up_parameters(), strict=True):
            torch.testing.assert_close(two.grad, one.grad, rtol=1e-8, atol=1e-12)


def test_rules_without_a_meaning_for_sequences_say_so() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"rule 'fa': expected a classifier, received a recurrent network.*bsd",
    ):
        rules.create("fa", text_network())
    with pytest.raises(ConfigurationError, match="unknown option of rule 'pc': 'predictions'"):
        rules.create("pc", text_network(), predictions="moving")


# ------------------------------------------------------------------ what is refused, what is rebuilt


def test_wrong_shapes_are_named() -> None:
    text, series = text_network(), series_network()
    with pytest.raises(ShapeError, match=r"symbols, int64 of shape \[batch, positions\]"):
        text.logits(torch.zeros(3, 4))
    with pytest.raises(ShapeError, match=r"symbols in 0..5, received 0..9"):
        text.logits(torch.tensor([[0, 9]]))
    with pytest.raises(ShapeError, match="batch, positions, 3"):
        series.logits(torch.zeros(3, 4, 2))
    with pytest.raises(ShapeError, match="batch, positions, 2"):
        rules.create("bsd", series).compute_gradients(values(2, 4), torch.zeros(2, 4, 3))
    with pytest.raises(ShapeError, match="int64 of shape"):
        rules.create("bsd", text).compute_gradients(symbols(2, 4), torch.zeros(2, 4))
    with pytest.raises(ConfigurationError, match="row of values"):
        models.create("rnn", (1, 8, 8), 10)


@pytest.mark.parametrize(
    "network",
    [text_network([9, 7]), series_network([9, 7]), text_network(carry=True, top_down_recurrent=True)],
)
def test_networks_are_built_again_from_their_spec(network: SequenceNetwork) -> None:
    again = models.build(network.spec)
    assert again.concept == network.concept
    again.load_state_dict(network.state_dict())
    stimulus = symbols(2, 4) if network.symbols else values(2, 4)
    assert torch.equal(again.eval().logits(stimulus), network.eval().logits(stimulus))
