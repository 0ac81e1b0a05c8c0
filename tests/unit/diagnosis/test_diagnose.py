"""From facts to an analysis: precedence, several steps, the run's own status, evidence."""

from dataclasses import replace

import pytest

from shared.diagnosis import diagnose as module
from shared.diagnosis.diagnose import MAX_EVIDENCE, MAX_EVIDENCE_CHARS, action_on, diagnose
from shared.diagnosis.failure import FailureFacts, FailureText
from shared.diagnosis.hits import Hit
from shared.diagnosis.match import MAX_TEXTS, Verdict
from shared.diagnosis.phrases import MAX_GAP_CHARS
from shared.diagnosis.signature import Tier
from shared.diagnosis.signatures import SIGNATURES
from shared.domain.alert import Platform
from shared.domain.analysis import Action, Analysis, Category, Classification, Risk

TRANSIENT = "ErrorCode=SqlFailedToConnect,Message=m,SqlErrorNumber=40613"
REFUSED = "ErrorCode=SqlFailedToConnect,Message=m,SqlErrorNumber=18456"
THROTTLED = "The remote server returned an error: (429)"
UNKNOWN = "Zork is out of plugh."


def text(message: str = "", code: str = "2200", *, id_: str = "e1", **more: str) -> FailureText:
    """Return a failed copy step's text."""
    fields = {"source": "adf.activity_run", "step": f"step of {id_}", "status": "Failed"} | more
    return FailureText(evidence_id=id_, error_code=code, message=message, **fields)


def told(
    *texts: FailureText, status: str = "Failed", platform: Platform = Platform.ADF
) -> Analysis:
    """Diagnose the texts of one run."""
    return diagnose(FailureFacts(platform=platform, run_status=status, texts=texts))


@pytest.mark.parametrize(
    ("code", "message", "signature"),
    [
        pytest.param(
            "2200", TRANSIENT, "sql-service-reconfiguring", id="SQL number beats connector"
        ),
        pytest.param(
            "2200", REFUSED, "sql-login-failed", id="the number decides, not the connector"
        ),
        pytest.param(
            "2200",
            "ErrorCode=SqlConnectionIsClosed,Message=the operation timed out",
            "sql-service-reconfiguring",
            id="inner code beats common words",
        ),
        pytest.param(
            "3208",
            "1000 jobs created, exceeding rate limit",
            "adf-databricks-job-rate",
            id="phrase beside its code beats the code",
        ),
        pytest.param(
            "2300",
            "Queue q already has 500 applications",
            "hdinsight-busy",
            id="telling phrase beats the activity's code",
        ),
        pytest.param(
            "3204",
            "run failed: [DELTA_CONCURRENT_APPEND] m",
            "delta-write-conflict",
            id="Spark's class beats the Databricks wrapper",
        ),
        pytest.param("2200", UNKNOWN, None, id="a wrapper alone says nothing"),
        pytest.param("11402", "", None, id="an empty wrapper says nothing"),
    ],
)
def test_precedence(code: str, message: str, signature: str | None) -> None:
    """Each row holds two signs of different weight."""
    assert told(text(message, code)).signature == signature


def test_common_transient_failure_is_rerun_from_the_failed_step() -> None:
    """The usual good case, complete."""
    analysis = told(text(TRANSIENT))

    assert analysis.classification is Classification.TRUE_POSITIVE
    assert analysis.category is Category.TRANSIENT_NETWORK
    assert analysis.action is Action.RERUN_FROM_FAILURE
    assert analysis.auto_remediable
    assert analysis.confidence >= 0.9
    assert analysis.max_attempts == 2
    assert analysis.min_wait_seconds == 120
    assert analysis.method == "signature"
    assert analysis.risk is Risk.MEDIUM
    assert analysis.recommendations


def test_unknown_goes_to_a_person() -> None:
    """Nothing is guessed: no category, low confidence, and advice what to do."""
    analysis = told(text(UNKNOWN))

    assert analysis.classification is Classification.UNCERTAIN
    assert analysis.confidence < 0.5
    assert analysis.category is None
    assert analysis.action is Action.ESCALATE
    assert analysis.method == "none"
    assert analysis.recommendations
    assert analysis.evidence


