// Latent variables: their type from the declaration and the distribution, their elements from several statements.
import { type Expression, eachChild, type SampleStatement, type TypeExpression } from "../language/ast.ts";
import { addElements, addWriter, type PlaceFacts, placeFacts } from "./arrays.ts";
import { implies } from "./constraint-facts.ts";
import type { Context } from "./context.ts";
import { type DeclaredType, declaredType } from "./declared-types.ts";
import { type DistributionType, shapeOfDistribution } from "./distribution-type.ts";
import { infer } from "./expressions.ts";
import { definedTwice, insideLoop, repeatedPlace } from "./lets.ts";
import { checkNormaliser, normaliserMissing } from "./normaliser.ts";
import { notYet } from "./not-yet.ts";
import { declaredAt, disjoint, formatRange, inside, intersect, type Range } from "./ranges.ts";
import { checkDistribution, checkFit } from "./samples.ts";
import type { Entry } from "./scope.ts";
import { nameOf } from "./shape-messages.ts";
import { laterStage, nothingVaries, type SymbolicShape, unknownType, type ValueType } from "./value-type.ts";

export function checkLatent(c: Context, s: SampleStatement): void {
  const { place } = s;
  if (!place) return;
  const { report, root } = c.session;
  const name = place.name.name;
  const before = root.here(name);
  const known = before && !before.unknown ? before : undefined;
  if (known && known.kind !== "latent") {
    definedTwice(c, known, place);
    checkDistribution(c, s);
    return;
  }
  const own = s.type && declaredType(c, s.type, { latentBounds: true });
  if (known?.declared && s.type && !(known.guarded && c.guarded)) {
    report.error("PPL202", s.type.span, `the type of ${name} is given twice`, {
      label: `${name} is declared ${report.text(known.declared.span)} on ${report.line(known.span, s.span)}`,
    });
  }
  const entry = known ?? root.set(newLatent(c, s));
  if (place.subscripts.length === 0) whole(c, s, entry, own);
  else part(c, s, entry, own);
}

function newLatent(c: Context, s: SampleStatement): Entry {
  const span = s.place?.name.span ?? s.span;
  const entry: Entry = {
    kind: "latent",
    name: s.place?.name.name ?? "",
    span,
    type: { ...unknownType, stage: "latent" },
    used: true,
    loops: [],
  };
  c.session.entries.push(entry);
  return entry;
}

/** mu ~ D, mu: T ~ D, or mu ~ D after mu: T. */
function whole(c: Context, s: SampleStatement, entry: Entry, own: DeclaredType | undefined): void {
  const { report } = c.session;
  const place = s.place;
  if (!place) return;
  if (c.loops.length > 0) {
    insideLoop(c, "~", place);
    checkDistribution(c, s);
    entry.given = true;
    return;
  }
  if (entry.elements || (entry.given && !(entry.guarded && c.guarded))) {
    report.error("PPL504", place.span, `${entry.name} has a ~ already`, {
      label: `on ${report.line(entry.span, s.span)}`,
      notes: ["every element has exactly one ~; factor(lpdf(D, x)) adds another term"],
    });
    checkDistribution(c, s);
    return;
  }
  const d = checkDistribution(c, s);
  const declared: DeclaredType | undefined =
    own ??
    (entry.declared && {
      type: entry.type,
      constraint: c.session.constraints.get(entry.declared.base.name),
      boundStage: "const",
    });
  const written = s.type ?? entry.declared;
  if (d && !written) sizeless(c, s, d);
  const type = d ? latentValue(c, s, declared, d, written) : { ...unknownType, ...declared?.type };
  if (d && declared) checkFit(c, s, declared.type.shape, d, false);
  entry.type = { ...type, stage: "latent", varies: nothingVaries };
  entry.given = true;
  if (s.type) entry.declared = s.type;
  if (!written && d) entry.distribution = nameOf(c, s.distribution.call, d.name);
  if (c.guarded) Object.assign(entry, { guarded: true });
}

/** L ~ LkjCholesky(2): nothing says how large L is. */
function sizeless(c: Context, s: SampleStatement, d: DistributionType): void {
  if (!d.sizeless) return;
  const name = nameOf(c, s.target);
  const sizes = d.event === 1 ? "[K]" : "[K, K]";
  c.session.report.error("PPL308", s.target.span, `nothing says how large ${name} is`, {
    label: `the arguments of ${d.name} do not give its size`,
    notes: [`declare it: ${name}: ${d.constraint?.name ?? "real"}${sizes} ~ …`],
  });
}

/** z[n] ~ D: some elements; a type is the element's. */
function part(c: Context, s: SampleStatement, entry: Entry, own: DeclaredType | undefined): void {
  const { report } = c.session;
  const place = s.place;
  if (!place) return;
  const facts = placeFacts(c, place);
  if (entry.given && !entry.elements) {
    report.error("PPL504", place.span, `${entry.name} has a ~ already`, {
      label: `for all of it, on ${report.line(entry.span, s.span)}`,
      notes: ["every element has exactly one ~"],
    });
    checkDistribution(c, s);
    return;
  }
  const repeated = c.loops.find((l) => !facts.varies.has(l.key));
  if (repeated) repeatedPlace(c, place, repeated.name);
  const fixed = entry.declared ? entry.type : undefined;
  const good = addWriter(c, entry, facts, place.span);
  entry.given = true;
  if (s.distribution.prefix.includes("noncentered") && readsName(s.distribution.call, entry.name)) {
    notYet(report, "recurrence", s.distribution.span, "noncentered draws of a chain are computed one after the other");
  }
  const d = checkDistribution(c, s);
  if (fixed) {
    const element = infer(c, s.target);
    if (d) {
      latentValue(c, s, { type: element, constraint: undefined, boundStage: "const" }, d, entry.declared);
      checkFit(c, s, element.shape, d, false);
    }
    return;
  }
  if (!d) {
    if (own && good) addElements(c, entry, facts, { ...own.type, stage: "latent" }, place.span);
    return;
  }
  if (!own) sizeless(c, s, d);
  const type = latentValue(c, s, own, d, s.type);
  const shape = withKept(own ? own.type.shape : type.shape, facts, own !== undefined);
  if (own) checkFit(c, s, shape, d, false);
  if (!s.type) entry.distribution = nameOf(c, s.distribution.call, d.name);
  if (good) addElements(c, entry, facts, { ...type, shape, stage: "latent", varies: nothingVaries }, place.span);
}

