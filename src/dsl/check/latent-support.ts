// A latent's declared type against what its distribution gives (rule 11): narrower truncates, wider misleads, disjoint cannot be.
import type { Constraint } from "../constraints/define.ts";
import type { SampleStatement, TypeExpression } from "../language/ast.ts";
import { disjoint, formatRange, inside, intersect, type Range } from "../ranges.ts";
import type { Context } from "./context.ts";
import type { DeclaredType } from "./declared-types.ts";
import { type DistributionType, shapeOfDistribution } from "./distribution-type.ts";
import { checkNormaliser, normaliserMissing } from "./normaliser.ts";
import { nameOf } from "./shape-messages.ts";
import { laterStage, unknownType, type ValueType } from "./value-type.ts";

/** What values the latent takes: those of its declared type that the distribution gives (rule 11). */
export function latentValue(
  c: Context,
  s: SampleStatement,
  declared: DeclaredType | undefined,
  d: DistributionType,
  written: TypeExpression | undefined,
): ValueType {
  const { report } = c.session;
  const name = nameOf(c, s.target);
  if (d.noDensity !== undefined) {
    report.error("PPL218", s.distribution.span, `${name} is latent, and ${d.name} is for observed numbers`, {
      label: d.noDensity,
    });
    return { ...unknownType, stage: "latent" };
  }
  if (s.distribution.prefix.includes("noncentered")) checkNoncentered(c, s, d, declared);
  const structure = d.constraint && d.constraint.event > 0 ? d.constraint.name : undefined;
  const natural: ValueType = {
    ...unknownType,
    dtype: d.discrete ? "int" : "real",
    shape: shapeOfDistribution(d),
    range: d.range,
    structure,
    stage: "latent",
  };
  if (!d.normalised && d.declaredSupport && !declared?.type.structure) {
    const t = declared?.type.range;
    const below = Number.isFinite(t?.lower) || s.type?.bounds?.lower !== undefined;
    const above = Number.isFinite(t?.upper) || s.type?.bounds?.upper !== undefined;
    if (!below || !above)
      report.note("PPL216", s.span, `${name} has no proper prior`, {
        label: `${d.name} is constant on ${below || above ? "an unbounded set" : "all real numbers"}`,
        notes: ["the posterior is proper only if the data make it so; evidence engines refuse"],
      });
  }
  if (d.discrete && declared && declared.type.dtype !== "int") {
    if (written)
      report.error("PPL211", s.target.span, `${name} is declared ${report.text(written.span)}`, {
        label: `${d.name} gives integers`,
      });
    return { ...unknownType, stage: "latent" };
  }
  if (!declared) return natural;
  const t = declared.type;
  const text = written ? report.text(written.span) : "so";
  if (t.dtype === "int" && !d.discrete) {
    report.error("PPL211", s.target.span, `${name} is declared ${text}`, {
      label: `${d.name} gives real numbers`,
      notes: ["a latent variable that is real is declared real, or not at all"],
    });
    return { ...unknownType, stage: "latent" };
  }
  if (d.declaredSupport) return { ...t, stage: "latent" };
  const clash = structuresClash(c, t, structure);
  if (clash) {
    const sizes = (written?.sizes ?? []).map((e) => report.text(e.span)).join(", ");
    report.error("PPL211", s.target.span, `${name} is declared ${text}`, {
      label: `${d.name} gives ${clash.words}`,
      notes: [`declare it so: ${name}: ${clash.name}[${sizes}]`],
    });
    return { ...unknownType, stage: "latent" };
  }
  if (disjoint(t.range, d.range)) {
    report.error("PPL211", s.target.span, `${name} is declared ${text}`, {
      label: `${d.name} gives numbers ${formatRange(d.range)}, none of them in its type`,
    });
    return { ...t, stage: "latent" };
  }
  if (!s.distribution.prefix.includes("unnormalized")) checkRestriction(c, s, declared, d, name, written);
  wider(c, s, t, d, text, name, structure);
  return { ...t, range: intersect(t.range, d.range), structure: t.structure ?? structure, stage: "latent" };
}

