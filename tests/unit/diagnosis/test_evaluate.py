"""The evaluation: what it reads, what it writes, and that its figures are right."""

import json
from pathlib import Path

import pytest

from bench import evaluate
from bench.corpus import Row, own_examples
from bench.evaluate import main, predict
from bench.scores import Judged, percentile, scores

ROWS: list[dict[str, object]] = [
    {
        "id": "r1",
        "platform": "sql",
        "message": "m SqlErrorNumber=40613",
        "error_code": None,
        "category": "transient_network",
        "retryable": "true",
        "best_action": "rerun_from_failure",
        "context": "a labeller's note: AADSTS7000222",
    },
    {"id": "r2", "platform": "adf", "message": "Zork is out of plugh.", "error_code": "2200"},
]


def written(path: Path, *rows: object) -> Path:
    """Write rows as JSON Lines."""
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


def judgement(
    id_: str, said: tuple[str | None, str], true: tuple[str, str], confidence: float = 0.9
) -> Judged:
    """Return a prediction of category and action beside its labels."""
    return Judged(
        id=id_,
        category=said[0],
        retryable="true",
        action=said[1],
        confidence=confidence,
        unattended=confidence > 0.8,
        true_category=true[0],
        true_retryable="true",
        true_action=true[1],
    )


def test_writes_one_prediction_per_row(tmp_path: Path) -> None:
    """The output has exactly the promised fields; an unknown cause is null."""
    out = tmp_path / "deep" / "predictions.jsonl"

    code = main(["--corpus", str(written(tmp_path / "c.jsonl", *ROWS)), "--out", str(out)])

    known, unknown = (json.loads(line) for line in out.read_text().splitlines())
    assert code == 0
    assert set(known) == {"id", "category", "retryable", "action", "confidence", "method", "ms"}
    assert known | {"ms": 0, "confidence": 0} == {
        "id": "r1",
        "category": "transient_network",
        "retryable": "true",
        "action": "rerun_from_failure",
        "confidence": 0,
        "method": "signature",
        "ms": 0,
    }
    assert unknown["category"] is None
    assert unknown["action"] == "escalate"
    assert unknown["confidence"] < 0.5


def test_labels_and_notes_are_not_looked_at(tmp_path: Path) -> None:
    """Wrong labels and a telling note change nothing in the predictions."""
    plain = {key: ROWS[0][key] for key in ("id", "platform", "message", "error_code")}
    lying = ROWS[0] | {"category": "benign", "retryable": "false", "best_action": "none"}
    outputs = []
    for name, row in (("plain", plain), ("lying", lying)):
        out = tmp_path / f"{name}.out"
        main(["--corpus", str(written(tmp_path / name, row)), "--out", str(out)])
        outputs.append(json.loads(out.read_text()) | {"ms": 0})

    assert outputs[0] == outputs[1]


def test_reports_scores_when_there_are_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person sees the figures and the tables."""
    main(["--corpus", str(written(tmp_path / "c", *ROWS)), "--out", str(tmp_path / "o")])

    shown = capsys.readouterr().out
    for words in ("macro-F1", "unsafe-action rate", "reliability", "transient_network", "abstain"):
        assert words in shown


def test_says_so_when_there_are_no_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scores of nothing would be read as scores."""
    main(["--corpus", str(written(tmp_path / "c", ROWS[1])), "--out", str(tmp_path / "o")])

    assert "no labels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param('{"id": "a", "message": "m"}\n{oops\n', "line 2", id="no JSON"),
        pytest.param('\n\n{"id": "a"}\n', "line 3: message", id="field missing"),
        pytest.param('{"id": "a", "message": 7}\n', "line 1: message", id="wrong type"),
        pytest.param("[]\n", "line 1", id="no object"),
        pytest.param("\n", "no rows", id="empty"),
    ],
)
def test_bad_corpus_is_one_clear_line(
    content: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The person who made the file learns where to look, and nothing is written."""
    corpus, out = tmp_path / "c.jsonl", tmp_path / "o.jsonl"
    corpus.write_text(content)

    code = main(["--corpus", str(corpus), "--out", str(out)])

    told = capsys.readouterr().err
    assert code == 2
    assert told.count("\n") == 1
    assert "c.jsonl" in told
    assert complaint in told
    assert not out.exists()


def test_missing_corpus_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped name is no traceback."""
    assert main(["--corpus", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "o")]) == 2
    assert "none.jsonl: cannot be read" in capsys.readouterr().err


def test_without_corpus_the_own_examples_are_used(tmp_path: Path) -> None:
    """They are labelled by their signatures, so all of them must be right."""
    rows = own_examples()

    assert main(["--out", str(tmp_path / "o")]) == 0
    assert len((tmp_path / "o").read_text().splitlines()) == len(rows)
    assert all(predict(row)[0].category == row.category for row in rows)


