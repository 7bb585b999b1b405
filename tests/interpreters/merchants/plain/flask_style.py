"""A payout notification handler in Flask's idiom, on the standard library.

    python3 flask_style.py PORT STATE

Books each order once: one line "order amount" in STATE. The platform key is in
PLATFORM_KEY. Errors that a handler does not catch are answered as Flask and its
server answer them: 400, 404, 405, 415 and 500 pages.
"""

import hashlib
import hmac
import json
import logging
import os
import sys
import threading
from http import HTTPStatus
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

KEY = os.environ.get("PLATFORM_KEY", "ThisIsYourSecretKey123")
SUCCESS, CANCELLED, FAILED = 3, 4, 5

log = logging.getLogger("payouts")


class HTTPError(Exception):
    """What `abort()` and `request.get_json()` raise in Flask."""

    def __init__(self, status):
        self.status = HTTPStatus(status)


class Orders:
    """The orders that are closed, and how; the successful ones are kept in a file."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.closed = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    self.closed[line.rsplit(" ", 1)[0]] = SUCCESS

    def close(self, order, status, amount):
        with self.lock:
            if order in self.closed:
                if self.closed[order] != status:
                    log.error("order %s: status %s after %s", order, status, self.closed[order])
                return
            if status == SUCCESS:
                with open(self.path, "a", encoding="utf-8") as lines:
                    lines.write(f"{order} {amount}\n")
            self.closed[order] = status


def text_of(value):
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, list, dict)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def is_signed(data):
    pairs = [
        f"{name}={text_of(value)}"
        for name, value in sorted(data.items())
        if name not in ("sign", "sign_type") and value is not None and value != ""
    ]
    text = "&".join(pairs)
    sign_type = data.get("sign_type", "MD5").upper()
    if sign_type == "HMAC-SHA256":
        expected = hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
    elif sign_type == "MD5":
        expected = hashlib.md5(f"{text}&{KEY}".encode()).hexdigest()
    else:
        return False
    return hmac.compare_digest(expected, data.get("sign", ""))


def get_json(environ):
    content_type = environ.get("CONTENT_TYPE", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        raise HTTPError(415)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    try:
        return json.loads(body)
    except ValueError:
        raise HTTPError(400) from None


def notify(environ, orders):
    data = get_json(environ)
    if not is_signed(data):
        return {"error_code": "0004", "error_msg": "invalid sign"}, 400

    order = data["payout_cl_id"]
    amount = int(data["amount"])
    received = int(data["real_amount"])
    status = int(data["status"])
    log.info("order %s: status %s, %s of %s cents received", order, status, received, amount)
    if status in (SUCCESS, CANCELLED, FAILED):
        orders.close(order, status, amount)
    return {"error_code": "0000"}, 200


def make_app(orders):
    def app(environ, start_response):
        try:
            if environ["PATH_INFO"] != "/notify":
                raise HTTPError(404)
            if environ["REQUEST_METHOD"] != "POST":
                raise HTTPError(405)
            answer, code = notify(environ, orders)
            status, kind, body = HTTPStatus(code), "application/json", json.dumps(answer) + "\n"
        except Exception as error:
            status = error.status if isinstance(error, HTTPError) else HTTPStatus(500)
            if status == 500:
                log.exception("Exception on /notify")
            kind = "text/html; charset=utf-8"
            body = (
                "<!doctype html>\n<html lang=en>\n"
                f"<title>{status.value} {status.phrase}</title>\n"
                f"<h1>{status.phrase}</h1>\n<p>{status.description}</p>\n"
            )
        body = body.encode()
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    return app


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args):
        pass


if __name__ == "__main__":
    port, state = int(sys.argv[1]), sys.argv[2]
    server = make_server("127.0.0.1", port, make_app(Orders(state)), Server, QuietHandler)
    print(f"http://127.0.0.1:{server.server_port}/notify", flush=True)
    server.serve_forever()
