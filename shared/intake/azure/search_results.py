"""Log alerts of the first version, which bring the rows that their query found.

Source: Microsoft Learn, "Sample alert payloads", log alerts of Log Analytics and of
Application Insights.
"""

from shared.domain.alert import Alert
from shared.domain.errors import InvalidInput
from shared.intake.azure.runs import Criterion, read_logged_alert
from shared.intake.common_alert import Notice
from shared.intake.fields import Found, JsonObject, read_label, read_list
from shared.intake.labels import as_text
from shared.intake.normalised import MAX_ALERTS, IntakeDefaults, Normalised, Rejected, collect

_RESULTS = ("SearchResults", "SearchResult")
_WINDOW = {
    "windowStartTime": ("SearchIntervalStartTimeUtc",),
    "windowEndTime": ("SearchIntervalEndtimeUtc",),
}
_MINUTES = ("SearchIntervalInMinutes", "SearchIntervalDurationMin")


def read_search_results(data: JsonObject, notice: Notice, defaults: IntakeDefaults) -> Normalised:
    """Return an alert per row that names a pipeline or a Databricks job.

    Only the first 500 rows are read; that there are more is among what was rejected.

    Raises:
        InvalidInput: there are no rows, or none of them names anything.
    """
    context = data.require_child("alertContext")
    rows = _read_rows(context)
    if not rows:
        path = context.path_of(_RESULTS[0])
        raise InvalidInput(
            f"{path} holds no rows, so nothing says what failed; let the alert include its "
            "search results, or make it a log alert V2 that is split by PipelineName and RunId",
            field=path,
        )
    window = _read_window(context)

    def read(row: tuple[list[str], Found]) -> Alert:
        names, found = row
        cells = JsonObject.of_pairs(zip(names, read_list(found), strict=False), found.path)
        criterion = Criterion(JsonObject({}, found.path), cells, window)
        return read_logged_alert(criterion, notice, defaults)

    result = collect(rows[:MAX_ALERTS], read)
    if len(rows) <= MAX_ALERTS:
        return result
    more = Rejected(
        field=rows[MAX_ALERTS][1].path,
        detail=f"only the first {MAX_ALERTS} of {len(rows)} rows are read",
    )
    return result.model_copy(update={"rejected": (*result.rejected, more)})


def _read_rows(context: JsonObject) -> list[tuple[list[str], Found]]:
    """Return each row with the names of its columns."""
    results = context.child(*_RESULTS)
    tables = results.find("tables") if results else None
    rows: list[tuple[list[str], Found]] = []
    for item in read_list(tables) if tables else ():
        table = JsonObject(item.value, item.path)
        columns = [
            JsonObject(column.value, column.path) for column in read_list(table.require("columns"))
        ]
        names = [read_label(column.require("name")) for column in columns]
        held = table.find("rows")
        rows += [(names, row) for row in (read_list(held) if held else ())]
    return rows


def _read_window(context: JsonObject) -> JsonObject:
    """Put the search interval where log alerts of the second version have it."""
    pairs = [
        (name, found)
        for name, spellings in _WINDOW.items()
        if (found := context.find(*spellings)) is not None
    ]
    minutes = context.find(*_MINUTES)
    if minutes is not None:
        text = as_text(minutes).value
        pairs.append(("windowSize", Found(f"PT{text}M", minutes.path)))
    return JsonObject.of_pairs(pairs, context.path)