def test_figures_by_hand() -> None:
    """Four rows, small enough to count on fingers."""
    result = scores(
        [
            judgement("a", ("timeout", "rerun_job"), ("timeout", "rerun_job")),
            judgement("b", ("timeout", "rerun_job"), ("code_bug", "escalate")),
            judgement("c", (None, "escalate"), ("code_bug", "escalate"), 0.0),
            judgement("d", ("code_bug", "resize_cluster"), ("code_bug", "none"), 0.75),
        ]
    )

    assert result.labelled == 4
    assert result.category_accuracy == 0.5
    assert result.micro_f1 == pytest.approx(2 * 2 / (3 + 4))
    # timeout: precision 1/2, recall 1 -> 2/3; code_bug: precision 1, recall 1/3 -> 1/2
    assert result.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert result.retryable_accuracy == 1
    assert result.action_accuracy == 0.5
    assert result.abstain_rate == 0.25
    assert result.unsafe_ids == ("b", "d")
    assert result.unsafe_rate == pytest.approx(2 / 3)
    assert result.unattended_unsafe_rate == pytest.approx(1 / 3)
    # 0.7-0.8: said 0.75, right 1/1; 0.9-1.0: said 0.9, right 1/2
    assert result.calibration_error == pytest.approx((1 * 0.25 + 2 * 0.4) / 3)
    assert [(line.low, line.rows, line.accuracy) for line in result.reliability] == [
        (0.7, 1, 1.0),
        (0.9, 2, 0.5),
    ]


def test_no_rows_give_no_figures() -> None:
    """An absent figure is absent, not zero."""
    result = scores([])

    assert result.macro_f1 is None
    assert result.unsafe_rate is None
    assert result.calibration_error is None


def test_writes_all_figures_beside_the_predictions(tmp_path: Path) -> None:
    """A machine reads the same figures as a person."""
    rows = [row | {"source_url": f"page {number}"} for number, row in enumerate(ROWS)]

    main(["--corpus", str(written(tmp_path / "c.jsonl", *rows)), "--out", str(tmp_path / "o")])

    found = json.loads((tmp_path / "scores.json").read_text())
    assert found["corpus"] == "c.jsonl"
    assert set(found["readings"]) == {"all", "by page", "withheld"}
    for name in ("macro_f1", "micro_f1", "action_accuracy", "calibration_error"):
        assert found["readings"]["all"][name] is not None
    assert 0 < found["readings"]["all"]["ms_p50"] <= found["readings"]["all"]["ms_p95"]
    assert found["all"]["reliability"]


def test_says_what_is_not_as_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures are committed on purpose; the next run compares itself with them."""
    monkeypatch.setattr(evaluate, "FIGURES", tmp_path / "figures.json")
    right, wrong = tmp_path / "right" / "c.jsonl", tmp_path / "wrong" / "c.jsonl"
    for path, category in ((right, "transient_network"), (wrong, "timeout")):
        path.parent.mkdir()
        written(path, ROWS[0] | {"category": category})
    out = ["--out", str(tmp_path / "o")]

    main(["--corpus", str(right), *out])
    assert "no figures of c.jsonl" in capsys.readouterr().out
    main(["--corpus", str(right), *out, "--update"])
    main(["--corpus", str(right), *out])
    assert "as committed" in capsys.readouterr().out
    main(["--corpus", str(wrong), *out])

    assert "all, category macro-F1: 1.0000 -> 0.0000" in capsys.readouterr().out
    assert set(evaluate.committed()) == {"c.jsonl"}


def test_an_action_below_the_threshold_is_not_unattended() -> None:
    """A hint may suggest an action, but a person is asked first."""
    hint = Row(id="h", platform="adf", message="The endpoint was throttled", best_action="none")

    [(_, comparison)] = evaluate.judged([hint])

    assert comparison.action == "rerun_from_failure"
    assert not comparison.unattended


def test_the_committed_figures_keep_what_is_promised() -> None:
    """Cross-validated, rules alone: the limits below which nothing is released."""
    figures = evaluate.committed()["dev.jsonl"]["by page"]

    assert (figures["macro_f1"] or 0) >= 0.85
    assert (figures["unsafe_rate"] or 0) <= 0.01
    assert figures["unattended_unsafe_rate"] == 0
    assert (figures["calibration_error"] or 0) <= 0.05


def test_percentiles_are_values_that_occurred() -> None:
    """Nearest rank: no value is made up between two."""
    assert percentile([3.0, 1.0, 2.0, 4.0], 50) == 2
    assert percentile([3.0, 1.0, 2.0, 4.0], 95) == 4
    assert percentile([7.0], 0) == 7
