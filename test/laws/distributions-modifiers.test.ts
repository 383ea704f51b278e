// What modifiers make of distributions obeys the laws of distributions: over all modifiers that fit, of all records that they fit.
import { describe, expect, it } from "vitest";
import { factsOf } from "../../src/dsl/check/distributions.ts";
import type { Applied } from "../../src/dsl/distributions/applied.ts";
import { apply } from "../../src/dsl/distributions/applied.ts";
import type { Distribution } from "../../src/dsl/distributions/define.ts";
import type { Base, Given, Judge, Modifier } from "../../src/dsl/distributions/modifiers/define.ts";
import { modifiers, truncated } from "../../src/dsl/distributions/modifiers/index.ts";
import { range } from "../../src/dsl/ranges.ts";
import { UsageError } from "../../src/runtime/errors.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { boundsOf, type Case, caseOf, drawMany, flat, logDensities, paramShape, records } from "./distribution-cases.ts";
import { expectDraws } from "./distribution-draws.ts";
import { at, cuts, expectMass, first, scalars, use, wrap } from "./modifier-cases.ts";

describe("truncated", () => {
  const sides = ["lower", "upper", "both"] as const;
  const all = scalars.flatMap((d) => {
    const [low, high] = cuts(d);
    const bounds = boundsOf(caseOf(d, first(d), d.name));
    // Where the cut is the end of the support already, nothing would be cut off.
    const cutting = { lower: low !== bounds.lower, upper: high !== bounds.upper, both: low !== high };
    return sides.filter((side) => cutting[side]).map((side) => ({ d, side, low, high, title: `${d.name}, ${side}` }));
  });
  it.each(all)("$title: mass 1 unless it says that its normaliser is left out; draws follow", ({ d, side, low, high, title }) => {
    const make = (b: Builder): Applied =>
      truncated(b, at(b, d, first(d)), {
        lower: side === "upper" ? undefined : b.constant(low),
        upper: side === "lower" ? undefined : b.constant(high),
      });
    const probe = make(createBuilder());
    const inside = boundsOf(wrap(title, make, low));
    if (side !== "upper") expect(inside.lower).toBe(low);
    if (side !== "lower") expect(inside.upper).toBe(high);
    const c = wrap(
      title,
      make,
      d.support.constraint.discrete
        ? side === "upper"
          ? high
          : low
        : side === "upper"
          ? high - 1e-3 * Math.abs(high)
          : low + (side === "both" ? 0.5 * (high - low) : 1e-3 * Math.abs(low)),
    );
    if (!probe.normalised) {
      expect(probe.notes.join(), title).toContain("normaliser");
      expect(d.logCdf === undefined || d.logCcdf === undefined, title).toBe(true);
      return;
    }
    expectMass(c);
    expectDraws(c, 3000);
  });
  it("is exact at the centre of symmetry, whatever is known of the distribution function", () => {
    for (const d of scalars.filter((r) => r.symmetricAbout)) {
      const row = first(d);
      const b = createBuilder();
      const centre = b.constant(flat(row.params[d.symmetricAbout ?? ""])[0]);
      const t = truncated(b, at(b, d, row), { lower: centre });
      expect(t.normalised, d.name).toBe(true);
      const x = b.constant(flat(row.params[d.symmetricAbout ?? ""])[0] + 0.75);
      const [p, q] = interpret([t.logDensity(b, x), at(b, d, row).logDensity(b, x)], {});
      expect(p[0] - q[0], d.name).toBeCloseTo(Math.LN2, 13);
    }
  });
  it("is accurate in both far tails, and its draws stay there", () => {
    for (const d of scalars.filter((r) => r.symmetricAbout && r.logCdf && r.quantile)) {
      const [location, scale] = [d.affine?.location ?? "", d.affine?.scale ?? ""];
      for (const sign of [1, -1]) {
        const make = (b: Builder): Applied => {
          const base = apply(b, d, { [location]: b.constant(0), [scale]: b.constant(1), ...rest(b, d, [location, scale]) });
          const [near, far] = [b.constant(sign * 9), b.constant(sign * 11)];
          return truncated(b, base, sign > 0 ? { lower: near, upper: far } : { lower: far, upper: near });
        };
        const c = wrap(`${d.name} between ${9 * sign} and ${11 * sign}`, make, sign * 9.01);
        expectMass(c);
        expectDraws(c, 2000);
      }
    }
  });
  const rest = (b: Builder, d: Distribution, without: readonly string[]): Record<string, Value> =>
    Object.fromEntries(
      Object.entries(first(d).params)
        .filter(([n]) => !without.includes(n))
        .map(([n, v]) => [n, b.tensor(flat(v), paramShape(first(d), n))]),
    );
  it("takes bounds that only partly lie in the support as the bounds of the support", () => {
    for (const d of scalars.filter((r) => r.logCdf && r.logCcdf)) {
      const b = createBuilder();
      const base = at(b, d, first(d));
      const bounds = boundsOf(caseOf(d, first(d), d.name));
      const [low, high] = cuts(d);
      const dtype = d.support.constraint.discrete ? "int" : "real";
      const x = b.constant(low, dtype);
      for (const [side, outside, inside] of [
        ["lower", (bounds.lower ?? Number.NaN) - 2, low],
        ["upper", (bounds.upper ?? Number.NaN) + 2, high],
      ] as const) {
        if (Number.isNaN(outside)) continue;
        const together = truncated(b, base, { [side]: b.tensor(Float64Array.of(outside, inside), [2], dtype) });
        const apart = [outside, inside].map((v) => truncated(b, base, { [side]: b.constant(v, dtype) }).logDensity(b, x));
        const [both, ...each] = interpret([together.logDensity(b, x), ...apart], {});
        each.forEach((v, i) => expect(both[both.length === 1 ? 0 : i], `${d.name}, ${side}`).toBeCloseTo(v[0], 12));
      }
    }
  });
  it("of a mixture has mass 1", () => {
    const known = scalars.filter((r) => r.logCdf && r.logCcdf && !r.support.constraint.discrete);
    known.forEach((d, i) => {
      const e = known[(i + 1) % known.length];
      const [low, high] = cuts(d);
      const make = (b: Builder): Applied => {
        const w = b.tensor(Float64Array.of(0.375, 0.625), [2]);
        const mixed = use("mixture", b, [at(b, d, first(d)), at(b, e, first(e))], { w });
        return truncated(b, mixed, { lower: b.constant(low), upper: b.constant(high) });
      };
      expect(make(createBuilder()).normalised).toBe(true);
      // The support of the second component may begin in the middle of a panel.
      expectMass(wrap(`truncated mixture of ${d.name} and ${e.name}`, make, low + 0.5 * (high - low)), 1e-5);
    });
  });
  it("has finite slopes in its bounds and parameters", () => {
    for (const d of scalars.filter((r) => r.logCdf && r.logCcdf && !r.support.constraint.discrete)) {
      const [low, high] = cuts(d);
      const b = createBuilder();
      const params = Object.fromEntries(
        Object.keys(first(d).params).map((n) => [n, b.input(n, { shape: paramShape(first(d), n), dtype: "real" as const })]),
      );
      const [lower, upper] = [b.input("(lower)", { shape: [], dtype: "real" }), b.input("(upper)", { shape: [], dtype: "real" })];
      const log = truncated(b, apply(b, d, params), { lower, upper }).logDensity(b, b.constant((low + high) / 2));
      const inputs = {
        ...Object.fromEntries(Object.entries(first(d).params).map(([n, v]) => [n, flat(v)])),
        "(lower)": Float64Array.of(low),
        "(upper)": Float64Array.of(high),
      };
      const slopes = gradient(b, log, [lower, upper, ...Object.values(params)]);
      const h = 1e-6 * (high - low);
      const f = (dl: number, du: number): number =>
        interpret([log], { ...inputs, "(lower)": Float64Array.of(low + dl), "(upper)": Float64Array.of(high + du) })[0][0];
      const out = interpret(slopes, inputs).map((v) => v[0]);
      expect(out.every(Number.isFinite), `${d.name}: ${out}`).toBe(true);
      const differences = [(f(h, 0) - f(-h, 0)) / (2 * h), (f(0, h) - f(0, -h)) / (2 * h)];
      // h² third derivatives over the interval, and rounding over h.
      differences.forEach((v, i) => expect(Math.abs(v - out[i]) * (high - low), d.name).toBeLessThanOrEqual(1e-6));
    }
  });
});

