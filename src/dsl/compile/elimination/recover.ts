// Discrete latents after they have been summed out: a draw of all of them, the best of all, or the probability of every value of each.
import { InternalError, unreachable } from "../../../runtime/errors.ts";
import { gradient } from "../../../runtime/ir/gradient.ts";
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { makeLoop } from "../../../runtime/ir/loop/make.ts";
import { substitute } from "../../../runtime/ir/substitute.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";
import type { ChainStep } from "./chain.ts";
import type { Step, TableStep } from "./eliminate.ts";
import type { Group } from "./groups.ts";
import type { Summed } from "./sum-out.ts";

/** Values of the elements of each site, in their order, given everything that is no discrete latent: drawn jointly, by uniform noise. Elements are
 *  drawn in the reverse order of their elimination, each given those that its table was left to. */
export function drawJointly(b: Builder, summed: Summed, uniform: (count: number) => Value): Map<Value, Value> {
  return backward(b, summed, summed.again("sum").steps, { noise: uniform, pick: (table, u) => inverted(b, table, u) });
}

/** The values that are most probable together. */
export function bestTogether(b: Builder, summed: Summed): Map<Value, Value> {
  const none = (count: number): Value => b.broadcastTo(b.constant(0), [count]);
  return backward(b, summed, summed.again("best").steps, { noise: none, pick: (table) => firstBest(b, table) });
}

interface Chooser {
  noise(count: number): Value;
  /** Codes, 0 for the least value, of [elements, values] log weights, by a number of noise each. */
  pick(table: Value, noise: Value): Value;
}

function backward(b: Builder, { sites }: Summed, steps: readonly Step[], chooser: Chooser): Map<Value, Value> {
  const position = new Map<number, number>();
  let codes: Value | undefined;
  let next = 0;
  const at = (elements: Int32Array): Value => {
    if (elements.length === 0) return b.tensor(elements, [0], "int");
    if (!codes) return missingValue();
    return b.gather(
      codes,
      b.tensor(
        elements.map((e) => position.get(e) ?? missingValue()),
        [elements.length],
        "int",
      ),
    );
  };
  for (const step of [...steps].reverse()) {
    const drawn = codesOf(b, step, at, chooser);
    step.elements.forEach((e, i) => {
      if (e >= 0) position.set(e, next + i);
    });
    next += step.elements.length;
    codes = codes ? b.concat([codes, drawn], 0) : drawn;
  }
  return new Map(
    sites.map((s) => {
      const elements = Int32Array.from({ length: s.count }, (_, i) => s.base + i);
      return [s.anchor, b.add(at(elements), b.constant(s.least, "int"))];
    }),
  );
}

const missingValue = (): never => {
  throw new InternalError("an element that has no value yet");
};

function codesOf(b: Builder, step: Step, at: (elements: Int32Array) => Value, chooser: Chooser): Value {
  switch (step.kind) {
    case "table":
      return fromTable(b, step, at, chooser);
    case "chains":
      return fromChains(b, step, at, chooser);
    case "merged": {
      const { wholes, strides, sizes } = step;
      const integers = (values: Int32Array): Value => b.tensor(values, [values.length], "int");
      return b.imod(b.idiv(at(wholes), integers(strides)), integers(sizes));
    }
    default:
      return unreachable(step, "codesOf");
  }
}

function fromTable(b: Builder, step: TableStep, at: (elements: Int32Array) => Value, { noise, pick }: Chooser): Value {
  const { elements, neighbours, table } = step;
  const shape = shapeOf(table);
  const own = shape[shape.length - 1];
  const tables = sizeOf(shape.slice(1, -1));
  const isShared = shape[0] === 1 && elements.length > 1;
  let row = isShared
    ? b.constant(0, "int")
    : b.tensor(
        Float64Array.from({ length: elements.length }, (_, i) => i * tables),
        [elements.length],
        "int",
      );
  neighbours.forEach((around, k) => {
    row = b.add(row, b.mul(at(around), b.constant(sizeOf(shape.slice(k + 2, -1)), "int")));
  });
  const rows = b.reshape(table, [shape[0] * tables, own]);
  return pick(b.gather(rows, b.broadcastTo(row, [elements.length])), noise(elements.length));
}

