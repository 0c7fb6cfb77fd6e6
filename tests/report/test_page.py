"""The report: self-contained, well-formed, complete, chronological about what it cannot show."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bispike import models
from bispike.config.train_config import TrainConfig
from bispike.errors import BispikeError, CheckpointError, ConfigurationError
from bispike.experiments.untrained import calibrated
from bispike.report import ReportRun, write_report
from bispike.report.measurements import all_tested, angle_history, confusion, reconstructed, sample, spiking
from bispike.report.page import page
from bispike.report.run import dataset_of
from bispike.runs.record import RunRecord
from bispike.training import run_config

from .makers import digits, record, reported, without_data
from .reading import Page

ORDER = ["Learning", "What it sees", "What it does", "What it recalls", "Health", "Settings"]
HOSTILE = '<script>alert("1")</script>&amp;'


@pytest.fixture(scope="module")
def bsd() -> RunRecord:
    return record("bsd")


@pytest.fixture(scope="module")
def single(bsd: RunRecord) -> str:
    return page([reported(bsd)])


@pytest.fixture(scope="module")
def several(bsd: RunRecord) -> str:
    records = [bsd, record("bptt"), record("backprop"), record("frozen")]
    return page([reported(one) for one in records])


def test_every_element_is_closed_and_every_picture_is_described_and_inside(single: str, several: str) -> None:
    for text in (single, several):
        found = Page(text)
        assert found.faults == []
        assert found.all("img")
        for image in found.all("img"):
            assert len(image["alt"] or "") > 20
            assert (image["src"] or "").startswith("data:image/svg+xml;base64,")
        assert len(found.all("figcaption")) == len(found.all("img"))


def test_nothing_is_loaded_from_elsewhere(single: str) -> None:
    found = Page(single)
    loads = {"src", "srcset", "href", "action", "data", "poster", "background"}
    values = [(key, value or "") for _, attributes in found.elements for key, value in attributes.items()]
    assert all(value.startswith(("data:", "#")) for key, value in values if key in loads)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {name for name, _ in found.elements}
    assert "@import" not in single
    assert "url(" not in single
    policy = next(meta for meta in found.all("meta") if "http-equiv" in meta)
    assert "default-src 'none'" in (policy["content"] or "")
    for image in found.all("img"):
        inside = base64.b64decode((image["src"] or "").split(",")[1]).decode()
        assert not re.search(r'(href|src)="(?!data:|#)', inside)


def test_sections_stand_in_their_order_and_links_lead_to_them(single: str, several: str) -> None:
    assert [h for h in Page(single).headings if h in ORDER] == ORDER
    found = Page(several)
    assert [h for h in found.headings if h in ORDER] == ORDER * 4
    identifiers = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    targets = [(link["href"] or "").removeprefix("#") for link in found.all("a")]
    assert set(targets) <= set(identifiers)


def test_result_is_a_sentence_with_numbers(single: str) -> None:
    text = Page(single).text.replace("\u00a0", " ")
    assert "After 2 epochs of bsd, trained in 1.5 min, the network decides 90.0 % of the 360 test stimuli" in text
    # Wilson interval of 0.9 with 360 samples.
    assert "95 % interval 86.5 to 92.7 %; guessing among 10 classes: 10.0 %" in text


def test_rules_without_a_top_down_pathway_say_so_instead_of_showing_noise(several: str) -> None:
    for part in several.split("<h2>")[2:]:
        found = Page("<h2>" + part.split("</section>")[0])
        assert "trains no top-down pathway" in found.text
        alts = " ".join(image["alt"] or "" for image in found.all("img"))
        assert "Recalled" not in alts
        assert "affinity" not in alts
        assert "Angle" not in alts
        assert "top-down" not in alts
    assert "no spikes" in Page(several).text


def test_pathways_of_a_bidirectional_rule_are_all_shown(single: str) -> None:
    alts = [image["alt"] or "" for image in Page(single).all("img")]
    for needed in (
        "Loss",
        "Accuracy",
        "Local loss",
        "Spikes for a stimulus",
        "Confusion",
        "Class affinity of layer1",
        "Class affinity of layer2",
        "Recalled stimuli",
        "Spikes per 100",
        "never",
        "Equal spikes",
        "Angle",
    ):
        assert any(needed in alt for alt in alts), needed


def test_several_runs_are_compared_in_a_table(several: str) -> None:
    found = Page(several)
    assert found.headings[0] == "4 runs compared"
    rows = several.split("<tbody>")[1].split("</tbody>")[0].count("<tr>")
    assert rows == 4


def test_runs_with_the_same_name_are_told_apart(bsd: RunRecord) -> None:
    twin = RunRecord(**{**vars(bsd), "path": Path("other/bsd")})
    found = Page(page([without_data(one) for one in (bsd, twin, twin)]))
    names = [h for h in found.headings[1:] if h not in ORDER]
    assert names == ["runs/bsd", "other/bsd (2)", "other/bsd (3)"]


def test_names_and_settings_from_outside_are_text() -> None:
    names = (HOSTILE, "$x_{1}$", "数字", *[f"c{i}" for i in range(7)])
    hostile = record(
        dataset=digits(names),
        path=Path("runs") / "<b>run",
        config={"dataset": HOSTILE, "rule": HOSTILE, "rule_options": {HOSTILE: HOSTILE}},
    )
    text = page([reported(hostile)])
    found = Page(text)
    assert found.faults == []
    assert not found.all("script")
    assert not found.all("b")
    assert HOSTILE in found.text
    assert any("数字" in (image["alt"] or "") for image in found.all("img"))


def test_unfinished_run_and_missing_data_still_make_a_report(bsd: RunRecord) -> None:
    young = RunRecord(**{**vars(bsd), "summary": {}, "metrics": [], "initial": None})
    found = Page(page([without_data(young, "The data set could not be read here: gone.")]))
    assert found.faults == []
    assert "has not ended: 0 epochs" in found.text
    assert "could not be read here: gone." in found.text
    assert found.text.count("Needs the data set.") == 3
    assert "Firing and agreement need the data set." in found.text


def test_values_that_were_not_finite_leave_gaps_in_the_curves(bsd: RunRecord) -> None:
    lost = [
        {**row, "loss": None, "train_accuracy": None, "angle": {}, "layer_losses": {"a": None}} for row in bsd.metrics
    ]
    for metrics in (lost, [*bsd.metrics, {**lost[0], "epoch": 3}]):
        found = Page(page([without_data(RunRecord(**{**vars(bsd), "metrics": metrics}))]))
        assert found.faults == []
        assert any((image["alt"] or "").startswith("Loss at the top") for image in found.all("img"))


def test_without_initial_weights_only_the_trained_affinity_is_shown(bsd: RunRecord) -> None:
    late = RunRecord(**{**vars(bsd), "initial": None})
    found = reported(late, samples=40).measure(spiking)
    assert found is not None
    assert all(pair.before is None for pair in found.affinities)
    assert all(points[0][0] == 1 for points in angle_history(late)[0].values())
    assert Page(page([reported(late)])).faults == []


def test_angles_begin_before_training_and_end_with_the_last_epoch(bsd: RunRecord) -> None:
    angles, spreads = angle_history(bsd)
    assert angles
    assert angles.keys() == spreads.keys()
    for name, points in angles.items():
        assert [epoch for epoch, _ in points] == [0, 1, 2]
        assert abs(points[0][1] - 90) < 5 * spreads[name]


def test_the_same_run_gives_the_same_page_and_leaves_the_generator_alone(bsd: RunRecord, single: str) -> None:
    state = torch.get_rng_state()
    assert page([reported(bsd)]) == single
    assert torch.equal(torch.get_rng_state(), state)


def test_measurements_use_few_stimuli_of_every_class(bsd: RunRecord) -> None:
    run = reported(bsd, samples=50)
    counts = run.need(confusion)
    assert int(counts.sum()) == 50
    assert counts.sum(1).tolist() == [5] * 10
    everything = reported(bsd, samples=10**6)
    assert len(everything.need(sample)[1]) == everything.need(all_tested) == 360


def test_a_measurement_is_made_once_and_only_with_the_data(bsd: RunRecord) -> None:
    run, calls = reported(bsd), []

    def counted(given: ReportRun) -> int:
        calls.append(given)
        return int(torch.randint(10**9, ()))

    assert run.measure(counted) == run.measure(counted)
    assert calls == [run]
    run.release()
    assert run.measure(counted) == reported(bsd).measure(counted)  # drawn from the same generator again
    assert len(calls) == 3
    missing = without_data(bsd)
    assert missing.measure(counted) is None
    with pytest.raises(BispikeError, match="no data"):
        missing.need(counted)
    assert len(calls) == 3


def test_data_that_changed_since_are_not_mistaken_for_the_run_s_own(bsd: RunRecord) -> None:
    changed = RunRecord(**{**vars(bsd), "summary": {**bsd.summary, "data_fingerprint": "another"}})
    found = dataset_of(changed)
    assert isinstance(found, str)
    assert "has changed" in found


def test_a_mistake_is_counted_where_the_training_counted_it(bsd: RunRecord) -> None:
    counts = torch.eye(10, dtype=torch.int64) * 5
    counts[3, 8] = 4
    noted = RunRecord(**{**vars(bsd), "summary": {**bsd.summary, "confusion": counts.tolist()}})
    text = Page(page([without_data(noted)])).text.replace("\u00a0", " ")
    assert "counts of all 54 test stimuli" in text
    assert "“3” classified as “8” (4×)" in text
    assert f"{100 * 50 / 54:.1f} % of them lie on the diagonal" in text


def test_untrained_norms_take_their_statistics_from_the_stimuli() -> None:
    torch.manual_seed(0)
    network = models.mlp((20,), [30, 10], 3, norm=True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    stimuli = torch.rand(50, 20) * 0.01
    ready = calibrated(network, stimuli)
    drives = network.layers[0].up.synapse(network.encode(stimuli))
    norm = ready.layers[0].up.norm
    assert norm is not None
    torch.testing.assert_close(norm.running_mean, drives.mean(0))
    torch.testing.assert_close(norm.running_variance, drives.var(0))
    assert not ready.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_mistakes_of_the_caller_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least one run"):
        write_report([], tmp_path / "r.html")
    with pytest.raises(ConfigurationError, match="samples"):
        write_report([tmp_path], tmp_path / "r.html", samples=0)
    with pytest.raises(CheckpointError, match=re.escape(str(tmp_path))):
        write_report([tmp_path], tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_report_of_a_real_run_holds_what_its_folder_says(tmp_path: Path) -> None:
    config = TrainConfig(dataset="digits", model_options={"widths": [16, 12]}, epochs=2, limit=400, threads=1)
    run = run_config(config, out=tmp_path / "first run")
    kept = {file.name: file.read_bytes() for file in (tmp_path / "first run").iterdir() if file.is_file()}
    out = write_report([tmp_path / "first run"], tmp_path / "new" / "report.html", samples=80)
    found = Page(out.read_text(encoding="utf-8"))
    assert found.faults == []
    assert found.headings[0] == "Report on first run"
    text = found.text.replace("\u00a0", " ")
    assert f"decides {100 * run.summary['test']:.1f} % of the 360 test stimuli of digits" in text
    assert "counts of all 360 test stimuli" in text
    assert f"{run.summary['parameters']:,}" in text
    assert "model.widths" in text
    assert torch.__version__ in text
    assert "bispike train --config '" in text
    assert {f.name: f.read_bytes() for f in (tmp_path / "first run").iterdir() if f.is_file()} == kept
    assert [file.name for file in out.parent.iterdir()] == ["report.html"]


def test_report_replaces_an_older_one_and_survives_data_that_are_gone(tmp_path: Path) -> None:
    arrays = {"x_train": digits().train.stimuli[:300].numpy(), "y_train": digits().train.labels[:300].numpy()}
    np.savez(tmp_path / "own.npz", **arrays)
    config = TrainConfig(dataset=str(tmp_path / "own.npz"), rule="bptt", model_options={"widths": [8]}, epochs=1)
    run_config(config, out=tmp_path / "run")
    out = tmp_path / "report.html"
    write_report([tmp_path / "run"], out)
    assert "Confusion matrix" in out.read_text(encoding="utf-8")
    (tmp_path / "own.npz").unlink()
    write_report([tmp_path / "run"], out)
    text = out.read_text(encoding="utf-8")
    assert "Spikes for a stimulus" not in text
    assert "Confusion matrix" in text
    assert "The data set could not be read here" in text
    assert Page(text).faults == []


@pytest.mark.parametrize("rule", ["bsd", "bptt", "backprop"])
def test_autoencoders_show_reconstructions_and_complete_cues(rule: str) -> None:
    run = reported(record(rule, model="autoencoder", epochs=1))
    down = run.need(reconstructed)
    assert down.names == list(run.record.network.concept.names)
    assert down.stimuli.shape == down.reconstructed.shape == (10, 1, 8, 8)
    assert down.cues is not None
    assert len(down.passes) == 3
    for values in [down.cues, *down.passes]:
        assert torch.equal(values[:, :, :4], down.stimuli[:3, :, :4])
    text = Page(page([run]))
    assert text.faults == []
    assert "What it reconstructs" in text.headings
    assert "trains no top-down pathway" not in text.text
    assert any("its reconstruction" in (image["alt"] or "") for image in text.all("img"))


def test_classifiers_show_no_reconstruction(single: str) -> None:
    assert "What it reconstructs" not in Page(single).headings
