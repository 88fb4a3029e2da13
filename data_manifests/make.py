"""Derives the manifests of MEAD and CREMA-D from tables of facts: `python -m data_manifests.make --facts DIR`.

Deterministic: the same tables give the same bytes. Where a choice among speakers is drawn, they are ordered by the
SHA-256 of `<seed>/<speaker>`, which no library version changes. The tables are read from DIR: mead_edtalk_split.csv
(clip_id, split), mead_eat100_scores.csv (speaker, emotion, level, take, scores), cremad_files.csv (clip_id, flv_sha256,
wav_sha256), cremad_actors.csv (actor, age, sex).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

METHOD, JUDGE, VALIDATION, TEST = "method-train", "judge-train", "validation", "test"
SEED = "emotalk-1"
README_TEST_TAKES = {"neutral": 10}  # the last takes of a level are test; 6 for every other emotion
FOLDS = 5
CREMAD_TEST_ACTORS = 20
MEAD_LICENCE = (
    "clip names only, no recording; MEAD itself: non-commercial research, no redistribution, a link on request"
)
SCORES = ("psnr_db", "ssim", "m_lmd_px", "f_lmd_px", "m_lvd_px", "f_lvd_px_as_published", "sync_confidence",
          "av_offset_frames", "sync_min_distance")  # fmt: skip
ODBL = (
    "Derived from CREMA-D (Cao et al., IEEE Transactions on Affective Computing, 2014), which is made available under "
    "the Open Database License 1.0, https://opendatacommons.org/licenses/odbl/1-0/; this file is available under "
    "the same licence"
)

Row = tuple[str, ...]


def pick(strata: Mapping[str, Iterable[str]], wanted: int, seed: str) -> set[str]:
    """`wanted` speakers, from every stratum its share (largest remainders), drawn by hash."""
    ordered = {
        s: sorted(names, key=lambda n: hashlib.sha256(f"{seed}/{n}".encode()).digest()) for s, names in strata.items()
    }
    total = sum(map(len, ordered.values()))
    share = {s: wanted * len(names) / total for s, names in ordered.items()}
    quota = {s: int(share[s]) for s in ordered}
    by_remainder = sorted(ordered, key=lambda s: (quota[s] - share[s], s))
    for stratum in by_remainder[: wanted - sum(quota.values())]:
        quota[stratum] += 1
    return {name for s, names in ordered.items() for name in names[: quota[s]]}


def split_training(stratum: Mapping[str, str], seed: str) -> dict[str, str]:
    """Speaker -> part for the speakers who are not test: a tenth validation, of the others two thirds method, one
    judge."""
    validation = pick(_group(stratum), max(1, round(len(stratum) / 10)), f"{seed}/validation")
    rest = {name: s for name, s in stratum.items() if name not in validation}
    judge = pick(_group(rest), round(len(rest) / 3), f"{seed}/judge")
    return {n: VALIDATION if n in validation else JUDGE if n in judge else METHOD for n in stratum}


def mead(facts: Path) -> dict[str, tuple[dict, list[str], list[Row]]]:
    """name -> (card, columns, rows) of MEAD's manifests."""
    published = [(_mead_id(r["clip_id"]), r["split"]) for r in _read(facts / "mead_edtalk_split.csv")]
    test = {c.split("_")[0] for c, split in published if split == "test"}
    everyone = sorted({c.split("_")[0] for c, _ in published})
    part = split_training(_sexes(n for n in everyone if n not in test), f"{SEED}/mead/edtalk") | dict.fromkeys(
        test, TEST
    )
    four_way = (
        "its training speakers are split here: a tenth validation, of the rest two thirds method-train and one third "
        f"judge-train, each by sex, drawn by hash (seed {SEED})"
    )
    made = {}
    made["edtalk"] = (
        {
            "title": "EDTalk's speaker-disjoint split: test M003, M030, W009, W015",
            "source": "the clip lists published with EDTalk",
            "rule": f"train and test as published, clip by clip; {four_way}",
            "status": "verified",
        },
        ["clip_id", "part"],
        sorted((clip, part[clip.split("_")[0]]) for clip, _ in published),
    )
    quick = sorted(_eat_clip(r) for r in _read(facts / "mead_eat100_scores.csv"))
    made["eat100"] = (
        {
            "title": "EAT's 100-clip test: level 3 and neutral of M003, M030, W009, W015",
            "source": "the per-clip scores published with EAT",
            "rule": "the 100 clips are scored, all other clips of the four speakers may be partners or reference "
            f"clips; everyone else trains, with the parts of edtalk: {four_way}",
            "status": "verified",
            "status_of": "the 100 scored clips; which clips EAT was trained on is unverified",
        },
        ["speaker", "clip_id", "part", "scored"],
        [(n, "", part[n], str(int(n not in test))) for n in everyone] + [("", clip, TEST, "1") for clip in quick],
    )
    made["readme-sentences"] = (
        {
            "title": "the sentence rule: every level's last takes are test, the same speakers on both sides",
            "source": "a sentence in a README; the takes are those of the lists published with EDTalk",
            "rule": "per speaker, emotion and level the last 10 neutral and the last 6 other takes are test; "
            "the other takes train, in the part of their speaker: "
            f"{four_way.replace('its training speakers', 'all 43 speakers')}",
            "status": "unverified",
            "flags": ["leaky"],
        },
        ["speaker", "clip_id", "part"],
        _readme_rows([c for c, _ in published], split_training(_sexes(everyone), f"{SEED}/mead/readme-sentences")),
    )
    for fold, members in enumerate(_folds(_sexes(everyone), f"{SEED}/mead/folds5")):
        others = split_training(_sexes(n for n in everyone if n not in members), f"{SEED}/mead/folds5-{fold}")
        made[f"folds5-{fold}"] = (
            {
                "title": f"fold {fold} of five, speaker-disjoint, over the 43 speakers of EDTalk's lists",
                "source": "ours",
                "rule": f"speakers dealt out by sex, drawn by hash (seed {SEED}); everyone is test in one fold; "
                "of the others a tenth is validation, of the rest two thirds are method-train and "
                "one third judge-train, by sex",
                "status": "verified",
            },
            ["speaker", "part"],
            sorted((others | dict.fromkeys(members, TEST)).items()),
        )
    for card, _, _ in made.values():
        card["licence"] = MEAD_LICENCE
    return made


