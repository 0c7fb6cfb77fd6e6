"""Situations of recordings of event cameras: units, counters, sensors and polarities, in training and in use."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bispike import data
from bispike.data.schema import EventsSchema, from_dict, to_dict
from bispike.data.user_files import read_inputs
from bispike.errors import ConfigurationError, DataError

from ..makers import schema
from . import Situation
from .event_makers import (
    E,
    N,
    all_of,
    equal,
    events,
    not_used,
    npz,
    plain,
    refused,
    run_cli,
    run_path,
    same_use,
    trained,
    used,
)

# ------------------------------------------------------------------ the training decides


def longer(folder: Path) -> None:
    t = events()["t"].copy()
    t[E - 1] = 1_500_000
    path = npz(folder, t=t)
    status, answer, said = run_cli("evaluate", run_path(), "--dataset", path)
    assert status == 0
    assert f"1 of {N * E:,} events after the end (1,000,000 us) was left out" in said
    assert answer["test"] == run_cli("evaluate", run_path())[1]["test"]
    stimuli, _ = used(path)
    assert np.count_nonzero(stimuli != used(npz(folder, name="plain.npz"))[0]) <= 1


def seconds_checked(folder: Path) -> None:
    path = npz(folder, t=events()["t"] / 1e6)
    status, answer, _ = run_cli("data", "check", path)
    facts = answer["facts"]
    assert (status, facts["time_unit"], facts["sensor"]) == (0, "s", [8, 8])
    assert min(facts["events_per_bin"]) > 0.5 * max(facts["events_per_bin"])
    equal(folder, path, "the times are read as s")


def seconds_predicted(folder: Path) -> None:
    path = npz(folder, t=events()["t"] / 1e6)
    status, answer, said = run_cli("predict", run_path(), path)
    assert (status, len(answer["rows"]), answer["rows"][3]["input"]) == (0, N, "e.npz[3]")
    assert "times in s were converted" in said
    same_use(folder, path)


def milliseconds_in_use(folder: Path) -> None:
    not_used(npz(folder, t=events()["t"] // 1000), "cannot tell the unit of the times")


def short_clip(folder: Path) -> None:
    stimuli, notes = used(npz(folder, t=events()["t"] // 40))
    assert stimuli[:, 0].any()
    assert not stimuli[:, 1:].any()
    assert "a recording lasts 24,999 us, and those of the training lasted 999,999 us" in notes[0]


def minus_in_use(folder: Path) -> None:
    same_use(folder, npz(folder, p=2 * events()["p"] - 1), "polarities -1 and 1 were read as 0 and 1")


def larger_sensor_in_use(folder: Path) -> None:
    not_used(npz(folder, x=events()["x"] * 9), r"x in 0\.\.7 \(the sensor of the training\)")
    x = events()["x"].copy()
    x[5] = 60
    _, notes = used(npz(folder, x=x))
    assert notes == (f"1 of {N * E:,} events outside the sensor (8x8) was left out.",)


def one_based_in_use(folder: Path) -> None:
    not_used(npz(folder, x=events()["x"] + 1, y=events()["y"] + 1), "Places seem to count from 1")


def one_recording(folder: Path) -> None:
    found = {key: values[:E] for key, values in events().items() if key in "txyp"}
    first = used(npz(folder))[0][0]
    assert np.array_equal(used(npz(folder, found))[0][0], first)
    structured = np.zeros(E, dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")])
    for key in "xytp":
        structured[key] = found[key]
    np.save(folder / "r.npy", structured)
    assert np.array_equal(used(folder / "r.npy")[0][0], first)
    assert np.array_equal(used(structured)[0][0], first)
    np.save(folder / "four.npy", np.stack([found[key] for key in "txyp"], 1))
    assert np.array_equal(used(folder / "four.npy")[0][0], first)


def table_in_use(folder: Path) -> None:
    found = events()
    rows = np.stack([found["t"], found["x"], found["y"], found["p"], found["sample"]], 1)
    np.savetxt(folder / "e.csv", rows, fmt="%d", delimiter=",", header="t,x,y,p,sample", comments="")
    same_use(folder, folder / "e.csv")
    np.savetxt(folder / "e.csv", rows[:, :2], fmt="%d", delimiter=",", header="t,x", comments="")
    not_used(folder / "e.csv", "missing: y, p")


def bins_in_use(folder: Path) -> None:
    stimuli = used(npz(folder))[0]
    for frames in (stimuli, stimuli.astype(np.uint8), stimuli.astype(np.uint8) * np.uint8(255), stimuli > 0):
        np.save(folder / "f.npy", frames)
        assert np.array_equal(used(folder / "f.npy")[0], stimuli)
    assert used(stimuli[0])[0].shape == (1, 10, 2, 8, 8)
    not_used(stimuli * 3, r"use \(frames > 0\)")
    not_used(stimuli[:, :5], r"\[T, 2, H, W\] = \[10, 2, 8, 8\]")


def sequences_predicted(folder: Path) -> None:
    path = npz(folder)
    found = trained(sequence=True).predict(path)
    assert (len(found.rows), found.judged) == (N, N)
    decided = trained(sequence=True).schema
    assert decided is not None
    assert read_inputs([path], decided).stimuli.shape == (N, 10, 128)


def other_forms(folder: Path) -> None:
    np.save(folder / "i.npy", np.zeros((3, 1, 8, 8), dtype=np.uint8))
    not_used(folder / "i.npy", "expected events in the bins of the training")
    with pytest.raises(DataError, match="received events"):
        read_inputs([npz(folder)], schema(1, 8, 8))


def cue(folder: Path) -> None:
    status, _, said = run_cli("recall", run_path(), "--cue", npz(folder), "--out", folder / "a.png")
    assert (status, "this run is on events" in said) == (2, True)


def kept(folder: Path) -> None:
    decided = trained().schema
    assert isinstance(decided, EventsSchema)
    assert from_dict(json.loads((run_path() / "schema.json").read_text()), "schema.json") == decided
    assert from_dict(json.loads(json.dumps(to_dict(decided))), "s") == decided
    assert (decided.sensor, decided.time_unit, decided.bins, decided.duration) == ((8, 8), "us", 10, 1_000_000)


# ------------------------------------------------------------------ times


def milliseconds(folder: Path) -> None:
    t = events()["t"] // 1000
    found = data.load(npz(folder, t=t))
    assert any("unit of the times is not certain" in note for note in found.notes)
    assert np.array_equal(all_of(found), all_of(data.load(npz(folder, t=t * 1000))))
    given = data.load(npz(folder, t=t), time_unit="ms")
    assert np.array_equal(all_of(found), all_of(given))
    assert given.facts["duration"] == 1e6


def duration_without_unit(folder: Path) -> None:
    path = npz(folder, t=events()["t"] // 1000)
    refused(path, "Give time_unit=us, ms, s or ns", duration=500_000)
    assert data.load(path, duration=500_000, time_unit="ms").facts["left_out"] > N * E // 3


def named_nanoseconds(folder: Path) -> None:
    found = events()
    found["timestamp_ns"] = found.pop("t") * 1000
    equal(folder, npz(folder, found), duration=1_000_000)


def since_1970(folder: Path) -> None:
    equal(folder, npz(folder, t=events()["t"] + 1_700_000_000_000_000))
    equal(folder, npz(folder, t=events()["t"] * 1000 + 1_700_000_000_000_000_000), "read as ns", duration=1_000_000)
    found = data.load(npz(folder, t=events()["t"] / 1e6 + 1.7e9))
    assert np.count_nonzero(all_of(found) != plain(folder)) <= 4


def calendar(folder: Path) -> None:
    equal(folder, npz(folder, t=np.datetime64("2024-05-01", "us") + events()["t"].astype("m8[us]")))
    t = events()["t"].astype("m8[us]")
    t[4] = np.timedelta64("NaT")
    refused(npz(folder, t=t), "1 that are NaT")


def coarse(folder: Path) -> None:
    refused(npz(folder, t=(events()["t"] / 1e6 + 1.7e9).astype("f4")), "have one time .* int64 or float64")


def continued(folder: Path) -> None:
    equal(folder, npz(folder, t=events()["t"] + 1_000_000 * events()["sample"]))


def narrow(folder: Path) -> None:
    equal(folder, npz(folder, t=events()["t"].astype("f4"), x=events()["x"].astype("f2"), p=events()["p"].astype("?")))
    assert data.load(npz(folder, t=(events()["t"] / 1e6).astype("f2"))).facts["time_unit"] == "s"
    equal(folder, npz(folder, t=events()["t"].astype(">u8"), sample=events()["sample"].astype(">i4")))


def negative(folder: Path) -> None:
    equal(folder, npz(folder, t=events()["t"] - 500_000))


def wrapped(folder: Path) -> None:
    t = events()["t"] + 2**32 - 400_000
    equal(folder, npz(folder, t=(t % 2**32).astype("u4")), f"began again {N} times within recordings")
    one = events()["t"] + np.where(events()["sample"] == 3, 2**31 - 9_000, 0)
    equal(folder, npz(folder, t=one.astype("u4").view("i4")), "began again once")


def backwards(folder: Path) -> None:
    found = events()
    order = np.arange(N * E)
    order[10:12] = 11, 10
    order[100:102] = 101, 100
    moved = {key: found[key][order] if key != "labels" else found[key] for key in found}
    equal(folder, npz(folder, moved), f"2 of {N * E:,} events are earlier than the one before them")


def mixed(folder: Path) -> None:
    found = events()
    order = np.argsort(found["t"], kind="stable")
    equal(folder, npz(folder, {key: found[key][order] if key != "labels" else found[key] for key in found}))


def not_finite(folder: Path) -> None:
    t = events()["t"] / 1e6
    t[7:9] = np.nan
    refused(npz(folder, t=t), r"received nan at event 7 \(2 such events\)")
    whole = events()["t"].copy()
    whole[7] = 2**63 - 1
    refused(npz(folder, t=whole), r"below 2\^62")


def late_event(folder: Path) -> None:
    t = events()["t"].copy()
    t[E - 1] = 10**9
    path = npz(folder, t=t)
    refused(path, r"1 of 1,440 events fill the second half of the bins.*duration=999999")
    found = data.load(path, duration=1_000_000)
    assert f"1 of {N * E:,} events after the end (1,000,000 us) was left out." in found.notes


def early_event(folder: Path) -> None:
    t = events()["t"] + 1_700_000_000_000_000
    t[0] = 0
    path = npz(folder, t=t)
    refused(path, r"8 of 10 bins hold hardly any event: the longest recording lasts 1,700,000,000,999,999 us")
    found = data.load(path, duration=1_000_000)
    assert f"{E - 1} of {N * E:,} events after the end (1,000,000 us) were left out." in found.notes


def contradicted(folder: Path) -> None:
    found = events()
    found["t_us"] = found.pop("t")
    refused(
        npz(folder, found), "expected times in us, as the file says, received the option time_unit=ms", time_unit="ms"
    )


def two_units(folder: Path) -> None:
    t = np.where(events()["sample"] % 3 == 0, events()["t"] / 1e6, events()["t"])
    refused(npz(folder, t=t), "8 of 24 far from the others; are all times in one unit")
    not_used(npz(folder, t=t), "are all times in one unit")


def half_longer(folder: Path) -> None:
    t = events()["t"].copy()
    t[E - 1] = 1_700_000
    assert any("bins hold hardly any event" in note for note in data.load(npz(folder, t=t)).notes)


def lengths(folder: Path) -> None:
    t = np.where(events()["sample"] < 6, events()["t"] * 5, events()["t"])
    assert any("very different lengths" in note for note in data.load(npz(folder, t=t)).notes)


# ------------------------------------------------------------------ polarities


def polarities(folder: Path) -> None:
    p = events()["p"]
    for values in (2 * p - 1, p + 1, p > 0, p * 255.0, p.astype("i1")):
        equal(folder, npz(folder, p=values))


def three_polarities(folder: Path) -> None:
    refused(npz(folder, p=np.arange(N * E) % 3), "polarities 0 and 1, .*; received 0, 1, 2")


def one_polarity(folder: Path) -> None:
    found = data.load(npz(folder, p=np.ones(N * E)))
    assert any("all events have the polarity 1, which is read as on" in note for note in found.notes)
    assert not all_of(found)[:, :, 0].any()


def no_polarity(folder: Path) -> None:
    found = events()
    del found["p"]
    refused(npz(folder, found), "missing: p.*store p = 1 for all")


# ------------------------------------------------------------------ places


def far(folder: Path) -> None:
    x = events()["x"].copy()
    x[5] = 60_000
    path = npz(folder, x=x)
    refused(path, r"1 of 1,440 events lies beyond x = 7, the farthest at 60000\. .* sensor=8x8")
    found = data.load(path, sensor="8x8")
    assert f"1 of {N * E:,} events outside the sensor (8x8) was left out." in found.notes
    x[5] = 50
    refused(npz(folder, x=x), "beyond x = 7, the farthest at 50")


def given_sensor(folder: Path) -> None:
    assert data.load(npz(folder), sensor="12x16").stimulus.shape == (10, 2, 12, 16)
    assert data.load(npz(folder), sensor=[12, 16]).stimulus.shape == (10, 2, 12, 16)
    for wrong in (0, "axb", "9x9x9", "-1x4", "99999x1"):
        with pytest.raises(ConfigurationError, match="sensor: expected height x width such as 180x240"):
            data.load(npz(folder), sensor=wrong)


def exchanged(folder: Path) -> None:
    x = np.minimum(events()["x"], 3)
    refused(npz(folder, x=events()["y"], y=x), "x and y seem to be exchanged", sensor="8x4")


def one_based(folder: Path) -> None:
    path = npz(folder, x=events()["x"] + 1, y=events()["y"] + 1)
    refused(path, "Places seem to count from 1; subtract 1", sensor="8x8")
    assert any("places seem to count from 1" in note for note in data.load(path).notes)


def shares(folder: Path) -> None:
    refused(npz(folder, x=events()["x"] / 8), "whole numbers as x")


def hot(folder: Path) -> None:
    x, y = events()["x"].copy(), events()["y"].copy()
    x[::2], y[::2] = 40, 40
    x[1::7], y[1::7] = np.arange(len(x[1::7])) % 64, np.arange(len(y[1::7])) // 64 * 9
    found = data.load(npz(folder, x=x, y=y))
    assert any("the pixel at x = 40, y = 40 sent 43 %" in note for note in found.notes)


SITUATIONS: list[Situation] = [
    Situation(
        "a run on events, `evaluate --dataset` with one event after the end", "bins stay, the event is noted", longer
    ),
    Situation("`data check` of times in seconds", "the unit is recognised, no bin is empty", seconds_checked),
    Situation(
        "`predict` on times in seconds, trained in microseconds", "converted, one decision each", seconds_predicted
    ),
    Situation("`predict` on times in whole milliseconds", "refused: the unit cannot be told", milliseconds_in_use),
    Situation("`predict` on clips of 25 ms, trained on one second", "the first bin only", short_clip),
    Situation("`predict` on polarities -1 and 1, trained on 0 and 1", "converted, noted", minus_in_use),
    Situation("`predict` on a larger sensor", "refused; a single event outside is counted", larger_sensor_in_use),
    Situation("`predict` on places from 1, trained from 0", "refused", one_based_in_use),
    Situation(
        "`predict` on one recording: .npz, structured .npy, `[E, 4]`, array", "one equal stimulus", one_recording
    ),
    Situation("`predict` on a table of events, with and without y and p", "read; refused", table_in_use),
    Situation("`predict` on events in bins already", "0/1, 0/255 and bool are read, counts are refused", bins_in_use),
    Situation("`predict` of a recurrent network", "one decision for each recording", sequences_predicted),
    Situation("images for a run on events, events for a run on images", "refused", other_forms),
    Situation("`recall --cue` with events", "refused: a hidden part would not be events", cue),
    Situation("the folder of a run on events", "holds sensor, unit, bins and duration", kept),
    Situation("whole milliseconds in training", "bins are right, the unit is asked for in a note", milliseconds),
    Situation(
        "whole milliseconds with a duration in microseconds", "refused without `time_unit`", duration_without_unit
    ),
    Situation("a column `timestamp_ns`", "nanoseconds", named_nanoseconds),
    Situation("times since 1970 in us, ns or s", "count from the first event of each recording", since_1970),
    Situation("times of type datetime64, one of them NaT", "their unit is known; NaT is refused", calendar),
    Situation("seconds since 1970 as float32", "refused: all times of a recording are one", coarse),
    Situation("times that go on over recordings", "each recording begins at 0", continued),
    Situation("columns of float16, float32, bool or big-endian numbers", "the same recordings", narrow),
    Situation("negative times", "each recording begins at 0", negative),
    Situation("a counter of 32 bits begins again inside recordings", "continued, noted with a count", wrapped),
    Situation("two events out of order", "bins follow the times, noted", backwards),
    Situation("events of all recordings sorted by time", "the same recordings", mixed),
    Situation("times that are NaN", "refused with place and count", not_finite),
    Situation("one event a thousand times later in training", "refused with the duration that mends it", late_event),
    Situation("one recording begins with a time of 0, all others count from 1970", "refused", early_event),
    Situation("a column `t_us` and `time_unit=ms`", "refused: the file says another unit", contradicted),
    Situation("some recordings in seconds, others in microseconds", "refused", two_units),
    Situation("one recording lasts 1.7 times as long", "a note on bins that are nearly empty", half_longer),
    Situation("some recordings last five times as long", "noted", lengths),
    Situation("polarities -1/1, 1/2, bool, 0/255, int8", "the same recordings", polarities),
    Situation("polarities 0, 1 and 2", "refused", three_polarities),
    Situation("all polarities are 1", "on, noted", one_polarity),
    Situation("no polarities", "refused with the fix", no_polarity),
    Situation("one event at x = 60000", "refused; with `sensor` counted", far),
    Situation("`sensor` larger than the places, or nonsense", "its shape; refused", given_sensor),
    Situation("x and y exchanged, with `sensor`", "refused", exchanged),
    Situation("places that count from 1", "refused with `sensor`, else noted", one_based),
    Situation("places as shares of the sensor", "refused", shares),
    Situation("one pixel sends half of all events", "noted as a hot pixel", hot),
]
