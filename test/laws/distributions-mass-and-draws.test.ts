// Densities integrate or sum to 1, by quadrature and enumeration at every golden row; and draws against densities: every record that is
// normalised can be drawn from, by a program of noise or by a sampler, and draws what it says.
import { describe, expect, it } from "vitest";
import { apply } from "../../src/dsl/distributions/applied.ts";
import type { Distribution, GoldenRow, Param } from "../../src/dsl/distributions/define.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { shapeOf } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import {
  type Case,
  caseOf,
  drawMany,
  eventShapeOf,
  flat,
  golden,
  logDensities,
  paramShape,
  records,
  runningError,
} from "./distribution-cases.ts";
import { expectDraws, expectInside } from "./distribution-draws.ts";
import { massOf } from "./distribution-mass.ts";
import { standardError, Z } from "./goodness-of-fit.ts";

const proper = golden.filter(({ d }) => d.normalised);

const counted = new Set<string>();

describe("mass 1", () => {
  it.each(proper)("$title", ({ d, row, title }) => {
    const c = caseOf(d, row, title);
    const m = massOf(c);
    // Vectors and matrices may have too many dimensions or outcomes; numbers have not.
    if (m === null) return expect(c.shape).not.toEqual([]);
    counted.add(d.name);
    const b = createBuilder();
    const log = c.make(b).logDensity(b, b.tensor(c.at, c.shape));
    // The log density is off by its rounding everywhere; the two quadrature rules differ by more than either is wrong.
    // 1e-9: of a gamma of shape 1/32, 2e-10 lies below the smallest double.
    const tolerance = 64 * runningError(b, log, {}) + m.error + 1e-9;
    expect(Math.abs(m.mass - 1), `${m.mass} ± ${tolerance}`).toBeLessThanOrEqual(tolerance);
    expect(m.error).toBeLessThan(1e-4);
  });
  it("was found for every record in some row", () => {
    for (const d of records) if (d.normalised) expect(counted, d.name).toContain(d.name);
  });
});

describe("distribution functions are integrals, or sums, of the density", () => {
  const known = proper.filter(({ d }) => d.logCdf);
  it.each(known)("$title", ({ d, row, title }) => {
    const c = caseOf(d, row, title);
    const m = massOf(c);
    if (!m?.cells) return expect.fail("numbers have cells");
    const all = m.cells.ends();
    const many = Math.ceil(all.length / 500);
    const at = Array.from(all.keys()).filter((i) => i % many === 0 && Number.isFinite(all[i]));
    const b = createBuilder();
    const x = b.input("x", { shape: [at.length], dtype: "real" });
    const { logCdf, logCcdf } = c.make(b);
    if (!logCdf || !logCcdf) return expect.fail("both");
    const [below, above] = interpret([b.broadcastTo(logCdf(b, x), [at.length]), b.broadcastTo(logCcdf(b, x), [at.length])], {
      x: Float64Array.from(at, (i) => all[i]),
    });
    let [sum, next] = [0, 0];
    at.forEach((i, k) => {
      for (; next <= i; next++) sum += m.cells?.masses[next] ?? 0;
      // What lies beyond the cells, or beyond the doubles, belongs to neither; sums of many terms round.
      const tolerance = m.error + 1e-9 + Math.abs(m.mass - 1);
      expect(Math.abs(Math.exp(below[k]) - sum), `P(X <= ${all[i]}) = ${Math.exp(below[k])}, not ${sum}`).toBeLessThanOrEqual(
        tolerance,
      );
      expect(Math.abs(Math.exp(above[k]) - (m.mass - sum)), `P(X > ${all[i]}) = ${Math.exp(above[k])}`).toBeLessThanOrEqual(
        tolerance,
      );
    });
  });
});

describe("draws follow the density", () => {
  it.each(proper)("$title", ({ d, row, title }) => expectDraws(caseOf(d, row, title), 4000));
});

describe("means", () => {
  const known = proper.filter(({ d, row, title }) => caseOf(d, row, title).make(createBuilder()).mean);
  it.each(known)("$title: that of draws", ({ d, row, title }) => {
    const c = caseOf(d, row, title);
    const b = createBuilder();
    const mean = c.make(b).mean?.(b);
    if (!mean) return expect.fail("no mean");
    expect(shapeOf(mean)).toEqual(c.shape);
    const [expected] = interpret([mean], {});
    const n = 20_000;
    const draws = drawMany(c, n, stream(3, title));
    if (!draws) return expect.fail("no draws");
    expected.forEach((m, k) => {
      const { mean: found, error } = standardError(Float64Array.from({ length: n }, (_, i) => draws[i * expected.length + k]));
      // Where all draws are one integer, another one of probability 20 / n has been missed with probability e^-20.
      const unseen = error === 0 ? 20 / n : 0;
      expect(Math.abs(found - m), `${found} ± ${error}, not ${m}`).toBeLessThanOrEqual(
        (Z + 1) * error + unseen + 1e-9 * Math.abs(m),
      );
    });
  });
});

