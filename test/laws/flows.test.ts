// Laws of flows: the log determinant is that of differences, the inverse undoes, densities integrate to 1, layers begin near the identity.
import { describe, expect, test } from "vitest";
import { type Flow, flowOf } from "../../src/runtime/flows/define.ts";
import { flows } from "../../src/runtime/flows/index.ts";
import { vectorize } from "../../src/runtime/ir/batch.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { real } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { centralDifference, EPSILON, expectDerivative } from "./finite-difference.ts";

const options = { depth: 3, hidden: 4, bins: 5 };
const cases = [...flows.values()].flatMap((record) =>
  [
    { size: 1, context: 0 },
    { size: 2, context: 0 },
    { size: 3, context: 0 },
    { size: 2, context: 2 },
  ].map((sizes) => ({ name: `${record.name} of ${sizes.size} given ${sizes.context}`, record, ...sizes })),
);
type Case = (typeof cases)[number];

/** Compiled functions of a vector at random tensors, `spread` away from where training begins. */
function compiled(
  c: Case,
  points: number,
  spread: number,
  build: (b: Builder, flow: Flow, x: Value, run: Run) => readonly Value[],
) {
  const flow = flowOf(c.record, c.size, c.context, options);
  const b = createBuilder();
  const rng = stream(7, c.name);
  const inputs = flow.tensors.map((t) => b.input(t.name, real([...t.shape])));
  const tensors = Object.fromEntries(flow.tensors.map((t, i) => [t.name, inputs[i]]));
  const given = c.context > 0 ? b.input("given", real([c.context])) : undefined;
  const all = b.input("x", real([points, c.size]));
  const one = b.input("one", real([c.size]));
  const run: Run = (which, x) => flow[which](b, x, tensors, given);
  const { values } = vectorize(b, build(b, flow, one, run), new Map([[one, all]]), points);
  const program = { inputs: [all, ...inputs, ...(given ? [given] : [])], outputs: values, updates: [] };
  const executable = instantiate(compileWasm(simplify(b, program)));
  for (const t of flow.tensors) {
    const start = t.initial(rng);
    executable.inputs[t.name]?.set(start.map((x) => x + spread * rng.normal()));
  }
  executable.inputs.given?.set([0.7, -1.3].slice(0, c.context));
  return (x: ArrayLike<number>): readonly Float64Array[] => {
    executable.inputs.x.set(Array.from(x));
    executable.run();
    return executable.outputs.map((o) => o.slice());
  };
}
type Run = (which: "forward" | "inverse", x: Value) => { readonly to: Value; readonly logDet: Value };

const point = (c: Case): Float64Array => Float64Array.from({ length: c.size }, (_, i) => [0.63, -1.41, 2.2][i]);
/** Rounding of a flow and its inverse: every step of depth x passes x some twenty operations, on numbers up to about 20. */
const ROUNDING = 2000 * EPSILON * 20;

