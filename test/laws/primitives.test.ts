// The laws of primitives, for every record of the table at each of its probes. No law knows which record it holds.
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type Builder, dtypeOf, shapeOf, typeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import type { Primitive, Probe } from "../../src/runtime/ir/primitive.ts";
import { primitives } from "../../src/runtime/ir/primitives/index.ts";
import { type Numbers, sizeOf } from "../../src/runtime/ir/type.ts";
import { verify } from "../../src/runtime/ir/verify.ts";
import { centralDifference, expectClose, expectDerivative } from "./finite-difference.ts";

const cases = primitives.map((op) => [op.name, op] as const);
const inputName = (i: number): string => `x${i}`;
const inputsOf = (b: Builder, probe: Probe): Value[] => probe.inputs.map(({ type }, i) => b.input(inputName(i), type));
const named = (values: readonly Numbers[]): Record<string, Numbers> =>
  Object.fromEntries(values.map((v, i) => [inputName(i), v]));
const valuesOf = (probe: Probe): Float64Array[] => probe.inputs.map(({ values }) => Float64Array.from(values));
const eachProbe = (op: Primitive, law: (probe: Probe, where: string) => void): void => {
  for (const [p, probe] of op.probes.entries()) law(probe, `${op.name}, probe ${p}`);
};

/** Weights without structure, of no magnitude in particular. */
const weights = (n: number, phase: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => 0.6 + 0.9 * Math.sin(1.7 * i + phase));
/** Σ w · v over all real values: a scalar in which every element counts differently. */
function weightedSum(b: Builder, values: readonly Value[]): Value {
  return values
    .filter((v) => dtypeOf(v) === "real")
    .map((v, i) => b.sum(b.mul(b.tensor(weights(sizeOf(shapeOf(v)), i), shapeOf(v)), v)))
    .reduce((s, v) => b.add(s, v), b.constant(0));
}
const isReal = (probe: Probe, i: number): boolean => probe.inputs[i].type.dtype === "real";
/** Primitives with derivatives to take at some probe. */
const hasSlopes = (op: Primitive): boolean => op.probes.some((p) => !p.singular && p.inputs.some((_, i) => isReal(p, i)));

/** Compares the gradient of `root` with central differences of it, for every element of every real input. */
function checkDerivatives(
  b: Builder,
  root: Value,
  summed: readonly Value[],
  inputs: readonly Value[],
  probe: Probe,
  where: string,
): void {
  const point = valuesOf(probe);
  const wrt = inputs.filter((_, i) => isReal(probe, i));
  const derivatives = interpret(gradient(b, root, wrt), named(point));
  const magnitude = interpret(summed, named(point))
    .flatMap((v) => [...v])
    .reduce((s, v) => s + Math.abs(v), 0);
  let next = 0;
  inputs.forEach((_input, i) => {
    if (!isReal(probe, i)) return;
    const derivative = derivatives[next++];
    const f = (x: Float64Array): number => interpret([root], named(point.map((v, j) => (j === i ? x : v))))[0][0];
    for (let k = 0; k < point[i].length; k++) {
      expectDerivative(derivative[k], centralDifference(f, point[i], k, magnitude), `${where}, input ${i}, element ${k}`);
    }
  });
}

test("names are unique", () => {
  expect(new Set(primitives.map((op) => op.name)).size).toBe(primitives.length);
});