/** What the distribution gives, where the type is another set of vectors or matrices. `real` is taken as the bare shape. */
function structuresClash(c: Context, t: ValueType, given: string | undefined): Constraint | undefined {
  const gives = c.session.constraints.get(given ?? "");
  const bareShape = !t.structure && t.range.lower === Number.NEGATIVE_INFINITY && t.range.upper === Number.POSITIVE_INFINITY;
  return gives && !bareShape && t.structure !== gives.name ? gives : undefined;
}

const boundOf = (t: Range, d: Range, side: "lower" | "upper", given: boolean): Range | undefined => {
  const narrower = side === "lower" ? t.lower > d.lower : t.upper < d.upper;
  return narrower || (given && !Number.isFinite(t[side])) ? { ...t, lower: t[side], upper: t[side] } : undefined;
};
/** A type narrower than the support truncates; the normaliser must be known, or constant. */
function checkRestriction(
  c: Context,
  s: SampleStatement,
  declared: DeclaredType,
  d: DistributionType,
  name: string,
  written: TypeExpression | undefined,
): void {
  const t = declared.type;
  const stage = laterStage(d.stage, declared.boundStage);
  const constraint = t.structure ? c.session.constraints.get(t.structure) : undefined;
  if (constraint && constraint.event > 0) {
    if (d.constraint && d.constraint.event > 0) return;
    const exchangeable =
      d.event === 0 && d.batch?.length === 0 && constraint.logSymmetry !== undefined && inside(d.range, t.range);
    if (d.normalised && !exchangeable) normaliserMissing(c, s.span, `${d.name} restricted to ${name}: ${constraint.name}`, stage);
    return;
  }
  const bounds = written?.bounds;
  const lower = boundOf(t.range, d.range, "lower", bounds?.lower !== undefined);
  const upper = boundOf(t.range, d.range, "upper", bounds?.upper !== undefined);
  if (!lower && !upper) return;
  if (d.event > 0) {
    if (d.normalised) normaliserMissing(c, s.span, `${d.name} restricted to ${name}: ${constraint?.name ?? "its type"}`, stage);
    return;
  }
  checkNormaliser(c, s.span, d, { lower, upper, stage });
}

/** x: real ~ HalfNormal(1) is what HalfNormal gives; the reader of the declaration is misled. */
function wider(
  c: Context,
  s: SampleStatement,
  t: ValueType,
  d: DistributionType,
  text: string,
  name: string,
  structure: string | undefined,
): void {
  const { report } = c.session;
  // There is no narrower word for what Bernoulli or Poisson gives.
  const below =
    t.dtype !== "int" &&
    t.range.lower < d.range.lower &&
    !Number.isFinite(t.range.lower) &&
    d.range.declared !== "none" &&
    d.range.declared !== "upper";
  if (structure && !t.structure) {
    const constraint = c.session.constraints.get(structure);
    report.warning("PPL219", s.target.span, `${name} is declared ${text}`, {
      label: `${d.name} gives ${constraint?.words ?? structure}`,
      notes: [`declare what it is: ${structure}[…]`],
    });
  } else if (below) {
    report.warning("PPL219", s.target.span, `${name} is declared ${text}`, {
      label: `${d.name} gives only numbers ${formatRange(d.range)}`,
      notes: ["declare it so, or leave the type out"],
    });
  }
}

function checkNoncentered(c: Context, s: SampleStatement, d: DistributionType, declared: DeclaredType | undefined): void {
  const { report } = c.session;
  const own = d.constraint && d.constraint.event > 0 ? d.constraint.name : undefined;
  if (!d.affine) {
    report.error("PPL218", s.distribution.span, `${d.name} is not a location plus a scale times something fixed`, {
      label: "noncentered needs that",
      notes: ["leave noncentered out; Normal and StudentT have such a form"],
    });
  } else if (declared && ((declared.type.structure ?? own) !== own || !inside(d.range, declared.type.range))) {
    report.error("PPL218", s.distribution.span, `${nameOf(c, s.target)} is restricted by its type`, {
      label: "noncentered gives any real number",
      notes: ["leave noncentered or the type's restriction out"],
    });
  }
}
