// Takes the pictures in docs/images with a real browser.
//
//   cargo build && node docs/pictures.mjs target/debug/payout-notify
//
// CHROMIUM names the browser where it is not `chromium`.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { openBrowser } from "../tests/inspector/browser.mjs";

const program = process.argv[2] && resolve(process.argv[2]);
if (!program) {
  console.error("usage: node docs/pictures.mjs PATH/OF/payout-notify");
  process.exit(2);
}
const docs = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "pictures-"));
const env = { PATH: process.env.PATH, HOME: folder, PAYOUT_NOTIFY_KEY: "ThisIsYourSecretKey123" };

async function run(...args) {
  // Not synchronous: who stops reading what the listener prints stops the listener.
  const child = spawn(program, args, { env, cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((done) => child.once("exit", done));
  // 1 is an answer: "no".
  if (code > 1) throw new Error(`${args.join(" ")} ended with ${code}`);
}

/** Starts a listener; gives its addresses. */
async function listen(...args) {
  const child = spawn(program, ["listen", "--bind", ":0", "--format", "json", ...args], { env, cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const ready = JSON.parse(await new Promise((done) => lines.once("line", done)));
  const stop = () => new Promise((done) => { child.once("exit", done); child.kill("SIGINT"); });
  return { ready, stop };
}

const { page, close } = await openBrowser(process.env.CHROMIUM ?? "chromium");
const shot = async (name) => {
  await page.eval("document.getAnimations().forEach((each) => each.finish())");
  writeFileSync(join(docs, "images", `${name}.png`), await page.shot());
};

try {
  const { ready, stop } = await listen("--inspect", "--reply", "fail*2, auto");
  await run("simulate", ready.url, "--speed", "600x", "--set", "amount=125000");
  await run("simulate", ready.url, "--speed", "600x", "--status", "failed", "--sign-type", "hmac-sha256");
  await run("simulate", ready.url, "--dialect", "jeepay", "--retries", "2", "--schedule", "1s,1s");
  await page.size(1280, 800);
  await page.go(ready.inspector);
  await page.until("document.querySelectorAll('.row').length > 2");
  await page.eval("document.querySelector('.row').click()");
  await page.until("document.querySelector('.row[aria-selected=true]') !== null");
  await new Promise((done) => setTimeout(done, 500));
  await shot("inspector");
  await stop();

  const server = await listen("--no-inbox");
  const { url } = server.ready;
  await run("check", url, "--report", `html=${join(folder, "check.html")}`);
  await run("simulate", url, "--count", "2000", "--rate", "500/s", "--mix", "success=90,failed=8,cancelled=2", "--report", `html=${join(folder, "run.html")}`);
  await server.stop();
  await page.size(1000, 900);
  for (const name of ["check", "run"]) {
    await page.go(pathToFileURL(join(folder, `${name}.html`)).href);
    await page.until("document.readyState === 'complete' && document.body.innerText.length > 100");
    await shot(`report-${name}`);
  }
} finally {
  await close();
  rmSync(folder, { recursive: true, force: true });
}