def cremad(facts: Path) -> dict[str, tuple[dict, list[str], list[Row]]]:
    """name -> (card, columns, rows) of CREMA-D's manifest."""
    stratum = {r["actor"]: f"{r['sex']}, {age_band(int(r['age']))}" for r in _read(facts / "cremad_actors.csv")}
    test = pick(_group(stratum), CREMAD_TEST_ACTORS, f"{SEED}/cremad/test")
    part = split_training({n: s for n, s in stratum.items() if n not in test}, f"{SEED}/cremad")
    part |= dict.fromkeys(test, TEST)
    card = {
        "title": f"speaker-disjoint, {CREMAD_TEST_ACTORS} test actors",
        "source": "ours; CREMA-D has no official split, its maintainers ask to keep all clips of an actor together",
        "rule": f"{CREMAD_TEST_ACTORS} of {len(stratum)} actors are test, of the others a tenth is validation, "
        "of the rest two thirds are method-train and one third judge-train; each time by sex and age "
        f"(under 30, 30 to 44, 45 and more), drawn by hash (seed {SEED})",
        "status": "verified",
        "licence": ODBL,
    }
    clips = sorted(r["clip_id"] for r in _read(facts / "cremad_files.csv"))
    return {"speakers": (card, ["clip_id", "part"], [(c, part[c[:4]]) for c in clips])}


def cremad_sample(facts: Path) -> dict[str, tuple[dict, list[str], list[Row]]]:
    """The manifest of the six sample clips."""
    clips = sorted(r["clip_id"] for r in _read(facts / "cremad_files.csv") if r["clip_id"].startswith("1001_DFA_"))
    card = {
        "title": "six clips: actor 1001, sentence DFA, all six emotions",
        "source": "CREMA-D; the clips are the test data of a published package",
        "rule": "all six are test and scored; nobody trains",
        "status": "verified",
        "licence": ODBL,
        "flags": ["same-sentence"],
    }
    return {"sample": (card, ["clip_id", "part"], [(c, TEST) for c in clips])}


def age_band(age: int) -> str:
    """The age group that CREMA-D's actors are stratified by: under 30, 30 to 44, 45 and more."""
    return "under 30" if age < 30 else "30 to 44" if age < 45 else "45 and more"


def checksum_rows(facts: Path) -> list[Row]:
    """clip_id, SHA-256 of the .flv and of the .wav, for every clip of CREMA-D."""
    return sorted((r["clip_id"], r["flv_sha256"], r["wav_sha256"]) for r in _read(facts / "cremad_files.csv"))


def score_rows(facts: Path) -> list[Row]:
    """clip_id, speaker, emotion and EAT's own scores, digit by digit as published, of the 100 clips of its MEAD test."""
    return sorted(
        (_eat_clip(r), r["speaker"], r["emotion"], *(r[name] for name in SCORES))
        for r in _read(facts / "mead_eat100_scores.csv")
    )


