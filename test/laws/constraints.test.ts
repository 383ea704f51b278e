// Laws of the constraints, over all records and their probes; no test asks which constraint it holds.
import { describe, expect, it } from "vitest";
import type { Bounds, Constraint } from "../../src/dsl/constraints/define.ts";
import { constraints } from "../../src/dsl/constraints/index.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { shapeOf } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { type Shape, sizeOf } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { EPSILON } from "./finite-difference.ts";

type Probe = Constraint["probes"][number];
const smooth = [...constraints.values()].filter((c) => !c.discrete);
const each = smooth.flatMap((c) => c.probes.map((probe, i) => ({ c, probe, title: `${c.name}, probe ${i + 1}` })));

function symbolic(b: Builder, bounds: Bounds<number> = {}): Bounds<Value> {
  const side = (v: number | undefined): Value | undefined => (v === undefined ? undefined : b.constant(v));
  return { lower: side(bounds.lower), upper: side(bounds.upper) };
}

interface Mapped {
  readonly x: Float64Array;
  readonly logDetJacobian: number;
  /** rows: elements of x, columns: coordinates */
  readonly jacobian: readonly Float64Array[];
  /** ∂ log|J| / ∂u */
  readonly slope: Float64Array;
}
function map(c: Constraint, u: Float64Array, probe: Probe): Mapped {
  const b = createBuilder();
  const input = b.input("u", { shape: c.unconstrainedShape(probe.shape), dtype: "real" });
  const { x, logDetJacobian } = c.constrain(b, input, symbolic(b, probe.bounds), probe.shape);
  const flat = b.reshape(x, [sizeOf(probe.shape)]);
  const n = u.length;
  const rows = Array.from(
    { length: sizeOf(probe.shape) },
    (_, i) => gradient(b, b.reshape(b.slice(flat, 0, i, 1), []), [input])[0],
  );
  const log = b.sum(logDetJacobian);
  const out = interpret([flat, log, gradient(b, log, [input])[0], ...rows], { u });
  expect(shapeOf(x)).toEqual([...probe.shape]);
  expect(n).toBe(sizeOf(c.unconstrainedShape(probe.shape)));
  return { x: out[0], logDetJacobian: out[1][0], slope: out[2], jacobian: out.slice(3) };
}
const coordinates = (c: Constraint, probe: Probe): Float64Array =>
  c.unconstrain(Float64Array.from(probe.values), probe.shape, probe.bounds ?? {});
/** Coordinates that are neither at a probe nor symmetric. */
const elsewhere = (c: Constraint, shape: Shape): Float64Array =>
  Float64Array.from({ length: sizeOf(c.unconstrainedShape(shape)) }, (_, i) => [0.7, -1.3, 0.4, 1.9, -0.6, 0.15, -2.2][i % 7]);

/** log sqrt(det(A A')), A by rows, by Gram-Schmidt on the rows; null where they are dependent to within rounding. */
function logVolume(rows: readonly Float64Array[]): number | null {
  let log = 0;
  const basis: Float64Array[] = [];
  for (const row of rows) {
    let rest = Float64Array.from(row);
    for (let pass = 0; pass < 2; pass++) {
      for (const q of basis) {
        const dot = q.reduce((s, v, i) => s + v * rest[i], 0);
        rest = rest.map((v, i) => v - dot * q[i]);
      }
    }
    const length = Math.hypot(...rest);
    if (length <= 1e-10 * Math.hypot(...row)) return null;
    log += Math.log(length);
    basis.push(rest.map((v) => v / length));
  }
  return log;
}
const columns = (j: readonly Float64Array[], n: number): Float64Array[] =>
  Array.from({ length: n }, (_, k) => Float64Array.from(j, (row) => row[k]));

describe("each constraint", () => {
  it("has at least three probes inside, words, and is a type of the language", () => {
    for (const c of constraints.values()) {
      expect(c.probes.length, c.name).toBeGreaterThanOrEqual(3);
      expect(c.words.length, c.name).toBeGreaterThan(3);
      expect(constraints.get(c.name)).toBe(c);
      for (const p of c.probes) expect(c.contains(p.values, p.shape, p.bounds ?? {}), `${c.name} ${p.values}`).toBe(true);
    }
  });
  it("refuses NaN and, where it has bounds, what is outside them", () => {
    for (const c of constraints.values()) {
      for (const p of c.probes) {
        if (p.values.length === 0) continue;
        expect(c.contains([Number.NaN, ...p.values.slice(1)], p.shape, p.bounds ?? {}), c.name).toBe(false);
        const { lower, upper } = { ...c.ownBounds, ...p.bounds };
        if (lower !== undefined) expect(c.contains([lower - 1], p.shape, p.bounds ?? {}), c.name).toBe(false);
        if (upper !== undefined) expect(c.contains([upper + 1], p.shape, p.bounds ?? {}), c.name).toBe(false);
      }
    }
  });
});