describe.each(cases)("%s", (_name, op) => {
  test("has probes that can show faults", () => {
    expect(op.probes.length).toBeGreaterThanOrEqual(2);
    eachProbe(op, ({ inputs, singular }, where) => {
      const reals = inputs.filter(({ type }) => type.dtype === "real");
      for (const { type, values } of inputs) expect(values.length, where).toBe(sizeOf(type.shape));
      if (singular) return;
      for (const { values } of reals) {
        expect(
          values.some((x) => x !== 0 && x !== 1),
          `${where}: only 0 and 1`,
        ).toBe(true);
        expect(values.length === 1 || new Set(values).size > 1, `${where}: all elements equal`).toBe(true);
      }
      expect(new Set(reals.map(({ values }) => String(values))).size, `${where}: equal inputs`).toBe(reals.length);
    });
  });

  test("interprets to what its type rule says", () => {
    eachProbe(op, (probe, where) => {
      const b = createBuilder();
      const types = op.type(
        probe.inputs.map(({ type }) => type),
        probe.attrs,
      );
      const node = { id: 0, op, inputs: inputsOf(b, probe), attrs: probe.attrs, results: types };
      const results = op.interpret(valuesOf(probe), node);
      expect(results.length, where).toBe(types.length);
      results.forEach((values, i) => {
        expect(values, where).toBeInstanceOf(Float64Array);
        expect(values.length, where).toBe(sizeOf(types[i].shape));
        for (const x of values) {
          if (types[i].dtype === "bool") expect([0, 1], where).toContain(x);
          if (types[i].dtype === "int" && !probe.singular) expect(Number.isInteger(x), `${where}: ${x} is no integer`).toBe(true);
        }
      });
    });
  });

  test("does not depend on whether its arguments are known", () => {
    eachProbe(op, (probe, where) => {
      const b = createBuilder();
      const constants = probe.inputs.map(({ type, values }) => b.tensor(Float64Array.from(values), type.shape, type.dtype));
      const known = b.apply(op, constants, probe.attrs);
      const unknown = b.apply(op, inputsOf(b, probe), probe.attrs);
      expect(known.map(typeOf), where).toEqual(unknown.map(typeOf));
      const results = interpret(unknown, named(valuesOf(probe)));
      for (const [i, values] of interpret(known, {}).entries()) expectClose(values, results[i], 4, where);
    });
  });

  test("passes the verifier, with its gradient", () => {
    eachProbe(op, (probe, where) => {
      const b = createBuilder();
      const inputs = inputsOf(b, probe);
      const results = b.apply(op, inputs, probe.attrs);
      const first = gradient(b, weightedSum(b, results), inputs);
      const second = gradient(b, weightedSum(b, first), inputs);
      expect(() => verify({ inputs, outputs: [...results, ...first, ...second], updates: [] }), where).not.toThrow();
    });
  });
});

describe.each(cases.filter(([, op]) => op.probes.some(({ inputs }) => inputs.length > 0)))("%s", (_name, op) => {
  test("batched is the stack of single applications", () => {
    eachProbe(op, (probe, where) => {
      for (let subset = 1; subset < 2 ** probe.inputs.length; subset++) {
        checkBatch(
          op,
          probe,
          probe.inputs.map((_, i) => ((subset >> i) & 1) === 1),
          `${where}, batched ${subset.toString(2)}`,
        );
      }
    });
  });
});

describe.each(cases.filter(([, op]) => op.heldConstant))("%s", (_name, op) => {
  test("is held constant: its slope is not passed on", () => {
    eachProbe(op, (probe, where) => {
      const b = createBuilder();
      const inputs = inputsOf(b, probe).filter((_, i) => isReal(probe, i));
      const root = weightedSum(b, b.apply(op, inputsOf(b, probe), probe.attrs));
      for (const values of interpret(gradient(b, root, inputs), named(valuesOf(probe))))
        expect([...values], where).toEqual([...values].map(() => 0));
    });
  });
});

describe.each(cases.filter(([, op]) => hasSlopes(op) && !op.heldConstant))("%s", (_name, op) => {
  test("has the gradient that differences show", () => {
    eachProbe(op, (probe, where) => {
      if (probe.singular) return;
      const b = createBuilder();
      const inputs = inputsOf(b, probe);
      const results = b.apply(op, inputs, probe.attrs);
      checkDerivatives(b, weightedSum(b, results), results, inputs, probe, where);
    });
  });

  test("has the gradient of its gradient that differences show", () => {
    eachProbe(op, (probe, where) => {
      if (probe.singular) return;
      const b = createBuilder();
      const inputs = inputsOf(b, probe);
      const gradients = gradient(
        b,
        weightedSum(b, b.apply(op, inputs, probe.attrs)),
        inputs.filter((_, i) => isReal(probe, i)),
      );
      checkDerivatives(b, weightedSum(b, gradients), gradients, inputs, probe, where);
    });
  });
});