/** From the last element of each chain to the first, given what stands beside it. */
function fromChains(b: Builder, step: ChainStep, at: (elements: Int32Array) => Value, { noise, pick }: Chooser): Value {
  const { length, count, combinations, values, beside, forward, mask, pair } = step;
  const integer = (x: number): Value => b.constant(x, "int");
  const chain = b.tensor(
    Int32Array.from({ length: count }, (_, c) => c),
    [count],
    "int",
  );
  // The combination that has been drawn for each chain.
  const { besides: shape } = step;
  const chosen = beside.reduce(
    (sum, elements, k) => b.add(sum, b.mul(at(elements), integer(sizeOf(shape.slice(k + 1))))),
    b.broadcastTo(integer(0), [count]),
  );
  /** Rows of [count or 1, combinations or 1, …] for the chains, laid one after the other. */
  const rowsFor = ([counts, each]: readonly number[]): Value => {
    const first = counts === 1 ? b.broadcastTo(integer(0), [count]) : b.mul(chain, integer(each));
    return each === 1 ? first : b.add(first, chosen);
  };
  const u = b.reshape(noise(length * count), [length, count]);
  const weights = (t: Value): Value =>
    b.gather(b.reshape(b.gather(forward, t), [count * combinations, values]), rowsFor([count, combinations]));
  const last = integer(length - 1);
  const end = b.cast(pick(weights(last), b.gather(u, last)), "real");
  const begin = b.concat([b.broadcastTo(b.constant(0), [length - 1, count]), b.reshape(end, [1, count])], 0);
  const [codes] = makeLoop(b, {
    steps: length - 1,
    states: [begin],
    ordinals: [Int32Array.from({ length: length - 1 }, (_, i) => length - 2 - i)],
    body({ states: [z], ordinals: [t] }) {
      const ahead = b.add(t, integer(1));
      const after = b.gather(z, ahead);
      const tables = b.transpose(pair(ahead), [0, 1, 3, 2]);
      const place = b.add(b.mul(rowsFor(shapeOf(tables)), integer(values)), b.cast(after, "int"));
      const given = b.gather(b.reshape(tables, [sizeOf(shapeOf(tables)) / values, values]), place);
      const drawn = b.cast(pick(b.add(weights(t), given), b.gather(u, t)), "real");
      // Behind its end a chain has the value of its end.
      const value = mask ? b.select(b.gather(mask, ahead), drawn, after) : drawn;
      return { writes: [{ state: 0, mode: "set", rows: length, at: t, value }] };
    },
  });
  return b.cast(b.reshape(codes, [length * count]), "int");
}

/** The number of partial sums that u, times their total, has passed. */
function inverted(b: Builder, logs: Value, u: Value): Value {
  const [count, values] = shapeOf(logs);
  if (values === 1) return b.broadcastTo(b.constant(0, "int"), [count]);
  const top = b.reshape(b.reduceMax(logs, [1]), [count, 1]);
  const sums = b.cumsum(b.exp(b.sub(logs, top)));
  const total = b.reshape(b.slice(sums, 1, values - 1, 1), [count]);
  const passed = b.ge(b.reshape(b.mul(u, total), [count, 1]), b.slice(sums, 1, 0, values - 1));
  return b.sum(b.cast(passed, "int"), [1]);
}

function firstBest(b: Builder, logs: Value): Value {
  const [count, values] = shapeOf(logs);
  const top = b.reshape(b.reduceMax(logs, [1]), [count, 1]);
  const range = b.tensor(
    Float64Array.from({ length: values }, (_, i) => i),
    [1, values],
    "int",
  );
  // No number anywhere: some value all the same.
  const last = b.constant(values - 1, "int");
  return b.reduceMin(b.select(b.eq(logs, top), b.broadcastTo(range, [count, values]), last), [1]);
}

/** For each site [elements, values]: the derivative of the log evidence by a weight of each value of each element is its probability. */
export function marginals(b: Builder, summed: Summed): Map<Value, Value> {
  const weights = summed.sites.map((s) => b.input(`(weights of ${s.name})`, { shape: [s.count, s.values], dtype: "real" }));
  const beside = summed.sites.map(
    (s, i): Group => ({
      table: weights[i],
      rows: s.count,
      elements: [Int32Array.from({ length: s.count }, (_, e) => s.base + e)],
      from: new Set(),
    }),
  );
  const { rests } = summed.again("sum", beside);
  const evidence = rests.reduce((sum, r) => b.add(sum, b.sum(r.value)), b.constant(0));
  const zeros = new Map(weights.map((w) => [w, b.broadcastTo(b.constant(0), shapeOf(w))]));
  const tables = substitute(b, gradient(b, evidence, weights), zeros);
  return new Map(summed.sites.map((s, i) => [s.anchor, tables[i]]));
}
