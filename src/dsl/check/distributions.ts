// Distribution expressions: a record at its arguments, the user's own density, and modifiers around either.
import { didYouMean } from "../did-you-mean.ts";
import type { Distribution, Params } from "../distributions/define.ts";
import { modifiers } from "../distributions/modifiers/index.ts";
import type { Call, Expression } from "../language/ast.ts";
import { prefixes } from "../language/keywords.ts";
import { matchSignature } from "./arguments.ts";
import type { Context } from "./context.ts";
import { userDensity } from "./densities.ts";
import { type DistributionType, eventShapeOf, rankWords, supportRange } from "./distribution-type.ts";
import { infer } from "./expressions.ts";
import { inferFlow } from "./flow.ts";
import { foreignDistribution } from "./foreign-names.ts";
import { isFunctionName } from "./functions/index.ts";
import { inferPrior, PRIOR } from "./restated.ts";
import { nameOf } from "./shape-messages.ts";
import { checkSupport } from "./supports.ts";
import { inferModifier } from "./transformed.ts";
import { describeShape, inherited, joinShapes, joinSizes, type SymbolicShape, type ValueType } from "./value-type.ts";

/** What a matrix in the place of a scale should have been. */
export const matrixAdvice = ["for a covariance write MultiNormal(mu, Sigma), for its factor MultiNormalCholesky(mu, L)"];

/** flow(D, f) takes a net, which no other distribution does. */
const FLOW = "flow";
export const isDistributionCall = (c: Context, e: Expression): e is Call =>
  e.kind === "call" &&
  !c.session.functions.has(e.callee.name) &&
  (c.session.distributions.has(e.callee.name) ||
    c.session.densities.has(e.callee.name) ||
    modifiers.has(e.callee.name) ||
    e.callee.name === FLOW ||
    (e.callee.name === PRIOR && c.guide !== undefined) ||
    prefixes.has(e.callee.name));

/** The distribution that a call names; undefined after an error. */
export function inferDistribution(c: Context, call: Call): DistributionType | undefined {
  const name = call.callee.name;
  const density = c.session.densities.get(name);
  if (density) return userDensity(c, density, call);
  const modifier = modifiers.get(name);
  if (modifier) return inferModifier(c, modifier, call);
  if (name === FLOW) return inferFlow(c, call);
  if (name === PRIOR) return inferPrior(c, call);
  const record = c.session.distributions.get(name);
  if (record) return plain(c, record, call);
  if (prefixes.has(name)) {
    c.session.report.error("PPL218", call.callee.span, `${name} stands inside of another distribution`, {
      label: `${name} comes first, right after ~`,
    });
    for (const a of call.arguments) if (isDistributionCall(c, a.value)) inferDistribution(c, a.value);
    return undefined;
  }
  unknownDistribution(c, call);
  for (const a of call.arguments) if (!isDistributionCall(c, a.value)) infer(c, a.value);
  return undefined;
}

function unknownDistribution(c: Context, call: Call): void {
  const { report, distributions, densities } = c.session;
  const name = call.callee.name;
  const near = didYouMean(name, [...distributions.keys(), ...densities.keys(), ...modifiers.keys()]);
  if (c.session.functions.has(name) || (isFunctionName(name) && !near)) {
    report.error("PPL214", call.callee.span, `${name} is a function, not a distribution`, {
      label: "right of ~ stands a distribution",
      notes: [`write let for a value, or factor(e) to add to the log density`],
    });
    return;
  }
  const foreign = foreignDistribution(name);
  report.error("PPL205", call.callee.span, `there is no distribution ${name}`, {
    label: foreign ?? (near ? `did you mean ${near}?` : undefined),
    notes: foreign || near ? undefined : ["ppl list distributions shows all of them; density … = … defines another"],
  });
}

function plain(c: Context, d: Distribution, call: Call): DistributionType | undefined {
  const matched = matchSignature(c, d, call);
  if (!matched) {
    for (const a of call.arguments) if (!isDistributionCall(c, a.value)) infer(c, a.value);
    return undefined;
  }
  const types = new Map<string, ValueType>();
  for (const [name, e] of matched.given) types.set(name, infer(c, e));
  const wide = matrixScale(d, matched.params, types);
  if (wide) c.session.matrixScales.add(call);
  if (!wide && plainMatrixBeside(c, d, matched.given, types)) return undefined;
  for (const [name, e] of matched.given) {
    const t = types.get(name);
    if (t && !(wide && d.affine?.scale === name && t.structure !== "diagonal"))
      checkSupport(c, d.name, name, matched.params[name], e, t);
  }
  return wide ? matrixScaled(c, d, matched.given, types) : atArguments(c, d, matched.params, matched.given, types, call);
}

