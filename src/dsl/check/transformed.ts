// truncated, censored, mixture, rounded, inflated: distributions made of distributions.
import { unreachable } from "../../runtime/errors.ts";
import type { Argument, Call, Expression } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { compareDimensions, constantDimension } from "./dimensions.ts";
import type { DistributionType } from "./distribution-type.ts";
import { inferDistribution, isDistributionCall } from "./distributions.ts";
import { infer } from "./expressions.ts";
import { checkNormaliser } from "./normaliser.ts";
import { hull, intersect, point, range } from "./ranges.ts";
import { nameOf } from "./shape-messages.ts";
import { checkSupport } from "./supports.ts";
import type { Transformer } from "./transformers.ts";
import {
  describeShape,
  inherited,
  isUnknown,
  joinShapes,
  joinSizes,
  laterStage,
  type SymbolicShape,
  union,
  type ValueType,
} from "./value-type.ts";

interface Parts {
  readonly numbers: readonly { readonly at: Expression; readonly type: ValueType }[];
  readonly bases: readonly { readonly at: Call; readonly type: DistributionType }[];
  readonly named: ReadonlyMap<string, { readonly at: Expression; readonly type: ValueType }>;
}

export function inferTransformer(c: Context, t: Transformer, call: Call): DistributionType | undefined {
  const parts = takeApart(c, t, call);
  if (!parts) return undefined;
  const name = `${t.name}(${parts.bases.map((b) => b.type.name).join(", ")})`;
  switch (t.positional[0]) {
    case "distribution":
      return t.named.includes("to")
        ? rounded(c, name, parts)
        : t.named.includes("left")
          ? censored(c, name, parts)
          : truncated(c, name, parts, call);
    case "number":
      return t.positional[1] === "distributions" ? mixture(c, name, parts, call) : inflated(c, name, parts);
    default:
      return unreachable(t.positional[0] as never, "transformer");
  }
}

/** Distributions and numbers among the arguments, in the order that the transformer wants. */
function takeApart(c: Context, t: Transformer, call: Call): Parts | undefined {
  const { report } = c.session;
  const numbers: { at: Expression; type: ValueType }[] = [];
  const bases: { at: Call; type: DistributionType }[] = [];
  const named = new Map<string, { at: Expression; type: ValueType }>();
  let good = true;
  const fail = (a: { readonly span: Argument["span"] }, message: string): void => {
    report.error("PPL206", a.span, message, { label: `it is ${t.usage}` });
    good = false;
  };
  const positional: Argument[] = [];
  for (const a of call.arguments) {
    if (!a.name) {
      positional.push(a);
    } else if (!t.named.includes(a.name.name)) {
      fail(a.name, `${t.name} has no argument ${a.name.name}`);
      infer(c, a.value);
    } else if (isDistributionCall(c, a.value)) {
      fail(a, `${a.name.name} is a number, not a distribution`);
    } else {
      named.set(a.name.name, { at: a.value, type: infer(c, a.value) });
    }
  }
  const several = t.positional[t.positional.length - 1] === "distributions";
  positional.forEach((a, i) => {
    const want = t.positional[Math.min(i, t.positional.length - 1)];
    if (i >= t.positional.length && !several) {
      fail(
        a,
        t.named.length > 0 && want === "distribution"
          ? `${t.name} takes its bounds by name`
          : `${t.name} is given too many arguments`,
      );
      if (!isDistributionCall(c, a.value)) infer(c, a.value);
    } else if (want === "number") {
      if (isDistributionCall(c, a.value)) fail(a, `${nameOf(c, a.value)} is a distribution, and a number belongs here`);
      else numbers.push({ at: a.value, type: infer(c, a.value) });
    } else if (a.value.kind !== "call" || !readsAsDistribution(c, a.value)) {
      fail(a, `${nameOf(c, a.value)} is no distribution`);
      infer(c, a.value);
    } else {
      const type = inferDistribution(c, a.value);
      if (type) bases.push({ at: a.value, type });
      else good = false;
    }
  });
  if (good && positional.length < t.positional.length) fail(call, `${t.name} is not given all that it needs`);
  if (good && t.needsOne && named.size === 0) fail(call, `${t.name} is given no ${t.named.join(" and no ")}`);
  return good ? { numbers, bases, named } : undefined;
}