def test_no_facts_at_all() -> None:
    """A run of which nothing could be read is unknown, not fine."""
    assert told(status="").action is Action.ESCALATE


@pytest.mark.parametrize("status", ["Cancelled", "Canceling", "CANCELED", " cancelled "])
def test_cancelled_run_is_never_rerun(status: str) -> None:
    """Whoever stopped the run has a reason, whatever else the texts say."""
    analysis = told(text(TRANSIENT), text(UNKNOWN, id_="e2"), status=status)

    assert analysis.category is Category.CANCELLED_BY_USER
    assert analysis.action is Action.NONE
    assert analysis.classification is Classification.FALSE_POSITIVE
    assert not analysis.auto_remediable


def test_one_cancelled_task_stops_the_healing_of_the_others() -> None:
    """A person's wish at one step counts for the run."""
    analysis = told(
        text(THROTTLED, "429"), text("", "USER_CANCELED", id_="e2"), platform=Platform.DATABRICKS
    )

    assert analysis.category is Category.CANCELLED_BY_USER
    assert analysis.action is Action.NONE


def test_run_cancelled_by_its_time_limit() -> None:
    """Databricks cancels too; the words then name the time limit, and nothing is rerun."""
    limit = text("The maximum run duration was exceeded.", "CANCELED")

    analysis = told(limit, status="CANCELED", platform=Platform.DATABRICKS)

    assert analysis.category is Category.TIMEOUT
    assert analysis.action is Action.ESCALATE


def test_succeeded_run_needs_nothing() -> None:
    """A step that failed and was handled leaves a run that succeeded."""
    analysis = told(text(TRANSIENT), status="Succeeded")

    assert analysis.category is Category.BENIGN
    assert analysis.action is Action.NONE
    assert analysis.classification is Classification.FALSE_POSITIVE


def test_failed_run_is_not_talked_away() -> None:
    """Harmless words inside the message of a failed run do not close its ticket."""
    soothing = text('Parameters: [resolved], "status": "resolved"')

    assert told(soothing, status="").action is Action.NONE
    assert told(soothing, status="Failed").action is Action.ESCALATE
    assert told(soothing, status="Failed").classification is Classification.UNCERTAIN


def test_containers_are_not_causes() -> None:
    """A parent pipeline, a loop and the run itself only repeat what a step says."""
    analysis = told(
        text(TRANSIENT),
        text(
            "Activity failed because an inner activity failed",
            "",
            id_="e2",
            activity_type="ForEach",
        ),
        text(UNKNOWN, "", id_="e3", activity_type="ExecutePipeline"),
        text(UNKNOWN, "", id_="e4", source="adf.pipeline_run"),
        text(UNKNOWN, "", id_="e5", status="Skipped"),
    )

    assert analysis.action is Action.RERUN_FROM_FAILURE
    assert analysis.classification is Classification.TRUE_POSITIVE
    assert len(analysis.evidence) == 5


def test_a_container_is_read_when_no_step_says_anything() -> None:
    """ADF leaves the step's error empty now and then; the run's message repeats it."""
    analysis = told(
        text("", ""),
        text(f"Operation on target A failed: {TRANSIENT}", "", id_="e2", source="adf.pipeline_run"),
    )

    assert analysis.signature == "sql-service-reconfiguring"


def test_dependent_tasks_are_not_causes() -> None:
    """Tasks that never started are repaired with the one that failed."""
    analysis = told(
        text("", "UPSTREAM_FAILED", id_="e1"),
        text("", "CLOUD_PROVIDER_RESOURCE_STOCKOUT", id_="e2"),
        text("", "SKIPPED", id_="e3"),
        platform=Platform.DATABRICKS,
    )

    assert analysis.signature == "cluster-no-capacity"
    assert analysis.action is Action.REPAIR_RUN