describe("mixture", () => {
  const weights = [0.3, 0.5, 0.2];
  const pairs = scalars
    .map((d, i) => ({
      d,
      e: scalars.find((o, k) => k > i && o.support.constraint.discrete === d.support.constraint.discrete) ?? d,
      title: d.name,
    }))
    .map((p) => ({ ...p, title: `${p.d.name} and ${p.e.name}` }));
  it.each(pairs)("$title: mass 1, draws follow", ({ d, e, title }) => {
    const make = (b: Builder): Applied =>
      use("mixture", b, [at(b, d, first(d)), at(b, e, first(e))], { w: b.tensor(Float64Array.of(0.375, 0.625), [2]) });
    const c = wrap(title, make, flat(first(d).x)[0]);
    // The support of a component may end in the middle of a panel, between its last node and its end.
    expectMass(c, 1e-5);
    expectDraws(c, 2000);
  });
  const threes = scalars
    .map((d) => {
      const shape = JSON.stringify(Object.keys(first(d).params).map((n) => paramShape(first(d), n)));
      const alike = d.golden.rows.filter((r) => JSON.stringify(Object.keys(r.params).map((n) => paramShape(r, n))) === shape);
      return { d, rows: alike.slice(0, 3), title: d.name };
    })
    .filter(({ d, rows }) => rows.length === 3 && Object.keys(d.params).length > 0);
  it.each(threes)("$title: components along the last axis are components one by one", ({ d, rows }) => {
    const b = createBuilder();
    const w = b.tensor(Float64Array.from(weights), [3]);
    const stackedParams = Object.fromEntries(
      Object.keys(d.params).map((n) => [
        n,
        b.tensor(Float64Array.from(rows.flatMap((r) => [...flat(r.params[n])])), [3, ...paramShape(rows[0], n)]),
      ]),
    );
    const along = use("mixture", b, [apply(b, d, stackedParams)], { w });
    const apart = use(
      "mixture",
      b,
      rows.map((r) => at(b, d, r)),
      { w },
    );
    const x = b.tensor(Float64Array.from(rows.flatMap((r) => [...flat(r.x)])), [3]);
    const [p, q] = interpret([along.logDensity(b, x), apart.logDensity(b, x)], {});
    p.forEach((v, i) =>
      Number.isFinite(q[i]) ? expect(Math.abs(v - q[i])).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(q[i]))) : expect(v).toBe(q[i]),
    );
    const bounds = [along, apart]
      .map((m) => m.support.bounds(b))
      .map(({ lower, upper }) => [lower, upper].map((v) => v && interpret([v], {})[0][0]));
    expect(bounds[0]).toEqual(bounds[1]);
    // Both draw the same mixture.
    const c: Case = {
      title: `${d.name} stacked`,
      shape: [],
      at: flat(rows[0].x),
      make: (g) =>
        use(
          "mixture",
          g,
          [
            apply(
              g,
              d,
              Object.fromEntries(
                Object.entries(stackedParams).map(([n, v]) => [
                  n,
                  g.tensor((v.node.attrs as { values: Float64Array }).values, v.node.results[0].shape),
                ]),
              ),
            ),
          ],
          { w: g.tensor(Float64Array.from(weights), [3]) },
        ),
    };
    const draws = drawMany(c, 300, stream(5, c.title));
    expect(
      draws?.every((v) => !Number.isNaN(v)),
      d.name,
    ).toBe(true);
  });
  it("of vectors weighs whole vectors", () => {
    for (const d of records.filter((r) => r.event === 1)) {
      const [row] = d.golden.rows;
      const b = createBuilder();
      const one = at(b, d, row);
      const m = use("mixture", b, [one, one], { w: b.tensor(Float64Array.of(0.25, 0.75), [2]) });
      const x = b.tensor(flat(row.x), [flat(row.x).length]);
      const [p, q] = interpret([m.logDensity(b, x), one.logDensity(b, x)], {});
      expect(p.length).toBe(1);
      expect(p[0], d.name).toBeCloseTo(q[0], 12);
    }
  });
});

