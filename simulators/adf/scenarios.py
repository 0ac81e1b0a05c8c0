"""Realistic failures of pipelines, as data for demos and tests.

The texts are our own, written around the codes and wrappers that Microsoft documents
("Troubleshoot Azure Data Factory", "Troubleshoot connectors", "Troubleshoot mapping data
flows" on Microsoft Learn). Names, hosts and ids are invented. A scenario says what failed
and how reruns would go; what should be done about it is for others to decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Script = Mapping[str, object]
_QUICK = 0.3


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run that failed, and how further runs of its pipeline go.

    Attributes:
        name: For tables and test ids.
        title: One line for people.
        pipeline: Its usual pipeline.
        activities: What the pipeline declares, in order.
        run: The failed run, as fields of a seeded run.
        reruns: Scripts of the coming runs; the last one repeats.
    """

    name: str
    title: str
    pipeline: str
    activities: tuple[Script, ...]
    run: Script
    reruns: tuple[Script, ...]


@dataclass(frozen=True, slots=True)
class _Failure:
    """An activity that fails; makes both the seeded run and failing reruns."""

    activity: str
    activity_type: str
    code: str
    message: str
    failure_type: str = "UserError"
    output: Script = field(default_factory=dict)

    def script(self) -> dict[str, object]:
        """Return the fields of a run that fails this way."""
        error = {
            "errorCode": self.code,
            "message": self.message,
            "failureType": self.failure_type,
            "details": [],
        }
        return {
            "status": "Failed",
            "seconds": _QUICK,
            "error": error,
            "failed_activity": self.activity,
            "activity_type": self.activity_type,
            "activity_output": dict(self.output),
        }

    def declared(self) -> dict[str, object]:
        """Return the activity as the pipeline declares it."""
        return {"name": self.activity, "type": self.activity_type}


_HEALED: Script = {"status": "Succeeded", "seconds": _QUICK}


def _copy_error(side: str, code: str, text: str, inner: str = "") -> str:
    """Word a connector's error the way the copy activity wraps it (code 2200)."""
    wrapped = (
        f"ErrorCode={code},'Type=Microsoft.DataTransfer.Common.Shared.HybridDeliveryException,"
        f"Message={text},Source=Microsoft.DataTransfer.ClientLibrary,'"
    )
    return f"Failure happened on '{side}' side. {wrapped}{inner}"


SQL_TRANSIENT = _Failure(
    "Copy orders to warehouse",
    "Copy",
    "2200",
    _copy_error(
        "Sink",
        "SqlFailedToConnect",
        "Cannot connect to SQL database 'dwh', server 'sql-retail.database.windows.net'. "
        "The server did not respond within 30 seconds",
        "'Type=System.Data.SqlClient.SqlException,Message=Database 'dwh' on server 'sql-retail' "
        "is not currently available. Retry the connection later.,"
        "Source=.Net SqlClient Data Provider,SqlErrorNumber=40613,Class=20,State=1,'",
    ),
)
CONNECTION_CLOSED = _Failure(
    "Copy stock levels",
    "Copy",
    "2200",
    _copy_error(
        "Source",
        "SqlOperationFailed",
        "A database operation failed. Please search error to get more details",
        "'Type=System.IO.IOException,Message=Unable to read data from the transport connection: "
        "An existing connection was forcibly closed by the remote host.,Source=System,'",
    ),
)
EXPIRED_SECRET = _Failure(
    "Copy invoices to lake",
    "Copy",
    "2200",
    _copy_error(
        "Sink",
        "AdlsGen2OperationFailed",
        "Failed to get access token by using service principal for 'stretaillake'",
        "'Type=Microsoft.Identity.Client.MsalServiceException,Message=A configuration issue is "
        "preventing authentication. AADSTS7000222: The provided client secret keys for app "
        "'11111111-0000-4000-8000-00000000c0de' are expired. Trace ID: "
        "22222222-0000-4000-8000-000000000001,Source=Microsoft.Identity.Client,'",
    ),
)
RUNTIME_OFFLINE = _Failure(
    "Look up watermark",
    "Lookup",
    "2100",
    "The Self-hosted Integration Runtime 'ir-plant-07' is offline, last connect time is "
    "'11/20/2026 01:52:10.114 UTC'.",
)
MISSING_BLOB = _Failure(
    "Copy price list",
    "Copy",
    "2200",
    _copy_error(
        "Source",
        "UserErrorSourceBlobNotExist",
        "The required Blob is missing. ContainerName: inbound, path: prices/2026/11/20/prices.csv",
    ),
)
SCHEMA_MISMATCH = _Failure(
    "Copy customers",
    "Copy",
    "2200",
    _copy_error(
        "Source",
        "DelimitedTextMoreColumnsThanDefined",
        "Error found when processing 'Csv/Tsv Format Text' source 'customers_20261120.csv' with "
        "row number 4182: found more columns than expected column count 17",
    ),
)
COSMOS_THROTTLED = _Failure(
    "Write basket events",
    "Copy",
    "2200",
    _copy_error(
        "Sink",
        "CosmosDbSqlApiOperationFailed",
        "CosmosDbSqlApi operation Failed. ErrorMessage: Response status code does not indicate "
        "success: TooManyRequests (429); Substatus: 3200; Request rate is large. More Request "
        "Units may be needed, so no changes were made",
    ),
)
DATA_FLOW_OOM = _Failure(
    "Build customer 360",
    "ExecuteDataFlow",
    "DF-Executor-OutOfMemoryError",
    "Job failed due to reason: Cluster ran into out of memory issue during execution, please "
    "retry using an integration runtime with bigger core count and/or memory optimized compute "
    "type. Details: stage 14, 412 of 800 tasks done",
    failure_type="SystemError",
)
DUPLICATE_KEY = _Failure(
    "Append ledger lines",
    "Copy",
    "2200",
    _copy_error(
        "Sink",
        "SqlBulkCopyFailed",
        "SQL Bulk Copy failed after 18000 rows into [fin].[ledger_line]",
        "'Type=System.Data.SqlClient.SqlException,Message=Violation of PRIMARY KEY constraint "
        "'pk_ledger_line'. Cannot insert duplicate key in object 'fin.ledger_line'.,"
        "SqlErrorNumber=2627,Class=14,State=1,'",
    ),
)
NOTEBOOK_LOST = _Failure(
    "Score baskets",
    "DatabricksNotebook",
    "3208",
    "An error occurred while sending the request.",
    output={"runPageUrl": "https://adb-1.1.azuredatabricks.net/?o=1#job/7/run/1"},
)
BAD_EXPRESSION = _Failure(
    "Set partition path",
    "SetVariable",
    "InvalidTemplate",
    "The expression 'formatDateTime(pipeline().parameters.day, 'yyyy-MM')' cannot be evaluated: "
    "property 'day' doesn't exist, available properties are 'run_day'.",
)