/** A known distribution, or a capitalised name that inferDistribution will say is none. */
const readsAsDistribution = (c: Context, call: Call): boolean => /^[A-Z]/.test(call.callee.name) || isDistributionCall(c, call);

/** The base with other facts; the shapes of further numbers join its batch. */
function around(
  c: Context,
  name: string,
  base: { readonly at: Call; readonly type: DistributionType },
  numbers: readonly { readonly at: Expression; readonly type: ValueType }[],
): DistributionType {
  let batch = base.type.batch;
  for (const n of numbers) {
    const joined = joinShapes(batch, n.type.shape);
    if (joined === "misfit") {
      c.session.report.error(
        "PPL301",
        n.at.span,
        `${nameOf(c, n.at)} is ${describeShape(n.type.shape ?? [])}, ${nameOf(c, base.at, "the distribution")} ${describeShape(batch ?? [])}`,
        {
          label: `what stands in ${name} needs equal shapes, or be numbers`,
        },
      );
      batch = undefined;
    } else batch = joined;
  }
  const more = inherited(...numbers.map((n) => n.type));
  return {
    ...base.type,
    name,
    batch,
    stage: laterStage(base.type.stage, more.stage),
    varies: union(base.type.varies, more.varies),
    affine: false,
    symmetricAbout: undefined,
  };
}

function needsNumbers(c: Context, what: string, base: { readonly at: Call; readonly type: DistributionType }): boolean {
  if (base.type.event === 0) return true;
  c.session.report.error("PPL218", base.at.span, `${base.type.name} is over ${base.type.event === 1 ? "vectors" : "matrices"}`, {
    label: `${what} is for distributions of numbers`,
  });
  return false;
}

function truncated(c: Context, name: string, { bases: [base], named }: Parts, call: Call): DistributionType | undefined {
  if (!needsNumbers(c, "truncated", base)) return undefined;
  const lower = named.get("lower");
  const upper = named.get("upper");
  const cut = range(lower?.type.range.lower ?? Number.NEGATIVE_INFINITY, upper?.type.range.upper ?? Number.POSITIVE_INFINITY);
  const bounds = [...named.values()];
  const stage = laterStage(base.type.stage, ...bounds.map((b) => b.type.stage));
  checkNormaliser(c, call.span, base.type, { lower: lower?.type.range, upper: upper?.type.range, stage });
  return { ...around(c, name, base, bounds), range: intersect(base.type.range, cut), sampler: base.type.sampler };
}

function censored(c: Context, name: string, { bases: [base], named }: Parts): DistributionType | undefined {
  if (!needsNumbers(c, "censored", base)) return undefined;
  for (const [side, condition] of named) {
    const closed = side === "left" ? base.type.cdf : base.type.ccdf;
    if (!closed) {
      c.session.report.error(
        "PPL218",
        base.at.span,
        `${base.type.name} has no closed form of P(X ${side === "left" ? "<=" : ">"} x) here`,
        { label: "censoring needs it" },
      );
    }
    if (!isUnknown(condition.type) && condition.type.dtype === "real") {
      c.session.report.error("PPL207", condition.at.span, `${nameOf(c, condition.at)} is a real number`, {
        label: `${side} is a condition: 1 where the value is censored on the ${side}`,
        notes: [`write ${side} = a comparison, such as event[n] == 0`],
      });
    }
  }
  return { ...around(c, name, base, [...named.values()]), sampler: false, cdf: false, ccdf: false, quantile: false };
}

function rounded(c: Context, name: string, { bases: [base], named }: Parts): DistributionType | undefined {
  if (!needsNumbers(c, "rounded", base)) return undefined;
  if (!base.type.cdf)
    c.session.report.error("PPL218", base.at.span, `${base.type.name} has no closed form of P(X <= x) here`, {
      label: "rounding needs it",
    });
  return { ...around(c, name, base, [...named.values()]), cdf: false, ccdf: false, quantile: false };
}

