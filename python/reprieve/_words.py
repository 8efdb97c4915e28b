"""The words of the rules, the same in every language. Each is a ``str``: it compares with and prints as its word."""

from enum import Enum


class _Word(str, Enum):
    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return format(str(self.value), spec)


class Access(_Word):
    """How much a product may do.

    >>> Access.FULL == "full", str(Access.FULL)
    (True, 'full')
    """

    UNKNOWN = "unknown"
    """The library could not decide; the decision says why. No answer, and never a refusal."""
    DENIED = "denied"
    """The rules give no access."""
    LIMITED = "limited"
    """The product runs with what its vendor calls limited."""
    FULL = "full"
    """Everything."""


class State(_Word):
    """Where a feature stands, by rule J1.

    >>> State("grace") is State.GRACE
    True
    """

    LICENSED = "licensed"
    """The lease is running."""
    GRACE = "grace"
    """The lease has ended and a cover holds."""
    EXPIRED = "expired"
    """The lease has ended and no cover holds."""
    LEDGER_LOCKED = "ledger_locked"
    """A suspicion of the ledger or of its place has reached its limit."""
    CLOCK_LOCKED = "clock_locked"
    """The suspicion of the clock has reached its limit."""
    REVOKED = "revoked"
    """The authority has taken the feature back."""
    NOT_ENTITLED = "not_entitled"
    """The lease does not name the feature."""
    UNLICENSED = "unlicensed"
    """There is no lease for the SKU."""


class Reason(_Word):
    """What grants grace, by rule G6.

    >>> print(Reason.NETWORK)
    network
    """

    MAINTENANCE = "maintenance"
    """A notice of the vendor's covers the time."""
    EXTENSION = "extension"
    """Support has granted time."""
    SERVER = "server"
    """The authority was reached, but it failed."""
    NETWORK = "network"
    """The authority gave no answer."""
    UNKNOWN = "unknown"
    """Nothing is known; always evidenced."""


class Clock(_Word):
    """What a reading says of the clock, by rules C2 and C3.

    >>> Clock.ROLLED_BACK == "rolled_back"
    True
    """

    OK = "ok"
    """The wall agrees with what is proven."""
    ROLLED_BACK = "rolled_back"
    """The wall lies before what is proven."""
    LEAPED = "leaped"
    """The wall lies further ahead than the policy believes."""


class Ledger(_Word):
    """What is known against the ledger, by rules L.

    >>> [str(word) for word in Ledger]
    ['ok', 'suspect', 'moved']
    """

    OK = "ok"
    """Nothing."""
    SUSPECT = "suspect"
    """It was damaged or put back from a copy."""
    MOVED = "moved"
    """It is on another machine than its own."""


class Outage(_Word):
    """What a report of a failed renewal is evidence of, by rule G1.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    ...     print(drill.client.report(Outage.SERVER))
    True
    """

    NETWORK = "network"
    """No answer: no DNS, no route, a timeout, a captive portal's or otherwise unauthentic answer."""
    SERVER = "server"
    """Reached, but it failed: refused, reset, HTTP 5xx or 429, a nonsense answer."""


class Failure(_Word):
    """How an attempt to renew failed before there was an answer. What that is evidence of is the library's to say.

    >>> Failure.NO_DNS == "no_dns"
    True
    """

    NO_DNS = "no_dns"
    """The name could not be resolved."""
    NO_ROUTE = "no_route"
    """There is no route to the host, or no network at all; or the customer's proxy gave none."""
    TIMED_OUT = "timed_out"
    """No answer in time, wherever it stopped."""
    REFUSED = "refused"
    """The host refused the connection."""
    RESET = "reset"
    """The connection was reset or closed before the answer was whole."""
    CERTIFICATE = "certificate"
    """The certificate is another name's, has expired, or leads to no root that is trusted."""
    TLS = "tls"
    """TLS failed in another way."""
    PROTOCOL = "protocol"
    """What came is no HTTP."""
    TOO_LONG = "too_long"
    """The answer is longer than is read."""
    LOCAL = "local"
    """This side could not even try: it is evidence of nothing."""


