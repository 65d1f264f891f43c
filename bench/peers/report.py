"""The table, in Markdown."""

from __future__ import annotations

from comparison import Block, Result
from environment import PEERS

_COLUMNS = (
    "engine", "version", "median ms", "best ms", "x camlite", "images/s", "x batch 1", "load + first ms", "peak MB",
    "own MB", "feature error",
)  # fmt: skip

LEGEND = """\
- median, best: of a forward pass to features, logits and probabilities. x camlite: the median over camlite's.
  x batch 1: images/s over those of batch 1.
- load + first: from the file in the page cache to the end of the first pass, without importing the Python package.
- peak: the most that the process had resident (VmHWM, MB of 2^20 bytes) after all runs. own: without what it had before
  it imported the engine, which is Python and numpy (of camlite, a C++ program: the empty process).
- feature error: the largest difference of the last feature map from one computed in double, over its largest value.
- Where other programs took more than a few percent of the processors, medians mean little; two-thread ones, least."""


def _row(result: Result, block: Block, camlite_ms: float | None, batch_1_ms: float | None) -> list[str]:
    title = PEERS[result.engine].title if result.engine in PEERS else result.engine
    if not result.times_ms:
        return [title, result.problem.split(":")[0], *[""] * (len(_COLUMNS) - 2)]
    ms = result.median_ms
    return [
        title,
        result.version,
        f"{ms:.2f}",
        f"{min(result.times_ms):.2f}",
        f"{ms / camlite_ms:.2f}" if camlite_ms else "",
        f"{1000 * block.batch / ms:.1f}",
        f"{block.batch * batch_1_ms / ms:.2f}" if batch_1_ms else "",
        f"{result.load_ms + result.first_ms:.0f}",
        f"{result.peak_mb:.0f}",
        f"{result.peak_mb - result.bare_mb:.0f}",
        f"{result.feature_error:.1e}{' WRONG' if result.is_wrong else ''}",
    ]


def _medians(results: list[Result]) -> dict[str, float]:
    return {result.engine: result.median_ms for result in results if result.times_ms}


def table(block: Block, results: list[Result], batch_1: list[Result] | None, others: float, gmac: float) -> str:
    """`batch_1`: the results of the same network and threads with batch 1, if there are."""
    medians, single = _medians(results), _medians(batch_1 or [])
    rows = [_row(result, block, medians.get("camlite"), single.get(result.engine)) for result in results]
    threads = f"{block.threads} thread{'' if block.threads == 1 else 's'}"
    runs = block.rounds * block.timed
    lines = [
        f"### {block.network}, {threads}, batch {block.batch}",
        "",
        f"{gmac:.2f} G multiply-adds a picture; {runs} runs of each engine in {block.rounds} rounds; "
        f"other programs took {100 * others:.0f} % of the processors.",
        "",
    ]
    widths = [max(len(cell) for cell in column) for column in zip(_COLUMNS, *rows)]

    def line(cells: list[str] | tuple[str, ...]) -> str:
        padded = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = "|".join("-" * (w + 2) if i < 2 else "-" * (w + 1) + ":" for i, w in enumerate(widths))
    lines += [line(_COLUMNS), f"|{rule}|", *(line(row) for row in rows)]
    problems = [f"- {row[0]}: {result.problem}" for row, result in zip(rows, results) if result.problem]
    return "\n".join(lines + ([""] + problems if problems else [])) + "\n"
