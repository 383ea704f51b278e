// The checker on programs that are right, on imports, and on damaged programs.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type CheckOptions, checkModel } from "../../src/dsl/check/check.ts";
import { codes } from "../../src/dsl/codes.ts";
import type { Diagnostic, Source } from "../../src/dsl/diagnostics.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";
import { renderDiagnostic } from "../../src/dsl/render-diagnostic.ts";
import { accepted } from "./check-accepted-programs.ts";

const parsed = (source: Source, file = 0) => {
  const { value, diagnostics } = parseModel(source, file);
  if (!value) throw new Error(diagnostics.map((d) => renderDiagnostic(d, [source])).join("\n"));
  return value;
};
function check(text: string, options: CheckOptions = {}) {
  const source = { name: "model.ppl", text };
  return checkModel("model", [source], parsed(source), options);
}
const messages = (ds: readonly Diagnostic[]): string[] => ds.map((d) => `${d.code} ${d.message}`);

describe("programs that are right", () => {
  test.each(Object.entries(accepted))("%s", (_, text) => {
    const { value, diagnostics } = check(text);
    const loud = diagnostics.filter((d) => d.code !== "PPL216" && d.code !== "PPL208");
    expect(messages(loud)).toEqual([]);
    expect(value).toBeDefined();
  });
  const models = new URL("../../models/", import.meta.url);
  const files = readdirSync(models, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ppl"));
  test.each(files)("models/%s", (f) => {
    const { diagnostics } = check(readFileSync(new URL(f, models), "utf8"));
    expect(messages(diagnostics.filter((d) => d.severity === "error" && !d.code.startsWith("PPL6")))).toEqual([]);
  });
});

describe("a checked model", () => {
  test("has the symbols of the program, with what is known of them", () => {
    const { value } = check(`
      data y: real[N], sigma: positive[N]
      const K = 2
      mu: ordered[K]
      mu[1] ~ Normal(0, 1)
      mu[2] ~ Normal(1, 1)
      tau: positive ~ Normal(0, 1)
      for n in 1..N { let eta[n] = mu[1] + n; theta[n] ~ Normal(eta[n], tau) }
      let scale = 2 * mean(sigma)
      y ~ Normal(theta, scale)
      quantity q = tau^2
      predict z ~ Poisson(1)`);
    const symbols = [...(value?.symbols.values() ?? [])].map((s) => `${s.kind} ${s.name}`);
    expect(symbols.sort()).toEqual(
      [
        "const K",
        "data sigma",
        "data y",
        "latent mu",
        "latent tau",
        "latent theta",
        "let eta",
        "let scale",
        "predict z",
        "quantity q",
        "size N",
      ].sort(),
    );
    const declared = (name: string) => {
      const s = value?.symbols.get(name);
      return s?.kind === "latent" ? s.declared?.base.name : undefined;
    };
    expect([declared("mu"), declared("tau"), declared("theta")]).toEqual(["ordered", "positive", undefined]);
  });
  test("says who is observed and when values are known", () => {
    const { value } = check(`
      data y: real[N], x: real?[N]
      mu ~ Normal(0, 1)
      x ~ Normal(mu, 1)
      let a = mean(y)
      let b = a + mu
      y ~ Normal(b + x, 1)
      1 ~ Bernoulli(inv_logit(mu))
      predict z ~ Normal(mu, 1)
      quantity q = z + b
      let late = q`);
    expect([...(value?.roles.values() ?? [])]).toEqual(["latent", "missing", "observed", "observed"]);
    const stages = [...(value?.stages ?? [])].map(([s, stage]) => `${s.kind} ${stage}`);
    expect(stages).toEqual([
      "sample const",
      "sample latent",
      "let data",
      "let latent",
      "sample latent",
      "sample latent",
      "predict predict",
      "quantity predict",
      "let predict",
    ]);
  });
  test("is there only when nothing is an error", () => {
    expect(check("y ~ Normal(0, 1)").value).toBeDefined();
    expect(check("y ~ Normal(0, z)").value).toBeUndefined();
  });
});

describe("imports", () => {
  const library = (files: Readonly<Record<string, string>>) => {
    const sources: Source[] = [{ name: "model.ppl", text: files["model.ppl"] }];
    const indices = new Map([["model.ppl", 0]]);
    const resolveImport: CheckOptions["resolveImport"] = (path) => {
      if (!Object.hasOwn(files, path)) return { problem: "there is no such file" };
      const known = indices.get(path);
      const index = known ?? sources.push({ name: path, text: files[path] }) - 1;
      indices.set(path, index);
      return { file: parsed(sources[index], index), sourceIndex: index };
    };
    return checkModel("model", sources, parsed(sources[0]), { resolveImport });
  };
  test("bring functions, densities and consts", () => {
    const { value, diagnostics } = library({
      "model.ppl": 'import "lib.ppl"\ndata y: real[N]\nmu ~ Normal(0, tau0)\na ~ Odd(2)\ny ~ Normal(twice(mu) + a, 1)',
      "lib.ppl": "const tau0 = 3\nfn twice(x) = 2 * x\nfn unused(x) = x\ndensity Odd(x: real; a: positive) = -x^2 / a",
    });
    expect(messages(diagnostics)).toEqual([]);
    expect(value?.symbols.get("tau0")?.kind).toBe("const");
    expect([...(value?.functions.keys() ?? [])]).toEqual(["twice", "unused"]);
    expect(value?.statements.map((s) => s.kind)).toEqual(["const", "fn", "fn", "density", "data", "sample", "sample", "sample"]);
    expect(value?.sources.map((s) => s.name)).toEqual(["model.ppl", "lib.ppl"]);
  });
  test("name collisions, cycles, missing files and what is not brought", () => {
    expect(
      messages(
        library({ "model.ppl": 'import "lib.ppl"\nfn f(x) = x\ny ~ Normal(f(1), 1)', "lib.ppl": "fn f(x) = 2 * x" }).diagnostics,
      ),
    ).toEqual(["PPL202 f is defined twice"]);
    expect(
      messages(library({ "model.ppl": 'import "a.ppl"', "a.ppl": 'import "b.ppl"', "b.ppl": 'import "a.ppl"' }).diagnostics),
    ).toEqual(["PPL222 a.ppl imports itself"]);
    expect(messages(library({ "model.ppl": 'import "none.ppl"' }).diagnostics)).toEqual(["PPL222 none.ppl cannot be imported"]);
    expect(messages(library({ "model.ppl": 'import "a.ppl"', "a.ppl": "mu ~ Normal(0, 1)" }).diagnostics)).toEqual([
      "PPL222 a.ppl holds a ~ statement",
    ]);
  });
  test("a file that is reached in two ways is brought once", () => {
    const { value, diagnostics } = library({
      "model.ppl": 'import "a.ppl"\nimport "b.ppl"\nimport "a.ppl"\nmu ~ Normal(f(g(0)), 1)',
      "a.ppl": 'import "c.ppl"\nfn f(x) = h(x)',
      "b.ppl": 'import "c.ppl"\nfn g(x) = h(x)',
      "c.ppl": "fn h(x) = x",
    });
    expect(messages(diagnostics)).toEqual([]);
    expect([...(value?.functions.keys() ?? [])]).toEqual(["h", "f", "g"]);
  });
  test("mistakes in an imported function are shown there, with the call", () => {
    const { diagnostics } = library({
      "model.ppl": 'import "lib.ppl"\ndata y: real[N]\ny ~ Normal(f(y), 1)',
      "lib.ppl": "fn f(x) = x @ 2",
    });
    expect(diagnostics.map((d) => d.span.file)).toEqual([1]);
    expect(diagnostics[0].notes?.at(-1)).toBe("in the call of f on line 3 of model.ppl");
  });
});

describe("damaged programs", () => {
  // A linear congruential generator (Knuth, TAOCP 2, §3.3.4, line 15): the damage is the same on every machine.
  let state = 1;
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const words = Object.values(accepted).flatMap((t) => t.match(/\w+|[^\s\w]/g) ?? []);
  const damage = (text: string): string => {
    const tokens = text.match(/\n|\w+|[^\s\w]|[ \t]+/g) ?? [];
    const at = next(tokens.length);
    switch (next(3)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 1, words[next(words.length)]);
        break;
      default:
        tokens.splice(at, 0, words[next(words.length)], " ");
    }
    return tokens.join("");
  };
  test("are answered with diagnostics, never an exception", () => {
    let checked = 0;
    for (const [name, text] of Object.entries(accepted)) {
      for (let i = 0; i < 30; i++) {
        const source = { name, text: damage(text) };
        const { value } = parseModel(source);
        if (!value) continue;
        checked++;
        const outcome = checkModel(name, [source], value);
        for (const d of outcome.diagnostics) {
          expect(codes[d.code], d.code).toBeDefined();
          expect(d.span.start).toBeLessThanOrEqual(d.span.end);
          const words = `${d.message} ${d.label ?? ""} ${(d.notes ?? []).join(" ")}`;
          expect(words).not.toMatch(/undefined|\[object|NaN|#\d/);
          expect(words.includes("\0")).toBe(false);
        }
        expect(outcome.value === undefined).toBe(outcome.diagnostics.some((d) => d.severity === "error"));
      }
    }
    expect(checked).toBeGreaterThan(200);
  });
});
