// Distributions made of distributions: the arguments that a modifier takes, the shapes that they make, and the modifier's own rule.

import { compareDimensions, constantDimension } from "../dimensions.ts";
import {
  type Base,
  type Given,
  type Judge,
  leavingOut,
  type Modifier,
  type ModifierParameter,
} from "../distributions/modifiers/define.ts";
import type { Argument, Call, Expression } from "../language/ast.ts";
import type { Context } from "./context.ts";
import type { DistributionType } from "./distribution-type.ts";
import { inferDistribution, isDistributionCall } from "./distributions.ts";
import { infer } from "./expressions.ts";
import { normaliserMissing } from "./normaliser.ts";
import { nameOf } from "./shape-messages.ts";
import { checkSupport } from "./supports.ts";
import {
  describeShape,
  inherited,
  isUnknown,
  joinShapes,
  joinSizes,
  knownAtBind,
  laterStage,
  type SymbolicShape,
  union,
  type ValueType,
} from "./value-type.ts";

interface NumberPart {
  readonly parameter: ModifierParameter;
  readonly at: Expression;
  readonly type: ValueType;
}
interface BasePart {
  readonly at: Call;
  readonly type: DistributionType;
}
interface Parts {
  /** In the order of the parameters. */
  readonly numbers: readonly NumberPart[];
  readonly bases: readonly BasePart[];
}

export function inferModifier(c: Context, m: Modifier, call: Call): DistributionType | undefined {
  const parts = takeApart(c, m, call);
  if (!parts || !overNumbers(c, m, parts.bases)) return undefined;
  const { numbers, bases } = parts;
  const name = `${m.name}(${bases.map((b) => b.type.name).join(", ")})`;
  const from = inherited(...numbers.map((n) => n.type));
  const stage = laterStage(from.stage, ...bases.map((b) => b.type.stage));
  const judge: Judge = {
    call: call.span,
    reject: (span, code, message, label, notes) => c.session.report.error(code, span, message, { label, notes }),
    unnormalised: (what) => normaliserMissing(c, call.span, what, stage, leavingOut),
  };
  const facts = m.check(
    judge,
    bases.map((b): Base => ({ ...b.type, span: b.at.span })),
    Object.fromEntries(numbers.map((n) => [n.parameter.name, givenOf(c, n)])),
  );
  if (!facts) return undefined;
  for (const n of numbers) checkNumber(c, m, n);
  const shape = m.components === undefined ? around(c, name, parts) : ofComponents(c, m, parts, call);
  return {
    ...bases[0].type,
    ...facts,
    name,
    ...shape,
    stage,
    varies: union(from.varies, ...bases.map((b) => b.type.varies)),
  };
}

const givenOf = (c: Context, { at, type }: NumberPart): Given => ({
  span: at.span,
  text: (otherwise) => nameOf(c, at, otherwise),
  rank: type.shape?.length,
  range: type.range,
  knownAtBind: knownAtBind(type.stage),
});

/** Distributions and numbers among the arguments: named ones anywhere, the others in the order that the modifier wants. */
function takeApart(c: Context, m: Modifier, call: Call): Parts | undefined {
  const { report } = c.session;
  const named = m.parameters.filter((p) => p.named);
  const positional = m.parameters.filter((p) => !p.named);
  const numbers = new Map<ModifierParameter, NumberPart>();
  const bases: BasePart[] = [];
  let good = true;
  const fail = (at: Pick<Argument, "span">, message: string): void => {
    report.error("PPL206", at.span, message, { label: `it is ${m.usage}` });
    good = false;
  };
  const takeNumber = (parameter: ModifierParameter, at: Expression): void => {
    numbers.set(parameter, { parameter, at, type: infer(c, at) });
  };
  const takeBase = (e: Expression): void => {
    if (e.kind !== "call" || !readsAsDistribution(c, e)) {
      fail(e, `${nameOf(c, e)} is no distribution`);
      infer(c, e);
      return;
    }
    const type = inferDistribution(c, e);
    if (type) bases.push({ at: e, type });
    else good = false;
  };
  for (const { name, value, span } of call.arguments) {
    if (!name) continue;
    const parameter = named.find((p) => p.name === name.name);
    if (!parameter) {
      fail(name, `${m.name} has no argument ${name.name}`);
      if (!isDistributionCall(c, value)) infer(c, value);
    } else if (isDistributionCall(c, value)) fail({ span }, `${name.name} is a number, not a distribution`);
    else if (numbers.has(parameter)) fail(name, `${m.name} is given ${name.name} twice`);
    else takeNumber(parameter, value);
  }
  const others = call.arguments.filter((a) => !a.name).map((a) => a.value);
  others.forEach((e, i) => {
    const parameter = positional[i];
    if (i > positional.length && m.bases === "one") {
      const byName = named.map((p) => p.name).join(" and ");
      fail(e, byName === "" ? `${m.name} is given too many arguments` : `${m.name} takes ${byName} by name`);
      if (!isDistributionCall(c, e)) infer(c, e);
    } else if (!parameter) takeBase(e);
    else if (isDistributionCall(c, e)) fail(e, `${nameOf(c, e)} is a distribution, and a number belongs here`);
    else takeNumber(parameter, e);
  });
  if (good && others.length <= positional.length) fail(call, `${m.name} is not given all that it needs`);
  const absent = named.filter((p) => !numbers.has(p));
  const lacking = absent.some((p) => !p.optional) || absent.length === named.length ? absent : [];
  if (good && lacking.length > 0) fail(call, `${m.name} is given no ${lacking.map((p) => p.name).join(" and no ")}`);
  return good ? { numbers: m.parameters.flatMap((p) => numbers.get(p) ?? []), bases } : undefined;
}

