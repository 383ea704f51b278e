// flow(D, f, context = h): a base over real numbers, a net whose layers can be undone, and a vector that it follows.

import { real } from "../constraints/interval.ts";
import { compareDimensions, formatSize, type Size } from "../dimensions.ts";
import type { Argument, Call } from "../language/ast.ts";
import { anyNumber } from "../ranges.ts";
import type { Context } from "./context.ts";
import type { DistributionType } from "./distribution-type.ts";
import { inferDistribution, isDistributionCall } from "./distributions.ts";
import { infer } from "./expressions.ts";
import { placed } from "./nets.ts";
import { nameOf } from "./shape-messages.ts";
import { describeShape, inherited, type SymbolicShape, type ValueType } from "./value-type.ts";

const usage = "it is flow(D, f, context = h): a distribution, the name of a net, and what the net follows";

export function inferFlow(c: Context, call: Call): DistributionType | undefined {
  const { report } = c.session;
  const [first, second, ...more] = call.arguments.filter((a) => !a.name);
  const named = call.arguments.filter((a) => a.name);
  const other = named.find((a) => a.name?.name !== "context") ?? named[1] ?? more[0];
  if (other || !first || !second || !isDistributionCall(c, first.value)) {
    report.error("PPL206", (other ?? call).span, "flow is given something else than it takes", { label: usage });
    for (const a of call.arguments) look(c, a);
    return undefined;
  }
  const base = inferDistribution(c, first.value);
  const size = netSize(c, second);
  const context = named[0] && infer(c, named[0].value);
  if (context?.shape?.length === 0)
    report.error("PPL305", named[0].value.span, `${nameOf(c, named[0].value)} is a number`, {
      label: "context is a vector",
      notes: ["write [h] for a vector of one number"],
    });
  if (!base || size === undefined) return undefined;
  if (
    base.discrete ||
    base.range.lower > Number.NEGATIVE_INFINITY ||
    base.range.upper < Number.POSITIVE_INFINITY ||
    base.event === 2
  ) {
    report.error("PPL218", first.span, `${base.name} is not over all real numbers`, {
      label: "a flow begins at numbers or vectors without bounds",
      notes: ["write flow(Normal(0, 1), f)"],
    });
    return undefined;
  }
  if (!fits(c, first, base, size.size)) return undefined;
  const from = inherited(...(context ? [context] : []));
  return {
    name: `flow(${base.name})`,
    event: 1,
    batch: batchOf(base, context),
    eventShape: [size.size],
    constraint: real,
    range: anyNumber,
    discrete: false,
    declaredSupport: false,
    normalised: base.normalised,
    cdf: false,
    ccdf: false,
    quantile: false,
    affine: false,
    sampler: base.sampler,
    stage: "latent",
    varies: new Set([...base.varies, ...from.varies]),
  };
}

function look(c: Context, a: Argument): void {
  if (isDistributionCall(c, a.value)) inferDistribution(c, a.value);
  else if (a.value.kind === "name" && c.session.nets.has(a.value.name)) c.session.called.add(a.value.name);
  else infer(c, a.value);
}

/** How many numbers the net takes; undefined after a mistake. */
function netSize(c: Context, { value, span }: Argument): { readonly size: Size } | undefined {
  const { report } = c.session;
  const net = value.kind === "name" ? c.session.nets.get(value.name) : undefined;
  if (value.kind !== "name" || !net) {
    report.error("PPL225", span, `${nameOf(c, value)} is no net`, {
      label: "a flow goes through a net",
      notes: ["write net f = iaf(4, K) and flow(D, f)"],
    });
    return undefined;
  }
  c.session.called.add(value.name);
  const layers = placed(c, value.name);
  if (!layers) return undefined;
  const stuck = layers.find(({ layer }) => layer.kind === "function" || !layer.record.flow);
  if (stuck) {
    const { layer } = stuck;
    report.error("PPL225", span, `${value.name} is no flow`, {
      label: `${layer.kind === "function" ? layer.name : layer.record.name} on ${report.line(layer.span, span)} cannot be undone`,
      notes: ["flows are made of planar, iaf, coupling and spline"],
    });
    return undefined;
  }
  const [head] = layers;
  return { size: head?.layer.kind === "record" ? head.layer.arguments.size("size") : undefined };
}

/** The last axis of the base, where it has one, is what goes through the net. */
function fits(c: Context, at: Argument, base: DistributionType, size: Size): boolean {
  const own: SymbolicShape | undefined = base.event === 1 ? base.eventShape : base.batch?.slice(-1);
  const [given] = own ?? [];
  if (given === undefined || size === undefined || compareDimensions(given, size) !== "different") return true;
  c.session.report.error(
    "PPL312",
    at.span,
    `${base.name} gives ${describeShape(own ?? [])}, and the net takes ${formatSize(size)} numbers`,
  );
  return false;
}

function batchOf(base: DistributionType, context: ValueType | undefined): SymbolicShape | undefined {
  const own = base.event === 1 ? base.batch : base.batch?.slice(0, -1);
  const beside = context ? context.shape?.slice(0, -1) : [];
  if (own === undefined || beside === undefined) return undefined;
  return beside.length > own.length ? beside : own;
}