/** A scale that is a matrix, and known to be diagonal or a Cholesky factor (rule 22). */
function matrixScale(d: Distribution, params: Params, types: ReadonlyMap<string, ValueType>): boolean {
  if (d.event !== 0 || d.affine?.kind !== "elementwise" || params !== d.params) return false;
  const scale = types.get(d.affine.scale);
  const structured =
    scale?.structure === "diagonal" || scale?.structure === "cholesky_corr" || scale?.structure === "cholesky_cov";
  return structured && scale?.shape?.length === 2;
}

/** A matrix of which nothing is known as the scale, beside a vector: neither elementwise nor a covariance. */
function plainMatrixBeside(
  c: Context,
  d: Distribution,
  given: ReadonlyMap<string, Expression>,
  types: ReadonlyMap<string, ValueType>,
): boolean {
  const name = d.affine?.scale ?? "";
  const e = given.get(name);
  const beside = [...given].find(([n]) => n !== name && types.get(n)?.shape?.length === 1);
  if (!d.matrixScale || !e || types.get(name)?.shape?.length !== 2 || !beside) return false;
  c.session.report.error("PPL215", e.span, `${nameOf(c, e)} is a matrix, not known to be a Cholesky factor`, {
    label: `${d.name} reads it element by element, and ${nameOf(c, beside[1], beside[0])} is ${describeShape(types.get(beside[0])?.shape ?? [])}`,
    notes: matrixAdvice,
  });
  return true;
}

function matrixScaled(
  c: Context,
  d: Distribution,
  given: ReadonlyMap<string, Expression>,
  types: ReadonlyMap<string, ValueType>,
): DistributionType | undefined {
  const { report } = c.session;
  const scaleName = d.affine?.scale ?? "";
  const scale = types.get(scaleName);
  const at = given.get(scaleName);
  if (!d.matrixScale || !scale?.shape || !at) {
    if (at) {
      report.error("PPL215", at.span, `${nameOf(c, at)} is a matrix`, {
        label: `${d.name} takes no matrix as ${scaleName}`,
        notes: ["give one scale for each element: a vector"],
      });
    }
    return undefined;
  }
  const side = scale.shape[1];
  const locationName = d.affine?.location ?? "";
  const location = types.get(locationName);
  const where = given.get(locationName);
  let batch: SymbolicShape | undefined = [];
  if (location && where) {
    if (location.shape === undefined) batch = undefined;
    else if (location.shape.length > 0) {
      batch = location.shape.slice(0, -1);
      if (joinSizes(location.shape[location.shape.length - 1], side) === "misfit") {
        report.error(
          "PPL308",
          where.span,
          `${nameOf(c, where)} is ${describeShape(location.shape)}, ${nameOf(c, at)} ${describeShape(scale.shape)}`,
          {
            label: `${d.name} with a matrix as ${scaleName} needs a vector with one element for each row`,
          },
        );
        batch = undefined;
      }
    }
  }
  const all = [...types.values()];
  return {
    ...factsOf(d, types),
    name: d.name,
    event: 1,
    batch,
    eventShape: [side],
    sizeless: false,
    ...inherited(...all),
    cdf: false,
    ccdf: false,
    quantile: false,
  };
}

/** What does not depend on shapes. */
export function factsOf(
  d: Distribution,
  types: ReadonlyMap<string, ValueType>,
): Omit<DistributionType, "batch" | "eventShape" | "stage" | "varies"> {
  const about = d.symmetricAbout === undefined ? undefined : types.get(d.symmetricAbout)?.range;
  return {
    name: d.name,
    event: d.event,
    constraint: d.support.constraint,
    range: supportRange(d, Object.fromEntries(types)),
    discrete: d.support.constraint.discrete,
    declaredSupport: d.support.declared ?? false,
    normalised: d.normalised,
    cdf: d.logCdf !== undefined,
    ccdf: d.logCcdf !== undefined,
    quantile: d.quantile !== undefined,
    affine: d.affine !== undefined,
    sampler: d.draw !== undefined || d.sample !== undefined,
    ...(d.undrawn === undefined ? {} : { undrawn: d.undrawn }),
    sizeless: d.event > 0 && d.eventShape === undefined,
    ...(about && about.lower === about.upper ? { symmetricAbout: about.lower } : {}),
  };
}

