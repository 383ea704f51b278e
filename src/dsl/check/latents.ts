// Latent variables: their type from the declaration and the distribution, their elements from several statements.
import type { SourceSpan } from "../diagnostics.ts";
import type { SampleStatement } from "../language/ast.ts";
import { addElements, addWriter, type PlaceFacts, placeFacts } from "./arrays.ts";
import type { Context } from "./context.ts";
import { type DeclaredType, declaredType } from "./declared-types.ts";
import type { DistributionType } from "./distribution-type.ts";
import { infer } from "./expressions.ts";
import { latentValue } from "./latent-support.ts";
import { definedTwice, insideLoop, repeatedPlace } from "./lets.ts";
import { checkDistribution, checkFit } from "./samples.ts";
import type { Entry } from "./scope.ts";
import { nameOf } from "./shape-messages.ts";
import { nothingVaries, type SymbolicShape, unknownType } from "./value-type.ts";

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
  if (d) (entry.laws ??= []).push(d);
  const declared: DeclaredType | undefined =
    own ??
    (entry.declared && {
      type: entry.type,
      constraint: c.session.constraints.get(entry.declared.base.name),
      boundStage: entry.boundStage ?? "const",
    });
  const written = s.type ?? entry.declared;
  if (d && !written) sizeless(c, nameOf(c, s.target), s.target.span, d);
  const type = d ? latentValue(c, s, declared, d, written) : { ...unknownType, ...declared?.type };
  if (d && declared) checkFit(c, s, declared.type.shape, d, false);
  entry.type = { ...type, stage: "latent", varies: nothingVaries };
  entry.given = true;
  if (s.type) entry.declared = s.type;
  if (!written && d) entry.distribution = nameOf(c, s.distribution.call, d.name);
  if (c.guarded) entry.guarded = true;
}

/** L ~ LkjCholesky(2): nothing says how large L is. */
export function sizeless(c: Context, name: string, span: SourceSpan, d: DistributionType): void {
  if (!d.sizeless) return;
  const sizes = d.event === 1 ? "[K]" : "[K, K]";
  c.session.report.error("PPL308", span, `nothing says how large ${name} is`, {
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
  const d = checkDistribution(c, s);
  if (d) (entry.laws ??= []).push(d);
  if (fixed) {
    const element = infer(c, s.target);
    if (d) {
      latentValue(c, s, { type: element, constraint: undefined, boundStage: entry.boundStage ?? "const" }, d, entry.declared);
      checkFit(c, s, element.shape, d, false);
    }
    return;
  }
  if (!d) {
    if (own && good) addElements(c, entry, facts, { ...own.type, stage: "latent" }, place.span);
    return;
  }
  if (!own) sizeless(c, nameOf(c, s.target), s.target.span, d);
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