describe("counts over categories", () => {
  // Vectors of integers: the mean of f/g over draws of f', with g a neighbour's density, is 1 when the draws are of g and f sums to 1.
  const counts = proper.filter(({ d, row }) => d.event === 1 && d.support.constraint.discrete && neighbours(d, row));
  it.each(counts)("$title: E f(x) / g(x) = 1 under g, f with parameters nearby", ({ d, row, title }) => {
    const c = caseOf(d, row, title);
    const nearby: Case = {
      ...c,
      make: (b) =>
        apply(
          b,
          d,
          Object.fromEntries(
            Object.entries(row.params).map(([n, v]) => [n, b.tensor(moved(d.params[n], flat(v)), paramShape(row, n))]),
          ),
        ),
    };
    const draws = drawMany(c, 4000, stream(7, title));
    if (!draws) return expect.fail("no draws");
    const [f, g] = [logDensities(nearby, draws), logDensities(c, draws)];
    const { mean, error } = standardError(f.map((v, i) => Math.exp(v - g[i])));
    expect(Math.abs(mean - 1), `${mean} ± ${error}`).toBeLessThanOrEqual((Z + 1) * error + 1e-12);
  });
  it("is asked of every record that has them", () => {
    const all = records.filter((d) => d.normalised && d.event === 1 && d.support.constraint.discrete);
    expect([...new Set(counts.map(({ d }) => d.name))]).toEqual(all.map((d) => d.name));
  });
  /** Integers have no neighbours nearby, and the edge of a simplex has no coordinates. */
  function moves(p: Param, v: Float64Array): boolean {
    return !p.constraint.discrete && v.every((x) => x !== 0);
  }
  function neighbours(d: Distribution, row: GoldenRow): boolean {
    return Object.entries(row.params).some(([n, v]) => moves(d.params[n], flat(v)));
  }
  /** A neighbour in unconstrained coordinates. */
  function moved(p: Param, v: Float64Array): Float64Array {
    if (!moves(p, v)) return v;
    const n = p.constraint.event;
    const u = p.constraint.unconstrain(v, n === 0 ? [] : [v.length], {});
    const b = createBuilder();
    const near = Float64Array.from(u, (x, i) => x + 0.02 * ((i % 3) - 1));
    const { x } = p.constraint.constrain(b, b.tensor(near, [near.length]), {}, [v.length]);
    return interpret([x], {})[0];
  }
});

describe("draws stay inside with extreme parameters", () => {
  const sizes = [1e-3, 1e3];
  const extreme = records
    .filter((d) => d.normalised)
    .flatMap((d) => sizes.map((size) => ({ d, params: at(d, size), title: `${d.name}, positive parameters ${size}` })))
    .filter(({ d, params }) => sensible(d, Object.fromEntries(params)));
  it("every record has some", () => {
    expect([...new Set(extreme.map(({ d }) => d.name))]).toEqual(records.filter((d) => d.normalised).map((d) => d.name));
  });
  it.each(extreme)("$title", ({ d, params, title }) => {
    const [row] = d.golden.rows;
    const c: Case = {
      title,
      shape: eventShapeOf(row),
      at: flat(row.x),
      make: (b) => apply(b, d, Object.fromEntries(params.map(([n, v]) => [n, b.tensor(v, paramShape(row, n))]))),
    };
    const draws = drawMany(c, 400, stream(11, title));
    if (!draws) return expect.fail("no draws");
    expectInside(c, draws);
  });
  /** The first golden row with its positive parameters of about this size, each larger than the one before: interval ends are not equal. */
  function at(d: Distribution, size: number): (readonly [string, Float64Array])[] {
    const [row] = d.golden.rows;
    return Object.entries<Param>(d.params).map(([n, p], k) => {
      const v = flat(row.params[n]);
      const scalar = p.rank === 0 && p.constraint.ownBounds?.lower === 0 && !p.constraint.discrete;
      const at = p.constraint.ownBounds?.upper === 1 ? (size < 1 ? 1e-9 : 1 - 1e-9) : size * (1 + k / 4);
      return [
        n,
        scalar || (p.rank === 1 && p.constraint.event === 0 && p.constraint.ownBounds?.lower === 0) ? v.map(() => at) : v,
      ] as const;
    });
  }
  /** Matrix scatter with fewer degrees of freedom than rows, and intervals that are empty, are no distributions. */
  function sensible(d: Distribution, p: Readonly<Record<string, Float64Array>>): boolean {
    const matrix = Object.values(p).find((v) => v.length > 2);
    const b = createBuilder();
    const bounds = d.support.bounds?.(
      b,
      Object.fromEntries(Object.entries(p).map(([n, v]) => [n, b.tensor(v, v.length === 1 ? [] : [v.length])])),
    );
    const ends = [bounds?.lower, bounds?.upper].map((v) =>
      v?.node.op === "constant" ? (v.node.attrs as { values: Float64Array }).values[0] : undefined,
    );
    if (ends[0] !== undefined && ends[1] !== undefined && ends[0] >= ends[1]) return false;
    return !(d.event === 2 && matrix && Object.values(p).some((v) => v.length === 1 && v[0] < 1));
  }
});