describe("inflated", () => {
  it.each(scalars.map((d) => ({ d, title: d.name })))("$title: the value has its mass, the rest the rest", ({ d, title }) => {
    const value = d.support.constraint.discrete ? flat(first(d).x)[0] : 0;
    const make = (b: Builder): Applied =>
      use("inflated", b, [at(b, d, first(d))], { p: b.constant(0.25), at: b.constant(value) });
    const c = wrap(title, make, value);
    if (d.support.constraint.discrete) {
      expectMass(c);
      expectDraws(c, 2000);
      return;
    }
    const x = flat(first(d).x);
    const base = logDensities(caseOf(d, first(d), title), x)[0];
    const [atValue, elsewhere] = logDensities(c, Float64Array.of(value, x[0]));
    expect(atValue).toBeCloseTo(Math.log(0.25), 14);
    expect(elsewhere).toBeCloseTo(base + Math.log(0.75), 12);
    const draws = drawMany(c, 4000, stream(13, title));
    const share = (draws ?? new Float64Array()).filter((v) => v === value).length / 4000;
    expect(Math.abs(share - 0.25)).toBeLessThanOrEqual(5 * Math.sqrt((0.25 * 0.75) / 4000));
  });
  it("has finite slopes at the value", () => {
    for (const d of scalars) {
      const b = createBuilder();
      const p = b.input("p", { shape: [], dtype: "real" });
      const params = Object.fromEntries(
        Object.entries(first(d).params).map(([n]) => [
          n,
          b.input(`(${n})`, { shape: paramShape(first(d), n), dtype: "real" as const }),
        ]),
      );
      const value = d.support.constraint.discrete ? flat(first(d).x)[0] : 0;
      const m = use("inflated", b, [apply(b, d, params)], { p, at: b.constant(value) });
      const log = m.logDensity(b, b.constant(value));
      const inputs = {
        p: Float64Array.of(0.25),
        ...Object.fromEntries(Object.entries(first(d).params).map(([n, v]) => [`(${n})`, flat(v)])),
      };
      const slopes = interpret(gradient(b, log, [p, ...Object.values(params)]), inputs);
      for (const s of slopes) for (const v of s) expect(Number.isFinite(v), d.name).toBe(true);
    }
  });
});

