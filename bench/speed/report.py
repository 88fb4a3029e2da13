"""The section of docs/performance.md that the measurements fill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from statistics import median

from bench.speed.chain import ToolTime
from bench.speed.measure import METHODS, Measured
from bench.speed.rows import Rows

BEGIN, END = "<!-- row-speed: begin -->", "<!-- row-speed: end -->"
TITLE = "## A whole row against its floor, and against other programs"
AIM_DEFAULT, AIM_EVERY, AIM_SECOND, AIM_CHAIN = 1.5, 1.25, 0.7, 3.0


def ratios(found: Measured) -> dict[str, float]:
    """Every ratio by name, of medians over repeats, without start-up unless its name says so."""
    row, every = _cpu(found.default), _cpu(found.every_frame)
    floor_default, floor_every = _floor(found, found.default), _floor(found, found.every_frame)
    startup = median(one.startup for one in found.default)
    out = {
        "row": row / floor_default,
        "row with start-up": (row + startup) / floor_default,
        "row, wall": _of_row(found.default, lambda one: one.wall) / floor_default,
        "every frame": every / floor_every,
        "every frame with start-up": (every + startup) / floor_every,
        "second": _cpu(found.default, 1) / row,
        "second, wall": _of_row(found.default, lambda one: one.wall, 1) / _of_row(found.default, lambda one: one.wall),
    }
    if found.tools:
        work, networks, roots = chain_sums(found)
        rest, rest_every = row - _network(found.default), every - _network(found.every_frame)
        out |= {
            "chain": work / every,
            "chain, default row": work / row,
            "chain without networks": (work - networks) / rest_every,
            "chain without networks, default row": (work - networks) / rest,
            "chain without networks and matrix root": (work - networks - roots) / rest,
        }
    return out


def chain_sums(found: Measured) -> tuple[float, float, float]:
    """Seconds of all programs after their start-up; what of it are forward passes; what of it the root of a matrix."""
    totals = [_tool(times, "total") - _tool(times, "startup") for times in found.tools.values()]
    networks = [network_of(found, tool) for tool in found.tools]
    return sum(totals), sum(networks), sum(_tool(times, "root") for times in found.tools.values())


def network_of(found: Measured, tool: str) -> float:
    """Seconds of forward passes; mediapipe's are those of the bare networks on as many frames."""
    times = found.tools[tool]
    if tool != "landmarks":
        return 0.0 if times[0].network is None else _tool(times, "network")
    best = found.best_ways()
    return found.frames * sum(best[f"face_{part}"][1] for part in ("detector", "landmarks", "blendshapes")) / 1e3


def _tool(times: Sequence[ToolTime], what: str) -> float:
    return median(getattr(one, what) for one in times)


def _of_row(taken: Sequence[Rows], what, row: int = 0) -> float:
    return median(what(one.rows[row]) for one in taken)


def _cpu(taken: Sequence[Rows], row: int = 0) -> float:
    return _of_row(taken, lambda one: one.cpu, row)


def _network(taken: Sequence[Rows]) -> float:
    return _of_row(taken, lambda one: one.network)


def _floor(found: Measured, taken: Sequence[Rows]) -> float:
    return sum(seconds for _, seconds in found.bare(taken).values())


def block(found: Measured, command: str) -> str:
    """The whole section, between its marks."""
    from bench.environment import machine

    here, repeats, r = machine(), len(found.default), ratios(found)
    head = (
        f"`{command}`, {date.today().isoformat()}, {here.processor}, {here.cores} cores, no GPU; {found.clips} clips, "
        f"{found.frames} frames, one thread, empty caches; processor seconds, medians of {repeats} interleaved repeats. Start-up "
        "(imports, reading weights, compiled code) is not in a figure unless it says so: it does not grow with the clips."
    )
    parts = [BEGIN, head, "", *_verdicts(r), "", *_floor_table(found), "", *_row_table(found)]
    if found.tools:
        parts += ["", *_chain_table(found)]
    return "\n".join([*parts, END])


