// Drives the inspector's page of a real listener in a real browser.
//
//   cargo build
//   node tests/inspector/run.mjs target/debug/payout-notify [FOLDER FOR SCREENSHOTS]
//
// CHROMIUM names the browser where it is not `chromium`. Exit 0: every test passed.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { openBrowser } from "./browser.mjs";
import { driveListener } from "./listen.mjs";
import { signed, startListener } from "./listener.mjs";

const [program, shots] = process.argv.slice(2);
if (!program) {
  console.error("usage: node tests/inspector/run.mjs PATH/OF/payout-notify [SCREENSHOTS]");
  process.exit(2);
}

// An application that takes every body and acknowledges none.
const application = createServer((request, response) => {
  request.resume();
  request.on("end", () => response.end("taken"));
});
await new Promise((resolve) => application.listen(0, "127.0.0.1", resolve));
const applicationUrl = `http://127.0.0.1:${application.address().port}/notify`;

const { page, close } = await openBrowser(process.env.CHROMIUM ?? "chromium");
if (shots) mkdirSync(shots, { recursive: true });

async function shot(name) {
  if (!shots) return;
  await page.eval("document.getAnimations().forEach((each) => each.finish())");
  writeFileSync(join(shots, `${name}.png`), await page.shot());
}

let failures = 0;
async function test(name, body) {
  page.complaints.length = 0;
  try {
    await body();
    assert.deepEqual(page.complaints, [], "the browser complained");
    console.log(`ok    ${name}`);
  } catch (error) {
    failures += 1;
    if (page.complaints.length) console.log(page.complaints.join("\n"));
    console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).replaceAll("\n", "\n      ")}`);
    await shot(`failed-${failures}`);
  }
}

const text = (selector) => page.eval(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`);
const click = (selector) => page.eval(`document.querySelector(${JSON.stringify(selector)}).click()`);
const chosen = () => page.eval(`document.querySelector(".row[aria-selected=true]")?.dataset.key ?? null`);
const counted = (part) => page.until(`document.getElementById("count").textContent.includes(${JSON.stringify(part)})`);
const search = async (text) => {
  await page.eval(`document.getElementById("q").value = ${JSON.stringify(text)}; document.getElementById("q").dispatchEvent(new Event("input"))`);
  await quiet();
};
const quiet = () => page.until(`document.getElementById("list").getAttribute("aria-busy") === "false"`);
const shown = () => page.until(`document.querySelector("#detail .head") !== null`);

await driveListener({ program, page, test, shot });
await page.go("about:blank");
page.requests.length = 0;

const full = await startListener(program, 10_000);
await page.size(1280, 800);

await test("the token is changed for a cookie, and the list is there", async () => {
  await page.go(full.url);
  await page.until(`document.querySelectorAll(".row").length > 10`);
  assert.equal(await page.eval("location.search + location.pathname"), "/");
  assert.equal(await page.eval("document.cookie"), "", "the cookie is not for scripts");
  await page.until(`document.getElementById("live").textContent === "live"`);
});

await test("few rows are in the document, however many there are", async () => {
  await click("#group");
  await page.eval(`(async () => {
    const list = document.getElementById("list");
    for (let turn = 0; turn < 400 && !document.getElementById("count").textContent.startsWith("10,000 "); turn++) {
      list.scrollTop = list.scrollHeight;
      await new Promise((done) => setTimeout(done, 20));
    }
  })()`);
  await counted("10,000 callbacks");
  const rows = await page.eval(`document.querySelectorAll(".row").length`);
  assert.ok(rows > 10 && rows < 80, `${rows} rows`);
  const before = await page.worked();
  await page.eval(`(async () => {
    const list = document.getElementById("list");
    for (let turn = 0; turn < 30; turn++) {
      list.scrollTop = (turn * 7919 * 34) % list.scrollHeight;
      await new Promise(requestAnimationFrame);
    }
  })()`);
  const each = ((await page.worked() - before) * 1000) / 30;
  console.log(`      ${each.toFixed(1)} ms of script and layout for a jump among 10,000 rows`);
  await page.eval(`document.getElementById("list").scrollTop = 0`);
  await click("#group");
});

