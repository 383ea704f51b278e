// The laws of `hurdle` and `folded`, over all records that they fit: mass, draws, distribution functions, means, slopes.
import { describe, expect, it } from "vitest";
import type { Applied } from "../../src/dsl/distributions/applied.ts";
import { apply } from "../../src/dsl/distributions/applied.ts";
import type { Distribution } from "../../src/dsl/distributions/define.ts";
import { truncated } from "../../src/dsl/distributions/modifiers/index.ts";
import { UsageError } from "../../src/runtime/errors.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { boundsOf, caseOf, drawMany, flat, logDensities, paramShape } from "./distribution-cases.ts";
import { expectDraws } from "./distribution-draws.ts";
import { standardError, Z } from "./goodness-of-fit.ts";
import { at, expectMass, first, scalars, use, wrap } from "./modifier-cases.ts";

describe("hurdle", () => {
  const p = 0.25;
  const make = (d: Distribution) => (b: Builder) => use("hurdle", b, [at(b, d, first(d))], { p: b.constant(p) });
  const known = scalars.filter((d) => {
    try {
      make(d)(createBuilder());
      return true;
    } catch (e) {
      if (e instanceof UsageError) return false;
      throw e;
    }
  });
  it("is refused where P(X > 0) is not known, where it is 0, and of what has no bounds of its own, alone", () => {
    for (const d of scalars.filter((r) => !known.includes(r)))
      expect(() => make(d)(createBuilder()), d.name).toThrow(
        d.support.declared ? /bounds of its own/ : d.logCcdf ? /above 0/ : /P\(X > 0\)/,
      );
    expect(known.length).toBeGreaterThan(scalars.length / 2);
  });
  it.each(known.map((d) => ({ d, title: d.name })))("$title: zero has its mass, what is above the rest", ({ d, title }) => {
    const discrete = d.support.constraint.discrete;
    const c = wrap(`hurdle of ${title}`, make(d), discrete ? Math.max(1, flat(first(d).x)[0]) : 0);
    const [atZero] = logDensities(c, Float64Array.of(0));
    expect(atZero).toBeCloseTo(Math.log(p), 14);
    if (discrete) {
      expectMass(c);
      expectDraws(c, 2000);
      return;
    }
    // Above zero it is 1 - p times a density, that of the distribution cut there.
    const b = createBuilder();
    const base = at(b, d, first(d));
    const own = boundsOf(caseOf(d, first(d), title)).lower ?? Number.NEGATIVE_INFINITY;
    const draws = drawMany(c, 4000, stream(13, title)) ?? new Float64Array();
    const positive = draws.filter((v) => v > 0);
    expect(draws.every((v) => v >= 0 || (v === 0 && Object.is(v, 0)))).toBe(true);
    expect(Math.abs(positive.length / 4000 - (1 - p))).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / 4000));
    const above = own >= 0 ? base : truncated(b, base, { lower: b.constant(0) });
    const x = b.constant(positive.sort()[1000]);
    const [f, g] = interpret([make(d)(b).logDensity(b, x), above.logDensity(b, x)], {});
    expect(f[0]).toBeCloseTo(g[0] + Math.log(1 - p), 11);
    if (own > 0) expect(logDensities(c, Float64Array.of(own / 2))[0]).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("folded", () => {
  const make = (d: Distribution) => (b: Builder) => use("folded", b, [at(b, d, first(d))], {});
  it.each(scalars.map((d) => ({ d, title: d.name })))("$title: mass 1, draws are absolute values", ({ d, title }) => {
    const own = boundsOf(caseOf(d, first(d), title)).lower ?? Number.NEGATIVE_INFINITY;
    const b = createBuilder();
    const base = at(b, d, first(d));
    if (d.support.declared) return expect(() => use("folded", b, [base], {})).toThrow(/bounds of its own/);
    if (own >= 0) return expect(use("folded", b, [base], {})).toBe(base);
    const x = Math.abs(flat(first(d).x)[0]);
    const c = wrap(`folded ${title}`, make(d), x);
    expectMass(c);
    expectDraws(c, 3000);
    const mirrored = [x, -x].map((v) => {
      const { lower = Number.NEGATIVE_INFINITY, upper = Number.POSITIVE_INFINITY } = boundsOf(caseOf(d, first(d), title));
      return v >= lower && v <= upper ? Math.exp(logDensities(caseOf(d, first(d), title), Float64Array.of(v))[0]) : 0;
    });
    const expected = d.support.constraint.discrete && x === 0 ? mirrored[0] : mirrored[0] + mirrored[1];
    expect(Math.exp(logDensities(c, Float64Array.of(x))[0])).toBeCloseTo(expected, 12);
  });
});

describe("folded integers", () => {
  const rows = scalars
    .filter((d) => d.support.constraint.discrete)
    .flatMap((d) => d.golden.rows.map((row, i) => ({ d, row, title: `${d.name}, row ${i + 1}` })))
    .filter(({ d, row, title }) => (boundsOf(caseOf(d, row, title)).lower ?? 0) < 0);
  it.each(rows)("$title: 0 counts once, and distribution functions are sums", ({ d, row, title }) => {
    const c = wrap(`folded ${title}`, (b) => use("folded", b, [at(b, d, row)], {}), Math.abs(flat(row.x)[0]));
    expectMass(c);
    expectDraws(c, 2000);
    const from = Float64Array.from({ length: 12 }, (_, x) => x);
    const b = createBuilder();
    const { logCdf, logCcdf } = c.make(b);
    if (!logCdf || !logCcdf) return expect.fail("both");
    const x = b.tensor(from, [12]);
    const [below, above] = interpret([logCdf(b, x), logCcdf(b, x)], {}).map((v) => v.map(Math.exp));
    let sum = 0;
    logDensities(c, from).forEach((l, i) => {
      sum += Math.exp(l);
      expect(Math.abs(below[i] - sum), `P(|X| <= ${i})`).toBeLessThanOrEqual(1e-12);
      expect(Math.abs(above[i] - (1 - sum)), `P(|X| > ${i})`).toBeLessThanOrEqual(1e-12);
    });
  });
  it("are of several records", () => expect(new Set(rows.map(({ d }) => d.name)).size).toBeGreaterThan(1));
});

describe("means of what modifiers make", () => {
  const cases = ["hurdle", "folded"].flatMap((name) => scalars.map((d) => ({ name, d, title: `${name}(${d.name})` })));
  it("are those of draws", () => {
    let known = 0;
    for (const { name, d, title } of cases) {
      const make = (b: Builder): Applied => use(name, b, [at(b, d, first(d))], name === "hurdle" ? { p: b.constant(0.25) } : {});
      const b = createBuilder();
      let made: Applied;
      try {
        made = make(b);
      } catch (e) {
        if (e instanceof UsageError) continue;
        throw e;
      }
      const mean = made.mean?.(b);
      if (!mean || (name === "folded" && !made.name.startsWith("folded"))) continue;
      known++;
      const draws = drawMany(wrap(title, make, 1), 20_000, stream(19, title)) ?? new Float64Array();
      const { mean: found, error } = standardError(draws);
      const [[expected]] = interpret([mean], {});
      expect(Math.abs(found - expected), `${title}: ${found} ± ${error}, not ${expected}`).toBeLessThanOrEqual((Z + 1) * error);
      // Other arguments in place of its own keep it.
      const again = made.withArguments(made.arguments.map((a) => a.value)).mean?.(b);
      expect(again && interpret([again], {})[0][0], title).toBe(expected);
    }
    expect(known).toBeGreaterThan(10);
  });
});

describe("hurdle and folded have finite slopes", () => {
  it.each(["hurdle", "folded"])("%s: at zero and elsewhere, by x and the parameters", (name) => {
    for (const d of scalars) {
      const b = createBuilder();
      const params = Object.fromEntries(
        Object.keys(first(d).params).map((n) => [
          n,
          b.input(`(${n})`, { shape: paramShape(first(d), n), dtype: "real" as const }),
        ]),
      );
      const p = b.input("p", { shape: [], dtype: "real" });
      const x = b.input("x", { shape: [], dtype: "real" });
      let made: Applied;
      try {
        made = use(name, b, [apply(b, d, params)], name === "hurdle" ? { p } : {});
      } catch (e) {
        if (e instanceof UsageError) continue;
        throw e;
      }
      if (!made.name.startsWith(name)) continue;
      const log = made.logDensity(b, x);
      const wrt = [...(d.support.constraint.discrete || name === "hurdle" ? [] : [x]), ...Object.values(params)];
      const slopes = gradient(b, log, name === "hurdle" ? [...wrt, p] : wrt);
      const own = Math.abs(flat(first(d).x)[0]);
      for (const v of name === "hurdle" || d.support.constraint.discrete ? [0, own || 1] : [own]) {
        const inputs = {
          p: Float64Array.of(0.25),
          x: Float64Array.of(v),
          ...Object.fromEntries(Object.entries(first(d).params).map(([n, w]) => [`(${n})`, flat(w)])),
        };
        const [l] = interpret([log], inputs)[0];
        if (!Number.isFinite(l)) continue;
        for (const s of interpret(slopes, inputs))
          for (const w of s) expect(Number.isFinite(w), `${name} of ${d.name} at ${v}`).toBe(true);
      }
    }
  });
});