def _verdicts(r: dict[str, float]) -> list[str]:
    def line(what: str, name: str, aim: float, most: bool) -> str:
        reached = r[name] <= aim if most else r[name] >= aim
        return (
            f"| {what} | **{r[name]:.2f}** | {'at most' if most else 'at least'} {aim} | {'yes' if reached else 'NO'} |"
        )

    lines = [
        "| ratio | measured | aim | reached |",
        "|---|---|---|---|",
        line("default row over the floor of its networks", "row", AIM_DEFAULT, True),
        line("row with Inception on every frame over its floor", "every frame", AIM_EVERY, True),
        line("second method on the same clips over the first", "second", AIM_SECOND, True),
    ]
    if "chain" in r:
        lines += [
            line("chain over the row, both without forward passes", "chain without networks", AIM_CHAIN, False),
            line("the same against the default row", "chain without networks, default row", AIM_CHAIN, False),
            line(
                "the same, and without pytorch-fid's matrix root",
                "chain without networks and matrix root",
                AIM_CHAIN,
                False,
            ),
            f"| chain over the row, Inception on every frame in both | {r['chain']:.2f} | | |",
            f"| chain over the default row (Inception on 10 frames of a clip) | {r['chain, default row']:.2f} | | |",
        ]
    return [
        *lines,
        f"| default row with start-up over the floor | {r['row with start-up']:.2f} | | |",
        f"| every frame, with start-up | {r['every frame with start-up']:.2f} | | |",
        f"| default row's wall seconds over the floor | {r['row, wall']:.2f} | | |",
        f"| second over first, wall seconds | {r['second, wall']:.2f} | | |",
    ]


def _floor_table(found: Measured) -> list[str]:
    best, default, every = found.best_ways(), found.bare(found.default), found.bare(found.every_frame)
    lines = [
        "The floor: each network alone on random pictures, its best batch and layout. The dataset's own experts take what they "
        "took in the row.",
        "",
        "| network | best | ms per picture | pictures, default row | s | in the row, s | pictures, every frame | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, (pictures, seconds) in sorted(default.items(), key=lambda item: -item[1][1]):
        way = f"batch {best[name][0][1]}, {best[name][0][2]}" if name in best else "as in the row"
        inside = median(one.rows[0].passes.seconds[name] for one in found.default)
        lines.append(
            f"| {name} | {way} | {1e3 * seconds / pictures:.2f} | {pictures} | {seconds:.2f} | {inside:.2f} | {every[name][0]} | "
            f"{every[name][1]:.2f} |"
        )
    sums = [sum(seconds for _, seconds in side.values()) for side in (default, every)]
    return [*lines, f"| all | | | | {sums[0]:.2f} | {_network(found.default):.2f} | | {sums[1]:.2f} |"]


def _row_table(found: Measured) -> list[str]:
    taken = [
        (f"{METHODS[0]}, default", found.default, 0),
        (f"{METHODS[1]}, second on the same clips", found.default, 1),
        (f"{METHODS[0]}, Inception on every frame", found.every_frame, 0),
    ]
    lines = [
        "| row | columns with a value | s | of it networks | of it other work, ms per frame | wall s | start-up, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for what, rows, place in taken:
        cpu, network = _cpu(rows, place), _of_row(rows, lambda one: one.network, place)
        lines.append(
            f"| {what} | {rows[0].rows[place].columns} | {cpu:.2f} | {network:.2f} | {1e3 * (cpu - network) / found.frames:.1f} | "
            f"{_of_row(rows, lambda one: one.wall, place):.2f} | {median(one.startup for one in rows):.1f} |"
        )
    return lines


def _chain_table(found: Measured) -> list[str]:
    lines = [
        "The chain: each tool its own program (`tests/reference/chain.py` in the reference environment), on PNG files of every "
        "frame; one of more than a minute is run once. syncnet-python has random weights, which its time does not depend on, "
        "and no face detector before it; "
        "mediapipe looks at the generated side only, as the row does (`prepare` has seen the real one), and its forward passes "
        "are taken as those of the bare networks. The chain gives FID, LPIPS, SSIM, LSE and landmarks; the row all its columns.",
        "",
        "| program | s | of it networks | of it a matrix root | other work | wall s with start-up | start-up, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for tool, times in found.tools.items():
        work, network, root = (
            _tool(times, "total") - _tool(times, "startup"),
            network_of(found, tool),
            _tool(times, "root"),
        )
        lines.append(
            f"| {tool} | {work:.2f} | {network:.2f} | {root:.2f} | {work - network - root:.2f} | {_tool(times, 'wall'):.2f} | "
            f"{_tool(times, 'startup'):.2f} |"
        )
    work, network, root = chain_sums(found)
    return [*lines, f"| all | {work:.2f} | {network:.2f} | {root:.2f} | {work - network - root:.2f} | | |"]


def written_into(page: str, text: str) -> str:
    """`page` with its block replaced, or with one at its end."""
    if BEGIN in page and END in page:
        return page[: page.index(BEGIN)] + text + page[page.index(END) + len(END) :]
    return f"{page.rstrip()}\n\n{TITLE}\n\n{text}\n"