await test("j and k choose, h and l go through the attempts", async () => {
  await page.press("j");
  await shown();
  const first = await chosen();
  await page.press("j");
  const second = await chosen();
  assert.notEqual(first, second);
  await page.press("k");
  assert.equal(await chosen(), first);
  await page.press("j");
  await page.press("j");
  await page.until(`document.querySelectorAll(".step").length > 1`);
  const label = await page.eval(`document.getElementById("detail").getAttribute("aria-label")`);
  await page.press("h");
  await page.until(`document.getElementById("detail").getAttribute("aria-label") !== ${JSON.stringify(label)}`);
  assert.match(await text(".canonical"), /platform_id=PF0014/);
  assert.match(await text(".canonical"), /error_msg=empty/);
  assert.match(await text(".canonical"), /\[key\]$/);
  await shot("light");
});

await test("a mistake is named", async () => {
  await page.press("/");
  assert.equal(await page.eval("document.activeElement.id"), "q");
  await page.type("upper case");
  await quiet();
  await page.until(`[...document.querySelectorAll(".row .verdict")].every((each) => each.textContent === "✕ signature")`);
  await page.press("Escape");
  await page.press("j");
  await page.until(`document.querySelector(".cause") !== null`);
  assert.match(await text(".cause"), /upper/);
  await shot("light-cause");
  await search("");
});

await test("the filters hold for what is there and what comes", async () => {
  await click("[data-verdict=invalid]");
  await page.until(`document.querySelectorAll(".row").length > 5 && document.querySelector(".row .good") === null`);
  await full.bring(34);
  await page.until(`document.querySelector(".row .good") === null && document.getElementById("live").textContent === "live"`);
  await click("[data-verdict='']");
  await page.until(`document.querySelector(".row .good") !== null`);
});

