"""A file of failures, labelled or not, and what the diagnosis is told of each."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.diagnosis.failure import FailureFacts, FailureText
from shared.diagnosis.signatures import SIGNATURES
from shared.domain.alert import Platform

# Whose action words a corpus expects: SQL and storage fail inside Data Factory pipelines,
# Spark inside Databricks jobs.
_PLATFORMS = {
    "adf": Platform.ADF,
    "sql": Platform.ADF,
    "storage": Platform.ADF,
    "databricks": Platform.DATABRICKS,
    "spark": Platform.DATABRICKS,
}


class CorpusError(Exception):
    """The corpus cannot be read; the message says where and why."""


class Row(BaseModel):
    """One message of a corpus; labels and page may be absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    message: str
    platform: str = "other"
    error_code: str | None = None
    category: str | None = None
    retryable: str | None = None
    best_action: str | None = None
    source_url: str | None = None

    @property
    def page(self) -> str:
        """Where it was reported; rows of one page are never on both sides of a split."""
        return self.source_url or self.id

    def facts(self) -> FailureFacts:
        """Return what the diagnosis is told: never a label, never a note."""
        text = FailureText(evidence_id="e1", error_code=self.error_code or "", message=self.message)
        return FailureFacts(platform=_PLATFORMS.get(self.platform, Platform.OTHER), texts=(text,))


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
            retryable=corpus_retryable(signature.id),
            source_url=signature.id,
        )
        for signature in SIGNATURES
        for number, example in enumerate(signature.examples, 1)
    ]


_RETRYABLE = {signature.id: signature.retryable for signature in SIGNATURES}


def corpus_retryable(signature_id: str | None) -> str:
    """Return "true", "false" or "unclear": a corpus has no word for "once"."""
    known = _RETRYABLE.get(signature_id or "", "unclear")
    return "true" if known == "once" else known
