"""Run the diagnosis over a file of labelled failures and say how good it is.

    python -m bench.evaluate [--corpus FILE] [--out .data/eval/predictions.jsonl]

A corpus is JSON Lines: ``id``, ``platform``, ``message``, ``error_code`` and, where
somebody has labelled the row, ``category``, ``retryable`` ("true", "false",
"unclear") and ``best_action``. Other fields are ignored: a labeller's notes must
never reach the classifier. Without a corpus the signatures' own examples are used.

Written is one row per message: ``id, category, retryable, action, confidence,
method, ms``; ``category`` is null when no signature explains the message.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console
from rich.table import Table

from bench.scores import NOT_AUTOMATIC, Judged, Scores, scores
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.failure import FailureFacts, FailureText
from shared.diagnosis.signatures import SIGNATURES
from shared.domain.alert import Platform
from shared.domain.analysis import Action, Analysis

OUT = Path(".data/eval/predictions.jsonl")

# Whose action words a corpus expects: SQL and storage fail inside Data Factory pipelines,
# Spark inside Databricks jobs.
_PLATFORMS = {
    "adf": Platform.ADF,
    "sql": Platform.ADF,
    "storage": Platform.ADF,
    "databricks": Platform.DATABRICKS,
    "spark": Platform.DATABRICKS,
}
# The corpus has one word for starting the whole thing again, whatever runs it.
_CORPUS_WORDS = {Action.RERUN_JOB: Action.RERUN_PIPELINE}
_RETRYABLE = {signature.id: signature.retryable for signature in SIGNATURES}


class CorpusError(Exception):
    """The corpus cannot be read; the message says where and why."""


class Row(BaseModel):
    """One message of a corpus; labels may be absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    message: str
    platform: str = "other"
    error_code: str | None = None
    category: str | None = None
    retryable: str | None = None
    best_action: str | None = None


class Prediction(BaseModel):
    """One line of the output file."""

    model_config = ConfigDict(frozen=True)

    id: str
    category: str | None
    retryable: str
    action: str
    confidence: float
    method: str
    ms: float


def read_corpus(path: Path) -> list[Row]:
    """Return the rows of ``path``; empty lines are skipped.

    Raises:
        CorpusError: the file cannot be read, or a line is no row; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise CorpusError(f"{path}: cannot be read: {reason}") from error
    rows = [_row(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise CorpusError(f"{path}: holds no rows")
    return rows


def _row(path: Path, number: int, line: str) -> Row:
    try:
        return Row.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the line"
        raise CorpusError(f"{path}, line {number}: {field}: {first['msg']}") from error


def own_examples() -> list[Row]:
    """Return the signatures' own examples as a labelled corpus."""
    return [
        Row(
            id=f"{signature.id}-{number}",
            platform=str(example.platform or signature.platforms[0]),
            message=example.message,
            error_code=example.code,
            category=signature.category,
            retryable=_corpus_retryable(signature.id),
        )
        for signature in SIGNATURES
        for number, example in enumerate(signature.examples, 1)
    ]


def predict(row: Row) -> tuple[Prediction, Analysis]:
    """Return what the diagnosis says about ``row``; labels are not looked at."""
    facts = FailureFacts(
        platform=_PLATFORMS.get(row.platform, Platform.OTHER),
        texts=(
            FailureText(evidence_id="e1", error_code=row.error_code or "", message=row.message),
        ),
    )
    begun = time.perf_counter()
    analysis = diagnose(facts)
    elapsed = time.perf_counter() - begun
    prediction = Prediction(
        id=row.id,
        category=analysis.category,
        retryable=_corpus_retryable(analysis.signature),
        action=_CORPUS_WORDS.get(analysis.action, analysis.action),
        confidence=analysis.confidence,
        method=analysis.method,
        ms=round(elapsed * 1000, 3),
    )
    return prediction, analysis


def _corpus_retryable(signature_id: str | None) -> str:
    known = _RETRYABLE.get(signature_id or "", "unclear")
    return "true" if known == "once" else known


def judged(rows: Iterable[Row]) -> list[tuple[Prediction, Judged]]:
    """Return each prediction together with the labels it will be compared with."""
    found = []
    for row in rows:
        prediction, analysis = predict(row)
        comparison = Judged(
            id=row.id,
            category=prediction.category,
            retryable=prediction.retryable,
            action=prediction.action,
            confidence=prediction.confidence,
            unattended=analysis.auto_remediable,
            true_category=row.category,
            true_retryable=row.retryable,
            true_action=row.best_action,
        )
        found.append((prediction, comparison))
    return found


def write(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write one JSON object per line, making the folder when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(prediction.model_dump(mode="json")) for prediction in predictions)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def show(console: Console, result: Scores) -> None:
    """Print the scores as tables."""
    console.print(_summary(result))
    console.print(_categories(result))
    console.print(_reliability(result))
    if result.unsafe_ids:
        console.print("unsafe: " + ", ".join(result.unsafe_ids))


def _summary(result: Scores) -> Table:
    table = Table(title=f"{result.labelled} labelled rows")
    table.add_column("score")
    table.add_column("value", justify="right")
    for name, value in (
        ("category macro-F1", result.macro_f1),
        ("category accuracy", result.category_accuracy),
        ("retryable accuracy", result.retryable_accuracy),
        ("action accuracy", result.action_accuracy),
        ("abstain rate", result.abstain_rate),
        ("unsafe-action rate", result.unsafe_rate),
        ("unsafe and unattended rate", result.unattended_unsafe_rate),
        ("expected calibration error", result.calibration_error),
    ):
        table.add_row(name, "-" if value is None else f"{value:.3f}")
    return table


def _categories(result: Scores) -> Table:
    table = Table(title="by category")
    table.add_column("category")
    for name in ("rows", "precision", "recall", "F1"):
        table.add_column(name, justify="right")
    for line in result.categories:
        shares = (f"{value:.2f}" for value in (line.precision, line.recall, line.f1))
        table.add_row(line.category, str(line.rows), *shares)
    return table


def _reliability(result: Scores) -> Table:
    table = Table(title="reliability of the confidence")
    for name in ("confidence", "rows", "said", "was right"):
        table.add_column(name, justify="right")
    for bin_ in result.reliability:
        span = f"{bin_.low:.1f}-{bin_.high:.1f}"
        table.add_row(span, str(bin_.rows), f"{bin_.confidence:.2f}", f"{bin_.accuracy:.2f}")
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0, or 2 with one line on stderr when the corpus or the output is unusable."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--corpus", type=Path, help="JSON Lines; default: the own examples")
    parser.add_argument("--out", type=Path, default=OUT, help=f"default: {OUT}")
    options = parser.parse_args(argv)
    try:
        rows = read_corpus(options.corpus) if options.corpus else own_examples()
        results = judged(rows)
        write(options.out, (prediction for prediction, _ in results))
    except CorpusError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"evaluate: {options.out}: cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    console = Console()
    print(f"{len(rows)} rows -> {options.out}")
    if any(row.category for row in rows):
        show(console, scores(comparison for _, comparison in results))
    else:
        passive = sum(comparison.action in NOT_AUTOMATIC for _, comparison in results)
        print(f"no labels; {len(rows) - passive} rows with an action, {passive} without")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
