// Laws of the distribution records, over all records and their golden rows; no test asks which record it holds.
import { describe, expect, it } from "vitest";
import { type Applied, apply, signatures } from "../../src/dsl/distributions/applied.ts";
import type { Distribution, GoldenRow, Param } from "../../src/dsl/distributions/define.ts";
import { distributions } from "../../src/dsl/distributions/index.ts";
import { logDensityToEnds } from "../../src/dsl/distributions/modifiers/sides.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { sizeOf } from "../../src/runtime/ir/type.ts";
import { boundsOf, caseOf, eventShapeOf, flat, golden, paramShape, records, runningError } from "./distribution-cases.ts";
import { centralDifference, EPSILON, expectClose, expectDerivative } from "./finite-difference.ts";

/** The record at inputs, so that nothing folds. */
interface Open {
  readonly b: Builder;
  readonly x: Value;
  readonly params: Readonly<Record<string, Value>>;
  readonly applied: Applied;
  readonly inputs: Readonly<Record<string, Float64Array>>;
}
function open(d: Distribution, row: GoldenRow): Open {
  const b = createBuilder();
  const x = b.input("(x)", { shape: eventShapeOf(row), dtype: "real" });
  const params = Object.fromEntries(
    Object.keys(row.params).map((n) => [n, b.input(n, { shape: paramShape(row, n), dtype: "real" })]),
  );
  const inputs = Object.fromEntries([["(x)", flat(row.x)], ...Object.entries(row.params).map(([n, v]) => [n, flat(v)] as const)]);
  return { b, x, params, applied: apply(b, d, params), inputs };
}

describe("each record", () => {
  it("has a name, a sentence, four golden rows with their source, and words for each parameter", () => {
    for (const d of records) {
      expect(d.name).toMatch(/^[A-Z][A-Za-z0-9]*$/);
      expect(d.doc.length, d.name).toBeGreaterThan(20);
      expect(d.golden.rows.length, d.name).toBeGreaterThanOrEqual(4);
      expect(d.golden.from.length, d.name).toBeGreaterThan(4);
      expect(distributions.get(d.name)).toBe(d);
      for (const params of signatures(d))
        for (const [n, p] of Object.entries<Param>(params)) expect(p.doc.length, `${d.name}(${n})`).toBeGreaterThan(2);
      for (const row of d.golden.rows) expect(Object.keys(row.params), d.name).toEqual(Object.keys(d.params));
    }
  });
  it("has golden rows inside its support and the constraints of its parameters", () => {
    for (const { d, row, title } of golden) {
      const { constraint } = d.support;
      const event = constraint.event === 0 ? [] : eventShapeOf(row);
      const bounds = d.support.declared ? {} : boundsOf(caseOf(d, row, title));
      expect(constraint.contains(flat(row.x), event, bounds), title).toBe(true);
      for (const [n, p] of Object.entries<Param>(d.params)) {
        const shape = paramShape(row, n);
        expect(shape.length, `${title}: ${n}`).toBe(p.rank);
        expect(p.constraint.contains(flat(row.params[n]), shape, p.bounds ?? {}), `${title}: ${n}`).toBe(true);
      }
    }
  });
  it("knows the shape of an event from its parameters, or leaves it to the declared type", () => {
    for (const { d, row, title } of golden) {
      const { eventShape, batchShape } = open(d, row).applied;
      expect(batchShape, title).toEqual([]);
      if (eventShape !== null) expect(eventShape, title).toEqual(eventShapeOf(row));
    }
  });
});

describe("the log density is that of the golden rows", () => {
  // 8 running errors: library functions are good to a few ulp, not one. No row may lose more than seven digits: that would be the formula.
  it.each(golden)("$title", ({ d, row }) => {
    const { b, x, applied, inputs } = open(d, row);
    const log = applied.logDensity(b, x);
    const [value] = interpret([log], inputs)[0];
    const tolerance = 8 * runningError(b, log, inputs) + 8 * EPSILON * (1 + Math.abs(row.logDensity));
    expect(Math.abs(value - row.logDensity), `${value} for ${row.logDensity} ± ${tolerance}`).toBeLessThanOrEqual(tolerance);
    expect(tolerance).toBeLessThanOrEqual(1e-8 * (1 + Math.abs(row.logDensity)));
  });
});

