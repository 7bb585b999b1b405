"""A pytest fixture that receives callbacks; copy `listener`, and keep your own `pay_out`."""

import json
import os
import subprocess
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

PROGRAM = os.environ.get("PAYOUT_NOTIFY", "payout-notify")
ENVIRONMENT = {**os.environ, "PAYOUT_NOTIFY_KEY": "ThisIsYourSecretKey123"}


class Listener:
    def __init__(self, folder):
        command = [PROGRAM, "listen", "--bind", ":0", "--api", "--quiet", "--format", "json", "--inbox", folder / "inbox.db"]
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.api = ready["url"], ready["api"]

    def ask(self, path, body=None, method=None):
        headers = {"Authorization": f"Bearer {self.api['token']}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.api["url"] + path, data, headers, method=method)) as answer:
            return json.load(answer)

    def wait(self, **conditions):
        """The callbacks that match: order, status, verdict, grep, count, within …"""
        waited = self.ask("/callbacks/wait?" + urlencode(conditions))
        assert waited["missing"] == 0, f"{waited['missing']} callbacks did not come: {conditions}"
        return waited["callbacks"]


@pytest.fixture
def listener(tmp_path):
    running = Listener(tmp_path)
    yield running
    running.process.terminate()
    running.process.wait()


def pay_out(order, notify_url):
    """Stands in for your application, which asks the platform for a payout and names its notify URL."""
    payload = json.dumps({"payout_id": order, "payout_cl_id": "c-1", "platform_id": "PF0014", "amount": 5000,
                          "real_amount": 5000, "fee": 0, "status": 3, "create_time": 1567614049, "update_time": 1567614111})
    subprocess.Popen([PROGRAM, "simulate", notify_url, "-", "--schedule", "50ms"], env=ENVIRONMENT, stdin=subprocess.PIPE,
                     stdout=subprocess.DEVNULL, text=True).communicate(payload)


def test_a_payout_is_notified_again_until_it_is_acknowledged(listener):
    listener.ask("/replies", {"reply": "fail, ok"}, "PUT")
    pay_out("PO-1", listener.url)
    first, second = listener.wait(order="PO-1", status="success", verdict="valid", count=2, within="10s")
    assert (first["reply_status"], second["reply_status"]) == (500, 200)
    assert second["amount_cents"] == 5000
