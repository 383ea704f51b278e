// Statements of the model, in text order.
import { unreachable } from "../../runtime/errors.ts";
import type { DeclareStatement, PredictStatement, Statement, TypeExpression } from "../language/ast.ts";
import { declaredAbove, declaredBelow, disjoint, formatRange } from "../ranges.ts";
import type { Context } from "./context.ts";
import { checkFor, checkIf } from "./control.ts";
import { type DeclaredType, declaredType } from "./declared-types.ts";
import { checkDensity } from "./densities.ts";
import { type DistributionType, shapeOfDistribution } from "./distribution-type.ts";
import { inferDistribution } from "./distributions.ts";
import { infer } from "./expressions.ts";
import { checkGuideSite } from "./guides.ts";
import { sizeless } from "./latents.ts";
import { checkLet, checkQuantity, definedTwice, give } from "./lets.ts";
import { notYet } from "./not-yet.ts";
import { checkSample, notFromPredictions } from "./samples.ts";
import { nameOf } from "./shape-messages.ts";
import { describeStatement } from "./statement-words.ts";
import { joinShapes, laterStage, type Stage, unknownType, type ValueType } from "./value-type.ts";

export function checkStatements(statements: readonly Statement[], c: Context): void {
  for (const s of statements) checkStatement(c, s);
}

const atTop = (c: Context): boolean => c.loops.length === 0 && !c.guarded;

/** Statements that a guide and its reverse are made of. */
const inGuides: ReadonlySet<Statement["kind"]> = new Set(["let", "sample", "aux", "for", "if"]);

function checkStatement(c: Context, s: Statement): void {
  const { report, stages } = c.session;
  if (c.guide && !inGuides.has(s.kind)) {
    report.error("PPL511", s.span, `${describeStatement(s)} stands in a ${c.guide.part}`, {
      label: "a guide is made of ~, aux, let, for and if",
    });
    return;
  }
  switch (s.kind) {
    // Declared before the walk; where they stand does not matter, but not inside of a block.
    case "data":
    case "const":
    case "param":
    case "import":
    case "net":
    case "fn":
      if (!atTop(c)) misplaced(c, s);
      return;
    case "density":
      if (!atTop(c)) misplaced(c, s);
      else checkDensity(c, s);
      return;
    case "declare":
      checkDeclare(c, s);
      return;
    case "let":
      checkLet(c, s);
      return;
    case "quantity":
      checkQuantity(c, s);
      return;
    case "predict":
      checkPredict(c, s);
      return;
    case "sample":
      if (c.guide) checkGuideSite(c, c.guide, s);
      else checkSample(c, s);
      return;
    case "factor":
    case "observe": {
      const t = infer(c, s.value);
      stages.set(s, t.stage);
      notFromPredictions(c, t.stage, s.value);
      if (t.dtype === "bool" && t.shape) {
        report.warning("PPL514", s.value.span, `${nameOf(c, s.value)} is true or false`, {
          label: `${s.kind} adds 0 or 1 to the log density`,
          notes: ["to condition on it, add c ? 0 : -inf"],
        });
      }
      return;
    }
    case "for":
      checkFor(c, s, checkStatements);
      return;
    case "if":
      checkIf(c, s, checkStatements);
      return;
    case "guide":
    case "reverse":
      if (!atTop(c) || c.guide) misplaced(c, s);
      else c.session.guides.push(s);
      return;
    case "aux":
      if (c.guide) checkGuideSite(c, c.guide, s);
      else
        report.error("PPL511", s.span, "aux stands outside of a guide", {
          label: "an auxiliary variable belongs to the guide",
          notes: ["write guide { aux a ~ …; … } and reverse { a ~ … }"],
        });
      return;
    case "objective":
      notYet(report, "objective", s.span);
      return;
    case "return":
      report.error("PPL509", s.span, "return stands outside of a function", { label: "quantity saves a value with the draws" });
      infer(c, s.value);
      return;
    default:
      unreachable(s, "statement");
  }
}

function misplaced(c: Context, s: Statement): void {
  c.session.report.error("PPL511", s.span, `${describeStatement(s)} stands inside of a block`, {
    label: "it belongs to the model as a whole",
    notes: ["move it out of the loop or condition"],
  });
}

