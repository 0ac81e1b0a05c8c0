"""Everything Mend recognises, as data.

To add a signature: append it to the tuple of its family, with an example in
your own words around the true code or phrase. The order of the registry decides
nothing. Confidence is measured, see ``bench/evaluate.py``.
"""

from shared.diagnosis.signature import Signature
from shared.diagnosis.signatures import (
    adf,
    alerts,
    clusters,
    databricks,
    dataflow,
    identity,
    names,
    network,
    runs,
    runtime,
    spark,
    sql,
    stems,
    storage,
    words,
)

SIGNATURES: tuple[Signature, ...] = (
    *runs.SIGNATURES,
    *alerts.SIGNATURES,
    *adf.SIGNATURES,
    *dataflow.SIGNATURES,
    *runtime.SIGNATURES,
    *sql.SIGNATURES,
    *storage.SIGNATURES,
    *identity.SIGNATURES,
    *network.SIGNATURES,
    *databricks.SIGNATURES,
    *clusters.SIGNATURES,
    *spark.SIGNATURES,
    *names.SIGNATURES,
    *words.SIGNATURES,
    *stems.SIGNATURES,
)
