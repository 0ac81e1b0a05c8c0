"""Every exception this project raises on purpose.

MendError
├── InvalidInput            the caller's body or parameter makes no sense   400
│   └── TooLarge            more bytes, items or levels than we accept      413
├── Unauthenticated         the caller has not shown who it is              401
├── Forbidden               the caller may not do this                      403
├── NotFound                no such ticket, source, ...                     404
├── MethodNotAllowed        the path is there, for other methods            405
├── VersionConflict         somebody else changed it first                  409
├── IllegalTransition       the ticket or attempt may not go there          409
├── AlreadyDecided          somebody has decided it, or its time is up      409
├── PlanChanged             what was seen is no longer what would be done   409
├── PreconditionFailed      the caller has seen an older version            412
├── KeyReused               the same idempotency key with another body      422
├── PreconditionRequired    the caller has not said which version it saw    428
├── Unavailable             the store cannot work now; try again            503
│   └── NotConfigured       a setting is missing or wrong                   503
├── ConnectorError          an outside system said no
│   ├── Transient           nothing happened there; asking again is safe
│   ├── Refused             the same call will fail again
│   └── OutcomeUnknown      it may have happened: reconcile, never resend
└── ModelUnavailable        the language model did not help: go on with rules
"""


class MendError(Exception):
    """Base class; ``code`` is the stable name used in the API and in logs."""

    code = "internal"
    http_status = 500


class InvalidInput(MendError):
    """The caller's input does not have the shape that was promised.

    Args:
        detail: What is wrong and what would be right.
        field: Where, as a dotted path such as ``data.essentials.alertId``;
            ``body`` for the whole body.
    """

    code = "invalid_input"
    http_status = 400

    def __init__(self, detail: str, *, field: str = "body") -> None:
        super().__init__(detail)
        self.field = field


class TooLarge(InvalidInput):
    """The input has more bytes, items or levels than we accept."""

    code = "too_large"
    http_status = 413


class Unauthenticated(MendError):
    """The caller has not shown who it is. The text is the same for every cause."""

    code = "unauthenticated"
    http_status = 401

    def __init__(self) -> None:
        super().__init__("this request shows no credential that is accepted here")


class Forbidden(MendError):
    """The caller may not do this, or not from there."""

    code = "forbidden"
    http_status = 403


class NotFound(MendError):
    """There is no such thing."""

    code = "not_found"
    http_status = 404


class MethodNotAllowed(MendError):
    """The path has other methods; the text says which."""

    code = "method_not_allowed"
    http_status = 405


class VersionConflict(MendError):
    """The stored version is not the one the caller read: read and decide again."""

    code = "version_conflict"
    http_status = 409


class IllegalTransition(MendError):
    """The ticket or attempt may not move from its state to the requested one."""

    code = "illegal_transition"
    http_status = 409


class AlreadyDecided(MendError):
    """It cannot be decided any more; the text says by whom and when it was."""

    code = "already_decided"
    http_status = 409


class PlanChanged(MendError):
    """The plan is another one than the person has seen: show it again."""

    code = "plan_changed"
    http_status = 409


class PreconditionFailed(MendError):
    """``If-Match`` names another version than the current one: read it again, then decide."""

    code = "precondition_failed"
    http_status = 412


class KeyReused(MendError):
    """An idempotency key, or a delivery's id, came before with another body."""

    code = "key_reused"
    http_status = 422


class PreconditionRequired(MendError):
    """``If-Match`` is missing: without it one person would undo what another has just done."""

    code = "precondition_required"
    http_status = 428


class Unavailable(MendError):
    """We cannot work at the moment; the same request may succeed later."""

    code = "unavailable"
    http_status = 503


class NotConfigured(Unavailable):
    """A setting is missing or wrong; the message names it and says what it must be."""

    code = "not_configured"


class ConnectorError(MendError):
    """An outside system refused or did not answer.

    Args:
        system: Short name, e.g. ``"adf"``.
        detail: What was asked and what came back; no secrets.
        status: HTTP status of the answer, if there was one.
    """

    code = "connector_failed"
    http_status = 502

    def __init__(self, system: str, detail: str, *, status: int | None = None) -> None:
        super().__init__(f"{system}: {detail}")
        self.system = system
        self.status = status


class Transient(ConnectorError):
    """Nothing happened on the other side; asking again is safe.

    Args:
        retry_after_seconds: How long the other side asked us to wait, if it did.
    """

    code = "connector_transient"

    def __init__(
        self,
        system: str,
        detail: str,
        *,
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(system, detail, status=status)
        self.retry_after_seconds = retry_after_seconds


class Refused(ConnectorError):
    """The other side said no for good: the same call would fail again."""

    code = "connector_refused"


class OutcomeUnknown(ConnectorError):
    """It may have happened on the other side. Look for it; never send it again."""

    code = "connector_outcome_unknown"


class ModelUnavailable(MendError):
    """The language model gave nothing to go by, for whatever reason: rules decide alone.

    The message says why in our own words; it quotes nothing of what the model answered.
    """

    code = "model_unavailable"
    http_status = 502
