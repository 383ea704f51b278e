// An initial value problem as a loop: a turn tries a step, and writes the solution where the step ends at one of the times. Steps are chosen by
// the error of the step before and of the one before that (Gustafsson 1991; Hairer, Nørsett & Wanner 1993, II.4, and their code DOPRI5).
import { unreachable } from "../../errors.ts";
import { vectorize } from "../batch.ts";
import { type Builder, shapeOf, type Value } from "../graph.ts";
import { instantiate } from "../loop/body.ts";
import { makeLoop, symbol, type WrittenState } from "../loop/make.ts";
import { dopri5Order, dopri5Step } from "./dopri5.ts";
import type { OdeMethod } from "./methods.ts";
import type { OdeAttrs } from "./ode.ts";
import { Pieces } from "./pieces.ts";
import { rosenbrockOrder, rosenbrockStep } from "./rosenbrock.ts";
import type { Step, StepFrom } from "./step.ts";

/** Of the size that the error asks for. */
const SAFETY = 0.9;
const MOST_GROWTH = 10;
const LEAST_GROWTH = 0.2;
/** Weight of the error before. */
const BETA = 0.04;
const LEAST_LOG_ERROR = -9.210340371976182; // log 1e-4
/** Steps shorter than this beside t do not change it; at 0, where every step does, beside the next of the times, squared. */
const LEAST_STEP = 16 * Number.EPSILON;
/** The first step, in such. */
const LEAST_FIRST = 100 * LEAST_STEP;
/** A step that would end this near to a time, in steps, ends there. */
const NEAR = 1.1;
/** Turns that a loop can count. */
const MOST_TURNS = 268_435_456;