describe("at the ends of the support the log density is a number or infinite, never NaN", () => {
  const numbers = golden.filter(({ d }) => d.event === 0 && !d.support.constraint.discrete && !d.support.declared);
  it.each(numbers)("$title", ({ d, row, title }) => {
    const { b, x, applied, inputs } = open(d, row);
    const { lower, upper } = boundsOf(caseOf(d, row, title));
    const log = logDensityToEnds(b, applied, x);
    for (const end of [lower, upper]) {
      if (end === undefined) continue;
      const [value] = interpret([log], { ...inputs, "(x)": Float64Array.of(end) })[0];
      expect(Number.isNaN(value), `${title} at ${end}`).toBe(false);
    }
    // Elsewhere it is the density's own.
    expect(interpret([log], inputs)).toEqual(interpret([applied.logDensity(b, x)], inputs));
  });
});

describe("gradients by the parameters, and by x where x is continuous, agree with differences", () => {
  /** Elements of x and of the parameters that can be moved to both sides. Matrices that must stay symmetric are read in one triangle,
   *  simplexes may leave their sum: the formula is differentiated as it stands. */
  function movable(d: Distribution, row: GoldenRow, title: string): (readonly [name: string, elements: readonly number[]])[] {
    const bounds = boundsOf(caseOf(d, row, title));
    const given = { "(x)": row.x, ...row.params };
    return Object.entries(given).flatMap(([name, values]) => {
      const constraint = name === "(x)" ? d.support.constraint : d.params[name].constraint;
      if (constraint.discrete) return [];
      const own = name === "(x)" ? bounds : { ...constraint.ownBounds };
      // On the edge there is one side only; at v = 0 inside, the step of the differences is not small beside what v is small beside.
      const stays = (v: number): boolean => v === own.lower || v === own.upper || (v === 0 && eventShapeOf(row).length > 0);
      const elements = [...flat(values)].flatMap((v, i) => (stays(v) ? [] : [i]));
      return elements.length > 0 ? [[name, elements] as const] : [];
    });
  }
  const cases = golden.map((g) => ({ ...g, wrt: movable(g.d, g.row, g.title) })).filter(({ wrt }) => wrt.length > 0);
  it.each(cases)("$title", ({ d, row, title, wrt }) => {
    const { b, x, params, applied, inputs } = open(d, row);
    const log = applied.logDensity(b, x);
    const of: Readonly<Record<string, Value>> = { "(x)": x, ...params };
    const slopes = interpret(
      gradient(
        b,
        log,
        wrt.map(([name]) => of[name]),
      ),
      inputs,
    );
    const magnitude = runningError(b, log, inputs) / EPSILON + 1;
    wrt.forEach(([name, elements], k) => {
      const f = (v: Float64Array): number => interpret([log], { ...inputs, [name]: v })[0][0];
      for (const i of elements)
        expectDerivative(slopes[k][i], centralDifference(f, inputs[name], i, magnitude), `${title}: ∂/∂${name}[${i}]`);
    });
  });
});

describe("a batch of events is the events one by one", () => {
  const pairs = records.flatMap((d) => {
    const rows = d.golden.rows;
    return rows.slice(1).flatMap((row, i) => {
      const other = rows.findIndex(
        (r) =>
          JSON.stringify([eventShapeOf(r), ...Object.keys(r.params).map((n) => paramShape(r, n))]) ===
          JSON.stringify([eventShapeOf(row), ...Object.keys(row.params).map((n) => paramShape(row, n))]),
      );
      return other >= 0 && other <= i
        ? [{ d, rows: [rows[other], row], title: `${d.name}, rows ${other + 1} and ${i + 2}` }]
        : [];
    });
  });
  it.each(pairs)("$title", ({ d, rows }) => {
    const b = createBuilder();
    const both = (of: (r: GoldenRow) => Float64Array, shape: readonly number[]): Value =>
      b.tensor(Float64Array.from(rows.flatMap((r) => [...of(r)])), [2, ...shape]);
    const x = both((r) => flat(r.x), eventShapeOf(rows[0]));
    const names = Object.keys(d.params);
    const params = Object.fromEntries(names.map((n) => [n, both((r) => flat(r.params[n]), paramShape(rows[0], n))]));
    const shared = Object.fromEntries(names.map((n) => [n, b.tensor(flat(rows[1].params[n]), paramShape(rows[1], n))]));
    const one = (k: number, p: GoldenRow): number => {
      const own = Object.fromEntries(names.map((n) => [n, b.tensor(flat(p.params[n]), paramShape(p, n))]));
      return interpret([apply(b, d, own).logDensity(b, b.tensor(flat(rows[k].x), eventShapeOf(rows[0])))], {})[0][0];
    };
    const [batched, common] = interpret([apply(b, d, params).logDensity(b, x), apply(b, d, shared).logDensity(b, x)], {});
    expectClose(batched, [one(0, rows[0]), one(1, rows[1])], 64, "parameters for each");
    expectClose(common, [one(0, rows[1]), one(1, rows[1])], 64, "common parameters");
    expect(batched.length).toBe(2);
  });
});