class RenewalOutcome(_Word):
    """How an attempt to renew ended.

    >>> RenewalOutcome.RENEWED == "renewed"
    True
    """

    RENEWED = "renewed"
    """The lease was renewed."""
    ANSWERED = "answered"
    """The authority answered, and every document was refused."""
    FAILED = "failed"
    """It failed before there was an answer."""
    STATUS = "status"
    """An HTTP status without documents of the authority's."""
    DROPPED = "dropped"
    """Another endpoint was quicker, or it was told to stop."""
    REACHED = "reached"
    """A probe was answered: the network leads there."""
    FETCHED = "fetched"
    """A mirror gave documents."""
    UNCHANGED = "unchanged"
    """A mirror has nothing new."""


class RenewalKind(_Word):
    """What a driver of renewals does next.

    >>> RenewalKind.SEND == "send"
    True
    """

    WAIT = "wait"
    """There is nothing to do for so long, unless an attempt ends."""
    SEND = "send"
    """Send a request."""
    ABORT = "abort"
    """Stop an attempt if it still runs; nobody waits for it any more."""


class Document(_Word):
    """The kinds of document that the authority signs, by rules D.

    >>> Document("lease")
    <Document.LEASE: 'lease'>
    """

    LEASE = "lease"
    POLICY = "policy"
    NOTICE = "notice"
    EXTENSION = "extension"
    REVOCATION = "revocation"
    RULING = "ruling"
    KEYS = "keys"


class Refusal(_Word):
    """Why a document was refused: the first that applies, in this order.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    ...     print(drill.client.import_document("no token").error is Refusal.MALFORMED)
    True
    """

    UNKNOWN_KEY = "unknown_key"
    """A signer is not in the trust store, or its key was not valid when the document was issued."""
    BAD_SIGNATURE = "bad_signature"
    """A signature does not hold."""
    WRONG_ROLE = "wrong_role"
    """A signer may not sign this kind."""
    UNSUPPORTED = "unsupported"
    """A kind, or a newer schema, that this release does not know."""
    MALFORMED = "malformed"
    """The document does not say what its kind must say."""
    WRONG_LEDGER = "wrong_ledger"
    """The document is for another ledger."""
    WRONG_POLICY = "wrong_policy"
    """The policy is of another line than the one in force."""
    STALE = "stale"
    """Something newer is in force."""
    APPROVALS = "approvals"
    """Too few people of role support have signed."""
    OVER_LIMIT = "over_limit"
    """The extension is longer than the policy allows."""
    UNKNOWN_LICENSE = "unknown_license"
    """No lease of the licence was ever accepted."""


class EventKind(_Word):
    """What an event tells of, by rules A3 and A4.

    >>> EventKind.GRACE_WARNING == "grace_warning"
    True
    """

    GRACE_STARTED = "grace_started"
    """A feature went into grace."""
    GRACE_ENDED = "grace_ended"
    """A feature came out of grace: look at the state."""
    ACCESS_CHANGED = "access_changed"
    """A feature's standing changed, outside grace."""
    GRACE_CHANGED = "grace_changed"
    """In grace, another access or reason, or more time than a warning said."""
    GRACE_WARNING = "grace_warning"
    """The runway is no longer than ``left``."""
    DOCUMENT_ACCEPTED = "document_accepted"
    """A document is in force."""
    DOCUMENT_REFUSED = "document_refused"
    """A document was refused."""
    CLOCK_SUSPECT = "clock_suspect"
    """The clock is under suspicion."""
    CLOCK_RESTORED = "clock_restored"
    """It no longer is."""
    LEDGER_SUSPECT = "ledger_suspect"
    """The ledger, or its place, is under suspicion."""
    LEDGER_RESTORED = "ledger_restored"
    """They no longer are."""
    LEDGER_RECOVERED = "ledger_recovered"
    """A torn tail was cut off after a crash; nothing acknowledged was lost."""
    APPEAL_FILED = "appeal_filed"
    """The customer appealed."""
    APPEAL_RECEIVED = "appeal_received"
    """The vendor has the appeal."""


class Fault(_Word):
    """How a drill's token is broken.

    >>> with Drill('{"sku": "cad", "steps": []}') as drill:
    ...     token = drill.issue("notice", {"id": "n1", "start": 0, "end": 1}, fault=Fault.BAD_SIGNATURE)
    ...     print(drill.client.import_document(token).error)
    bad_signature
    """

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    WRONG_ROLE = "wrong_role"
    WRONG_LEDGER = "wrong_ledger"


class TaskKind(_Word):
    """What a product has to do in a drill's step.

    >>> TaskKind.CHECK == "check"
    True
    """

    NOTHING = "nothing"
    IMPORT = "import"
    CHECK = "check"
    REPORT = "report"
    EVENTS = "events"