describe.each(cases)("$name", (c) => {
  test("the inverse undoes, and its log determinant is the negative", () => {
    const f = compiled(c, 1, 0.5, (b, _flow, x, run) => {
      const there = run("forward", x);
      const back = run("inverse", there.to);
      return [back.to, b.add(there.logDet, back.logDet), there.to];
    });
    const back = compiled(c, 1, 0.5, (_b, _flow, y, run) => [run("inverse", y).to, run("inverse", y).logDet]);
    const [x, both, y] = f(point(c));
    // What rounding of y becomes: where a flow is flat, its inverse is steep.
    const steepness = (output: number): number =>
      y.reduce((worst, v, i) => {
        const moved = y.slice();
        moved[i] += 1e-7 * (1 + Math.abs(v));
        const [here, there] = [back(y)[output], back(moved)[output]];
        return Math.max(worst, ...here.map((h, k) => Math.abs(there[k] - h) / 1e-7));
      }, 1);
    x.forEach((v, i) => {
      expect(Math.abs(v - point(c)[i])).toBeLessThan(ROUNDING * steepness(0));
    });
    expect(Math.abs(both[0])).toBeLessThan(ROUNDING * steepness(0) * steepness(1));
  });

  test.each(["forward", "inverse"] as const)("the log determinant is that of differences: %s", (which) => {
    const f = compiled(c, 1, 0.5, (_b, _flow, x, run) => [run(which, x).to, run(which, x).logDet]);
    const at = point(c);
    const jacobian = at
      .map((_, i) => i)
      .reduce<{ value: number; tolerance: number }[][]>((rows, _, i) => {
        rows.push(Array.from(at, (__, k) => centralDifference((x) => f(x)[0][i], at, k, 20)));
        return rows;
      }, []);
    const values = jacobian.map((row) => row.map((d) => d.value));
    const determinant = det(values);
    // First order: Σ |cofactor| tolerance.
    const tolerance = jacobian.reduce(
      (sum, row, i) => sum + row.reduce((s, d, k) => s + Math.abs(det(without(values, i, k))) * d.tolerance, 0),
      0,
    );
    expect(Math.abs(f(at)[1][0] - Math.log(Math.abs(determinant)))).toBeLessThan(tolerance / Math.abs(determinant) + ROUNDING);
  });

  test("its derivatives are those of differences, through the inverse too", () => {
    for (const which of ["forward", "inverse"] as const) {
      const value = (b: Builder, x: Value, run: Run): Value => {
        const { to, logDet } = run(which, x);
        return b.add(
          logDet,
          b.sum(
            b.mul(
              to,
              b.tensor(
                Float64Array.from({ length: c.size }, (_, i) => i + 0.5),
                [c.size],
              ),
            ),
          ),
        );
      };
      const f = compiled(c, 1, 0.5, (b, _flow, x, run) => [value(b, x, run), ...gradient(b, value(b, x, run), [x])]);
      const [, slopes] = f(point(c));
      slopes.forEach((slope, i) => {
        expectDerivative(
          slope,
          centralDifference((x) => f(x)[0][0], point(c), i, 40),
          `${c.name} ${which} ${i}`,
        );
      });
    }
  });

  test("begins near the identity", () => {
    const f = compiled(c, 1, 0, (_b, _flow, x, run) => [run("forward", x).to]);
    f(point(c))[0].forEach((y, i) => {
      expect(Math.abs(y - point(c)[i])).toBeLessThan(c.record.name === "planar" ? 1.5 : 0.2);
    });
  });

  if (c.size <= 2)
    test("its density integrates to 1", () => {
      // The trapezoidal rule is as good as exact for what is smooth and falls off within the square; splines have kinks in their slopes.
      const [edge, step] = c.size === 1 ? [40, 0.01] : [14, 0.1];
      const count = Math.round((2 * edge) / step) + 1;
      const total = count ** c.size;
      const grid = new Float64Array(total * c.size);
      for (let k = 0; k < total; k++)
        for (let i = 0, rest = k; i < c.size; i++, rest = Math.floor(rest / count))
          grid[k * c.size + i] = (rest % count) * step - edge;
      const f = compiled(c, total, 0.08, (b, _flow, y, run) => {
        const { to, logDet } = run("inverse", y);
        return [b.sub(logDet, b.mul(b.constant(0.5), b.sum(b.square(to))))];
      });
      let sum = 0;
      for (const l of f(grid)[0]) sum += Math.exp(l);
      const mass = (sum * step ** c.size) / Math.sqrt(2 * Math.PI) ** c.size;
      expect(Math.abs(mass - 1)).toBeLessThan(1e-4);
    });
});

function without(m: readonly (readonly number[])[], i: number, k: number): number[][] {
  return m.filter((_, r) => r !== i).map((row) => row.filter((_, j) => j !== k));
}
function det(m: readonly (readonly number[])[]): number {
  if (m.length === 0) return 1;
  return m[0].reduce((s, x, k) => s + (k % 2 === 0 ? 1 : -1) * x * det(without(m, 0, k)), 0);
}