describe("censored", () => {
  const known = scalars.filter((d) => d.logCdf && d.logCcdf);
  it.each(known.map((d) => ({ d, title: d.name })))(
    "$title: a bound where the condition holds, the density elsewhere",
    ({ d }) => {
      const row = first(d);
      const b = createBuilder();
      const base = at(b, d, row);
      const value = flat(row.x)[0];
      const x = b.tensor(Float64Array.of(value, value, value), [3]);
      const left = b.tensor(Float64Array.of(1, 0, 0), [3]);
      const right = b.tensor(Float64Array.of(0, 1, 0), [3]);
      const m = use("censored", b, [base], { left, right });
      const one = b.constant(value);
      const before = d.support.constraint.discrete ? b.constant(value - 1) : one;
      const expected = [base.logCdf?.(b, one), base.logCcdf?.(b, before), base.logDensity(b, one)].map((v) =>
        v ? interpret([v], {})[0][0] : Number.NaN,
      );
      const [got] = interpret([m.logDensity(b, x)], {});
      expected.forEach((v, i) => expect(got[i]).toBeCloseTo(v, 12));
    },
  );
  it("says what is missing", () => {
    for (const d of scalars.filter((r) => !r.logCcdf)) {
      const b = createBuilder();
      expect(() => use("censored", b, [at(b, d, first(d))], { right: b.constant(1) }), d.name).toThrow(
        /not known in closed form/,
      );
    }
  });
});

describe("rounded", () => {
  const known = scalars.filter((d) => d.logCdf && d.logCcdf && !d.support.constraint.discrete);
  it.each(known.map((d) => ({ d, title: d.name })))("$title: the lattice has mass 1", ({ d, title }) => {
    const [low, high] = cuts(d);
    const step = (high - low) / 4;
    const make = (b: Builder): Applied => use("rounded", b, [at(b, d, first(d))], { to: b.constant(step) });
    const { lower, upper } = boundsOf(wrap(title, make, low));
    const from = Math.ceil(Math.max(lower ?? -Infinity, low - 2000 * step) / step);
    const until = Math.floor(Math.min(upper ?? Infinity, high + 2000 * step) / step);
    const lattice = Float64Array.from({ length: until - from + 1 }, (_, i) => (from + i) * step);
    const total = logDensities(wrap(title, make, low), lattice).reduce((s, l) => s + Math.exp(l), 0);
    // What lies beyond the lattice, by the record's own distribution function.
    const b = createBuilder();
    const base = at(b, d, first(d));
    const ends = [base.logCdf?.(b, b.constant((from - 0.5) * step)), base.logCcdf?.(b, b.constant((until + 0.5) * step))];
    const beyond = [lower === undefined ? ends[0] : undefined, upper === undefined ? ends[1] : undefined].reduce(
      (s, v) => s + (v ? Math.exp(interpret([v], {})[0][0]) : 0),
      0,
    );
    expect(Math.abs(total + beyond - 1)).toBeLessThanOrEqual(1e-10);
    const draws = drawMany(wrap(title, make, low), 200, stream(17, title));
    for (const v of draws ?? [])
      if (Number.isFinite(v))
        expect(Math.abs(v / step - Math.round(v / step))).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(v / step)));
  });
});