/** mu: ordered[2], without ~ */
function checkDeclare(c: Context, s: DeclareStatement): void {
  const { report, root } = c.session;
  if (!atTop(c)) {
    misplaced(c, s);
    return;
  }
  const name = s.name.name;
  const before = root.here(name);
  if (before && !before.unknown) {
    if (before.kind === "latent") {
      report.error("PPL202", s.name.span, `${name} is declared after its ~`, {
        label: `its ~ stands on ${report.line(before.span, s.span)}`,
        notes: [`write the type there: ${name}: ${report.text(s.type.span)} ~ …`],
      });
    } else definedTwice(c, before, { name: s.name, subscripts: [], span: s.span });
    return;
  }
  const { type, boundStage } = declaredType(c, s.type, { latentBounds: true });
  const entry = root.set({
    kind: "latent",
    name,
    span: s.name.span,
    type: { ...type, stage: "latent" },
    used: true,
    loops: [],
    declared: s.type,
    boundStage,
  });
  c.session.entries.push(entry);
}

/** predict x ~ D or predict x = e: once per draw, after the model has run. */
function checkPredict(c: Context, s: PredictStatement): void {
  const { report, stages } = c.session;
  const per: Context = { ...c, perDraw: true };
  const declared = s.type && declaredType(per, s.type, { latentBounds: true });
  const stage: Stage = give(per, "predict", s.place, (): ValueType => {
    if (s.value) return infer(per, s.value);
    if (!s.distribution) return unknownType;
    const d = inferDistribution(per, s.distribution.call);
    if (!d) return { ...unknownType, ...declared?.type, stage: "predict" };
    if (!d.sampler) {
      report.error("PPL218", s.distribution.span, `${d.name} cannot be drawn from`, {
        label: "predict draws a value",
        notes: c.session.densities.has(d.name)
          ? [`give the density a way to draw: density ${d.name}(…) = …, simulate = …`]
          : d.undrawn === undefined
            ? undefined
            : [d.undrawn],
      });
    }
    if (s.distribution.prefix.includes("noncentered")) {
      report.error("PPL218", s.distribution.span, `${s.place.name.name} is a prediction`, {
        label: "noncentered is about how a latent variable is sampled",
        notes: ["leave noncentered out"],
      });
    }
    if (!declared) sizeless(c, c.session.report.text(s.place.span), s.place.span, d);
    const shape = declared ? declared.type.shape : shapeOfDistribution(d);
    if (declared && s.type) checkPredictedType(c, s, s.type, declared, d);
    return {
      ...unknownType,
      dtype: d.discrete ? "int" : "real",
      shape,
      range: d.range,
      stage: laterStage(d.stage, "predict"),
      varies: d.varies,
    };
  });
  stages.set(s, laterStage(stage, "predict"));
}

/** What is drawn has the declared type, or the type is wrong: draws are neither cut off nor rearranged to fit it. */
function checkPredictedType(
  c: Context,
  s: PredictStatement,
  written: TypeExpression,
  { type }: DeclaredType,
  d: DistributionType,
): void {
  const { report } = c.session;
  const what = `${s.place.name.name} is declared ${report.text(written.span)}`;
  const shape = shapeOfDistribution(d);
  const tooSmall = type.shape !== undefined && shape !== undefined && type.shape.length < shape.length;
  if (tooSmall || joinShapes(type.shape, shape) === "misfit")
    report.error("PPL308", s.span, what, {
      label: `${nameOf(c, s.distribution?.call ?? s, d.name)} has another shape`,
    });
  const structure = d.constraint && d.constraint.event > 0 ? d.constraint.name : undefined;
  const [below, above] = [declaredBelow(d.range, type.range), declaredAbove(d.range, type.range)];
  if (disjoint(type.range, d.range))
    report.error("PPL211", s.span, what, { label: `${d.name} gives numbers ${formatRange(d.range)}` });
  else if (type.dtype === "int" && !d.discrete) report.error("PPL211", s.span, what, { label: `${d.name} gives real numbers` });
  else if (type.structure !== undefined && type.structure !== structure)
    report.error("PPL211", s.span, what, { label: `${d.name} does not give such values, and draws are not rearranged` });
  else if (type.structure === undefined && (below || above))
    report.error("PPL211", s.span, what, {
      label: `${d.name} gives ${d.range.lower === Number.NEGATIVE_INFINITY && d.range.upper === Number.POSITIVE_INFINITY ? "any number" : `numbers ${formatRange(d.range)}`}, and all of them are drawn`,
      notes: [`cut them off with truncated(${d.name}(…), lower = …, upper = …)`],
    });
}
