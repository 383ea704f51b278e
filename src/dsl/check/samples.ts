// target ~ distribution: who is observed, who is latent, and whether target and distribution fit.

import { constantOfDimension, isOne } from "../dimensions.ts";
import type { SampleStatement } from "../language/ast.ts";
import { disjoint, formatRange, isPoint } from "../ranges.ts";
import type { Role } from "./checked-model.ts";
import type { Context } from "./context.ts";
import { type DistributionType, shapeOfDistribution } from "./distribution-type.ts";
import { inferDistribution, matrixAdvice } from "./distributions.ts";
import { infer } from "./expressions.ts";
import { checkLatent } from "./latents.ts";
import { repeatedPlace } from "./lets.ts";
import { lookup } from "./names.ts";
import type { Entry } from "./scope.ts";
import { adviceFor, declarationOf, nameOf } from "./shape-messages.ts";
import { adjective } from "./supports.ts";
import {
  describeShape,
  formatSize,
  formatSymbolicShape,
  isUnknown,
  joinShapes,
  knownAtBind,
  type Stage,
  type SymbolicShape,
  type ValueType,
} from "./value-type.ts";

export function checkSample(c: Context, s: SampleStatement): void {
  const role = roleOf(c, s);
  if (role === undefined) {
    checkDistribution(c, s);
    return;
  }
  c.session.roles.set(s, role);
  if (role === "latent") checkLatent(c, s);
  else checkObserved(c, s, role);
}

/** undefined where the left side cannot be anything; reported. */
function roleOf(c: Context, s: SampleStatement): Role | undefined {
  const { report } = c.session;
  const entry = s.place && c.scope.get(s.place.name.name);
  if (s.place && (!entry || entry.unknown || entry.kind === "latent")) return "latent";
  if (entry?.kind === "data" && entry.declared?.optional) return "missing";
  if (entry?.kind === "param") return "penalty";
  if (entry?.kind === "predict" || entry?.kind === "quantity") {
    report.error("PPL506", s.target.span, `${entry.name} is ${entry.kind === "predict" ? "a prediction" : "a quantity"}`, {
      label: `it is given on ${report.line(entry.span, s.span)}, after the model has run, and is neither latent nor observed`,
    });
    entry.used = true;
    return undefined;
  }
  if (entry) lookup(c, entry.name, s.target.span);
  const t = infer(c, s.target);
  if (isUnknown(t) && knownAtBind(t.stage)) return entry?.kind === "data" || t.stage === "data" ? "observed" : undefined;
  if (knownAtBind(t.stage)) return "observed";
  report.error(
    "PPL502",
    s.target.span,
    `${nameOf(c, s.target)} is computed from ${t.stage === "predict" ? "predictions" : "latent variables"}`,
    {
      label: "left of ~ stands a name, or data",
      notes: [
        `write factor(lpdf(${nameOf(c, s.distribution.call, "D")}, ${nameOf(c, s.target, "e")})); no Jacobian is added for you`,
      ],
    },
  );
  return undefined;
}

/** The distribution of a ~; what the model reads must not come from draws. */
export function checkDistribution(c: Context, s: SampleStatement): DistributionType | undefined {
  const d = inferDistribution(c, s.distribution.call);
  if (d) {
    c.session.stages.set(s, d.stage);
    notFromPredictions(c, d.stage, s.distribution.call);
  }
  return d;
}
export function notFromPredictions(c: Context, stage: Stage, e: { readonly span: SampleStatement["span"] }): void {
  if (stage !== "predict") return;
  c.session.report.error("PPL506", e.span, "this depends on a prediction", {
    label: "predictions are drawn after the model has run",
    notes: ["write predict, or quantity, for what reads predictions"],
  });
}

function checkObserved(c: Context, s: SampleStatement, role: Role): void {
  const { report } = c.session;
  const entry = s.place && c.scope.get(s.place.name.name);
  const t = infer(c, s.target);
  if (entry) {
    entry.given = true;
    const repeated = role === "penalty" ? undefined : c.loops.find((l) => !t.varies.has(l.key));
    if (repeated) c.session.mentioned.add(repeated.name);
    if (s.place && repeated && entry.kind === "data") {
      if (s.place.subscripts.length === 0) {
        report.error(
          "PPL501",
          s.place.span,
          `${entry.name} is observed anew in every iteration of the loop over ${repeated.name}`,
          {
            label: `did you mean ${entry.name}[${repeated.name}]?`,
            notes: [`write ${entry.name}[${repeated.name}] ~ …, or move the statement out of the loop`],
          },
        );
      } else repeatedPlace(c, s.place, repeated.name);
    }
  }
  if (s.type) {
    report.error("PPL202", s.type.span, `${nameOf(c, s.target)} is data`, {
      label: "the type of data stands in its declaration",
      notes: entry ? [`${entry.name} is declared on ${report.line(entry.span, s.span)}`] : undefined,
    });
  }
  for (const prefix of s.distribution.prefix) {
    if (prefix === "noncentered" && role !== "penalty") {
      const what = role === "missing" ? "is data, its missing entries included" : "is observed";
      report.error("PPL218", s.distribution.span, `${nameOf(c, s.target)} ${what}`, {
        label: "noncentered is about how a latent variable is sampled",
        notes: ["leave noncentered out"],
      });
    }
  }
  const d = checkDistribution(c, s);
  if (!d) return;
  if (d.noDensity !== undefined && role !== "observed") {
    const what = role === "missing" ? "may be missing" : "is learnt";
    report.error("PPL218", s.distribution.span, `${nameOf(c, s.target)} ${what}, and ${d.name} is for observed numbers`, {
      label: d.noDensity,
      notes: role === "missing" ? ["leave rows out that are missing, and the ? of the declaration"] : undefined,
    });
    return;
  }
  if (!isUnknown(t)) checkValues(c, s, t, d, entry);
  checkFit(c, s, t.shape, d, entry === undefined);
}

