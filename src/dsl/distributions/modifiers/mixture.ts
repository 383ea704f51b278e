// mixture(w, D1, D2, …), and mixture(w, D) with components along the last axis of D's arguments.
import { InternalError, ShapeError, UsageError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { constantOf, dtypeOf, shapeOf } from "../../../runtime/ir/graph.ts";
import type { Shape } from "../../../runtime/ir/type.ts";
import { broadcastShapes } from "../../../runtime/ir/type.ts";
import { categorical } from "../../../runtime/numeric/samplers.ts";
import type { Bounds, Constraint } from "../../constraints/define.ts";
import { real } from "../../constraints/interval.ts";
import { simplex } from "../../constraints/simplex.ts";
import { hull as hullOfRanges } from "../../ranges.ts";
import type { Applied, Argument } from "../applied.ts";
import { type DistributionFacts, type Modifier, noClosedForms } from "./define.ts";
import { type HostSampler, hostSampler } from "./host.ts";
import { knownOrder, logDensityInside, logTail } from "./sides.ts";

const lastOf = (v: Value): number => shapeOf(v)[shapeOf(v).length - 1];

/** log Σ_k w_k f_k(x) */
function mixed(w: Value, parts: readonly Applied[]): Applied {
  const [first] = parts;
  if (shapeOf(w).length === 0 || lastOf(w) !== parts.length) {
    throw new ShapeError(
      `mixture has ${parts.length} components and ${shapeOf(w).length === 0 ? "one weight" : `${lastOf(w)} weights`}`,
    );
  }
  for (const d of parts) {
    if (d.event !== first.event || d.support.constraint.discrete !== first.support.constraint.discrete) {
      throw new UsageError(`a mixture of ${first.name} and ${d.name}: its components are not of one kind`);
    }
  }
  const starts = parts.map((_, k) => 1 + parts.slice(0, k).reduce((n, d) => n + d.arguments.length, 0));
  const part = <T>(values: readonly T[], k: number): readonly T[] =>
    values.slice(starts[k], starts[k] + parts[k].arguments.length);
  const weight = (b: Builder, v: Value, k: number): Value => {
    const axis = shapeOf(v).length - 1;
    return b.reshape(b.slice(v, axis, k, 1), shapeOf(v).slice(0, axis));
  };
  /** log Σ_k w_k e^{f_k} */
  const weighted = (b: Builder, f: (d: Applied) => Value): Value => {
    const logW = b.log(w);
    return parts.map((d, k) => b.add(weight(b, logW, k), f(d))).reduce((p, q) => b.logAddExp(p, q));
  };
  const tail = (side: "logCdf" | "logCcdf"): Applied["logCdf"] =>
    parts.every((d) => d[side]) ? (b, x) => weighted(b, (d) => tailOf(b, d, side, x, parts)) : undefined;
  const draws = parts.map((d) => d.draw);
  const allDraw = draws.every((d) => d !== undefined);
  return {
    name: `mixture(${[...new Set(parts.map((d) => d.name))].join(", ")})`,
    event: first.event,
    eventShape: parts.find((d) => d.eventShape !== null)?.eventShape ?? null,
    batchShape: broadcastShapes(shapeOf(w).slice(0, -1), ...parts.map((d) => d.batchShape)),
    support: {
      constraint: commonConstraint(parts),
      declared: false,
      bounds: (b) =>
        hull(
          b,
          parts.map((d) => d.support.bounds(b)),
        ),
    },
    arguments: [{ name: "w", value: w, rank: 1 }, ...parts.flatMap((d) => d.arguments)],
    withArguments: (values) =>
      mixed(
        values[0],
        parts.map((d, k) => d.withArguments(part(values, k))),
      ),
    logDensity: (b, x) => weighted(b, (d) => inSupport(b, d, x, parts)),
    logCdf: tail("logCdf"),
    logCcdf: tail("logCcdf"),
    draw: allDraw
      ? {
          gradient: "score",
          noise: (shape) => [
            { kind: "uniform", shape: shape.slice(0, shape.length - first.event) },
            ...draws.flatMap((d) => d?.noise(shape) ?? []),
          ],
          build(b, [u, ...noise], shape) {
            let at = 0;
            const events = draws.map((d) => {
              const n = d?.noise(shape).length ?? 0;
              at += n;
              return d?.build(b, noise.slice(at - n, at), shape) ?? u;
            });
            const sums = b.cumsum(w);
            const scaled = b.mul(u, weight(b, sums, parts.length - 1));
            const wide = (v: Value): Value => b.reshape(v, [...shapeOf(v), ...new Array<number>(first.event).fill(1)]);
            return events.reduceRight((rest, e, k) => b.select(wide(b.lt(scaled, weight(b, sums, k))), e, rest));
          },
        }
      : undefined,
    sample: allDraw ? undefined : pickOne(parts.map(hostSampler), part),
    normalised: parts.every((d) => d.normalised),
    notes: parts.flatMap((d) => d.notes),
  };
}
function pickOne(
  hosts: readonly (HostSampler | undefined)[],
  part: <T>(values: readonly T[], k: number) => readonly T[],
): HostSampler | undefined {
  if (hosts.some((h) => h === undefined)) return undefined;
  return (rng, values, out) => {
    const k = categorical(rng, values[0]);
    if (Number.isNaN(k)) return void out.fill(Number.NaN);
    hosts[k]?.(rng, part(values, k), out);
  };
}

const isOneSupport = (b: Builder, d: Applied, parts: readonly Applied[]): boolean => {
  const own = d.support.bounds(b);
  return parts.every((o) => sameBounds(o.support.bounds(b), own));
};
const sameBounds = (p: Bounds<Value>, q: Bounds<Value>): boolean => p.lower === q.lower && p.upper === q.upper;
/** The component's log density, -inf outside its support where other components reach further. */
function inSupport(b: Builder, d: Applied, x: Value, parts: readonly Applied[]): Value {
  if (d.event !== 0 || isOneSupport(b, d, parts)) return d.logDensity(b, x);
  return logDensityInside(b, d, b.cast(x, "real"), d.support.bounds(b));
}
/** The component's tail, 0 or 1 outside its support where other components reach further. */
function tailOf(b: Builder, d: Applied, side: "logCdf" | "logCcdf", x: Value, parts: readonly Applied[]): Value {
  const log = isOneSupport(b, d, parts) ? d[side]?.(b, x) : logTail(b, d, side, b.cast(x, "real"));
  if (!log) throw new InternalError(`${d.name} lost its distribution function`);
  return log;
}
function commonConstraint(parts: readonly Applied[]): Constraint {
  const [first] = parts;
  const same = parts.every((d) => d.support.constraint === first.support.constraint);
  return same || first.support.constraint.event > 0 || first.support.constraint.discrete ? first.support.constraint : real;
}
function hull(b: Builder, all: readonly Bounds<Value>[]): Bounds<Value> {
  const side = (pick: (p: Bounds<Value>) => Value | undefined, lower: boolean): Value | undefined => {
    const bounds = all.map(pick);
    if (bounds.some((v) => v === undefined)) return undefined;
    return bounds.reduce((p, q) => {
      if (!p || !q || p === q) return p;
      if (knownOrder(p, q)) return lower ? p : q;
      if (knownOrder(q, p)) return lower ? q : p;
      return lower ? b.min(p, q) : b.max(p, q);
    });
  };
  return { lower: side((p) => p.lower, true), upper: side((p) => p.upper, false) };
}

/** Components along the last batch axis of the arguments of one distribution. */
function stacked(b: Builder, w: Value, d: Applied): Applied {
  const size = shapeOf(w).length === 0 ? 1 : lastOf(w);
  if (d.batchShape.length === 0)
    throw new UsageError(`mixture(w, ${d.name}(…)) takes its components from the last axis of the arguments, and they have none`);
  const have = d.batchShape[d.batchShape.length - 1];
  if (have !== size) throw new ShapeError(`mixture has ${have} components and ${size} weights`);
  // Every argument gets the axis, so that one event's arguments are [K, …].
  const args = d.arguments.map((a) => {
    const shape = shapeOf(a.value);
    const batch = shape.slice(0, shape.length - a.rank);
    const event = shape.slice(batch.length);
    if (batch.length > 0 && batch[batch.length - 1] === size) return a.value;
    return b.broadcastTo(batch.length === 0 ? b.reshape(a.value, [1, ...event]) : a.value, [
      ...batch.slice(0, -1),
      size,
      ...event,
    ]);
  });
  return along(w, d.withArguments(args), size);
}
function along(w: Value, d: Applied, size: number): Applied {
  const args: Argument[] = d.arguments.map((a) => ({ ...a, rank: a.rank + 1 }));
  const { draw } = d;
  const host = hostSampler(d);
  const batchOf = (shape: Shape): Shape => shape.slice(0, shape.length - d.event);
  /** log Σ_k w_k e^{f(x)[…, k]}, f of x with an axis for the components behind its batch. */
  const weighted = (b: Builder, x: Value, f: (apart: Value) => Value): Value => {
    const shape = shapeOf(x);
    const batch = batchOf(shape);
    const terms = b.add(b.log(w), f(b.reshape(x, [...batch, 1, ...shape.slice(batch.length)])));
    return b.logSumExp(terms, [shapeOf(terms).length - 1]);
  };
  const supportVaries = (b: Builder): boolean => {
    const own = d.support.bounds(b);
    return d.event === 0 && [own.lower, own.upper].some((v) => v !== undefined && shapeOf(v).length > 0);
  };
  const tail = (side: "logCdf" | "logCcdf"): Applied["logCdf"] => {
    const own = d[side];
    if (!own) return undefined;
    return (b, x) => weighted(b, x, (apart) => (supportVaries(b) && logTail(b, d, side, b.cast(apart, "real"))) || own(b, apart));
  };
  return {
    name: `mixture(${d.name})`,
    event: d.event,
    eventShape: d.eventShape,
    batchShape: broadcastShapes(shapeOf(w).slice(0, -1), d.batchShape.slice(0, -1)),
    support: {
      ...d.support,
      total: undefined,
      bounds(b) {
        const { lower, upper } = d.support.bounds(b);
        const over = (v: Value | undefined, reduce: Builder["reduceMin"]): Value | undefined =>
          v && shapeOf(v).length > 0 && lastOf(v) === size && !constantOf(v)?.every((c) => c === constantOf(v)?.[0])
            ? reduce(v, [shapeOf(v).length - 1])
            : v && shapeOf(v).length > 0
              ? b.reshape(b.slice(v, shapeOf(v).length - 1, 0, 1), shapeOf(v).slice(0, -1))
              : v;
        return { lower: over(lower, b.reduceMin), upper: over(upper, b.reduceMax) };
      },
    },
    arguments: [{ name: "w", value: w, rank: 1 }, ...args],
    withArguments: ([v, ...rest]) => along(v, d.withArguments(rest), size),
    logDensity: (b, x) =>
      weighted(b, x, (apart) => {
        const own = d.support.bounds(b);
        return supportVaries(b) ? logDensityInside(b, d, b.cast(apart, "real"), own) : d.logDensity(b, apart);
      }),
    logCdf: tail("logCdf"),
    logCcdf: tail("logCcdf"),
    draw: draw && {
      gradient: "score",
      noise: (shape) => {
        const batch = batchOf(shape);
        return [{ kind: "uniform", shape: batch }, ...draw.noise([...batch, size, ...shape.slice(batch.length)])];
      },
      build(b, [u, ...noise], shape) {
        const batch = batchOf(shape);
        const events = draw.build(b, noise, [...batch, size, ...shape.slice(batch.length)]);
        const sums = b.cumsum(w);
        const axis = shapeOf(sums).length - 1;
        const scaled = b.mul(u, b.reshape(b.slice(sums, axis, size - 1, 1), shapeOf(sums).slice(0, axis)));
        const passed = b.ge(b.reshape(b.broadcastTo(scaled, batch), [...batch, 1]), b.slice(sums, axis, 0, size - 1));
        const index = b.sum(b.cast(passed, "int"), [batch.length]);
        const full = b.broadcastTo(events, [...batch, size, ...shape.slice(batch.length)]);
        return b.cast(b.gather(full, index, batch.length), dtypeOf(events));
      },
    },
    sample: draw
      ? undefined
      : host &&
        ((rng, [weights, ...values], out) => {
          const k = categorical(rng, weights);
          if (Number.isNaN(k)) return void out.fill(Number.NaN);
          const one = values.map((v) => {
            const n = v.length / size;
            return v.subarray(k * n, (k + 1) * n);
          });
          host(rng, one, out);
        }),
    normalised: d.normalised,
    notes: d.notes,
  };
}

export const mixtureModifier: Modifier = {
  name: "mixture",
  doc: "One of several distributions, chosen with probabilities w: sum over k of w[k] f_k(x).",
  usage: "mixture(w, D) or mixture(w, D1, D2, …)",
  parameters: [{ name: "w", doc: "probabilities of the components", constraint: simplex, rank: 1 }],
  bases: "several",
  over: "anything",
  components: "w",
  check(judge, bases, { w }) {
    if (w.rank === 0) {
      const text = w.text("p");
      judge.reject(
        w.span,
        "PPL305",
        `${w.text("this")} is a number`,
        "mixture needs a vector of weights that sum to 1",
        bases.length === 2 ? [`write mixture([${text}, 1 - ${text}], …)`] : undefined,
      );
      return undefined;
    }
    const [first] = bases;
    const odd = bases.find((d) => d.event !== first.event || d.discrete !== first.discrete);
    if (odd) {
      const label = "the components of a mixture have one kind of values";
      judge.reject(odd.span, "PPL218", `${odd.name} and ${first.name} are over different sets`, label);
      return undefined;
    }
    const dense = bases.find((d) => d.noDensity === undefined);
    const point = bases.find((d) => d.noDensity !== undefined);
    if (dense && point) {
      judge.reject(point.span, "PPL218", `${point.name} has no density, and ${dense.name} has`, point.noDensity ?? "");
      return undefined;
    }
    const every = (f: (d: DistributionFacts) => boolean): boolean => bases.every(f);
    return {
      ...noClosedForms,
      range: bases.map((d) => d.range).reduce(hullOfRanges, first.range),
      normalised: every((d) => d.normalised),
      declaredSupport: false,
      cdf: every((d) => d.cdf),
      ccdf: every((d) => d.ccdf),
      sampler: every((d) => d.sampler),
      noDensity: bases.find((d) => d.noDensity)?.noDensity,
    };
  },
  apply: (b, parts, { w }) => (parts.length === 1 ? stacked(b, w, parts[0]) : mixed(w, parts)),
};
