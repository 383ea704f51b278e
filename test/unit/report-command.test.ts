// ppl report: one page of a run, and each mistake a sentence.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { curve, curves, histogram } from "../../src/inference/pictures/plots.ts";
import { ppl } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());
const at = (name: string): string => join(folder, name);

const text = "data y: real[N]\nmu ~ Normal(0, 5)\ns ~ HalfNormal(1) // < & >\ny ~ Normal(mu, s)\n";
beforeAll(async () => {
  writeFileSync(at("m.ppl"), text);
  writeFileSync(at("d.json"), '{"y": [1, 2, 3, 2.5]}');
  await ppl(
    "run",
    at("m.ppl"),
    "--data",
    at("d.json"),
    "--chains",
    "2",
    "--draws",
    "1200",
    "--warmup",
    "200",
    "--seed",
    "1",
    "--out",
    at("run"),
    "--quiet",
  );
});

test("one page: facts, diagnosis, summary, draws, model; it needs no other file", async () => {
  const made = await ppl("report", at("run"));
  expect(made).toEqual({ code: 0, out: `report in ${at("run/report.html")}\n`, err: "" });
  const page = readFileSync(at("run/report.html"), "utf8");
  expect(page).toContain("engine nuts, 2 chains, seed 1");
  expect(page).toContain("<h2>Diagnosis</h2>");
  const summary = JSON.parse(readFileSync(at("run/summary.json"), "utf8")) as { variables: Record<string, { mean: number }> };
  expect(page).toContain(`<td>${Number(summary.variables.mu.mean.toPrecision(4))}</td>`);
  // A histogram and a trace for each of two numbers, at most 500 points of each chain.
  expect(page.match(/<svg /g)?.length).toBe(4);
  const lines = [...page.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) => points.split(" ").length);
  expect(lines).toEqual([400, 400, 400, 400]);
  expect(page).toContain("// &lt; &amp; &gt;");
  expect(page).not.toMatch(/\b(src|href)="(?!data:)/);
});

test("as many plots as are asked for, elsewhere; a text that has changed is said", async () => {
  writeFileSync(at("m.ppl"), `${text}// later\n`);
  const made = await ppl("report", at("run"), "--plots", "1", "--out", at("one.html"));
  writeFileSync(at("m.ppl"), text);
  expect(made.code).toBe(0);
  const page = readFileSync(at("one.html"), "utf8");
  expect(page.match(/<svg /g)?.length).toBe(2);
  expect(page).toContain("1 more: --plots 2 draws all of them");
  expect(page).toContain("is another text by now");
});

test("what a stranger calls things is text in the page; numbers that are none are left out", async () => {
  const run = JSON.parse(readFileSync(at("run/run.json"), "utf8")) as object;
  const bad = "<script>alert('\"')</script>";
  const files = [{ path: bad, sha256: bad }];
  const traces = { [bad]: { steps: [1, 2, 3], values: [null, 1, 2] } };
  const verdicts = [{ what: bad, level: "constructor", advice: bad }];
  mkdirSync(at("strange"));
  writeFileSync(at("strange/run.json"), JSON.stringify({ ...run, model: bad, files, traces, verdicts }));
  writeFileSync(at("strange/summary.json"), JSON.stringify({ variables: { [bad]: { [bad]: 1, mean: null } } }));
  writeFileSync(at("strange/chain-1.csv"), `lp__,${bad}\n-1,nan\n-1,1e308\n-1,-1e308\n`);
  expect(await ppl("report", at("strange"))).toMatchObject({ code: 0, err: "" });
  const page = readFileSync(at("strange/report.html"), "utf8");
  expect(page).not.toContain("<script");
  expect(page).not.toMatch(/NaN|Infinity/);
  expect(page).toContain("&lt;script&gt;");
});

test("histograms have the shares of their groups, whatever these are", () => {
  for (const group of [
    Float64Array.of(),
    Float64Array.of(1, 1, 1),
    Float64Array.of(Number.NaN, 0, 1),
    Float64Array.of(-1e300, 1e-300),
    Float64Array.of(-Number.MAX_VALUE, 0, Number.MAX_VALUE),
    Float64Array.of(-5e-324, 5e-324),
    Float64Array.of(1, 1 + Number.EPSILON),
  ]) {
    const labels = { title: "", x: "x", y: "" };
    expect(histogram([group], labels)).not.toMatch(/NaN|Infinity/);
    expect(curves([1, 2, 3], [group], labels)).not.toMatch(/NaN|Infinity/);
    expect(curve([1, 2, 3], group, labels)).not.toMatch(/NaN|Infinity/);
  }
});

test.each([
  ["no folder", () => [at("nowhere")], "is no folder of a run"],
  ["a folder without a run", () => [folder], "it has no run.json"],
  ["plots that are no number", () => [at("run"), "--plots", "all"], "--plots must be an integer"],
  ["a place that takes no files", () => [at("run"), "--out", at("m.ppl/report.html")], "m.ppl"],
])("%s: a sentence", async (_, args, message) => {
  const { code, err } = await ppl("report", ...args());
  expect(code).toBe(1);
  expect(err).toContain(message);
  expect(err).not.toMatch(/\n\s+at /);
  expect(existsSync(at("never"))).toBe(false);
});