def test_a_step_that_needs_a_person_decides_for_the_run() -> None:
    """A rerun would meet the refused login again."""
    analysis = told(text(TRANSIENT), text(REFUSED, id_="e2"))

    assert analysis.signature == "sql-login-failed"
    assert analysis.action is Action.ESCALATE
    assert analysis.classification is Classification.UNCERTAIN
    assert any("sql-service-reconfiguring" in line for line in analysis.recommendations)


def test_a_step_nobody_understands_forbids_acting() -> None:
    """Half of the failure is explained: that is not enough to act on."""
    analysis = told(text(TRANSIENT), text(UNKNOWN, id_="e2"))

    assert analysis.action is Action.ESCALATE
    assert analysis.confidence < 0.5
    assert not analysis.auto_remediable
    assert any("e2" in line for line in analysis.recommendations)


def test_what_nobody_understands_is_not_nothing() -> None:
    """One skipped task is harmless; another that failed unexplained is not."""
    skipped = text("", "MAX_CONCURRENT_RUNS_EXCEEDED")

    assert told(skipped, platform=Platform.DATABRICKS).action is Action.NONE
    both = told(skipped, text(UNKNOWN, id_="e2"), platform=Platform.DATABRICKS)
    assert both.action is Action.ESCALATE


def test_a_wish_outweighs_every_other_cause() -> None:
    """Whoever cancelled the run knows it best, however telling the other texts are."""
    analysis = told(text("The run was cancelled by the user.", ""), text(REFUSED, id_="e2"))

    assert analysis.signature == "run-cancelled"
    assert analysis.action is Action.NONE


def test_harmless_steps_do_not_cast_doubt() -> None:
    """An idle cluster that stopped is no argument about another step's failure."""
    analysis = told(
        text("", "INACTIVITY"), text(THROTTLED, "", id_="e2"), platform=Platform.DATABRICKS
    )

    assert analysis.signature == "http-too-many-requests"
    assert analysis.classification is Classification.TRUE_POSITIVE
    assert analysis.confidence == told(text(THROTTLED, "")).confidence >= 0.8


def test_views_of_one_step_explain_each_other() -> None:
    """The task's output says nothing new beside the cluster's termination reason."""
    analysis = told(
        text(UNKNOWN, "", id_="e1", step="load"),
        text("", "CLOUD_PROVIDER_RESOURCE_STOCKOUT", id_="e2", step="load"),
        platform=Platform.DATABRICKS,
    )

    assert analysis.action is Action.REPAIR_RUN


def test_two_passing_faults_are_healed_together() -> None:
    """Same action for both steps: the more careful bounds of the two count."""
    analysis = told(text(TRANSIENT), text("", "SqlOpenConnectionTimeout", id_="e2"))

    assert analysis.action is Action.RERUN_FROM_FAILURE
    assert analysis.max_attempts == 1
    assert analysis.classification is Classification.TRUE_POSITIVE
    assert analysis.confidence == told(text("", "SqlOpenConnectionTimeout")).confidence


def test_vaguer_matches_are_worth_less() -> None:
    """The same cause is less sure by a phrase than by its code, and never sure by a hint."""
    by_code = told(text("", "SqlOpenConnectionTimeout")).confidence
    by_phrase = told(text("Execution Timeout Expired")).confidence
    by_name = told(text("ErrorCode=AcmeRequestThrottled,")).confidence
    by_words = told(text("The endpoint was throttled")).confidence
    by_stems = told(text("The principal was rejected")).confidence

    assert by_code > by_phrase > 0.8
    assert by_phrase > by_name == by_words == 0.7
    assert by_words > by_stems == 0.49


def test_a_name_does_not_outweigh_a_known_code() -> None:
    """What an unknown code sounds like is forgotten once a known one is there."""
    assert told(text(f"ErrorCode=AcmeUnauthorizedCall,{TRANSIENT}")).auto_remediable


def test_contradiction_in_one_text_is_uncertain() -> None:
    """Two equally telling signs of different causes: less confidence, and the careful one wins."""
    both = told(text("SqlErrorNumber=40613, then SqlErrorNumber=18456"))
    alone = told(text("SqlErrorNumber=18456"))

    assert both.signature == "sql-login-failed"
    assert both.classification is Classification.UNCERTAIN
    assert both.confidence < alone.confidence
    assert any("sql-service-reconfiguring" in line for line in both.recommendations)


