"""docs/shipped-weights.md: what the shipped weights of methods were trained on, how, and how they learnt, from their cards.

python -m bench.shipped_page --write docs/shipped-weights.md
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.contract.expert_file import read_card

FIGURE = "figures/learning-curves.webp"
INTRODUCTION = """# Shipped weights of methods

Written by `python -m bench.shipped_page --write docs/shipped-weights.md` from the cards in `baselines/weights`. Not edited by hand.

Every file is float16 safetensors with its card (JSON) beside it: configuration, seed, speakers, versions, curve, hash. All were
trained by `emotalk train` with the command below on method-training speakers of the embedded dataset, and chosen on validation speakers;
no test speaker was seen.
The weights of the evaluators (judges, sync expert, cohesion) are on [judges.md](judges.md) and in `metrics/experts`."""


def main() -> None:
    """Print the page, or write it and its figure."""
    parser = argparse.ArgumentParser(prog="python -m bench.shipped_page", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--write", type=Path, help="write the page here, and its figure into the folder figures beside it"
    )
    asked = parser.parse_args()
    found = cards()
    if asked.write is None:
        print(page(found))
        return
    figure = asked.write.parent / FIGURE
    figure.parent.mkdir(parents=True, exist_ok=True)
    draw(found, figure)
    asked.write.write_text(page(found), encoding="utf-8")
    print(f"wrote {asked.write} and {figure}")


def cards() -> list[dict[str, Any]]:
    """The cards of all shipped weights, by name; [] where none ship."""
    folder = Path(str(files("baselines").joinpath("weights")))
    return [read_card(path) for path in sorted(folder.glob("*.safetensors"))]


def page(found: Sequence[Mapping[str, Any]]) -> str:
    """Markdown of the cards."""
    head = ("weights", "trained as", "MB", "speakers", "clips", "seed", "steps (best)", "device, minutes", "chosen by")
    lines = [INTRODUCTION, "", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(_row(card))} |" for card in found]
    lines += ["", f"![learning curves]({FIGURE})", ""]
    lines += [
        "Learning curves on validation speakers, of the number that each was chosen by; the dot is what ships.",
        "",
    ]
    for card in found:
        lines += [f"## {card['name']}", "", f"    {card['recipe']}", "", _measured(card), ""]
    return "\n".join(lines)


def _row(card: Mapping[str, Any]) -> tuple[str, ...]:
    chosen = card["chosen_by"]
    return (
        card["name"],
        card["trainable"],
        f"{card['bytes'] / 1e6:.1f}",
        str(len(card["train_speakers"])),
        str(card["train_clips"]),
        str(card["seed"]),
        _steps(card),
        f"{card['device']}, {card['seconds'] / 60:.0f}",
        f"{chosen['metric']} {chosen['value']:.4g}",
    )


def _steps(card: Mapping[str, Any]) -> str:
    planned = card["config"]["steps"]
    ended = f"{card['steps']}" if card["steps"] >= planned else f"**{card['steps']} of {planned}**"
    return f"{ended} ({card['best_step']})"


def _measured(card: Mapping[str, Any]) -> str:
    numbers = {name: value for name, value in card["validation"].items() if isinstance(value, int | float)}
    said = "On validation speakers, after rounding to float16: " + ", ".join(
        f"{name} {value:.4g}" for name, value in sorted(numbers.items())
    )
    followed = card.get("measured", {}).get("followed", {})
    told = "; ".join(f"{name} r {one['r']:.2f}, slope {one['slope']:.2f}" for name, one in followed.items())
    return said + (f".\n\nHow key points follow the landmarks' distances: {told}" if told else "")


def draw(found: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One small curve for each card."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(found) // 3)
    figure = Figure(figsize=(10, 2.4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    places = list(figure.subplots(rows, 3, squeeze=False).flat)
    for axes in places[len(found) :]:
        axes.set_axis_off()
    for axes, card in zip(places, found, strict=False):
        steps, values = zip(*[pair for pair in card["learning"] if pair[1] is not None], strict=True)
        axes.plot(steps, values, color="#3b6ea5", linewidth=1.5)
        axes.plot(card["best_step"], card["chosen_by"]["value"], "o", color="#c0392b", markersize=5)
        axes.set_title(card["name"], fontsize=9)
        axes.set_xlabel("steps", fontsize=8)
        axes.set_ylabel(card["chosen_by"]["metric"], fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