await test("text of strangers stays text", async () => {
  await search("onerror");
  await page.press("j");
  await page.until(`document.querySelector(".canonical")?.textContent.includes("<script>alert(1)</script>")`);
  assert.equal(await page.eval(`document.querySelectorAll("#detail script, #detail img").length`), 0);
  await search("gnp.exe");
  await page.press("j");
  await page.until(`document.querySelector(".canonical")?.textContent.includes("gnp.exe")`);
  assert.match(await text(".canonical"), /\\u202egnp\.exe\\u200b \\u001b\[31mred/);
  assert.equal(await page.eval(`/[\\u202e\\u200b\\u001b]/.test(document.body.textContent)`), false);
  await search("");
});

await test("an edited body is signed and sent", async () => {
  await page.until(`document.querySelectorAll(".row").length > 10`);
  await page.press("j");
  await shown();
  await page.press("e");
  await page.until(`document.querySelector(".sheet textarea") !== null`);
  await page.eval(`document.querySelector(".sheet textarea").value = '{"a":"edited"}'`);
  await page.eval(`document.querySelector(".sheet input").value = "javascript://h/%0Aalert(1)"; document.querySelector(".sheet .main").click()`);
  await page.until(`document.querySelector(".outcome").textContent.includes("javascript, not http or https")`);
  // The refusal is a 422, of which the browser's log speaks.
  page.complaints.length = 0;
  await page.eval(`document.querySelector(".sheet input").value = ${JSON.stringify(applicationUrl)}; document.querySelector(".sheet .main").click()`);
  await page.until(`document.querySelector(".outcome").textContent.includes("does not acknowledge, status 200")`);
  assert.match(await page.eval(`document.querySelector(".sheet textarea").value`), /^\{"a":"edited","sign":"[0-9a-f]{32}"\}$/);
  await shot("light-edit");
  await page.press("Escape");
  assert.equal(await page.eval(`document.querySelector(".sheet")`), null);
});

await test("new callbacks come in, many in one frame, and nothing jumps", async () => {
  await page.eval(`document.getElementById("list").scrollTop = 3400`);
  const seen = () => page.eval(`(() => {
    const top = document.getElementById("list").getBoundingClientRect().top;
    const rows = [...document.querySelectorAll(".row")].filter((each) => each.getBoundingClientRect().top >= top);
    return rows.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)[0].dataset.key;
  })()`);
  await page.eval(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`);
  const before = await seen();
  await full.bring(400);
  await page.until(`!document.getElementById("fresh").hidden && document.getElementById("fresh").textContent.includes("400")`);
  assert.equal(await seen(), before);
  await shot("light-new");
  await click("#fresh");
  await page.until(`document.getElementById("fresh").hidden`);
});

await test("a flood is taken without loss", async () => {
  await click("#group");
  await full.bring(5000);
  // Whether it kept up or was told to load the list again, the newest is on top in the end.
  await page.until(`(() => {
    document.getElementById("list").scrollTop = 0;
    return document.getElementById("row-15434") !== null;
  })()`, "the newest of 15,434");
  const drawn = await page.eval(`(() => {
    const box = document.getElementById("list").getBoundingClientRect();
    return [...document.querySelectorAll(".row")].filter((each) => each.getBoundingClientRect().bottom > box.top && each.getBoundingClientRect().top < box.bottom).length;
  })()`);
  assert.ok(drawn > 10, `${drawn} rows are in sight`);
  assert.equal(await page.eval(`document.querySelector(".row[aria-posinset='1']").id`), "row-15434");
  await click("#group");
});

await test("dark, narrow, help", async () => {
  await page.size(1280, 800, "dark");
  await page.press("j");
  await shown();
  await shot("dark");
  await page.press("?");
  assert.equal(await page.eval(`document.getElementById("help").open`), true);
  await shot("dark-help");
  await page.press("Escape");
  await page.until(`!document.getElementById("help").open`);
  await page.press("Escape");
  await page.size(360, 740);
  await page.until(`getComputedStyle(document.getElementById("detail")).display === "none"`);
  await shot("phone-list");
  await page.press("j");
  await page.until(`getComputedStyle(document.getElementById("detail")).display !== "none"`);
  await shown();
  assert.equal(await page.eval(`document.documentElement.scrollWidth`), 360, "nothing is wider than the screen");
  assert.equal(await page.eval(`document.getElementById("detail").scrollWidth`), 360);
  await shot("phone-detail");
  await page.size(360, 740, "dark");
  await page.eval(`document.getElementById("detail").scrollTop = 500`);
  await shot("phone-dark");
  await click(".back");
  assert.equal(await page.eval(`getComputedStyle(document.getElementById("detail")).display`), "none");
});

await test("nothing was asked of another server", async () => {
  const own = new URL(full.url).origin;
  const foreign = page.requests.filter((url) => !url.startsWith(own) && !url.startsWith("data:") && url !== "about:blank");
  assert.deepEqual(foreign, []);
});

const forwarding = await startListener(program, 0, ["--forward-to", applicationUrl]);
await test("only what is too long for any row is cut, at every width", async () => {
  const order = (payout_id, more) => signed({ payout_id, amount: 99_999_999_999, fee: 0, status: 6, ...more });
  for (let attempt = 0; attempt < 11; attempt++) await forwarding.take(order("POT11"));
  for (const body of [order("POT1"), order(`POT${"0".repeat(90)}`), order("POT2", { status: 77 }), "{"]) await forwarding.take(body);
  await page.go(forwarding.url);
  await page.until(`document.querySelectorAll(".row").length === 5`);
  assert.equal(await text("#count"), "4 orders, 15 callbacks");
  assert.match(await page.eval("document.title"), /^\(15\) /);
  const cut = () => page.eval(`[...document.querySelectorAll("body *")].filter((each) => each.offsetParent && each.scrollWidth > each.clientWidth + 1
    && getComputedStyle(each).overflowX !== "visible" && !each.matches(".listen")).map((each) => each.className + " " + each.textContent)`);
  for (const [width, height] of [[390, 844], [820, 1180], [1000, 800], [1440, 900]]) {
    await page.size(width, height);
    await page.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    assert.deepEqual(await cut(), [`order POT${"0".repeat(90)}`], `${width} px`);
    await shot(`width-${width}`);
    await click(".row:has(.times)");
    await page.until(`document.querySelectorAll(".step").length === 11`);
    const wide = await page.eval(`document.documentElement.scrollWidth + " " + (document.getElementById("detail").scrollWidth - document.getElementById("detail").clientWidth)`);
    assert.equal(wide, `${width} 0`);
    await shot(`width-${width}-detail`);
    await page.press("Escape");
    await page.until(`!document.getElementById("main").classList.contains("open")`);
  }
});
await forwarding.stop();

const bare = await startListener(program);
await test("an empty page says where callbacks go and how to try", async () => {
  await page.size(1280, 800);
  await page.go(bare.url);
  await page.until(`!document.getElementById("empty").hidden && document.querySelector("#empty pre") !== null`);
  assert.ok((await text("#empty")).includes(bare.notifyUrl));
  assert.match(await text("#empty pre"), /--data-raw '\{"payout_id":/);
  await shot("empty");
  await page.size(360, 740, "dark");
  await shot("phone-empty");
  await bare.bring(1);
  await page.until(`document.querySelectorAll(".row").length === 1 && document.getElementById("empty").hidden`);
});

await close();
await Promise.all([full.stop(), bare.stop()]);
application.close();
console.log(failures ? `${failures} failed` : "all passed");
process.exit(failures ? 1 : 0);