def test_a_telling_phrase_forbids_what_an_inner_code_suggests() -> None:
    """An automatic action needs a text without any sign against it."""
    analysis = told(text("SqlErrorNumber=40613; the client secret is expired"))

    assert analysis.action is Action.ESCALATE
    assert analysis.classification is Classification.UNCERTAIN


@pytest.mark.parametrize(
    ("platform", "code", "action"),
    [
        (Platform.ADF, "SqlConnectionIsClosed", Action.RERUN_FROM_FAILURE),
        (Platform.DATABRICKS, "SqlConnectionIsClosed", Action.REPAIR_RUN),
        (Platform.OTHER, "SqlConnectionIsClosed", Action.ESCALATE),
        (Platform.ADF, "CLOUD_PROVIDER_RESOURCE_STOCKOUT", Action.RERUN_FROM_FAILURE),
        (Platform.ADF, "DRIVER_OUT_OF_MEMORY", Action.ESCALATE),
        (Platform.DATABRICKS, "DRIVER_OUT_OF_MEMORY", Action.RESIZE_CLUSTER),
        (Platform.DATABRICKS, "WORKSPACE_RUN_LIMIT_EXCEEDED", Action.RERUN_JOB),
        (Platform.ADF, "WORKSPACE_RUN_LIMIT_EXCEEDED", Action.RERUN_PIPELINE),
        (Platform.DATABRICKS, "MAX_SPARK_CONTEXTS_EXCEEDED", Action.RESTART_CLUSTER),
        (Platform.ADF, "MAX_SPARK_CONTEXTS_EXCEEDED", Action.RERUN_FROM_FAILURE),
    ],
)
def test_action_suits_the_platform(platform: Platform, code: str, action: Action) -> None:
    """The same cause is healed with what the platform offers."""
    assert told(text("", code), platform=platform).action is action


def test_a_larger_cluster_is_tried_once_and_never_for_low_risk() -> None:
    """It costs money; what lost its executors may need none of it, and is left to people."""
    memory = told(text("", "DRIVER_OUT_OF_MEMORY"), platform=Platform.DATABRICKS)
    disk = told(text("No space left on device"), platform=Platform.DATABRICKS)

    assert (memory.action, memory.risk) == (Action.RESIZE_CLUSTER, Risk.MEDIUM)
    assert (memory.auto_remediable, memory.max_attempts) == (True, 1)
    assert (disk.action, disk.auto_remediable) == (Action.RESIZE_CLUSTER, False)


def test_wrong_data_cannot_open_the_guard() -> None:
    """Even a signature that says "rerun" for a code bug leads to a person."""
    bug = next(each for each in SIGNATURES if each.category is Category.CODE_BUG)
    wrong = replace(bug, action=Action.RERUN_FROM_FAILURE, auto=True)
    found = Verdict(Hit(wrong, Tier.INNER, "x", "e1"), 0.9)

    assert module._action(found, Platform.ADF) is Action.ESCALATE
    assert action_on(Platform.ADF, Action.RERUN_FROM_FAILURE) is Action.RERUN_FROM_FAILURE


def test_many_equal_texts_are_one() -> None:
    """A loop that fails a thousand times for one reason is still explained."""
    texts = [text(TRANSIENT, id_=f"e{n}", step="same") for n in range(1_000)]

    analysis = told(*texts)

    assert analysis.action is Action.RERUN_FROM_FAILURE
    assert len(analysis.evidence) == MAX_EVIDENCE


def test_more_texts_than_are_read_forbid_acting() -> None:
    """What was not looked at could be anything."""
    texts = [text(f"{TRANSIENT} in file {n}", id_=f"e{n}") for n in range(MAX_TEXTS + 1)]

    assert told(*texts[:-1]).action is Action.RERUN_FROM_FAILURE
    assert told(*texts).action is Action.ESCALATE