describe("constrain after unconstrain is the identity", () => {
  // Coordinates carry the rounding of u, of the order of (1 + |u|) epsilon, and x moves by |∂x/∂u| times that.
  it.each(each)("$title", ({ c, probe }) => {
    const u = coordinates(c, probe);
    const { x, jacobian } = map(c, u, probe);
    const scale = Math.max(...probe.values.map(Math.abs), 0);
    probe.values.forEach((v, i) => {
      const moved = jacobian[i].reduce((s, d, k) => s + Math.abs(d) * (1 + Math.abs(u[k])), scale);
      expect(Math.abs(x[i] - v), `element ${i}: ${x[i]} for ${v}`).toBeLessThanOrEqual(64 * EPSILON * moved);
    });
  });
});

describe("unconstrain after constrain is the identity, up to directions that x does not see", () => {
  it.each(each)("$title", ({ c, probe }) => {
    const u = elsewhere(c, probe.shape);
    const there = map(c, u, probe);
    const back = map(c, c.unconstrain(there.x, probe.shape, probe.bounds ?? {}), probe);
    const scale = Math.max(...Array.from(there.x, Math.abs), 0);
    there.x.forEach((v, i) => {
      const moved = there.jacobian[i].reduce((s, d) => s + Math.abs(d), scale);
      expect(Math.abs(back.x[i] - v)).toBeLessThanOrEqual(256 * EPSILON * moved);
    });
  });
});

describe("what x leaves open of coordinates", () => {
  it.each(each)("$title: there is a draw of it just where there is more than one, and x stays", ({ c, probe }) => {
    const u = coordinates(c, probe);
    const measure = c.measure(probe.shape);
    const { x, jacobian } = map(c, u, probe);
    const rows = measure === "surface" ? jacobian : measure.map((i) => jacobian[i]);
    expect(c.redraw !== undefined).toBe(logVolume(columns(rows, u.length)) === null);
    if (!c.redraw) return;
    const drawn = Float64Array.from(u);
    c.redraw(stream(3, "redraw"), drawn);
    expect(drawn).not.toEqual(u);
    map(c, drawn, probe).x.forEach((v, i) => {
      expect(Math.abs(v - x[i])).toBeLessThanOrEqual(8 * EPSILON);
    });
  });
});

describe("the inverse as a graph is that of the host", () => {
  it.each(each.filter(({ c }) => c.invert))("$title", ({ c, probe }) => {
    const b = createBuilder();
    const x = b.tensor(Float64Array.from(probe.values), probe.shape);
    const [u] = interpret([c.invert?.(b, x, symbolic(b, probe.bounds)) ?? x], {});
    const expected = coordinates(c, probe);
    u.forEach((v, i) => {
      expect(Math.abs(v - expected[i])).toBeLessThanOrEqual(8 * EPSILON * (1 + Math.abs(v)));
    });
  });
});

