"""The part of a bridge that the addon meets: tokens, and a JWK Set on a real socket."""

import base64
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa


def base64url(data):
    """@see RFC 7515 section 2"""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """A signing key and its ``kid``."""

    def __init__(self, kid, private_key=None):
        self.kid = kid
        self.private_key = private_key or ec.generate_private_key(ec.SECP256R1())
        self.is_rsa = isinstance(self.private_key, rsa.RSAPrivateKey)
        self.algorithm = "RS256" if self.is_rsa else "ES256"

    def jwk(self, **members):
        """The public JWK, with ``members`` put over it."""
        kind = jwt.algorithms.RSAAlgorithm if self.is_rsa else jwt.algorithms.ECAlgorithm
        public = kind.to_jwk(self.private_key.public_key(), as_dict=True)
        public.pop("key_ops", None)
        return {**public, "kid": self.kid, "alg": self.algorithm, "use": "sig", **members}

    def sign(self, claims, **header):
        """A JWT; ``header`` is put over the usual one, and None takes a member away."""
        header = {"typ": "at+jwt", "kid": self.kid, "alg": self.algorithm, **header}
        header = {name: value for name, value in header.items() if value is not None}
        return self.jws(json.dumps(claims).encode(), header)

    def jws(self, payload, header):
        """Sign any bytes under any header, which no library would let pass."""
        signing_input = f"{base64url(json.dumps(header).encode())}.{base64url(payload)}"
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        signature = algorithm.sign(signing_input.encode(), self.private_key)
        return f"{signing_input}.{base64url(signature)}"


class Bridge:
    """Serves ``/.well-known/jwks.json`` on a free port of loopback until :meth:`stop`.

    ``answers`` has what is answered to a ``POST`` by path, as JSON, or a status.
    """

    def __init__(self):
        self.key = Key("key-1")
        self.status = 200
        self.body = None
        self.headers = {}
        self.requested = []
        self.answers = {}
        self.posted = []
        # Set when a request has come in; answers wait while ``may_answer`` is not set.
        self.was_asked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        bridge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                bridge.requested.append(self.path)
                bridge.was_asked.set()
                bridge.may_answer.wait()
                body = bridge._body(self.path)
                self.send_response(bridge.status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in bridge.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bridge.posted.append((self.path, self.headers["Authorization"], body))
                answer = bridge.answers.get(self.path, 404)
                self.send_response(answer if isinstance(answer, int) else 200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *args):
                """Odoo's log is the test's own."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02])
        self._thread.start()
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.says_issuer = self.issuer
        self.jwks_url = f"{self.issuer}/.well-known/jwks.json"

    def _body(self, path):
        if self.body is not None:
            return self.body
        if path == "/.well-known/oauth-authorization-server":
            return json.dumps({"issuer": self.says_issuer}).encode()
        return json.dumps({"keys": [self.key.jwk()]}).encode()

    def stop(self):
        """Close the port. May be called twice."""
        self.may_answer.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def claims(self, uid, audience, **changes):
        """The claims of a good token, with ``changes`` put over it; None takes a claim away."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": audience,
            "sub": str(uid),
            "client_id": "drawbridge-pwa",
            "scope": "odoo.read odoo.write",
            "exp": now + 600,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "sid": str(uuid.uuid4()),
            "auth_time": now,
            "amr": ["pwd"],
            "roles": [],
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}
