"""Who is who: our comparisons beside Splink 5 as its README has it, ready-made comparisons on raw columns, in one run.

    python benchmarks/matching.py [--records 1000000] [--seed 2026] [--only public|sample|day]

Public sets (../shared/data), then the sample institution's people with three and ten tenths of the missing fields
(benchmarks/matching_records.py), then a day of 20,000 new records against the rest. The threshold 0.95 was fixed
beforehand, no label is used. Each side runs in a process of its own: CPU seconds of all threads, peak memory.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import matching_records
import matching_sets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from zhike.masterdata.matching import clusters, engine, incremental, normalise, scoring, training

ACCEPT = 0.95
SECRET = b"a benchmark has none to keep"
DAY = 20_000
Ints = npt.NDArray[np.int64]


def scores(found: Ints, entity: Ints) -> tuple[float, float, float]:
    """Precision, recall and F1 of the pairs within clusters."""

    def pairs(labels: Ints) -> int:
        sizes = np.unique(labels, return_counts=True)[1].astype(np.int64)
        return int((sizes * (sizes - 1) // 2).sum())

    codes = [
        np.unique(labels, return_inverse=True)[1].astype(np.int64) for labels in (found, entity)
    ]
    both = pairs(codes[0] * (codes[1].max() + 1) + codes[1])
    precision, recall = both / max(pairs(found), 1), both / pairs(entity)
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0


class Stages:
    """CPU seconds of this process by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.process_time()

    def done(self, stage: str) -> None:
        """What ran since the last call was `stage`."""
        now = time.process_time()
        self.seconds[stage] = round(now - self._last, 2)
        self._last = now


def ours(folder: Path, stages: Stages) -> Ints:
    """Clusters by our comparisons, of raw records or of a set already mapped."""
    if (folder / "normalised.parquet").exists():
        normalised = pq.read_table(folder / "normalised.parquet")
    else:
        normalised = normalise.records(
            pq.read_table(folder / "raw.parquet"), matching_records.RANGES
        )
    stages.done("normalise")
    parted = engine.apart(normalised)
    model = training.train(parted, secret=SECRET)
    stages.done("train")
    pairs = scoring.predict(model, parted)
    stages.done("predict")
    found = clusters.cluster(pairs, normalised, accept=ACCEPT)
    stages.done("cluster")
    return np.asarray(found.members["cluster"].to_numpy())


def ready(folder: Path, stages: Stages) -> Ints:
    """Clusters by Splink as its README has it, on the columns as they come: a ready-made comparison for each, u from
    a million pairs, m by two sessions, pairs from weight -10 on."""
    logging.disable()
    table = pq.read_table(folder / "raw.parquet")
    settings, train_on, certain = READY[(folder / "set").read_text()]
    with duckdb.connect() as con:
        if "credit_code" in table.column_names:
            number = pc.coalesce(table["resident_id"], table["credit_code"])
            table = table.append_column("number", number).drop_columns(
                ["resident_id", "credit_code"]
            )
        if "first_name" in table.column_names:
            both = pc.binary_join_element_wise(table["first_name"], table["surname"], " ")
            table = table.append_column("both_names", both)
        con.register("raw", table)
        con.execute("create table plain as select * from raw order by record")
        linker = Linker(DuckDBAPI(con).register("plain"), settings, log_level=None)
        linker.training.estimate_probability_two_random_records_match(certain, recall=0.7)
        linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
        for rule in train_on:
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
        stages.done("train")
        pairs = linker.inference.predict(threshold_match_weight=-10)
        stages.done("predict")
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(
            pairs, threshold_match_probability=ACCEPT
        )
        table = (
            found.as_duckdbpyrelation()
            .select("record", "cluster_id")
            .order("record")
            .to_arrow_table()
        )
        stages.done("cluster")
    return np.unique(np.array(table["cluster_id"].to_pylist()), return_inverse=True)[1]


def _settings(comparisons: list[Any], rules: list[Any]) -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
    )


def _exact(*columns: str) -> list[Any]:
    return [cl.ExactMatch(c).configure(term_frequency_adjustments=True) for c in columns]