/** Joined batch axes and the event's shape; what does not join is reported at the argument. */
function atArguments(
  c: Context,
  d: Distribution,
  params: Params,
  given: ReadonlyMap<string, Expression>,
  types: ReadonlyMap<string, ValueType>,
  call: Call,
): DistributionType {
  const { report } = c.session;
  const facts = { ...factsOf(d, types), ...inherited(...types.values()) };
  const events: Record<string, SymbolicShape | undefined> = {};
  let batch: SymbolicShape | undefined = [];
  let first: { readonly text: string; readonly shape: SymbolicShape } | undefined;
  for (const [name, e] of given) {
    const shape = types.get(name)?.shape;
    const { rank } = params[name];
    if (shape !== undefined && shape.length < rank) {
      report.error("PPL305", e.span, `${nameOf(c, e)} is ${describeShape(shape)}`, {
        label: `${d.name} needs ${rankWords(params[name])} as ${name}`,
        notes: rank === 1 && shape.length === 0 ? [`repeat it: rep(${nameOf(c, e, "x")}, K)`] : undefined,
      });
      return { ...facts, batch: undefined, eventShape: d.event === 0 ? [] : undefined };
    }
    events[name] = shape?.slice(shape.length - rank);
    const own = shape?.slice(0, shape.length - rank);
    const joined: SymbolicShape | undefined | "misfit" = joinShapes(batch, own);
    if (joined === "misfit" && own) {
      report.error(
        "PPL301",
        e.span,
        `${nameOf(c, e)} is ${describeShape(shape ?? [])}, ${first?.text ?? "another argument"} ${describeShape(first?.shape ?? [])}`,
        {
          label: `the arguments of ${d.name} need equal shapes, or be numbers`,
        },
      );
      return { ...facts, batch: undefined, eventShape: d.event === 0 ? [] : undefined };
    }
    if (own && own.length > 0 && !first) first = { text: nameOf(c, e), shape: shape ?? [] };
    batch = joined === "misfit" ? undefined : joined;
  }
  // An alternative list converts to the record's own; events of its parameters are not those of the record.
  const ownList = params === d.params;
  const scale = d.affine?.kind === "elementwise" && ownList ? types.get(d.affine.scale) : undefined;
  const eventShape = d.event === 0 ? [] : ownList ? eventShapeOf(d, events) : undefined;
  if (d.event > 0 && ownList) checkEventSizes(c, d, params, given, types, call);
  return { ...facts, batch, eventShape, plainMatrixScale: d.event === 0 && scale?.shape?.length === 2 };
}

/** Vectors and matrices of one event must agree: mu of K elements with Sigma of K rows. Only where the event is a vector. */
function checkEventSizes(
  c: Context,
  d: Distribution,
  params: Params,
  given: ReadonlyMap<string, Expression>,
  types: ReadonlyMap<string, ValueType>,
  call: Call,
): void {
  if (d.event !== 1) return;
  const matrices = [...given.keys()].filter((n) => params[n].rank === 2);
  const vectors = [...given.keys()].filter((n) => params[n].rank === 1);
  if (matrices.length !== 1 || vectors.length !== 1) return;
  const [v, m] = [types.get(vectors[0])?.shape, types.get(matrices[0])?.shape];
  const at = given.get(vectors[0]);
  const other = given.get(matrices[0]);
  if (!v || !m || !at || !other) return;
  if (joinSizes(v[v.length - 1], m[m.length - 1]) !== "misfit") return;
  c.session.report.error(
    "PPL301",
    call.span,
    `${nameOf(c, at)} is ${describeShape(v)}, ${nameOf(c, other)} ${describeShape(m)}`,
    {
      label: `${d.name} needs one element of ${vectors[0]} for each row of ${matrices[0]}`,
    },
  );
}