export function solve(b: Builder, inputs: readonly Value[], attrs: OdeAttrs): Value {
  const { copies, body } = attrs;
  const [, t0, ts] = inputs;
  const size = shapeOf(body.params[1])[0];
  const of = (i: number): boolean => copies?.of[i] ?? false;
  const rows = shapeOf(ts)[of(2) ? 1 : 0];
  const count = copies?.count ?? 1;
  const shape = [...(copies ? [count] : []), rows, size];
  if (rows === 0 || size === 0 || count === 0) return b.broadcastTo(b.constant(0), shape);
  const pieces = new Pieces(b, attrs.pieces);
  const start = begin(b, inputs, attrs, pieces);
  const one = b.constant(1);
  const none = b.constant(Number.NaN);
  const zero = b.constant(0);
  const controlled = pieces.upTo(attrs.controlled);

  /** Of the values of all copies that of one. */
  const ofCopy = (v: Value, isOwn: boolean, copy: Value | null): Value => (isOwn && copy !== null ? b.gather(v, copy) : v);
  const startOf = (copy: Value | null): StartOf => ({
    y: start.y.map((v) => ofCopy(v, start.batched.y, copy)),
    slope: start.slope.map((v) => ofCopy(v, start.batched.slope, copy)),
    h: ofCopy(start.h, start.batched.h, copy),
    t: ofCopy(t0, of(1), copy),
  });
  const first = startOf(copies ? b.constant(0, "int") : null);
  const states = {
    out: b.broadcastTo(none, [count * rows, size]),
    t: first.t,
    h: first.h,
    /** The logarithm of the error of the step before. */
    past: b.constant(LEAST_LOG_ERROR),
    /** Which of the times comes next, and how many steps were tried since the one before. */
    row: zero,
    tried: zero,
    /** 1 after a step that was not accepted. */
    failed: zero,
    copy: zero,
  };
  const names = Object.keys(states) as (keyof typeof states)[];
  const initial = [...names.map((n) => states[n]), ...first.y, ...first.slope];

  const [out] = makeLoop(b, {
    steps: Math.min(MOST_TURNS, count * rows * attrs.steps),
    states: initial,
    ordinals: [],
    body({ states: given }) {
      const at = Object.fromEntries(names.map((n, i) => [n, given[i]])) as Record<keyof typeof states, Value>;
      const y = given.slice(names.length, names.length + attrs.pieces.length);
      const slope = given.slice(names.length + attrs.pieces.length);
      const row = b.cast(at.row, "int");
      const copy = copies ? b.cast(at.copy, "int") : null;
      const frees = inputs.slice(3).map((f, i) => ofCopy(f, of(3 + i), copy));
      const slopeAt = (t: Value, v: Value): Value => instantiate(b, body, [t, v, ...frees])[0];

      const time = b.gather(ofCopy(ts, of(2), copy), row);
      const rest = b.sub(time, at.t);
      const lands = b.le(rest, b.mul(b.constant(NEAR), at.h));
      const shortened = b.select(b.lt(rest, b.mul(b.constant(2), at.h)), b.mul(b.constant(0.5), rest), at.h);
      const h = b.select(lands, rest, shortened);
      const step = stepOf(b, attrs, pieces, { t: at.t, h, y, slope, slopeAt, controlled });
      const error = relativeError(b, attrs, pieces, y, step);
      // A time before the present one is never reached.
      const accepted = b.and(b.le(error.value, one), b.ge(rest, zero));

      const choice = nextSize(b, error, { h, proposed: at.h, past: at.past, failed: at.failed, accepted }, orders[attrs.method]);
      const arrived = b.and(accepted, lands);
      const t = b.select(accepted, b.select(lands, time, b.add(at.t, h)), at.t);
      const tried = b.add(at.tried, one);
      const floor = b.mul(b.constant(LEAST_STEP), b.max(b.abs(at.t), b.mul(b.constant(LEAST_STEP), b.abs(time))));
      // NaN is not larger than anything.
      const goesOn = b.and(b.and(b.gt(choice.h, floor), b.ge(rest, zero)), b.lt(tried, b.constant(attrs.steps)));
      const fails = b.and(b.not(arrived), b.not(goesOn));
      const ends = b.or(fails, b.and(arrived, b.ge(b.add(at.row, one), b.constant(rows))));

      const place = copies ? b.add(b.mul(b.cast(at.copy, "int"), b.constant(rows, "int")), row) : row;
      const isLast = copies ? b.ge(b.add(at.copy, one), b.constant(count)) : null;
      const following = copies ? b.select(b.or(b.not(ends), isLast!), at.copy, b.add(at.copy, one)) : at.copy;
      const fresh = copies ? startOf(b.cast(following, "int")) : null;
      /** What the next turn begins with: the next copy begins afresh. */
      const carried = (v: Value, anew: Value | undefined): Value => (fresh && anew ? b.select(ends, anew, v) : v);
      const kept = (after: readonly Value[], before: readonly Value[], anew: readonly Value[] | undefined): Value[] =>
        after.map((v, i) => carried(b.select(accepted, v, before[i]), anew?.[i]));
      const value = pieces.join(step.next.map((v) => b.select(arrived, v, none)));
      const next: Record<Exclude<keyof typeof states, "out">, Value> = {
        t: carried(t, fresh?.t),
        h: carried(choice.h, fresh?.h),
        past: carried(choice.past, b.constant(LEAST_LOG_ERROR)),
        row: carried(b.select(arrived, b.add(at.row, one), at.row), zero),
        tried: carried(b.select(arrived, zero, tried), zero),
        failed: carried(b.select(accepted, zero, one), zero),
        copy: following,
      };
      const writes: WrittenState[] = [
        { state: 0, mode: "set", rows: count * rows, at: place, value: b.reshape(value, [1, size]) },
      ];
      const set = (state: number, v: Value): void => {
        writes.push({ state, mode: "set", rows: 1, value: v });
      };
      names.forEach((n, i) => {
        if (n !== "out") set(i, next[n]);
      });
      [...kept(step.next, y, fresh?.y), ...kept(step.slopes, slope, fresh?.slope)].forEach((v, i) => set(names.length + i, v));
      return { writes, stop: isLast ? b.and(ends, isLast) : ends };
    },
  });
  return b.reshape(out, shape);
}

interface StartOf {
  readonly y: readonly Value[];
  readonly slope: readonly Value[];
  readonly h: Value;
  readonly t: Value;
}

function stepOf(b: Builder, attrs: OdeAttrs, pieces: Pieces, from: StepFrom): Step {
  switch (attrs.method) {
    case "dopri5":
      return dopri5Step(b, pieces, from);
    case "rosenbrock":
      return rosenbrockStep(b, attrs, pieces, from);
    default:
      return unreachable(attrs.method, "method");
  }
}
const orders: Readonly<Record<OdeMethod, number>> = { dopri5: dopri5Order, rosenbrock: rosenbrockOrder };

/** max_i |error_i| / (atol + rtol max(|before_i|, |after_i|)) with its logarithm. */
function relativeError(
  b: Builder,
  { rtol, atol }: OdeAttrs,
  pieces: Pieces,
  before: readonly Value[],
  { errors, next }: Step,
): { readonly value: Value; readonly log: Value } {
  const parts = errors.map((e, i) => {
    const scale = b.add(b.constant(atol), b.mul(b.constant(rtol), b.max(b.abs(before[i]), b.abs(next[i]))));
    return b.div(b.abs(e), scale);
  });
  const value = pieces.largest(parts);
  return { value, log: b.log(value) };
}