describe("the log Jacobian is that of the map", () => {
  const places = each
    .filter(({ c, probe }) => sizeOf(c.unconstrainedShape(probe.shape)) > 0)
    .flatMap(({ c, probe, title }) => [
      { c, probe, u: coordinates(c, probe), title },
      { c, probe, u: elsewhere(c, probe.shape), title: `${title}, elsewhere` },
    ]);
  it.each(places)("$title", ({ c, probe, u }) => {
    const at = map(c, u, probe);
    const measure = c.measure(probe.shape);
    const rows = measure === "surface" ? at.jacobian : measure.map((i) => at.jacobian[i]);
    const full = logVolume(columns(rows, u.length));
    // Entries carry some epsilon relative to their column; the probes with components of 1e-6 make columns nearly parallel by as much.
    const log = full ?? logFibre(c, probe, u);
    const expected = full === null ? 0 : at.logDetJacobian;
    expect(Math.abs(log - expected)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(at.logDetJacobian)));
  });

  /** Where x has one dimension less than u, exp of the term must integrate to 1 over each set of u that gives one x, so that a density
   *  on x keeps its integral: ∫ e^{term} / sqrt(det J J') along the set, here a ray from the origin, d(length). */
  function logFibre(c: Constraint, probe: Probe, u: Float64Array): number {
    const radius = Math.hypot(...u);
    // r = e^t: the trapezoidal rule on the line, exponentially accurate for a smooth integrand that vanishes at both ends.
    const step = 1 / 16;
    let integral = 0;
    for (let t = -24; t <= 3; t += step) {
      const r = Math.exp(t);
      const at = map(
        c,
        u.map((v) => (v * r) / radius),
        probe,
      );
      integral += Math.exp(at.logDetJacobian - logPseudoVolume(columns(at.jacobian, u.length))) * r * step;
    }
    return Math.log(integral);
  }
});

/** log of the product of the singular values that are not zero, by Jacobi rotations of the columns (Hestenes 1958). */
function logPseudoVolume(cols: readonly Float64Array[]): number {
  const a = cols.map((c) => Float64Array.from(c));
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < a.length; p++) {
      for (let q = p + 1; q < a.length; q++) {
        const dot = (x: Float64Array, y: Float64Array): number => x.reduce((s, v, i) => s + v * y[i], 0);
        const [pp, qq, pq] = [dot(a[p], a[p]), dot(a[q], a[q]), dot(a[p], a[q])];
        if (Math.abs(pq) <= 1e-15 * Math.sqrt(pp * qq) || pq === 0) continue;
        const tau = (qq - pp) / (2 * pq);
        const t = Math.sign(tau || 1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
        const cos = 1 / Math.sqrt(1 + t * t);
        const [x, y] = [a[p], a[q]];
        a[p] = x.map((v, i) => cos * (v - t * y[i]));
        a[q] = y.map((v, i) => cos * (t * x[i] + v));
      }
    }
  }
  const lengths = a.map((c) => Math.hypot(...c));
  const longest = Math.max(...lengths);
  return lengths.filter((l) => l > 1e-8 * longest).reduce((s, l) => s + Math.log(l), 0);
}

describe("gradients agree with differences of the values", () => {
  it.each(each)("$title", ({ c, probe }) => {
    const u = elsewhere(c, probe.shape);
    const at = map(c, u, probe);
    const h = 2 ** -13;
    u.forEach((_, k) => {
      const [up, down] = [1, -1].map((s) =>
        map(
          c,
          u.map((v, i) => (i === k ? v + s * h : v)),
          probe,
        ),
      );
      // h² truncation with third derivatives of the order of the values, and rounding over h.
      const allowed = (v: number): number => 8 * (h * h + (16 * EPSILON) / h) * (1 + Math.abs(v));
      at.x.forEach((v, i) => {
        const d = (up.x[i] - down.x[i]) / (2 * h);
        expect(Math.abs(d - at.jacobian[i][k]), `∂x${i}/∂u${k}`).toBeLessThanOrEqual(allowed(Math.max(Math.abs(v), Math.abs(d))));
      });
      const d = (up.logDetJacobian - down.logDetJacobian) / (2 * h);
      expect(Math.abs(d - at.slope[k])).toBeLessThanOrEqual(allowed(Math.max(Math.abs(at.logDetJacobian), Math.abs(d))));
    });
  });
});

describe("the map stays finite and inside far out", () => {
  const far = each.flatMap((e) => [40, -40, 0].map((size) => ({ ...e, size, at: size === 0 ? "mixed ±40" : `${size}` })));
  it.each(far)("$title at u = $at", ({ c, probe, size }) => {
    const n = sizeOf(c.unconstrainedShape(probe.shape));
    const at = map(
      c,
      Float64Array.from({ length: n }, (_, i) => size || (i % 2 === 0 ? 40 : -40)),
      probe,
    );
    for (const v of [...at.x, at.logDetJacobian, ...at.slope, ...at.jacobian.flatMap((r) => [...r])])
      expect(Number.isFinite(v)).toBe(true);
    // An exact matrix may round to a singular one, an increasing vector to one with ties: only single numbers and sums are promised there.
    if (c.event < 2 && c.logSymmetry === undefined) expect(c.contains(at.x, probe.shape, probe.bounds ?? {})).toBe(true);
  });
});