# By set: settings, rules to train m on, rules that make nearly certain pairs.
READY: dict[str, tuple[SettingsCreator, list[Any], list[Any]]] = {
    "sample": (
        _settings(
            [
                cl.NameComparison("name"),
                cl.LevenshteinAtThresholds("number", [2]),
                cl.DateOfBirthComparison("birth_on", input_is_string=False),
                cl.LevenshteinAtThresholds("mobile", [1]),
                cl.LevenshteinAtThresholds("address", [3, 9]),
                *_exact("employer", "phone", "sex"),
                cl.EmailComparison("email"),
            ],
            [block_on("number"), block_on("mobile"), block_on("email"), block_on("name", "birth_on"),
             block_on("name", "address"), block_on("name", "employer")],
        ),
        [block_on("mobile"), block_on("name", "address")],
        [block_on("number"), block_on("name", "mobile"), block_on("name", "address")],
    ),
    "febrl": (
        _settings(
            [
                cl.NameComparison("given_name"),
                cl.NameComparison("surname"),
                cl.LevenshteinAtThresholds("date_of_birth", [1, 2]),
                cl.LevenshteinAtThresholds("soc_sec_id", [2]),
                cl.LevenshteinAtThresholds("address_1", [2, 5]),
                *_exact("street_number", "postcode"),
            ],
            [block_on("soc_sec_id"), block_on("given_name", "surname"), block_on("date_of_birth"),
             block_on("postcode", "street_number"), block_on("surname", "postcode")],
        ),
        [block_on("soc_sec_id"), block_on("given_name", "surname")],
        [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")],
    ),
    # As in Splink's own example of this set (docs/demos/examples/duckdb/deduplicate_50k_synthetic), u from fewer pairs.
    "historical_50k": (
        _settings(
            [
                cl.ForenameSurnameComparison(
                    "first_name", "surname", forename_surname_concat_col_name="both_names"
                ),
                cl.DateOfBirthComparison("dob", input_is_string=True),
                cl.PostcodeComparison("postcode_fake"),
                *_exact("birth_place", "occupation"),
            ],
            [block_on("substr(first_name, 1, 3)", "substr(surname, 1, 4)"), block_on("surname", "dob"),
             block_on("first_name", "dob"), block_on("postcode_fake", "first_name"),
             block_on("postcode_fake", "surname"), block_on("dob", "birth_place"),
             block_on("substr(postcode_fake, 1, 3)", "dob"), block_on("substr(postcode_fake, 1, 3)", "first_name"),
             block_on("substr(postcode_fake, 1, 3)", "surname"),
             block_on("substr(first_name, 1, 2)", "substr(surname, 1, 2)", "substr(dob, 1, 4)")],
        ),
        [block_on("first_name", "surname"), block_on("dob")],
        [block_on("first_name", "surname", "dob"), block_on("dob", "postcode_fake"),
         block_on("substr(first_name, 1, 2)", "surname", "substr(postcode_fake, 1, 2)")],
    ),
    "restaurants": (
        _settings(
            [cl.NameComparison("name"), cl.LevenshteinAtThresholds("addr", [3, 8]),
             cl.LevenshteinAtThresholds("phone", [2]), *_exact("city")],
            [block_on("name"), block_on("phone"), block_on("addr"), block_on("substr(name, 1, 4)")],
        ),
        [block_on("phone"), block_on("name")],
        [block_on("name", "city"), block_on("phone")],
    ),
    "amazon_google": (
        _settings(
            [cl.NameComparison("title"), *_exact("manufacturer"), cl.LevenshteinAtThresholds("price", [1])],
            [block_on("title"), block_on("manufacturer", "price"), block_on("substr(title, 1, 12)")],
        ),
        [block_on("title"), block_on("price")],
        [block_on("title")],
    ),
}  # fmt: skip


def child(side: str, folder: Path) -> dict[str, Any]:
    """Run one side in a process of its own; its clusters' figures, CPU seconds by stage, peak MB."""
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return result


def run_side(side: str, folder: Path) -> None:
    """What a child does."""
    pa.array(
        [""]
    )  # where pandas is installed, pyarrow begins it here: a second that is neither side's work
    stages = Stages()
    found = {"ours": ours, "ready": ready}[side](folder, stages)
    precision, recall, f1 = scores(found, np.load(folder / "entity.npy"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"p": precision, "r": recall, "f1": f1, "cpu": stages.seconds, "mb": round(peak)}
        )
    )


def compare(name: str, folder: Path) -> None:
    """Print both sides and their ratios."""
    both = {side: child(side, folder) for side in ("ours", "ready")}
    for side, got in both.items():
        label = {"ours": "ours", "ready": "ready-made"}[side]
        print(
            f"{name:<24}{label:<12}P {got['p']:.4f}  R {got['r']:.4f}  F1 {got['f1']:.4f}  "
            f"CPU {sum(got['cpu'].values()):6.1f} s  {got['mb']:>5} MB  {got['cpu']}",
            flush=True,
        )
    one, other = both["ours"], both["ready"]
    print(
        f"{name:<24}{'ratio':<12}error {(1 - one['f1']) / max(1 - other['f1'], 1e-9):.2f}x  "
        f"CPU {sum(one['cpu'].values()) / sum(other['cpu'].values()):.2f}x",
        flush=True,
    )


