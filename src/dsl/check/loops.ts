// The head of a loop, of a statement or of a comprehension: what its variable runs over.

import { atomDimension, constantOfDimension, minus, one, plus } from "../dimensions.ts";
import type { Expression, LoopIndex } from "../language/ast.ts";
import { anyNumber, range } from "../ranges.ts";
import type { Context } from "./context.ts";
import { inner } from "./context.ts";
import { infer } from "./expressions.ts";
import type { LoopFrame } from "./scope.ts";
import { isUnknown, knownAtBind, type Size, union, type ValueType } from "./value-type.ts";

export interface EnteredLoop {
  readonly context: Context;
  readonly frame: LoopFrame;
  /** Number of iterations. */
  readonly size: Size;
}

export function enterLoop(c: Context, loop: LoopIndex): EnteredLoop {
  const over = loop.over.kind === "range" ? rangeOver(c, loop, loop.over) : arrayOver(c, loop.over);
  const key = `${loop.variable.name}#${c.session.next++}`;
  const frame: LoopFrame = {
    key,
    name: loop.variable.name,
    span: loop.span,
    lower: over.lower,
    upper: over.upper,
    outside: c.scope,
  };
  const context = inner({ ...c, loops: [...c.loops, frame] });
  const type: ValueType = {
    dtype: "int",
    shape: [],
    range: over.range,
    stage: "data",
    value: atomDimension({ key, text: loop.variable.name, kind: "loop" }),
    varies: union(new Set([key]), over.varies),
  };
  const entry = context.scope.set({
    kind: "loop",
    name: loop.variable.name,
    span: loop.variable.span,
    type,
    used: false,
    loops: c.loops,
  });
  c.session.entries.push(entry);
  return { context, frame, size: over.size };
}

interface Over {
  readonly lower: Size;
  readonly upper: Size;
  readonly size: Size;
  readonly range: ValueType["range"];
  readonly varies: ReadonlySet<string>;
}
const nothing: Over = { lower: undefined, upper: undefined, size: undefined, range: anyNumber, varies: new Set() };

function rangeOver(c: Context, loop: LoopIndex, over: Extract<LoopIndex["over"], { kind: "range" }>): Over {
  const { report } = c.session;
  if (!over.lower || !over.upper) {
    report.error("PPL508", over.span, "this range has one end only", { label: "a loop needs both: 1..N" });
    return nothing;
  }
  const lower = bound(c, over.lower);
  const upper = bound(c, over.upper);
  const step = loop.by ? bound(c, loop.by) : undefined;
  const by = loop.by ? (step?.value ? constantOfDimension(step.value) : undefined) : 1;
  if (by === 0) report.error("PPL508", loop.by?.span ?? loop.span, "a loop by 0 never ends", { label: "must not be 0" });
  const facts = {
    range: range(Math.min(lower.range.lower, upper.range.lower), Math.max(lower.range.upper, upper.range.upper)),
    varies: union(lower.varies, upper.varies),
  };
  const [a, b] = [lower.value, upper.value];
  if (by === 1 && a && b && constantOfDimension(a) === undefined && (constantOfDimension(b) ?? 2) <= 1) {
    const text = report.text(over.span);
    report.warning("PPL512", over.span, `${text} is empty or one step long`, {
      label: "ranges count up",
      notes: [`to count down, write ${text} by -1`],
    });
  }
  if (by === 1) return { ...facts, lower: a, upper: b, size: a && b && lengthOf(a, b) };
  if (by === -1) return { ...facts, lower: b, upper: a, size: a && b && lengthOf(b, a) };
  return { ...facts, lower: by !== undefined && by > 0 ? a : undefined, upper: undefined, size: undefined };
}

/** b - a + 1; a range of literals that is empty has length 0. */
export function lengthOf(a: NonNullable<Size>, b: NonNullable<Size>): Size {
  const length = plus(minus(b, a), one);
  const constant = constantOfDimension(length);
  return constant !== undefined && constant < 0 ? minus(one, one) : length;
}

function bound(c: Context, e: Expression): ValueType {
  const { report } = c.session;
  const t = infer(c, e);
  if (isUnknown(t)) return t;
  if (t.shape?.length !== 0 || t.dtype === "real") {
    report.error("PPL207", e.span, `${report.text(e.span)} is ${t.shape?.length === 0 ? "a real number" : "an array"}`, {
      label: "the bound of a loop is an integer",
    });
  } else if (!knownAtBind(t.stage)) {
    report.error("PPL508", e.span, `${report.text(e.span)} is not known before the model runs`, {
      label: "the bound of a loop must be known from the data",
    });
  }
  return t;
}

/** for c in county: the elements of an integer array. */
function arrayOver(c: Context, e: Expression): Over {
  const { report } = c.session;
  const t = infer(c, e);
  if (isUnknown(t)) return nothing;
  if (t.shape?.length !== 1 || t.dtype === "real") {
    report.error(
      "PPL207",
      e.span,
      `${report.text(e.span)} is ${t.shape?.length === 0 ? "a number" : t.dtype === "real" ? "made of real numbers" : "no vector"}`,
      {
        label: "a loop runs over a range or a vector of integers",
        notes: t.shape?.length === 0 ? [`write 1..${report.text(e.span)}`] : undefined,
      },
    );
    return nothing;
  }
  if (!knownAtBind(t.stage)) {
    report.error("PPL508", e.span, `${report.text(e.span)} is not known before the model runs`, {
      label: "what a loop runs over must be known from the data",
    });
  }
  return { ...nothing, size: t.shape[0], range: t.range, varies: t.varies };
}