def score_card(text: str) -> str:
    """The card of that table; under a name of its own, for a csv with a card of the same name is a split."""
    card = {
        "title": "EAT's own scores of its 100-clip MEAD test, per clip",
        "source": "https://github.com/yuangan/evaluation_eat, the committed outputs of its evaluator",
        "licence": "scores and clip names only, no recording; MEAD itself: non-commercial research, no redistribution, a "
        "link on request",
        "status": "as published; f_lvd_px_as_published carries that evaluator's error (it accumulates the mouth's value)",
        "averages": "its printed PSNR and SSIM are means over all frames of all clips, the others means over clips",
        "n_clips": text.count("\n") - 1,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    lines = ["# Written by `python -m data_manifests.make`; not edited by hand."]
    return "\n".join(lines + [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in card.items()]) + "\n"


def write_all(facts: Path, out: Path) -> list[Path]:
    """Write every csv and card below `out`; returns their paths."""
    written = []
    for dataset, made in (("mead", mead(facts)), ("cremad", cremad(facts)), ("cremad-sample", cremad_sample(facts))):
        for name, (card, columns, rows) in made.items():
            table = _table(columns, rows)
            card = card | {"seed": SEED, "csv_sha256": hashlib.sha256(table.encode()).hexdigest()}
            written.append(_write(out / dataset / f"{name}.csv", table))
            written.append(_write(out / dataset / f"{name}.toml", _card(card, columns, rows)))
    written.append(
        _write(out / "cremad" / "files.csv", _table(["clip_id", "flv_sha256", "wav_sha256"], checksum_rows(facts)))
    )
    scores = _table(["clip_id", "speaker", "emotion", *SCORES], score_rows(facts))
    written.append(_write(out / "mead" / "eat100_scores.csv", scores))
    written.append(_write(out / "mead" / "eat100_scores-card.toml", score_card(scores)))
    return written


def _readme_rows(clips: list[str], part: Mapping[str, str]) -> list[Row]:
    takes = defaultdict(list)
    for clip in clips:
        takes[clip.rsplit("_", 1)[0]].append(clip)
    test = []
    for level, own in takes.items():
        test += sorted(own)[-README_TEST_TAKES.get(level.split("_")[2], 6) :]
    return [(n, "", part[n]) for n in sorted(part)] + [("", clip, TEST) for clip in sorted(test)]


def _folds(stratum: Mapping[str, str], seed: str) -> list[set[str]]:
    # each fold takes its share of what is left, so sizes differ by one at most
    left, folds = dict(stratum), []
    for fold in range(FOLDS):
        members = pick(_group(left), round(len(left) / (FOLDS - fold)), f"{seed}/{fold}")
        folds.append(members)
        left = {n: s for n, s in left.items() if n not in members}
    return folds


def _group(stratum: Mapping[str, str]) -> dict[str, list[str]]:
    groups = defaultdict(list)
    for name in sorted(stratum):
        groups[stratum[name]].append(name)
    return groups


def _sexes(names: Iterable[str]) -> dict[str, str]:
    return {name: name[0] for name in names}  # M003, W009


def _mead_id(path: str) -> str:
    speaker, emotion, level, take = path.split("/")
    return f"{speaker}_front_{emotion}_{level.removeprefix('level_')}_{take}"


def _eat_clip(row: Mapping[str, str]) -> str:
    return f"{row['speaker']}_front_{row['emotion']}_{row['level'][-1]}_{row['take']}"


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _table(columns: list[str], rows: list[Row]) -> str:
    return "\n".join(",".join(row) for row in [tuple(columns), *rows]) + "\n"


def _card(card: Mapping[str, object], columns: list[str], rows: list[Row]) -> str:
    """The card as TOML, with counts per part: speakers, rows that name a clip, scored ones among them."""
    speakers, clips, scored = defaultdict(set), Counter(), Counter()
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        clip = cells.get("clip_id", "")
        speakers[cells["part"]].add(clip.split("_")[0] if clip else cells["speaker"])
        clips[cells["part"]] += bool(clip)
        scored[cells["part"]] += bool(clip) and cells.get("scored", "1") == "1"
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in card.items()]
    lines += ["", "[counts]"]
    lines += [
        f"{p} = {{ speakers = {len(speakers[p])}, clips = {clips[p]}, scored = {scored[p]} }}"
        for p in (METHOD, JUDGE, VALIDATION, TEST)
        if p in speakers
    ]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    return temporary.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, required=True, help="folder with the tables")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="data_manifests folder to write to")
    arguments = parser.parse_args()
    for path in write_all(arguments.facts, arguments.out):
        print(path)


if __name__ == "__main__":
    main()