describe("location and scale", () => {
  const affine = golden.filter(({ d }) => d.affine);
  it.each(affine)("$title: the density of location + scale * raw is that of raw over the scale", ({ d, row }) => {
    const { b, x, applied, inputs } = open(d, row);
    const a = applied.affine;
    if (!a || !d.affine) return;
    const centred = a.location ? b.sub(x, a.location) : x;
    const scale = a.scale(b);
    const n = sizeOf(eventShapeOf(row));
    const raw =
      a.kind === "elementwise"
        ? b.div(centred, scale)
        : b.reshape(b.triangularSolve(scale, b.reshape(centred, [n, 1]), { lower: true, transpose: false }), [n]);
    const dimension = sizeOf(d.support.constraint.unconstrainedShape(eventShapeOf(row)));
    const logScale = a.kind === "elementwise" ? b.mul(b.constant(dimension), b.log(scale)) : b.logAbsDet(scale);
    const other = b.sub(a.raw(b).logDensity(b, raw), logScale);
    const log = applied.logDensity(b, x);
    const [p, q] = interpret([log, other], inputs);
    const tolerance = 8 * (runningError(b, log, inputs) + runningError(b, other, inputs));
    expect(Math.abs(p[0] - q[0])).toBeLessThanOrEqual(tolerance);
  });
});