/** The data's declared type against what the distribution gives: only what can never be is an error, the rest is seen at bind. */
function checkValues(c: Context, s: SampleStatement, t: ValueType, d: DistributionType, entry: Entry | undefined): void {
  const { report } = c.session;
  const text = nameOf(c, s.target);
  const declared = declarationOf(c, s.target);
  const label = (fact: string): string => [fact, declared].filter((x) => x !== undefined).join("; ");
  if (d.discrete && t.dtype === "real") {
    report.error("PPL212", s.target.span, `${text} is a real number`, {
      label: label(`${d.name} is over integers`),
      notes: entry?.kind === "data" ? [`declare it int: data ${entry.name}: int${sizesOf(c, entry)}`] : undefined,
    });
  } else if (disjoint(t.range, d.range)) {
    report.error("PPL212", s.target.span, `${text} is ${isPoint(t.range) ? "not" : "never"} ${adjective(d.range)}`, {
      label: label(`${d.name} gives only numbers ${formatRange(d.range)}`),
    });
  }
}
const sizesOf = (c: Context, entry: Entry): string => {
  const sizes = entry.declared?.sizes ?? [];
  return sizes.length > 0 ? `[${sizes.map((e) => c.session.report.text(e.span)).join(", ")}]` : "";
};

/** The shape of the target against that of the distribution: joined, and never larger than the target (a bare number may be observed of each). */
export function checkFit(
  c: Context,
  s: SampleStatement,
  target: SymbolicShape | undefined,
  d: DistributionType,
  mayStretch: boolean,
): void {
  if (target === undefined) return;
  const { report } = c.session;
  const text = nameOf(c, s.target);
  if (target.length < d.event) {
    report.error("PPL308", s.target.span, `${text} is ${describeShape(target)}`, {
      label: `${d.name} is over ${d.event === 1 ? "vectors" : "matrices"}`,
      notes:
        s.place && c.scope.get(s.place.name.name)?.kind !== "data"
          ? [`declare its shape: ${text}: real${d.event === 2 ? "[K, K]" : "[K]"} ~ …`]
          : undefined,
    });
    return;
  }
  const shape = shapeOfDistribution(d);
  const events = d.eventShape ? joinShapes(target.slice(target.length - d.event), d.eventShape) : undefined;
  const batch = joinShapes(target.slice(0, target.length - d.event), d.batch);
  const stretched = batch !== undefined && batch !== "misfit" && !sameAxes(batch, target.slice(0, target.length - d.event));
  if (events !== "misfit" && batch !== "misfit" && !(stretched && !mayStretch)) return;
  const distribution = nameOf(c, s.distribution.call, d.name);
  const [a, b] = [target, shape ?? d.batch ?? []];
  report.error("PPL308", s.span, `${text} is ${describeShape(a)}, ${distribution} ${describeShape(b)}`, {
    label: [
      `the arguments of ${d.name} ${d.event > 0 ? "and its value do not fit" : `have the shape of what stands left of ~, or are numbers`}`,
      declarationOf(c, s.target),
    ]
      .filter((x) => x !== undefined)
      .join("; "),
    notes: d.plainMatrixScale ? matrixAdvice : fitAdvice(c, s, a, b),
  });
}
/** Index the arguments, declare the shape, or go row by row. */
function fitAdvice(c: Context, s: SampleStatement, target: SymbolicShape, given: SymbolicShape): readonly string[] | undefined {
  const text = nameOf(c, s.target, "x");
  const loop = c.loops[c.loops.length - 1];
  if (target.length < given.length) {
    if (loop) return [`index the arguments too: …[${loop.name}]`];
    const latent = s.place && c.scope.get(s.place.name.name)?.kind === "latent";
    return latent ? [`declare its shape: ${text}: real${formatSymbolicShape(given)} ~ …, or leave the type out`] : undefined;
  }
  if (target.length > given.length)
    return [`go row by row: for n in 1..${formatSize(target[0])} { ${text}[n] ~ … }, with the arguments of each row`];
  return adviceFor(target, given);
}
const sameAxes = (a: SymbolicShape, b: SymbolicShape): boolean =>
  a.length === b.length &&
  a.every((x, i) => x === b[i] || x === undefined || b[i] === undefined || !(isOne(b[i]) && constantOfDimension(x) !== 1));