/** The next step: h · 0.9 error^-α past^β after one that was accepted, h · 0.9 error^-α after one that was not, within limits. */
function nextSize(
  b: Builder,
  error: { readonly value: Value; readonly log: Value },
  { h, proposed, past, failed, accepted }: { h: Value; proposed: Value; past: Value; failed: Value; accepted: Value },
  order: number,
): { readonly h: Value; readonly past: Value } {
  const alpha = 1 / (order + 1) - 0.75 * BETA;
  const one = b.constant(1);
  const exponent = b.sub(b.select(accepted, b.mul(b.constant(BETA), past), b.constant(0)), b.mul(b.constant(alpha), error.log));
  const growth = b.mul(b.constant(SAFETY), b.exp(exponent));
  // What is NaN was far too long.
  const bounded = b.select(b.gt(growth, b.constant(LEAST_GROWTH)), growth, b.constant(LEAST_GROWTH));
  // After a failure no step grows.
  const most = b.select(b.and(accepted, b.eq(failed, b.constant(0))), b.constant(MOST_GROWTH), one);
  const factor = b.min(bounded, most);
  const grown = b.mul(h, factor);
  // A step that was shortened to end at a time says nothing against the longer one.
  const longer = b.and(b.and(accepted, b.ge(factor, one)), b.gt(proposed, grown));
  return {
    h: b.select(longer, proposed, grown),
    past: b.select(accepted, b.max(error.log, b.constant(LEAST_LOG_ERROR)), past),
  };
}

/** The components as they begin, their slopes, and the first step (Hairer, Nørsett & Wanner 1993, II.4), of all copies at once. */
function begin(b: Builder, inputs: readonly Value[], attrs: OdeAttrs, pieces: Pieces) {
  const { copies, body, tail, rtol, atol, method } = attrs;
  const size = shapeOf(body.params[1])[0];
  const one = inputs.map((v, i) =>
    copies?.of[i] ? symbol(b, { dtype: v.node.results[v.index].dtype, shape: shapeOf(v).slice(1) }) : v,
  );
  const [y0, t0, ts, ...frees] = one;
  const y = pieces.split(tail.length === 0 ? y0 : b.concat([y0, b.tensor(Float64Array.from(tail), [tail.length])], 0));
  const slopeAt = (t: Value, v: readonly Value[]): Value[] =>
    pieces.split(instantiate(b, body, [t, pieces.join(v), ...frees])[0]);
  const slope = slopeAt(t0, y);
  const controlled = pieces.upTo(attrs.controlled);
  const scale = y.slice(0, controlled).map((v) => b.add(b.constant(atol), b.mul(b.constant(rtol), b.abs(v))));
  const norm = (vs: readonly Value[]): Value => pieces.largest(scale.map((s, i) => b.div(b.abs(vs[i]), s)));
  const [d0, d1] = [norm(y), norm(slope)];
  const small = (v: Value, bound: number): Value => b.lt(v, b.constant(bound));
  const byStart = b.select(b.or(small(d0, 1e-5), small(d1, 1e-5)), b.constant(1e-6), b.div(b.mul(b.constant(0.01), d0), d1));
  // The slope is never asked for behind the last of the times.
  const span = b.sub(b.gather(ts, b.constant(shapeOf(ts)[0] - 1, "int")), t0);
  const guess = b.select(b.and(b.gt(span, b.constant(0)), b.gt(byStart, span)), span, byStart);
  const ahead = slopeAt(
    b.add(t0, guess),
    y.map((v, i) => b.add(v, b.mul(guess, slope[i]))),
  );
  const d2 = b.div(norm(scale.map((_, i) => b.sub(ahead[i], slope[i]))), guess);
  const bend = b.max(d1, d2);
  const byBend = b.pow(b.div(b.constant(0.01), bend), b.constant(1 / (orders[method] + 1)));
  const h1 = b.select(small(bend, 1e-15), b.max(b.constant(1e-6), b.mul(b.constant(1e-3), guess)), byBend);
  const usual = b.min(b.mul(b.constant(100), guess), h1);
  // Where the guess is too far for a slope, the step is tried, refused and made shorter, as any other.
  const h = b.max(b.select(b.ne(bend, bend), guess, usual), b.mul(b.constant(LEAST_FIRST), b.abs(t0)));
  const roots = [...y, ...slope, h];
  if (copies === null) return { y, slope, h, batched: { y: false, slope: false, h: false }, size };
  const replaced = new Map(one.flatMap((v, i): [Value, Value][] => (copies.of[i] ? [[v, inputs[i]]] : [])));
  const all = vectorize(b, roots, replaced, copies.count);
  const values = all.values.map((v, i) =>
    all.batched[i] ? v : b.broadcastTo(b.reshape(v, [1, ...shapeOf(v)]), [copies.count, ...shapeOf(v)]),
  );
  return {
    y: values.slice(0, y.length),
    slope: values.slice(y.length, 2 * y.length),
    h: values[2 * y.length],
    batched: { y: true, slope: true, h: true },
    size,
  };
}