describe("distribution functions", () => {
  const known = golden.filter(({ d }) => d.logCdf || d.logCcdf);
  it.each(known)("$title: P(X <= x) + P(X > x) = 1, and its slope or step is the density", ({ d, row, title }) => {
    const { b, x, applied, inputs } = open(d, row);
    const { logCdf, logCcdf } = applied;
    expect(logCdf && logCcdf, "both").toBeTruthy();
    if (!logCdf || !logCcdf) return;
    const [below, above] = [logCdf(b, x), logCcdf(b, x)];
    const [p, q] = interpret([below, above], inputs).map((v) => Math.exp(v[0]));
    expect(p + q).toBeCloseTo(1, 12);
    const log = applied.logDensity(b, x);
    if (d.support.constraint.discrete) {
      // f(x) = F(x) - F(x - 1), from whichever tail is smaller.
      const before = b.sub(x, b.constant(1));
      const { lower } = boundsOf(caseOf(d, row, title));
      const [f, lowBefore, highBefore] = interpret([log, logCdf(b, before), logCcdf(b, before)], inputs).map((v) =>
        Math.exp(v[0]),
      );
      const first = flat(row.x)[0] === lower;
      const step = first ? p : p < 0.5 ? p - lowBefore : highBefore - q;
      // Each of the two may be a sum of densities, whose rounding is relative.
      const rounding = first ? 0 : 8 * runningError(b, log, inputs) * (p < 0.5 ? p : highBefore);
      expect(Math.abs(step - f)).toBeLessThanOrEqual(1e-10 * f + rounding + 1e-15);
      return;
    }
    const [low, high] = [...gradient(b, below, [x]), ...gradient(b, above, [x])];
    const out = interpret([log, low, high], inputs);
    const f = Math.exp(out[0][0]);
    const edge = flat(row.x)[0] === boundsOf(caseOf(d, row, title)).lower;
    // ∂ log F/∂x = f / F; at the lower end F is 0 and only the upper tail has a slope.
    const allowed = 1e-9 * f + 1e-300;
    if (!edge && p > 0) expect(Math.abs(out[1][0] * p - f)).toBeLessThanOrEqual(allowed);
    if (q > 0) expect(Math.abs(-out[2][0] * q - f)).toBeLessThanOrEqual(allowed);
  });

  const probabilities = [1e-12, 0.03, 0.4, 0.6, 0.985];
  const continuous = golden.filter(({ d }) => d.quantile && !d.support.constraint.discrete);
  it.each(continuous)("$title: quantiles invert them, in both tails", ({ d, row }) => {
    const { b, applied, inputs } = open(d, row);
    const { logCdf, logCcdf, quantile, upperQuantile } = applied;
    if (!logCdf || !logCcdf || !quantile) return;
    const p = b.tensor(Float64Array.from(probabilities), [probabilities.length]);
    const there = quantile(b, p);
    const up = upperQuantile?.(b, p);
    const [x, back, slope] = interpret([there, logCdf(b, there), gradient(b, b.sum(logCdf(b, there)), [there])[0]], inputs);
    /** Beyond the doubles: 0 or infinity is the answer if the least and the largest number do not reach that far. */
    const isBeyond = (x: number, v: number, log: (b: Builder, x: Value) => Value): boolean =>
      (x === 0 || x === Number.POSITIVE_INFINITY) &&
      interpret([log(b, b.constant(x === 0 ? 5e-324 : Number.MAX_VALUE))], inputs)[0][0] >= Math.log(v);
    probabilities.forEach((v, i) => {
      if (isBeyond(x[i], v, logCdf)) return;
      // x is rounded, and log F moves by its slope times that.
      const tolerance =
        64 * EPSILON * (1 + Math.abs(Math.log(v))) +
        8 * EPSILON * Math.abs(slope[i] * x[i]) +
        8 * EPSILON * spanOf(row) * Math.abs(slope[i]);
      expect(Math.abs(back[i] - Math.log(v)), `p = ${v}, x = ${x[i]}`).toBeLessThanOrEqual(tolerance);
    });
    if (!up) return;
    const [y, above, rise] = interpret([up, logCcdf(b, up), gradient(b, b.sum(logCcdf(b, up)), [up])[0]], inputs);
    probabilities.forEach((v, i) => {
      if (isBeyond(y[i], v, logCcdf)) return;
      const tolerance =
        64 * EPSILON * (1 + Math.abs(Math.log(v))) +
        8 * EPSILON * Math.abs(rise[i] * y[i]) +
        8 * EPSILON * spanOf(row) * Math.abs(rise[i]);
      expect(Math.abs(above[i] - Math.log(v)), `q = ${v}, x = ${y[i]}`).toBeLessThanOrEqual(tolerance);
    });
  });
  const integers = golden.filter(({ d }) => d.quantile && d.support.constraint.discrete);
  it.each(integers)("$title: quantiles are the least integers that reach a probability, in both tails", ({ d, row, title }) => {
    const { b, x, applied, inputs } = open(d, row);
    const { logCdf, logCcdf, quantile, upperQuantile } = applied;
    if (!logCdf || !logCcdf || !quantile || !upperQuantile) return expect.fail("both tails and both quantiles");
    const { lower = Number.NEGATIVE_INFINITY, upper = Number.POSITIVE_INFINITY } = boundsOf(caseOf(d, row, title));
    // A few roundings of log F, and of the logarithm of p.
    const close = (l: number): number => 64 * EPSILON * (1 + Math.abs(l)) + 1e-12;
    const tails = { logCdf, logCcdf };
    const tail = (side: "logCdf" | "logCcdf", at: number): number => {
      const [below, above] = side === "logCdf" ? [Number.NEGATIVE_INFINITY, 0] : [0, Number.NEGATIVE_INFINITY];
      if (at < lower) return below;
      return at >= upper ? above : interpret([tails[side](b, x)], { ...inputs, "(x)": Float64Array.of(at) })[0][0];
    };
    const p = b.input("(p)", { shape: [], dtype: "real" });
    const found = (f: (b: Builder, v: Value) => Value, v: number): number =>
      interpret([f(b, p)], { ...inputs, "(p)": Float64Array.of(v) })[0][0];
    for (const v of [1e-200, ...probabilities]) {
      const [at, upperAt] = [found(quantile, v), found(upperQuantile, v)];
      expect(Number.isInteger(at) && Number.isInteger(upperAt), `${at}, ${upperAt}`).toBe(true);
      const log = Math.log(v);
      expect(tail("logCdf", at), `P(X <= ${at}) reaches ${v}`).toBeGreaterThanOrEqual(log - close(log));
      expect(tail("logCdf", at - 1), `P(X <= ${at - 1}) does not reach ${v}`).toBeLessThanOrEqual(
        at > lower ? log + close(log) : 0,
      );
      expect(tail("logCcdf", upperAt), `P(X > ${upperAt}) is down to ${v}`).toBeLessThanOrEqual(log + close(log));
      if (upperAt > lower) expect(tail("logCcdf", upperAt - 1), `P(X > ${upperAt - 1})`).toBeGreaterThanOrEqual(log - close(log));
    }
    // At the probability of an integer it is that integer, unless the probability of a lower one is the same number.
    const [own] = flat(row.x);
    const [below, above] = [tail("logCdf", own), tail("logCcdf", own)].map(Math.exp);
    if (below < 1 && Math.exp(tail("logCdf", own - 1)) < below * (1 - 1e-11)) expect(found(quantile, below)).toBe(own);
    if (above > 0 && Math.exp(tail("logCcdf", own - 1)) > above * (1 + 1e-11)) expect(found(upperQuantile, above)).toBe(own);
    expect(found(quantile, 0)).toBe(lower);
    expect(found(upperQuantile, 1)).toBe(lower);
    expect(found(quantile, -0.1)).toBeNaN();
    expect(found(upperQuantile, 1.1)).toBeNaN();
  });
  const nearZero = continuous.filter(({ d, row, title }) => d.quantile && boundsOf(caseOf(d, row, title)).lower === 0);
  it.each(nearZero)("$title: quantiles of probabilities that vanish beside 1, at a support that begins at 0", ({ d, row }) => {
    const { b, applied, inputs } = open(d, row);
    const { logCdf, quantile } = applied;
    if (!logCdf || !quantile) return;
    const p = 1e-200;
    const x = quantile(b, b.constant(p));
    const least = 2.3e-308;
    const out = interpret([x, logCdf(b, x), gradient(b, logCdf(b, x), [x])[0], logCdf(b, b.constant(least))], inputs);
    const [at, back, slope, atLeast] = out.map((v) => v[0]);
    // Below the least normal double digits are missing.
    if (at < least) return expect(atLeast).toBeGreaterThan(Math.log(p));
    const tolerance = 64 * EPSILON * (1 + Math.abs(Math.log(p))) + 8 * EPSILON * Math.abs(slope * at);
    expect(Math.abs(back - Math.log(p)), `x = ${at}`).toBeLessThanOrEqual(tolerance);
  });
  /** The largest parameter: x may be a difference of numbers of that size. */
  const spanOf = (row: GoldenRow): number => Math.max(0, ...Object.values(row.params).map((v) => Math.abs(flat(v)[0])));
});

