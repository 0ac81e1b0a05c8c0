"""Run the diagnosis over a file of labelled failures and say how good it is.

    python -m bench.evaluate [--corpus FILE] [--out .data/eval/predictions.jsonl] [--update]

A corpus is JSON Lines: ``id``, ``platform``, ``message``, ``error_code`` and, where
somebody has labelled the row, ``category``, ``retryable`` ("true", "false",
"unclear") and ``best_action``; ``source_url`` where rows share a page. Other fields
are ignored: a labeller's notes must never reach the classifier. Without a corpus the
signatures' own examples are used.

Written is one row per message: ``id, category, retryable, action, confidence,
method, ms``; ``category`` is null when no signature explains the message. All
figures go into ``scores.json`` beside it and are compared with those committed in
``bench/eval_figures.json`` for a corpus of this name; ``--update`` commits to new ones.

With a language model in the settings (``MEND_LLM_BASE_URL``), ``with model`` is one
more reading: the model is asked about what no signature knows.

Where rows name their page, two more readings are scored: ``by page`` calibrates
on the other pages, ``withheld`` also takes away what only this page shows.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table as Shown

from bench.corpus import CorpusError, Row, corpus_retryable, own_examples, read_corpus
from bench.folds import tables, withheld
from bench.scores import NOT_AUTOMATIC, Judged, Scores, percentile, scores
from shared.diagnosis.calibration import ALONE, TABLE, Table
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.hits import ALL, Catalogue
from shared.domain.analysis import Action, Analysis

OUT = Path(".data/eval/predictions.jsonl")
FIGURES = Path(__file__).with_name("eval_figures.json")

# The corpus has one word for starting the whole thing again, whatever runs it.
_CORPUS_WORDS = {Action.RERUN_JOB: Action.RERUN_PIPELINE}
_COMPARED = {
    "macro_f1": "category macro-F1",
    "micro_f1": "category micro-F1",
    "category_accuracy": "category accuracy",
    "retryable_accuracy": "retryable accuracy",
    "action_accuracy": "action accuracy",
    "abstain_rate": "abstain rate",
    "unsafe_rate": "unsafe-action rate",
    "unattended_unsafe_rate": "unsafe and unattended rate",
    "calibration_error": "expected calibration error",
}
_DIGITS = 4

Figures = dict[str, float | None]
Setting = tuple[Catalogue, Table]
_AS_SHIPPED: Setting = (ALL, TABLE)


class Prediction(BaseModel):
    """One line of the output file; ``ms`` is the time the verdict took, in milliseconds."""

    model_config = ConfigDict(frozen=True)

    id: str
    category: str | None
    retryable: str
    action: str
    confidence: float
    method: str
    ms: float


def predict(
    row: Row, setting: Setting = _AS_SHIPPED, *, advised: Mapping[str, Analysis] | None = None
) -> tuple[Prediction, Analysis]:
    """Return what the diagnosis says about ``row``; labels are not looked at."""
    facts = row.facts()
    begun = time.perf_counter()
    analysis = diagnose(facts, *setting)
    elapsed = time.perf_counter() - begun
    analysis = (advised or {}).get(row.id, analysis)
    prediction = Prediction(
        id=row.id,
        category=analysis.category,
        retryable=corpus_retryable(analysis.signature),
        action=_CORPUS_WORDS.get(analysis.action, analysis.action),
        confidence=analysis.confidence,
        method=analysis.method,
        ms=round(elapsed * 1000, 3),
    )
    return prediction, analysis


def judged(
    rows: Iterable[Row],
    setting: Callable[[Row], Setting] = lambda _: _AS_SHIPPED,
    *,
    advised: Mapping[str, Analysis] | None = None,
) -> list[tuple[Prediction, Judged]]:
    """Return each prediction together with the labels it will be compared with."""
    found = []
    for row in rows:
        prediction, analysis = predict(row, setting(row), advised=advised)
        comparison = Judged(
            id=row.id,
            category=prediction.category,
            retryable=prediction.retryable,
            action=prediction.action,
            confidence=prediction.confidence,
            unattended=analysis.auto_remediable and analysis.confidence >= ALONE,
            true_category=row.category,
            true_retryable=row.retryable,
            true_action=row.best_action,
        )
        found.append((prediction, comparison))
    return found


def by_page(rows: Sequence[Row]) -> dict[str, Scores]:
    """Return the cross-validated scores, or nothing where pages are not told apart."""
    if not any(row.source_url and row.category for row in rows):
        return {}
    catalogues = withheld(rows)
    of_page = tables(rows, catalogues)

    def read(setting: Callable[[Row], Setting]) -> Scores:
        return scores(comparison for _, comparison in judged(rows, setting))

    return {
        "by page": read(lambda row: (ALL, of_page[row.page])),
        "withheld": read(lambda row: (catalogues[row.page], of_page[row.page])),
    }


def figures(result: Scores, predictions: Iterable[Prediction] = ()) -> Figures:
    """Return the figures that are compared, and the times of a verdict in milliseconds."""
    found = {name: _rounded(getattr(result, name)) for name in _COMPARED}
    times = [prediction.ms for prediction in predictions]
    if times:
        found |= {"ms_p50": percentile(times, 50), "ms_p95": percentile(times, 95)}
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def write(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write one JSON object per line, making the folder when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(prediction.model_dump(mode="json")) for prediction in predictions)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def committed() -> dict[str, dict[str, Figures]]:
    """Return the committed figures by corpus and reading; none when there is no file."""
    if not FIGURES.exists():
        return {}
    found: dict[str, dict[str, Figures]] = json.loads(FIGURES.read_text(encoding="utf-8"))
    return found


def show(console: Console, result: Scores, readings: Mapping[str, Figures]) -> None:
    """Print the scores as tables."""
    console.print(_summary(result, readings))
    console.print(_categories(result))
    console.print(_reliability(result))
    if result.unsafe_ids:
        console.print("unsafe: " + ", ".join(result.unsafe_ids))


def _summary(result: Scores, readings: Mapping[str, Figures]) -> Shown:
    table = Shown(title=f"{result.labelled} labelled rows")
    table.add_column("score")
    for name in readings:
        table.add_column(name, justify="right")
    for key, name in (_COMPARED | {"ms_p50": "ms, p50", "ms_p95": "ms, p95"}).items():
        values = (of.get(key) for of in readings.values())
        table.add_row(name, *("-" if value is None else f"{value:.3f}" for value in values))
    return table


def _categories(result: Scores) -> Shown:
    table = Shown(title="by category")
    table.add_column("category")
    for name in ("rows", "precision", "recall", "F1"):
        table.add_column(name, justify="right")
    for line in result.categories:
        shares = (f"{value:.2f}" for value in (line.precision, line.recall, line.f1))
        table.add_row(line.category, str(line.rows), *shares)
    return table


def _reliability(result: Scores) -> Shown:
    table = Shown(title="reliability of the confidence")
    for name in ("confidence", "rows", "said", "was right"):
        table.add_column(name, justify="right")
    for bin_ in result.reliability:
        span = f"{bin_.low:.1f}-{bin_.high:.1f}"
        table.add_row(span, str(bin_.rows), f"{bin_.confidence:.2f}", f"{bin_.accuracy:.2f}")
    return table


def changes(now: Mapping[str, Figures], before: Mapping[str, Figures]) -> list[str]:
    """Return one line per figure that is not what was committed; times are not compared."""
    lines = []
    for reading, new in now.items():
        old = before.get(reading, {})
        for key, name in _COMPARED.items():
            was, is_ = old.get(key), new.get(key)
            if was != is_:
                lines.append(f"{reading}, {name}: {_told(was)} -> {_told(is_)}")
    return lines


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _report(rows: Sequence[Row], name: str, options: argparse.Namespace) -> None:
    """Score what was predicted, write the scores and compare them."""
    results = judged(rows)
    write(options.out, (prediction for prediction, _ in results))
    print(f"{len(rows)} rows -> {options.out}")
    result = scores(comparison for _, comparison in results)
    if not result.labelled:
        passive = sum(comparison.action in NOT_AUTOMATIC for _, comparison in results)
        print(f"no labels; {len(rows) - passive} rows with an action, {passive} without")
        return
    readings = {"all": figures(result, (prediction for prediction, _ in results))}
    readings |= {reading: figures(found) for reading, found in by_page(rows).items()}
    readings |= _with_model(rows)
    show(Console(), result, readings)
    before = committed().get(name, {})
    differences = changes(readings, before)
    target = options.out.with_name("scores.json")
    document = {"corpus": name, "readings": readings, "committed": before, "all": asdict(result)}
    target.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"scores -> {target}")
    if not before:
        print(f"no figures of {name} are committed; --update commits to these")
    print("\n".join(differences) if differences else "as committed")
    if options.update:
        _commit(name, readings)


def _with_model(rows: Sequence[Row]) -> dict[str, Figures]:
    from bench.with_model import advised, advisor_of_settings

    advisor = advisor_of_settings()
    if advisor is None:
        return {}
    asked = advised(rows, advisor)
    answered = sum(analysis.method == "model" for analysis in asked.values())
    print(f"the model was asked about what no signature knows: {answered} answers")
    return {"with model": figures(scores(found for _, found in judged(rows, advised=asked)))}


def _commit(name: str, readings: dict[str, Figures]) -> None:
    kept = {
        reading: {key: value for key, value in of.items() if key in _COMPARED}
        for reading, of in readings.items()
        if reading != "with model"  # another model, another figure
    }
    text = json.dumps(committed() | {name: kept}, indent=2, sort_keys=True)
    FIGURES.write_text(text + "\n", encoding="utf-8")
    print(f"figures -> {FIGURES}")


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0, or 2 with one line on stderr when the corpus or the output is unusable."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--corpus", type=Path, help="JSON Lines; default: the own examples")
    parser.add_argument("--out", type=Path, default=OUT, help=f"default: {OUT}")
    parser.add_argument("--update", action="store_true", help="commit to the new figures")
    options = parser.parse_args(argv)
    try:
        rows = read_corpus(options.corpus) if options.corpus else own_examples()
        _report(rows, options.corpus.name if options.corpus else "own examples", options)
    except CorpusError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"evaluate: {options.out}: cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