describe("coordinates at infinity, where a start on a bound lies", () => {
  const single = each.filter(({ c }) => c.event === 0);
  it.each(single)("$title: the map goes to the bound, the log Jacobian with it", ({ c, probe }) => {
    const { lower = Number.NEGATIVE_INFINITY, upper = Number.POSITIVE_INFINITY } = { ...c.ownBounds, ...probe.bounds };
    for (const bound of [lower, upper]) {
      const u = c.unconstrain(Float64Array.of(bound), probe.shape, probe.bounds ?? {});
      expect(Math.abs(u[0])).toBe(Number.POSITIVE_INFINITY);
      const at = map(c, u, probe);
      expect(at.x[0]).toBe(bound);
      // The slope falls to 0 at a finite bound; towards an infinite one it is 1 or grows.
      if (Number.isFinite(bound)) expect(at.logDetJacobian).toBe(Number.NEGATIVE_INFINITY);
      else expect(at.logDetJacobian).toBeGreaterThanOrEqual(0);
      expect(at.slope[0]).not.toBeNaN();
    }
  });
});

describe("bounds at infinity", () => {
  const unbounded = each.filter(({ c }) => c.event === 0 && c.ownBounds?.lower === undefined && c.ownBounds?.upper === undefined);
  it.each(unbounded)("$title: are none on their own side, and leave nothing on the other", ({ c, probe }) => {
    const u = Float64Array.of(0.7);
    const at = (bounds: Bounds<number>) => map(c, u, { ...probe, bounds });
    const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    expect(at({ lower: low, upper: high })).toEqual(at({}));
    expect(at({ lower: low, upper: 2 })).toEqual(at({ upper: 2 }));
    expect(at({ lower: -3, upper: high })).toEqual(at({ lower: -3 }));
    for (const bounds of [{ lower: high }, { upper: low }]) expect(Number.isFinite(at(bounds).x[0])).toBe(false);
  });
});

describe("bounds that depend on latents", () => {
  const bounded = each.filter(({ probe }) => probe.bounds !== undefined);
  it.each(bounded)("$title: x and the log Jacobian have slopes in the bounds", ({ c, probe }) => {
    const given = Object.entries(probe.bounds ?? {}) as readonly ["lower" | "upper", number][];
    const run = (shift: number, which: string): readonly Float64Array[] => {
      const b = createBuilder();
      const names: Record<string, Value> = Object.fromEntries(given.map(([n]) => [n, b.input(n, { shape: [], dtype: "real" })]));
      const u = b.input("u", { shape: probe.shape, dtype: "real" });
      const { x, logDetJacobian } = c.constrain(b, u, names, probe.shape);
      const f = b.add(b.sum(b.sin(x)), b.mul(b.constant(3), b.sum(logDetJacobian)));
      const inputs = Object.fromEntries(given.map(([n, v]) => [n, Float64Array.of(n === which ? v + shift : v)]));
      return interpret([f, ...gradient(b, f, Object.values(names))], { ...inputs, u: elsewhere(c, probe.shape) });
    };
    const h = 2 ** -13;
    given.forEach(([which], i) => {
      const slope = (run(h, which)[0][0] - run(-h, which)[0][0]) / (2 * h);
      const exact = run(0, which)[1 + i][0];
      expect(Math.abs(slope - exact)).toBeLessThanOrEqual(32 * (h * h + EPSILON / h) * (1 + Math.abs(exact)));
      expect(exact).not.toBe(0);
    });
  });
});

describe("types that break a symmetry", () => {
  it("hold one of exp(logSymmetry) parts of an exchangeable law", () => {
    // Orders of K distinct numbers, counted: those that are inside.
    for (const c of smooth) {
      for (const { shape, values } of c.probes) {
        if (!c.logSymmetry || shape.length !== 1) continue;
        const inside = permutations(values).filter((p) => c.contains(p, shape, {})).length;
        const all = permutations(values).length;
        expect(Math.exp(c.logSymmetry(shape))).toBeCloseTo(all / inside, 9);
      }
    }
  });
  function permutations(values: readonly number[]): number[][] {
    if (values.length < 2) return [[...values]];
    return values.flatMap((v, i) => permutations([...values.slice(0, i), ...values.slice(i + 1)]).map((rest) => [v, ...rest]));
  }
});