describe("alternative parameters", () => {
  const alternatives = records.flatMap((d) =>
    (d.alternatives ?? []).map((a) => ({ d, a, title: `${d.name}(${Object.keys(a.params).join(", ")})` })),
  );
  it.each(alternatives)("$title gives parameters that the record allows, and the same density", ({ d, a }) => {
    // A small mean and a smaller deviation suit every support; other numbers come from the probes of their constraints.
    const values = Object.fromEntries(
      Object.entries(a.params).map(([n, p], i) => [
        n,
        n === "sd" ? [0.125] : n === "mean" ? [0.375] : [...p.constraint.probes[i % p.constraint.probes.length].values],
      ]),
    );
    const b = createBuilder();
    const given = Object.fromEntries(
      Object.entries(values).map(([n, v]) => [n, b.tensor(Float64Array.from(v), a.params[n].rank === 0 ? [] : [v.length])]),
    );
    const applied = apply(b, d, given);
    const numbers = interpret(
      applied.arguments.map((p) => p.value),
      {},
    );
    applied.arguments.forEach((p, i) => {
      const { constraint, bounds } = d.params[p.name];
      expect(constraint.contains(numbers[i], p.rank === 0 ? [] : [numbers[i].length], bounds ?? {}), p.name).toBe(true);
    });
    const direct = apply(b, d, Object.fromEntries(applied.arguments.map((p) => [p.name, p.value])));
    const [first] = d.golden.rows;
    const x = b.tensor(
      flat(first.x).map((v) => (d.support.constraint.discrete ? 1 : v)),
      eventShapeOf(first),
    );
    expect(interpret([applied.logDensity(b, x)], {})).toEqual(interpret([direct.logDensity(b, x)], {}));
  });
});