/** z[1..3] ~ Normal(0, 1): the axes that the left side keeps are there, whatever the arguments say. */
function withKept(shape: SymbolicShape | undefined, facts: PlaceFacts, declared: boolean): SymbolicShape | undefined {
  if (!shape) return undefined;
  return declared || shape.length < facts.kept.length ? [...facts.kept, ...shape] : shape;
}

function readsName(e: Expression, name: string): boolean {
  if (e.kind === "name") return e.name === name;
  let found = false;
  eachChild(e, (x) => {
    found ||= readsName(x, name);
  });
  return found;
}

// ---------------------------------------------------------------- declared type and support

/** What values the latent takes: those of its declared type that the distribution gives (rule 11). */
function latentValue(
  c: Context,
  s: SampleStatement,
  declared: DeclaredType | undefined,
  d: DistributionType,
  written: TypeExpression | undefined,
): ValueType {
  const { report } = c.session;
  const name = nameOf(c, s.target);
  if (s.distribution.prefix.includes("noncentered")) checkNoncentered(c, s, d, declared);
  const structure = d.constraint && d.constraint.event > 0 ? d.constraint.name : undefined;
  const natural: ValueType = {
    ...unknownType,
    shape: shapeOfDistribution(d),
    range: declaredAt(d.range, d.range.declared),
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
  if (d.discrete) {
    if (declared && declared.type.dtype !== "int" && written) {
      report.error("PPL211", s.target.span, `${name} is declared ${report.text(written.span)}`, {
        label: `${d.name} gives integers`,
      });
    } else if (!c.session.root.here(s.place?.name.name ?? "")?.distribution) {
      notYet(report, "discrete", s.target.span, `${name} is latent, and ${d.name} is over integers`);
    }
    return { ...unknownType, stage: "latent" };
  }
  if (!declared) return natural;
  const t = declared.type;
  const text = written ? report.text(written.span) : "so";
  if (t.dtype === "int") {
    report.error("PPL211", s.target.span, `${name} is declared ${text}`, {
      label: `${d.name} gives real numbers`,
      notes: ["a latent variable that is real is declared real, or not at all"],
    });
    return { ...unknownType, stage: "latent" };
  }
  if (d.declaredSupport) return { ...t, stage: "latent" };
  const clash = structuresClash(c, t.structure, structure);
  if (clash) {
    report.error("PPL211", s.target.span, `${name} is declared ${text}`, { label: `${d.name} gives ${clash}` });
    return { ...unknownType, stage: "latent" };
  }
  if (disjoint(t.range, d.range)) {
    report.error("PPL211", s.target.span, `${name} is declared ${text}`, {
      label: `${d.name} gives numbers ${formatRange(d.range)}, none of them in its type`,
    });
    return { ...t, stage: "latent" };
  }
  if (!s.distribution.prefix.includes("unnormalized")) checkRestriction(c, s, declared, d, name);
  wider(c, s, t, d, text, name, structure);
  return { ...t, range: intersect(t.range, d.range), structure: t.structure ?? structure, stage: "latent" };
}

/** Two structures that are not one inside the other. */
function structuresClash(c: Context, declared: string | undefined, given: string | undefined): string | undefined {
  const [a, b] = [c.session.constraints.get(declared ?? ""), c.session.constraints.get(given ?? "")];
  if (!a || !b || implies(a, b) || implies(b, a)) return undefined;
  return b.words;
}

const boundOf = (t: Range, d: Range, side: "lower" | "upper", given: boolean): Range | undefined => {
  const narrower = side === "lower" ? t.lower > d.lower : t.upper < d.upper;
  return narrower || (given && !Number.isFinite(t[side])) ? { ...t, lower: t[side], upper: t[side] } : undefined;
};
/** A type narrower than the support truncates; the normaliser must be known, or constant. */
function checkRestriction(c: Context, s: SampleStatement, declared: DeclaredType, d: DistributionType, name: string): void {
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
  const bounds = s.type?.bounds;
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
  const below =
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
  if (!d.affine) {
    report.error("PPL218", s.distribution.span, `${d.name} is not a location plus a scale times something fixed`, {
      label: "noncentered needs that",
      notes: ["leave noncentered out; Normal and StudentT have such a form"],
    });
  } else if (declared && (declared.type.structure || !inside(d.range, declared.type.range))) {
    report.error("PPL218", s.distribution.span, `${nameOf(c, s.target)} is restricted by its type`, {
      label: "noncentered gives any real number",
      notes: ["leave noncentered or the type's restriction out"],
    });
  }
}