/** With the ends of each of its reals NaN and infinite. */
function withoutNumbers(probe: Probe): Probe[] {
  const ends = probe.inputs.flatMap(({ values }, i) => (isReal(probe, i) ? [0, values.length - 1].map((at) => ({ i, at })) : []));
  return [Number.NaN, Number.POSITIVE_INFINITY].flatMap((bad) =>
    ends.map(({ i, at }) => ({
      ...probe,
      inputs: probe.inputs.map((input, j) =>
        j === i ? { ...input, values: input.values.map((x, k) => (k === at ? bad : x)) } : input,
      ),
    })),
  );
}
/** Some derivative on the way is promised to be finite for finite inputs alone. */
const needsNumbers = (roots: readonly Value[]): boolean =>
  nodesOf(roots).some(({ op }) => typeof op !== "string" && op.finiteDerivative === "of finite inputs");
describe.each(cases.filter(([, op]) => hasSlopes(op)))("%s", (_name, op) => {
  test("in an arm that is not chosen, has gradient 0 whatever its arguments", () => {
    eachProbe(op, (given, where) => {
      const vanish = (probe: Probe, isSpoilt: boolean): void => {
        const b = createBuilder();
        const inputs = inputsOf(b, probe);
        const wrt = inputs.filter((_, i) => isReal(probe, i));
        for (const result of b.apply(op, inputs, probe.attrs)) {
          const root = b.sum(b.select(b.input("chosen", { shape: [], dtype: "bool" }), result, b.constant(0)));
          if (isSpoilt && needsNumbers([root])) continue;
          const first = gradient(b, root, wrt);
          const second = isSpoilt && needsNumbers(first) ? [] : gradient(b, weightedSum(b, first), wrt);
          for (const values of interpret([...first, ...second], { ...named(valuesOf(probe)), chosen: Float64Array.of(0) })) {
            expect(
              values.every((x) => x === 0),
              `${where}, of ${probe.inputs.map((input) => `[${input.values}]`)}: ${values}`,
            ).toBe(true);
          }
        }
      };
      vanish(given, false);
      for (const probe of withoutNumbers(given)) vanish(probe, true);
    });
  });
});

describe.each(cases.filter(([, op]) => op.wasm.kind === "expand"))("%s", (_name, op) => {
  test("is what its expansion says", () => {
    const { wasm } = op;
    if (wasm.kind !== "expand") throw new Error("unreachable");
    eachProbe(op, (probe, where) => {
      const b = createBuilder();
      const inputs = inputsOf(b, probe);
      const [own, expanded] = [b.apply(op, inputs, probe.attrs), wasm.expand(b, inputs, probe.attrs)];
      expect(expanded.map(typeOf), where).toEqual(own.map(typeOf));
      const results = interpret(own, named(valuesOf(probe)));
      for (const [i, values] of interpret(expanded, named(valuesOf(probe))).entries()) expectClose(values, results[i], 64, where);
    });
  });
});

const COPIES = 3;
function checkBatch(op: Primitive, probe: Probe, batched: readonly boolean[], where: string): void {
  const b = createBuilder();
  const copies = probe.inputs.map(({ type, values }, i) =>
    Array.from({ length: batched[i] ? COPIES : 1 }, (_, copy) => variant(type.dtype, values, copy)),
  );
  const inputs = probe.inputs.map(({ type }, i) =>
    b.input(inputName(i), { dtype: type.dtype, shape: batched[i] ? [COPIES, ...type.shape] : type.shape }),
  );
  const results = op.batch(b, inputs, batched, probe.attrs);
  const types = op.type(
    probe.inputs.map(({ type }) => type),
    probe.attrs,
  );
  expect(results.map(typeOf), where).toEqual(types.map(({ shape, dtype }) => ({ shape: [COPIES, ...shape], dtype })));
  const all = interpret(results, named(copies.map((c) => Float64Array.from(c.flat()))));
  const single = createBuilder();
  const applied = single.apply(op, inputsOf(single, probe), probe.attrs);
  for (let copy = 0; copy < COPIES; copy++) {
    const expected = interpret(applied, named(copies.map((c) => Float64Array.from(c[c.length === 1 ? 0 : copy]))));
    for (const [i, values] of expected.entries()) {
      expectClose(all[i].subarray(copy * values.length, (copy + 1) * values.length), values, 16, `${where}, copy ${copy}`);
    }
  }
}
/** Another argument of the same kind: reals a few percent larger, integers (which may be indices) in another order. */
const variant = (dtype: string, values: readonly number[], copy: number): number[] => {
  if (dtype === "real") return values.map((x) => x * (1 + 0.008 * copy));
  return copy % 2 === 1 ? [...values].reverse() : [...values];
};
