"""Cross-validation by page: nothing of a page helps to judge it."""

from bench.corpus import Row
from bench.folds import samples, tables, withheld
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.hits import ALL


def row(id_: str, page: str, message: str, category: str = "auth_permission") -> Row:
    """Return one labelled row."""
    return Row(
        id=id_,
        platform="adf",
        message=message,
        category=category,
        best_action="escalate",
        source_url=page,
    )


ROWS = [
    row("a", "one", "Login failed for user 'x'"),
    row("b", "one", "Login failed for user 'y'"),
    row("c", "two", "The gateway timeout expired, access denied"),
    row("d", "three", "Access denied to 'z'", "not_found"),
]


def test_what_only_one_page_shows_is_withheld_from_it_alone() -> None:
    """Two rows of a page are one source; what another page shows as well stays."""
    catalogues = withheld(ROWS)

    assert diagnose(ROWS[0].facts()).signature == "sql-login-failed"
    assert diagnose(ROWS[0].facts(), catalogues["one"]).signature != "sql-login-failed"
    assert diagnose(ROWS[0].facts(), catalogues["two"]).signature == "sql-login-failed"
    assert diagnose(ROWS[3].facts(), catalogues["three"]).signature == "access-refused"


def test_codes_stay() -> None:
    """They are the vendors' lists, not somebody's wording."""
    [catalogue] = withheld([row("a", "one", "AADSTS7000222")]).values()

    assert catalogue.names == ALL.names


def test_a_page_is_calibrated_without_itself() -> None:
    """Its own mistakes are not known to it."""
    catalogues = withheld(ROWS)
    wrong = [each for each in samples(ROWS, catalogues) if not each.right]

    of_page = tables(ROWS, catalogues)

    assert {each.page for each in wrong} == {"three"}
    strength = wrong[0].strength
    assert of_page["three"][strength].right > of_page["one"][strength].right


def test_rows_without_labels_teach_nothing() -> None:
    """A corpus may be labelled in part."""
    bare = [Row(id="a", message="Login failed for user 'x'")]

    assert list(samples(bare, withheld(bare))) == []