def test_evidence_is_safe_to_show() -> None:
    """Short, printable and without secrets, head and tail of a long message."""
    long = "begin\x00 Password=hunter2hunter2; " + "x " * 5_000 + " the end"

    [evidence] = told(text(long)).evidence

    assert len(evidence.text) <= MAX_EVIDENCE_CHARS
    assert "hunter2" not in evidence.text
    assert "\x00" not in evidence.text
    assert "begin" in evidence.text
    assert evidence.text.endswith("the end")
    assert evidence.text.startswith("step of e1")
    assert (evidence.id, evidence.source) == ("e1", "adf.activity_run")


def test_half_a_secret_is_not_shown_either() -> None:
    """A text is cut before its secrets are searched for, but never within a word."""
    key = "k" * 86 + "=="
    cut_in_the_key = "y " * 5_980 + key + " z" * 10_000

    [evidence] = told(text(cut_in_the_key)).evidence

    assert "kkkk" not in evidence.text


def test_advice_quotes_no_secret() -> None:
    """Advice says what else matched, and that comes from an untrusted message."""
    token = "dapi" + "0123456789abcdef" * 2

    analysis = told(text(f"ErrorCode=Column-{token} ErrorCode=AcmeUnauthorizedCall"))

    assert any("Also seen" in line for line in analysis.recommendations)
    assert not any("0123456789abcdef" in line for line in analysis.recommendations)


def test_parts_of_a_phrase_belong_together() -> None:
    """Words pages apart are no sentence."""
    near = "The integration runtime 'ir' is offline"
    far = "The integration runtime " + "z" * MAX_GAP_CHARS + " is offline"

    assert told(text(near)).signature == "integration-runtime-offline"
    assert told(text(far)).signature == "leaning-to-ir-offline"


def test_ordinary_words_are_counted() -> None:
    """None of them says much; the kind with the most of them is named, and unsure."""
    analysis = told(text("The field of that row has an unexpected value, says the gateway"))

    assert analysis.category is Category.SCHEMA_DATA_QUALITY
    assert analysis.classification is Classification.UNCERTAIN
    assert analysis.action is Action.ESCALATE
    assert analysis.confidence < 0.5


def test_ordinary_words_do_not_cast_doubt() -> None:
    """They stand in every message; what says more overrules them silently."""
    analysis = told(text(f"{TRANSIENT}: the column and the row of the principal"))

    assert analysis.signature == "sql-service-reconfiguring"
    assert analysis.classification is Classification.TRUE_POSITIVE


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("acme.sdk.ReadDeadlineExceededError: gave up", Category.TIMEOUT),
        ("at com.acme.TokenExpiredException", Category.AUTH_PERMISSION),
        ("ErrorCode=UserErrorAcmeSchemaChanged,m", Category.SCHEMA_DATA_QUALITY),
        ("UserErrorJreNotFound on the node", Category.IR_OFFLINE),
        ("HTTP 413 from the endpoint", Category.CONFIG_ERROR),
        ("HTTP 409 from the endpoint", Category.CONCURRENCY_LIMIT),
        ("HTTP 522 from the proxy", Category.TRANSIENT_NETWORK),
        ("Msg 18461, Level 14", Category.AUTH_PERMISSION),
        ("Msg 4867, Level 16", Category.SCHEMA_DATA_QUALITY),
        ("Msg 195, Level 15", Category.CODE_BUG),
        ("SqlErrorNumber=10055", Category.TRANSIENT_NETWORK),
        ("SQLSTATE: 08S01", Category.TRANSIENT_NETWORK),
        ("SQLSTATE: 53300", Category.RESOURCE_EXHAUSTION),
        ("AADSTS530035: whatever it says", Category.AUTH_PERMISSION),
        (
            "Termination info: code: ACME_BOOTSTRAP_BROKE, type: CLOUD_FAILURE",
            Category.CLUSTER_LIBRARY,
        ),
    ],
)
def test_families_cover_what_nobody_listed(message: str, category: Category) -> None:
    """Ranges of numbers, classes of states and the names of classes and codes."""
    assert told(text(message)).category is category