function inflated(c: Context, name: string, { bases: [base], numbers: [p, at] }: Parts): DistributionType | undefined {
  if (!needsNumbers(c, "inflated", base)) return undefined;
  const unit = c.session.constraints.get("unit");
  if (unit) checkSupport(c, "inflated", "p", { constraint: unit, rank: 0, doc: "" }, p.at, p.type);
  return {
    ...around(c, name, base, [p, at]),
    range: hull(base.type.range, at.type.range),
    cdf: false,
    ccdf: false,
    quantile: false,
  };
}

function mixture(c: Context, name: string, { bases, numbers: [weights] }: Parts, call: Call): DistributionType | undefined {
  const { report, constraints } = c.session;
  const w = weights.type.shape;
  if (w !== undefined && w.length === 0) {
    report.error("PPL305", weights.at.span, `${nameOf(c, weights.at)} is a number`, {
      label: "mixture needs a vector of weights that sum to 1",
      notes:
        bases.length === 2 ? [`write mixture([${nameOf(c, weights.at, "p")}, 1 - ${nameOf(c, weights.at, "p")}], …)`] : undefined,
    });
    return undefined;
  }
  const simplex = constraints.get("simplex");
  if (simplex) checkSupport(c, "mixture", "w", { constraint: simplex, rank: 1, doc: "" }, weights.at, weights.type);
  const components = w?.[w.length - 1];
  const stage = laterStage(weights.type.stage, ...bases.map((b) => b.type.stage));
  const varies = union(weights.type.varies, ...bases.map((b) => b.type.varies));
  let batch: SymbolicShape | undefined = w?.slice(0, -1);
  const misfit = (at: Expression, label: string): undefined => {
    report.error("PPL301", at.span, `${nameOf(c, at, "a component")} does not fit the weights`, { label });
    return undefined;
  };
  if (bases.length === 1) {
    const own = bases[0].type.batch;
    if (own?.length === 0) {
      report.error("PPL301", call.span, `${nameOf(c, bases[0].at, "the component")} is one distribution`, {
        label: "mixture(w, D) takes its components along the last axis of D's arguments",
        notes: ["give an argument of D as a vector with one element a component, or list the components: mixture(w, D1, D2)"],
      });
      return undefined;
    }
    if (own && joinSizes(components, own[own.length - 1]) === "misfit") {
      return misfit(bases[0].at, `${describeShape(w ?? [])} of weights, and components along ${describeShape(own)}`);
    }
    const joined = joinShapes(batch, own?.slice(0, -1));
    if (joined === "misfit")
      return misfit(bases[0].at, `weights are ${describeShape(w ?? [])}, the components ${describeShape(own ?? [])}`);
    batch = joined;
  } else {
    if (components && compareDimensions(components, constantDimension(bases.length)) === "different") {
      return misfit(call, `${describeShape(w ?? [])} of weights for ${bases.length} components`);
    }
    for (const b of bases) {
      if (b.type.event !== bases[0].type.event || b.type.discrete !== bases[0].type.discrete) {
        report.error("PPL218", b.at.span, `${b.type.name} and ${bases[0].type.name} are over different sets`, {
          label: "the components of a mixture have one kind of values",
        });
        return undefined;
      }
      const joined = joinShapes(batch, b.type.batch);
      if (joined === "misfit")
        return misfit(b.at, `its arguments make ${describeShape(b.type.batch ?? [])}, the others ${describeShape(batch ?? [])}`);
      batch = joined;
    }
  }
  const every = (f: (d: DistributionType) => boolean): boolean => bases.every((b) => f(b.type));
  return {
    ...bases[0].type,
    name,
    batch,
    range: bases.map((b) => b.type.range).reduce(hull, bases[0].type.range ?? point(0)),
    normalised: every((d) => d.normalised),
    stage,
    varies,
    cdf: every((d) => d.cdf),
    ccdf: every((d) => d.ccdf),
    quantile: false,
    affine: false,
    sampler: every((d) => d.sampler),
    symmetricAbout: undefined,
    declaredSupport: false,
  };
}