def _scenario(
    name: str, title: str, pipeline: str, failure: _Failure, *reruns: Script, before: str = ""
) -> Scenario:
    activities = ({"name": before, "type": "Lookup"},) if before else ()
    return Scenario(
        name=name,
        title=title,
        pipeline=pipeline,
        activities=(*activities, failure.declared()),
        run=failure.script(),
        reruns=reruns or (failure.script(),),
    )


SCENARIOS: dict[str, Scenario] = {
    one.name: one
    for one in (
        _scenario(
            "sql_transient",
            "SQL database briefly unavailable (40613); the next run works",
            "load_orders",
            SQL_TRANSIENT,
            _HEALED,
            before="Get last load",
        ),
        _scenario(
            "sql_transient_twice",
            "SQL database unavailable for two runs, then back",
            "load_returns",
            SQL_TRANSIENT,
            SQL_TRANSIENT.script(),
            _HEALED,
            before="Get last load",
        ),
        _scenario(
            "connection_closed",
            "Source closed the connection; the next run works",
            "load_stock",
            CONNECTION_CLOSED,
            _HEALED,
        ),
        _scenario(
            "expired_secret",
            "Client secret expired (AADSTS7000222); every run fails",
            "export_invoices",
            EXPIRED_SECRET,
        ),
        Scenario(
            name="cancelled_by_user",
            title="Somebody cancelled the run",
            pipeline="rebuild_history",
            activities=({"name": "Copy history", "type": "Copy"},),
            run={"status": "Cancelled", "seconds": _QUICK},
            reruns=(_HEALED,),
        ),
        _scenario(
            "runtime_offline",
            "Self-hosted integration runtime offline; runs work when it is back",
            "load_sensor_data",
            RUNTIME_OFFLINE,
            _HEALED,
        ),
        _scenario(
            "missing_blob",
            "Source file has not arrived; every run fails until somebody delivers it",
            "load_prices",
            MISSING_BLOB,
        ),
        _scenario(
            "schema_mismatch",
            "Source file has more columns than declared; every run fails",
            "load_customers",
            SCHEMA_MISMATCH,
        ),
        _scenario(
            "cosmos_throttled",
            "Cosmos DB throttles (429); works after a pause",
            "publish_baskets",
            COSMOS_THROTTLED,
            _HEALED,
        ),
        _scenario(
            "data_flow_oom",
            "Data flow out of memory; every run on this compute fails",
            "build_customer_360",
            DATA_FLOW_OOM,
        ),
        _scenario(
            "duplicate_key",
            "Append hits rows of an earlier load (2627); rerunning makes it worse",
            "append_ledger",
            DUPLICATE_KEY,
        ),
        _scenario(
            "notebook_lost",
            "Connection to Databricks lost while the notebook may still run (3208)",
            "score_baskets",
            NOTEBOOK_LOST,
            _HEALED,
        ),
        _scenario(
            "bad_expression",
            "Expression names a parameter that does not exist; every run fails",
            "archive_days",
            BAD_EXPRESSION,
        ),
    )
}