def public() -> None:
    """The public sets."""
    for name, read in matching_sets.SETS.items():
        data = read()
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            pq.write_table(data.plain, folder / "raw.parquet")
            pq.write_table(data.normalised, folder / "normalised.parquet")
            np.save(folder / "entity.npy", data.entity)
            (folder / "set").write_text(name if name in READY else name.split("_")[0])
            compare(name, folder)


def sample(records: int, seed: int) -> None:
    """The sample institution's people."""
    for missing in (0.3, 1.0):
        made = matching_records.make(records, seed=seed, missing=missing)
        normalised = normalise.records(made.raw, matching_records.RANGES)
        share = matching_records.direct_evidence(normalised, made.entity)
        print(
            f"{len(made.entity):,} records, missing {missing}: {share:.1%} of true pairs have direct evidence"
        )
        share, found = matching_records.told_apart_from_name(normalised, made.entity)
        recall, f1 = scores(found, made.entity)[1:]
        print(
            f"{share:.1%} agree in anything but name and sex; all those joined and nothing else: "
            f"R {recall:.4f}  error {1 - f1:.4f}",
            flush=True,
        )
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            pq.write_table(made.raw, folder / "raw.parquet")
            np.save(folder / "entity.npy", made.entity)
            (folder / "set").write_text("sample")
            del made, normalised, found
            compare(f"sample, missing {missing}", folder)


def day(records: int, seed: int) -> None:
    """New records against known ones, and the whole run they spare."""
    made = matching_records.make(records, seed=seed, missing=0.3)
    stages = Stages()
    normalised = normalise.records(made.raw, matching_records.RANGES)
    stages.done("normalise")
    parted = engine.apart(normalised)
    model = training.train(parted, secret=SECRET)
    stages.done("train")
    pairs = scoring.predict(model, parted)
    stages.done("predict")
    clusters.cluster(pairs, normalised, accept=ACCEPT)
    stages.done("cluster")
    # Of a stream of its own: `seed` alone would draw the order that the records were made in, whole people.
    new = pa.array(np.random.default_rng([seed, DAY]).permutation(len(normalised)) < DAY)
    known = normalised.filter(pc.invert(new))
    keys = incremental.block_keys(known, model)
    raw = made.raw.filter(new)

    fresh = Stages()
    arrived = normalise.records(raw, matching_records.RANGES)
    fresh.done("normalise")
    arrived_keys = incremental.block_keys(arrived, model)
    fresh.done("keys")
    candidates = looked_up(known, keys, arrived_keys)
    fresh.done("look-up (a database's work)")
    scored = incremental.score(model, arrived, candidates)
    fresh.done("score")
    touched = pc.is_in(pairs["left"], arrived["record"].combine_chunks())
    touched = pc.or_(touched, pc.is_in(pairs["right"], arrived["record"].combine_chunks()))
    expected = pairs.filter(touched)
    equal = _sorted(expected).equals(_sorted(scored))
    spent = {k: v for k, v in fresh.seconds.items() if not k.startswith("look-up")}
    whole = sum(stages.seconds.values())
    print(
        f"day of {DAY:,} against {len(known):,}: equal to the full run: {equal}, {len(candidates):,} candidates"
    )
    print(f"  day {sum(spent.values()):.2f} s {spent}  full run {whole:.1f} s {stages.seconds}")
    ratio, scoring_only = (
        sum(spent.values()) / w for w in (whole, whole - stages.seconds["train"])
    )
    print(f"  ratio {ratio:.3f}x, {scoring_only:.3f}x of a run without training")


def looked_up(known: pa.Table, keys: pa.Table, arrived: pa.Table) -> pa.Table:
    """Known records that share a key with one that arrived."""
    with duckdb.connect() as con:
        con.register("keys", keys)
        con.register("arrived", arrived)
        found = con.sql(
            "select distinct record from (select record, unnest(keys) as key from keys) "
            "where key in (select unnest(keys) from arrived)"
        ).to_arrow_table()["record"]
    return known.filter(pc.is_in(known["record"], found.combine_chunks()))


def _sorted(pairs: pa.Table) -> pa.Table:
    return pairs.sort_by([("left", "ascending"), ("right", "ascending")]).combine_chunks()


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--only", choices=("public", "sample", "day"))
    parser.add_argument("--side", choices=("ours", "ready"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        run_side(asked.side, asked.folder)
        return
    if asked.only in (None, "public"):
        public()
    if asked.only in (None, "sample"):
        sample(asked.records, asked.seed)
    if asked.only in (None, "day"):
        day(asked.records, asked.seed)


if __name__ == "__main__":
    main()