describe("all modifiers", () => {
  it("say what they are, and take other arguments in place of their own", () => {
    for (const m of modifiers.values()) {
      expect(m.doc.length, m.name).toBeGreaterThan(20);
      for (const p of m.parameters) expect(p.doc.length).toBeGreaterThan(3);
      const d = scalars.find((r) => r.logCdf && r.symmetricAbout && Object.keys(r.params).length === 2);
      if (!d) throw new Error("no record");
      const row = first(d);
      const b = createBuilder();
      const values = Object.fromEntries(
        m.parameters.map((p, i) => [
          p.name,
          p.rank === 1 ? b.tensor(Float64Array.of(0.25, 0.75), [2]) : b.constant([0.25, 2.5][i]),
        ]),
      );
      const bases = m.bases === "one" ? [at(b, d, row)] : [at(b, d, row), at(b, d, d.golden.rows[1])];
      const made = m.apply(b, bases, values);
      const x = b.constant(0.75);
      const inputs = made.arguments.map((a, i) => b.input(`argument ${i}`, a.value.node.results[0]));
      const moved = made.withArguments(inputs).logDensity(b, x);
      const given = Object.fromEntries(made.arguments.map((a, i) => [`argument ${i}`, interpret([a.value], {})[0]]));
      expect(interpret([moved], given)[0][0], m.name).toBeCloseTo(interpret([made.logDensity(b, x)], {})[0][0], 12);
    }
  });
  it("refuse vectors where they take numbers", () => {
    const d = records.find((r) => r.event === 1);
    if (!d) throw new Error("no record");
    const b = createBuilder();
    for (const m of modifiers.values()) {
      if (m.bases === "several") continue;
      const values = Object.fromEntries(m.parameters.map((p) => [p.name, b.constant(0.5)]));
      expect(() => m.apply(b, [at(b, d, first(d))], values), m.name).toThrow(/one of vectors/);
    }
  });
  it("leave a distribution alone where nothing is cut off", () => {
    for (const d of scalars) {
      const b = createBuilder();
      const base = at(b, d, first(d));
      const { lower, upper } = base.support.bounds(b);
      expect(truncated(b, base, { lower, upper }), d.name).toBe(base);
      expect(truncated(b, base, { lower: b.constant(Number.NEGATIVE_INFINITY) })).toBe(base);
    }
  });
  // What the checker is told before values are there, and what there is at bind, are two readings of one record.
  const span = { file: 0, start: 0, end: 0 };
  const claims: ((m: Modifier) => readonly string[])[] = [
    (m) => m.parameters.filter((p) => !p.optional).map((p) => p.name),
    ...[0, 1, 2].map((left) => (m: Modifier) => m.parameters.filter((_, i) => i !== left).map((p) => p.name)),
    (m) => m.parameters.map((p) => p.name),
  ];
  it.each([...modifiers.values()].map((m) => ({ m, title: m.name })))("$title: its facts are what it makes", ({ m }) => {
    const numbers: Readonly<Record<string, number>> = { p: 0.25, at: 1, to: 0.5, left: 1, right: 1 };
    let held = 0;
    for (const d of scalars) {
      const [low, high] = cuts(d);
      const numberFor = (p: string): number => (p === "lower" ? low : p === "upper" ? high : (numbers[p] ?? Number.NaN));
      const required = m.parameters.filter((p) => !p.optional).length;
      for (const names of new Set(claims.map((f) => f(m).join()).filter((n) => n !== "" || m.parameters.length === 0))) {
        const given = m.parameters.filter((p) => names.split(",").includes(p.name));
        if (given.filter((p) => !p.optional).length < required) continue;
        const b = createBuilder();
        const bases = m.bases === "one" ? [at(b, d, first(d))] : [at(b, d, first(d)), at(b, scalars[0], first(scalars[0]))];
        const records = m.bases === "one" ? [d] : [d, scalars[0]];
        const facts = records.map((r): Base => ({ ...factsOf(r, new Map()), span }));
        let refused = false;
        let leftOut = false;
        const judge: Judge = {
          call: span,
          reject: () => {
            refused = true;
          },
          unnormalised: () => {
            leftOut = true;
          },
        };
        const known = Object.fromEntries(
          given.map((p): [string, Given] => {
            const x = numberFor(p.name);
            const value = p.rank === 1 ? range(0, 1) : range(x, x);
            return [p.name, { span, text: () => p.name, rank: p.rank, range: value, knownAtBind: true }];
          }),
        );
        const said = m.check(judge, facts, known);
        const values = Object.fromEntries(
          given.map((p) => [p.name, p.rank === 1 ? b.tensor(Float64Array.of(0.25, 0.75), [2]) : b.constant(numberFor(p.name))]),
        );
        const title = `${m.name} of ${d.name} with ${names}`;
        if (!said || refused) {
          expect(() => m.apply(b, bases, values), title).toThrow();
          continue;
        }
        held++;
        const made = m.apply(b, bases, values);
        if (made === bases[0]) continue;
        const all = { ...facts[0], ...said };
        expect(
          {
            cdf: all.cdf,
            ccdf: all.ccdf,
            quantile: all.quantile,
            affine: all.affine,
            sampler: all.sampler,
            discrete: all.discrete,
            normalised: all.normalised,
            leftOut,
            symmetric: all.symmetricAbout !== undefined,
          },
          title,
        ).toEqual({
          cdf: made.logCdf !== undefined,
          ccdf: made.logCcdf !== undefined,
          quantile: made.quantile !== undefined,
          affine: made.affine !== undefined,
          sampler: made.draw !== undefined || made.sample !== undefined,
          discrete: made.support.constraint.discrete,
          normalised: made.normalised,
          leftOut: !made.normalised,
          symmetric: made.symmetricAbout !== undefined,
        });
        const bounds = made.support.bounds(b);
        const [lower, upper] = [bounds.lower, bounds.upper].map((v) => v && interpret([v], {})[0][0]);
        expect(all.range.lower, title).toBeLessThanOrEqual(lower ?? Number.NEGATIVE_INFINITY);
        expect(all.range.upper, title).toBeGreaterThanOrEqual(upper ?? Number.POSITIVE_INFINITY);
      }
    }
    expect(held).toBeGreaterThan(0);
  });
  it("have distribution functions that the draws follow", () => {
    for (const m of modifiers.values()) {
      for (const d of scalars.filter((r) => r.logCdf && r.logCcdf)) {
        const [low, high] = cuts(d);
        const make = (b: Builder): Applied | undefined => {
          const other =
            scalars.find(
              (r) => r !== d && r.logCdf && r.logCcdf && r.support.constraint.discrete === d.support.constraint.discrete,
            ) ?? d;
          const values: Record<string, Value> = {};
          for (const p of m.parameters) {
            if (p.rank === 1) values[p.name] = b.tensor(Float64Array.of(0.25, 0.75), [2]);
            else if (p.name === "lower") values[p.name] = b.constant(low);
            else if (p.name === "upper" && high > low) values[p.name] = b.constant(high);
            else if (!p.optional) values[p.name] = b.constant(0.5);
          }
          const bases = m.bases === "one" ? [at(b, d, first(d))] : [at(b, d, first(d)), at(b, other, first(other))];
          try {
            return m.apply(b, bases, values);
          } catch (e) {
            if (e instanceof UsageError) return undefined;
            throw e;
          }
        };
        const b = createBuilder();
        const made = make(b);
        if (!made?.logCdf || !made.logCcdf) continue;
        const c: Case = { title: `${m.name} of ${d.name}`, shape: [], at: Float64Array.of(low), make: (g) => make(g) as Applied };
        const draws = drawMany(c, 2000, stream(29, c.title));
        for (const x of [low, 0.5 * (low + high), high].map((v) => (d.support.constraint.discrete ? Math.floor(v) : v))) {
          const [cdf, ccdf] = interpret([made.logCdf(b, b.constant(x)), made.logCcdf(b, b.constant(x))], {}).map((v) =>
            Math.exp(v[0]),
          );
          expect(Math.abs(cdf + ccdf - 1), `${c.title} at ${x}`).toBeLessThanOrEqual(1e-12);
          const share = (draws ?? new Float64Array()).filter((v) => v <= x).length / 2000;
          expect(Math.abs(share - cdf), `${c.title} at ${x}: ${share}, not ${cdf}`).toBeLessThanOrEqual(
            5 * Math.sqrt((cdf * (1 - cdf)) / 2000) + 1e-12,
          );
        }
      }
    }
  });
});
