// Node's share of the invalid signatures. Run by generate.py, whose head says how to regenerate.

import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

const md5 = (text, encoding = "utf8") => createHash("md5").update(text, encoding);

for (const payload of JSON.parse(readFileSync(0, "utf8"))) {
  const { key, tokens } = payload;
  const hmac = payload.algorithm === "hmac";
  const kinds = new Map(tokens.map(([name, kind]) => [name, kind]));
  const texts = new Map(tokens.map(([name, , text]) => [name, text]));
  const data = JSON.parse(payload.body);
  const bytes = (a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0]));
  const join = (pairs, separator = "&") => pairs.map(([n, t]) => `${n}=${t}`).join(separator);
  const received = tokens.filter(([n, k, t]) => !["sign", "sign_type"].includes(n) && k !== "null" && t !== "").map(([n, , t]) => [n, t]);
  const pairs = [...received].sort(bytes);
  const S = join(pairs);
  const out = (mistake, says, sign) => console.log(JSON.stringify({ mistake, payload: payload.name, sign, says: [says].flat() }));
  const finish = (text, encoding = "utf8") =>
    hmac ? createHmac("sha256", key).update(text, encoding).digest("hex") : md5(text, encoding).update("&" + key).digest("hex");
  const string = (mistake, says, text) => out(mistake, says, finish(text));
  const values = (change, of = ["string", "array", "object"]) => join(pairs.map(([n, t]) => [n, of.includes(kinds.get(n)) ? change(t) : t]));
  const pick = (keep) => join([...texts].filter(([n]) => n !== "sign_type" && keep(data[n], n)).sort(bytes));

  // Keys and digests.
  if (hmac) {
    out("createHmac-swapped", "hmac-swapped", createHmac("sha256", S).update(key).digest("hex"));
    out("createHash", "sha256", createHash("sha256").update(`${S}&${key}`).digest("hex"));
    out("toUpperCase", "upper", createHmac("sha256", key).update(S).digest("hex").toUpperCase());
    out("digest-base64", "base64", createHmac("sha256", key).update(S).digest("base64"));
    out("digest-base64url", "base64", createHmac("sha256", key).update(S).digest("base64url"));
    out("key-trim-missing", "key-newline", createHmac("sha256", key + "\n").update(S).digest("hex"));
    out("hmac-with-key", "hmac-with-key-appended", createHmac("sha256", key).update(`${S}&${key}`).digest("hex"));
    out("hmac-with-label", "hmac-with-label-appended", createHmac("sha256", key).update(`${S}&key=${key}`).digest("hex"));
    out("key-hex-buffer", "key-hex", createHmac("sha256", Buffer.from(key).toString("hex")).update(S).digest("hex"));
  } else {
    out("digest-base64", "base64", md5(`${S}&${key}`).digest("base64"));
    out("digest-base64url", "base64", md5(`${S}&${key}`).digest("base64url"));
    out("toUpperCase", "upper", md5(`${S}&${key}`).digest("hex").toUpperCase());
    out("substring", "middle-16", md5(`${S}&${key}`).digest("hex").substring(8, 24));
    out("toString16", ["no-byte-padding", "no-leading-zeros"], [...md5(`${S}&${key}`).digest()].map((b) => b.toString(16)).join(""));
    out("bigint", ["no-leading-zeros", "no-byte-padding"], BigInt("0x" + md5(`${S}&${key}`).digest("hex")).toString(16));
    out("createHmac-md5", "hmac-md5", createHmac("md5", key).update(S).digest("hex"));
    out("createHmac-sha256", ["other-algorithm", "hmac-sha256"], "sign_type" in data ? createHmac("sha256", key).update(S).digest("hex") : finish(S));
    out("wechat", "key-prefix+upper", md5(`${S}&key=${key}`).digest("hex").toUpperCase());
    out("key-undefined", "key-undefined", md5(`${S}&${undefined}`).digest("hex"));
    out("key-label-undefined", ["key-prefix+key-undefined", "key-undefined+key-prefix"], md5(`${S}&key=${undefined}`).digest("hex"));
  }

  // Which fields.
  string("truthy", ["drop-falsy", "field-dropped", "drop-zero"], pick((v) => v));
  string("filter-Boolean", ["drop-falsy", "field-dropped", "drop-zero"], join(pairs.filter(([n]) => Boolean(data[n]))));
  string("not-null", "keep-empty-string", pick((v) => v != null));
  string("not-undefined", ["keep-empty", "keep-empty-string"], pick((v) => v !== undefined));
  string("loose-empty", ["drop-falsy", "drop-loose", "field-dropped", "drop-zero"], pick((v) => v !== null && v != ""));
  string("trim-check", ["drop-blank"], pick((v) => v !== null && String(v).trim() !== "" || typeof v === "object" && v !== null));
  string("typeof-object", "drop-nested", pick((v) => typeof v !== "object" && v !== ""));
  string("typeof-string", ["strings-only", "field-dropped"], pick((v) => typeof v === "string" && v !== ""));
  string("null-template", ["null-text"], join([...texts].filter(([n, t]) => n !== "sign_type" && data[n] !== "").map(([n, t]) => [n, data[n] === null ? `${null}` : t]).sort(bytes)));

  // Order.
  const object = Object.fromEntries(received);
  string("object-keys", ["doc-order", "numeric-first-received"], join(Object.entries(object)));
  string("object-of-sorted", ["numeric-first"], join(Object.entries(Object.fromEntries(pairs))));
  string("localeCompare", ["locale-order", "case-insensitive"], join([...received].sort((a, b) => a[0].localeCompare(b[0], "en"))));
  string("localeCompare-base", ["case-insensitive", "locale-order", "locale-order-base"], join([...received].sort((a, b) => a[0].localeCompare(b[0], "en", { sensitivity: "base" }))));
  string("localeCompare-numeric", ["natural-collated", "natural-order", "locale-order", "numeric-first"], join([...received].sort((a, b) => a[0].localeCompare(b[0], "en", { numeric: true }))));
  string("toLowerCase", "case-insensitive", join([...received].sort((a, b) => (a[0].toLowerCase() < b[0].toLowerCase() ? -1 : a[0].toLowerCase() > b[0].toLowerCase() ? 1 : 0))));
  string("reverse", "reverse-order", join([...pairs].reverse()));
  string("sort-pairs", "sorted-pairs", received.map(([n, t]) => `${n}=${t}`).sort().join("&"));
  string("sort-values", "sorted-values", join([...received].sort((a, b) => (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0))));

  // Value text.
  string("encodeURIComponent", ["urlencode-js", "urlencode-raw", "urlencode"], values(encodeURIComponent));
  string("encodeURI", ["urlencode-uri", "urlencode-js", "urlencode-raw", "urlencode", "urlencode-slash"], values(encodeURI));
  string("encodeURI-all", ["urlencode-uri", "urlencode-js", "urlencode-raw", "urlencode", "string-encodeuri", "urlencode-slash"], encodeURI(S));
  string("escape", ["urlencode-escape", "urlencode-raw", "urlencode-js", "urlencode"], values(escape));
  string("URLSearchParams", ["urlencode-java", "urlencode"], new URLSearchParams(payload.name === "names" ? [] : pairs).toString() || S);
  string("decodeURIComponent", ["urldecode-percent", "urldecode"], values((t) => { try { return decodeURIComponent(t); } catch { return t; } }));
  string("querystring-parse", ["urldecode", "plus-to-space", "urldecode-percent"], values((t) => new URLSearchParams("v=" + t.replaceAll("&", "%26").replaceAll("#", "%23")).get("v"), ["string"]));
  string("trim", ["trimmed", "drop-blank"], values((t) => t.trim()));
  string("replace-spaces", ["collapsed-spaces", "collapsed-trimmed"], values((t) => t.replace(/\s+/g, " "), ["string"]));
  string("no-spaces", ["spaces-removed", "trimmed"], values((t) => t.replace(/\s/g, ""), ["string"]));
  string("nfc", ["nfc"], S.normalize("NFC"));
  string("nfd", ["nfd"], S.normalize("NFD"));
  if (!hmac) {
    out("latin1", ["latin-1-low-byte", "latin-1"], md5(`${S}&${key}`, "latin1").digest("hex"));
    out("utf16le", "utf-16-text", md5(Buffer.from(`${S}&${key}`, "utf16le")).digest("hex"));
    out("utf16le-string", "utf-16", md5(Buffer.from(S, "utf16le")).update("&" + key).digest("hex"));
    out("encodeURIComponent-all", ["text-urlencoded-js", "text-urlencoded", "text-urlencoded-raw"], payload.name === "names" ? finish(S) : md5(encodeURIComponent(`${S}&${key}`)).digest("hex"));
  } else {
    out("latin1", ["latin-1-low-byte", "latin-1"], createHmac("sha256", key).update(S, "latin1").digest("hex"));
  }
  const native = (write) => join(Object.entries(data).filter(([n, v]) => n !== "sign_type" && v !== null && v !== "").map(([n, v]) => [n, write(v)]).sort(bytes));
  const printed = ["float-js", "float-js", "array-joined", "printed-js", "decimals-reprinted"];
  string("String", printed, native(String));
  string("template", printed, native((v) => `${v}`));
  string("stringify-nested", [...printed, "printed-js-json"], native((v) => (typeof v === "object" ? JSON.stringify(v) : String(v))));
  string("stringify-each", ["json-quoted", "printed-js-quoted", "float-js"], native((v) => JSON.stringify(v)));
  string("stringify-spaced", ["nested-pretty-2", "nested-pretty"], values((t) => JSON.stringify(JSON.parse(t), null, 2), ["array", "object"]));
  string("toString-array", ["array-only-joined", "array-joined", "array-php"], values((t) => String(JSON.parse(t)), ["array"]));
  string("toString-object", ["array-joined"], values((t) => String(JSON.parse(t)), ["array", "object"]));
  string("parseFloat", ["decimals-reprinted", "float-js"], values((t) => (/^-?\d+\.\d+$/.test(t) ? String(parseFloat(t)) : t), ["string", "number"]));
  string("parseInt", ["truncated"], values((t) => (/^-?\d+\.\d+$/.test(t) ? String(parseInt(t, 10)) : t), ["string", "number"]));
  const amounts = ["amount", "real_amount", "fee"];
  const amount = (write) => payload.name === "numbers" ? S : join(pairs.map(([n, t]) => [n, amounts.includes(n) && /^\d+$/.test(t) ? write(Number(t)) : t]));
  string("toFixed", ["amount-two-decimals"], amount((v) => v.toFixed(2)));
  string("toLocaleString", ["amount-thousands"], amount((v) => v.toLocaleString("en-US")));
  string("cents", ["yuan-short"], amount((v) => String(v / 100)));
  string("cents-fixed", ["yuan"], amount((v) => (v / 100).toFixed(2)));
  const date = (write) => values((t) => (/^\d{4}-\d\d-\d\dT/.test(t) ? write(new Date(t)) : t), ["string"]);
  string("toISOString", ["time-iso-ms"], date((d) => d.toISOString()));
  string("getTime", ["time-as-milliseconds"], date((d) => String(d.getTime())));
  string("getTime-seconds", ["time-as-seconds"], date((d) => String(d.getTime() / 1000)));
  const unix = (write) => join(pairs.map(([n, t]) => [n, n.endsWith("_time") && kinds.get(n) === "number" ? write(Number(t)) : t]));
  string("milliseconds", ["time-milliseconds"], unix((t) => String(t * 1000)));
  string("new-Date", ["time-as-iso-ms"], unix((t) => new Date(t * 1000).toISOString()));

  // Shape.
  string("values-join", ["values-only"], pairs.map(([, t]) => t).join(""));
  string("values-String", ["values-comma"], String(pairs.map(([, t]) => t)));
  string("entries-String", ["names-comma-values"], String(pairs));
  string("stringify-body", ["json", "raw-body"], payload.name === "numbers" || payload.name === "names" || payload.name === "zeros" ? S : JSON.stringify(data));
  string("stringify-sorted", ["sorted-json", "raw-body", "json"], payload.name === "numbers" || payload.name === "names" || payload.name === "zeros" ? S : JSON.stringify(Object.fromEntries(Object.entries(data).sort(bytes))));
  const object2 = Object.fromEntries(pairs.map(([n, t]) => [n, t]));
  string("stringify-signed", ["json-strings", "sorted-json-kept", "sorted-json"], payload.name === "names" ? S : JSON.stringify(object2));
  string("params-repeated", ["array-repeated"], payload.name === "list" ? pairs.flatMap(([n, t]) => (Array.isArray(data[n]) ? data[n].map((item) => `${n}=${item}`) : [`${n}=${t}`])).join("&") : S);
}
