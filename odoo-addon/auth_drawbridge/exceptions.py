"""What a bearer request is refused with, as HTTP answers."""

from werkzeug.exceptions import HTTPException


class Refusal(HTTPException):
    """The base of all refusals of this addon; its traceback is never shown to the caller."""


class Challenge(Refusal):
    """A refusal that carries a ``WWW-Authenticate`` header.

    @see RFC 6750 section 3. The values are quoted by hand: werkzeug leaves out the quotes where
    the HTTP grammar allows it, and clients that search for ``error="invalid_token"`` miss it.
    """

    error = None

    def get_headers(self, environ=None, scope=None):
        return [
            *super().get_headers(environ, scope),
            ("WWW-Authenticate", "Bearer " + ", ".join(self._parameters())),
        ]

    def _parameters(self):
        return [f'error="{self.error}"', f'error_description="{self.description}"']


class InvalidToken(Challenge):
    """401: the token is malformed, forged, expired or for somebody or something else.

    Expiry is told apart because the client's answer to it is a refresh. Everything else looks
    alike: the reason is for the log, not for who tries tokens.
    """

    code = 401
    error = "invalid_token"
    description = "The access token is invalid."


class ExpiredToken(InvalidToken):
    """401: a token of ours, but its time is over."""

    description = "The access token expired."


class InsufficientScope(Challenge):
    """403: the token is good, but not for this.

    :param str scope: the scope that the request needs
    """

    code = 403
    error = "insufficient_scope"
    description = "The access token does not allow this."

    def __init__(self, scope):
        super().__init__()
        self.scope = scope

    def _parameters(self):
        return [*super()._parameters(), f'scope="{self.scope}"']


class NoKeys(Refusal):
    """503: no token can be checked, because the bridge's keys cannot be had.

    :param int retry_after: seconds
    """

    code = 503
    description = "The keys that tokens are checked with cannot be had. Try again shortly."

    def __init__(self, retry_after):
        super().__init__()
        self.retry_after = retry_after

    def get_headers(self, environ=None, scope=None):
        return [*super().get_headers(environ, scope), ("Retry-After", str(self.retry_after))]


class TooLarge(Refusal):
    """413: no request of the bridge is as large as this."""

    code = 413
    description = "The request is too large."


class Malformed(Refusal):
    """400: signed by the bridge, but not what it should say."""

    code = 400
    description = "The request is malformed."
