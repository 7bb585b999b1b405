// node:test: a listener that receives callbacks; copy `startListener`, and keep your own `payOut`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = process.env.PAYOUT_NOTIFY ?? "payout-notify";
const env = { ...process.env, PAYOUT_NOTIFY_KEY: "ThisIsYourSecretKey123" };

async function startListener() {
  const inbox = join(await mkdtemp(join(tmpdir(), "listener-")), "inbox.db");
  const child = spawn(PROGRAM, ["listen", "--bind", ":0", "--api", "--quiet", "--format", "json", "--inbox", inbox], { env });
  const [line] = await once(createInterface(child.stdout), "line");
  const { url, api } = JSON.parse(line);
  const ask = async (path, body, method = body ? "POST" : "GET") => {
    const headers = { Authorization: `Bearer ${api.token}`, "Content-Type": "application/json" };
    const answer = await fetch(api.url + path, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };
  // The callbacks that match: order, status, verdict, grep, count, within …
  const wait = async (conditions) => {
    const { callbacks, missing } = await ask(`/callbacks/wait?${new URLSearchParams(conditions)}`);
    if (missing > 0) throw new Error(`${missing} callbacks did not come: ${JSON.stringify(conditions)}`);
    return callbacks;
  };
  return { url, ask, wait, stop: () => child.kill() };
}

// Stands in for your application, which asks the platform for a payout and names its notify URL.
function payOut(order, notifyUrl) {
  const payload = { payout_id: order, payout_cl_id: "c-1", platform_id: "PF0014", amount: 5000, real_amount: 5000, fee: 0,
    status: 3, create_time: 1567614049, update_time: 1567614111 };
  const platform = spawn(PROGRAM, ["simulate", notifyUrl, "-", "--schedule", "50ms"], { env });
  platform.stdin.end(JSON.stringify(payload));
}

let listener;
before(async () => { listener = await startListener(); });
after(() => listener.stop());

test("a payout is notified again until it is acknowledged", async () => {
  await listener.ask("/replies", { reply: "fail, ok" }, "PUT");
  payOut("PO-1", listener.url);
  const [first, second] = await listener.wait({ order: "PO-1", status: "success", verdict: "valid", count: 2, within: "10s" });
  assert.deepEqual([first.reply_status, second.reply_status], [500, 200]);
  assert.equal(second.amount_cents, 5000);
});
