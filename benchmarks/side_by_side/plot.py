"""The ratios as a picture."""

from __future__ import annotations

from pathlib import Path

from benchmarks.side_by_side.comparisons import BASELINE
from benchmarks.side_by_side.tables import COLUMNS, Entry


def drawn(entries: list[Entry], path: Path) -> bool:
    """A panel for each system, written to `path`; False where Matplotlib or the timings are missing."""
    own = [entry for entry in entries if entry[0]["kind"] == "gradients"]
    try:
        import matplotlib
    except ImportError:
        return False
    if not own:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    models = list(dict.fromkeys(job["model"] for job, _ in own))
    figure, panels = pyplot.subplots(1, len(models), figsize=(5.5 * len(models), 4.5), squeeze=False, sharey=True)
    for model, panel in zip(models, panels[0], strict=True):
        here = [(job, result) for job, result in own if job["model"] == model]
        for name in COLUMNS:
            spots = [(k, r["timings"][name]["ratio"]) for k, (_, r) in enumerate(here) if name in r["timings"]]
            if spots:
                middle = [ratio["median"] for _, ratio in spots]
                spread = [
                    [ratio["median"] - ratio["low"] for _, ratio in spots],
                    [ratio["high"] - ratio["median"] for _, ratio in spots],
                ]
                panel.errorbar([k for k, _ in spots], middle, spread, fmt="o", label=name, capsize=2)
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set_yscale("log")
        panel.set_title(f"{model.upper()}: time / {BASELINE}")
        labels = [f"{','.join(map(str, job['point']))}\n{job['dtype']}" for job, _ in here]
        panel.set_xticks(range(len(here)), labels, rotation=60, fontsize=7)
    panels[0][0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return True