/** A known distribution, or a capitalised name that inferDistribution will say is none. */
const readsAsDistribution = (c: Context, call: Call): boolean => /^[A-Z]/.test(call.callee.name) || isDistributionCall(c, call);

function overNumbers(c: Context, m: Modifier, bases: readonly BasePart[]): boolean {
  const odd = m.over === "numbers" ? bases.find((b) => b.type.event > 0) : undefined;
  if (odd) {
    const what = `${odd.type.name} is over ${odd.type.event === 1 ? "vectors" : "matrices"}`;
    c.session.report.error("PPL218", odd.at.span, what, { label: `${m.name} is for distributions of numbers` });
  }
  return !odd;
}

/** A number against what its parameter must be. */
function checkNumber(c: Context, m: Modifier, { parameter: p, at, type }: NumberPart): void {
  if (p.constraint) checkSupport(c, m.name, p.name, { constraint: p.constraint, rank: p.rank, doc: p.doc }, at, type);
  if (p.condition === undefined || isUnknown(type)) return;
  // A bound where a condition belongs would hold everywhere.
  const isNeither = type.range.lower > 1 || type.range.upper < 0;
  if (type.dtype !== "real" && !isNeither) return;
  const what = type.dtype === "real" ? "is a real number" : "is never 0 or 1";
  c.session.report.error("PPL207", at.span, `${nameOf(c, at)} ${what}`, {
    label: `${p.name} is a condition: ${p.condition}`,
    notes: [`write ${p.name} = a comparison, such as event[n] == 0`],
  });
}

type Shape = Pick<DistributionType, "batch" | "eventShape">;

/** The shapes of the numbers join the base's batch. */
function around(c: Context, name: string, { numbers, bases: [base] }: Parts): Shape {
  let { batch } = base.type;
  for (const { at, type } of numbers) {
    const joined = joinShapes(batch, type.shape);
    if (joined === "misfit") {
      c.session.report.error(
        "PPL301",
        at.span,
        `${nameOf(c, at)} is ${describeShape(type.shape ?? [])}, ${nameOf(c, base.at, "the distribution")} ${describeShape(batch ?? [])}`,
        { label: `what stands in ${name} needs equal shapes, or be numbers` },
      );
    }
    batch = joined === "misfit" ? undefined : joined;
  }
  return { batch, eventShape: base.type.eventShape };
}

/** One weight a component: they are the distributions given, or lie along the last batch axis of the only one. */
function ofComponents(c: Context, m: Modifier, { numbers, bases }: Parts, call: Call): Shape {
  const nothing: Shape = { batch: undefined, eventShape: bases[0].type.eventShape };
  const misfit = (at: Expression, label: string): Shape => {
    c.session.report.error("PPL301", at.span, `${nameOf(c, at, "a component")} does not fit the weights`, { label });
    return nothing;
  };
  const weights = numbers.find((n) => n.parameter.name === m.components)?.type.shape;
  const count = weights?.[weights.length - 1];
  const before: SymbolicShape | undefined = weights?.slice(0, -1);
  const w = describeShape(weights ?? []);
  if (bases.length > 1) {
    if (count && compareDimensions(count, constantDimension(bases.length)) === "different")
      return misfit(call, `${w} of weights for ${bases.length} components`);
    let shape: Shape = { batch: before, eventShape: bases[0].type.eventShape };
    for (const { at, type } of bases) {
      const batch = joinShapes(shape.batch, type.batch);
      const eventShape = joinShapes(shape.eventShape, type.eventShape);
      if (batch === "misfit") {
        const own = describeShape(type.batch ?? []);
        return misfit(at, `its arguments make ${own}, the others ${describeShape(shape.batch ?? [])}`);
      }
      if (eventShape === "misfit") {
        const own = describeShape(type.eventShape ?? []);
        return misfit(at, `it is over ${own}, the others over ${describeShape(shape.eventShape ?? [])}`);
      }
      shape = { batch, eventShape: eventShape ?? shape.eventShape };
    }
    return shape;
  }
  const [{ at, type }] = bases;
  const own = type.batch;
  if (own?.length === 0) {
    c.session.report.error("PPL301", call.span, `${nameOf(c, at, "the component")} is one distribution`, {
      label: `${m.name}(${m.components}, D) takes its components along the last axis of D's arguments`,
      notes: [
        `give an argument of D as a vector with one element a component, or list the components: ${m.name}(${m.components}, D1, D2)`,
      ],
    });
    return nothing;
  }
  if (own && joinSizes(count, own[own.length - 1]) === "misfit")
    return misfit(at, `${w} of weights, and components along ${describeShape(own)}`);
  const batch = joinShapes(before, own?.slice(0, -1));
  if (batch === "misfit") return misfit(at, `weights are ${w}, the components ${describeShape(own ?? [])}`);
  return { ...nothing, batch };
}
