// Guides and their reverse (language.md rules 42-49): checked when the model has been, since they are about its latents.
import type { AuxStatement, GuideStatement, Place, ReverseStatement, SampleStatement, Statement } from "../language/ast.ts";
import { formatRange, type Range } from "../ranges.ts";
import type { Context, Session } from "./context.ts";
import { declaredType } from "./declared-types.ts";
import type { DistributionType } from "./distribution-type.ts";
import { infer } from "./expressions.ts";
import { checkSizes, give } from "./guide-elements.ts";
import { checkLatent } from "./latents.ts";
import { aboutElements } from "./restated.ts";
import { checkDistribution, checkFit } from "./samples.ts";
import { type Entry, Scope } from "./scope.ts";
import { nameOf } from "./shape-messages.ts";
import { isUnknown, unknownType } from "./value-type.ts";

/** What a guide block knows while its statements are checked. */
export interface GuideFacts {
  readonly part: "guide" | "reverse";
  /** The model's latents by name. */
  readonly latents: ReadonlyMap<string, Entry>;
  /** Names given so far, with the elements that statements have given. */
  readonly given: Map<string, Entry>;
  readonly auxiliaries: Map<string, Entry>;
  /** `rest ~ meanfield()` */
  rest?: SampleStatement;
}
/** Families that an engine puts over the latents that a guide leaves to `rest`. */
export const restFamilies: readonly string[] = ["meanfield", "fullrank", "lowrank"];

type Check = (statements: readonly Statement[], c: Context) => void;

export function checkGuides(c: Context, blocks: readonly (GuideStatement | ReverseStatement)[], check: Check): void {
  const guides = blocks.filter((s) => s.kind === "guide");
  const reverses = blocks.filter((s) => s.kind === "reverse");
  if (blocks.length === 0) return;
  const { report, root } = c.session;
  const latents = new Map([...root.entries()].filter((e) => e.kind === "latent").map((e) => [e.name, e]));
  const facts: GuideFacts = { part: "guide", latents, given: new Map(), auxiliaries: new Map() };
  const inside = guideContext(c, facts);
  for (const g of guides) check(g.body, inside);
  for (const g of guides.slice(0, 1)) complete(c, g, facts);
  for (const [name, entry] of facts.given) checkSizes(inside, entry, latents.get(name)?.type ?? unknownType);
  // The reverse sees what the guide has drawn, and gives the auxiliaries alone.
  const back: GuideFacts = { ...facts, part: "reverse", given: new Map() };
  const outside = guideContext(c, back);
  for (const e of latents.values()) outside.session.root.set({ ...e, loops: [] });
  for (const r of reverses) check(r.body, outside);
  for (const [name, entry] of facts.auxiliaries) {
    const given = back.given.get(name);
    if (given) {
      checkSizes(outside, given, entry.type);
      continue;
    }
    report.error("PPL518", entry.span, `aux ${name} has no distribution in a reverse block`, {
      label: "r of it given the latents is needed for the bound",
      notes: [`write reverse { ${name} ~ … } beside the guide`],
    });
  }
  if (guides.length === 0)
    report.error("PPL518", reverses[0].span, "there is a reverse, and no guide", {
      label: "it gives r of the auxiliary variables of a guide",
    });
}

/** Names in force: data, sizes, consts and params; nets and functions are called. */
function guideContext(c: Context, guide: GuideFacts): Context {
  const root = new Scope();
  for (const e of c.session.root.entries())
    if (e.kind === "data" || e.kind === "size" || e.kind === "const" || e.kind === "param") root.set(e);
  const session: Session = { ...c.session, root, roles: new Map() };
  return { ...c, session, scope: root, guide };
}

/** z[n] ~ D, aux a ~ D or rest ~ meanfield() in a guide block. */
export function checkGuideSite(c: Context, guide: GuideFacts, s: SampleStatement | AuxStatement): void {
  const { report } = c.session;
  const { place } = s;
  if (!place) {
    report.error("PPL516", s.span, "a guide gives distributions to names", { label: "this is an expression" });
    checkDistribution(c, asSample(s));
    return;
  }
  const name = place.name.name;
  if (s.kind === "sample" && name === "rest" && !guide.latents.has("rest")) return checkRest(c, guide, s);
  const auxiliary = s.kind === "aux" || (guide.part === "reverse" && guide.auxiliaries.has(name));
  const latent = guide.latents.get(name);
  if (s.kind === "aux" && (latent || guide.part === "reverse")) {
    report.error("PPL516", place.name.span, latent ? `${name} is a latent variable of the model` : "aux belongs in the guide", {
      label: latent ? "an auxiliary variable has a name of its own" : "the reverse gives the auxiliaries' distributions: a ~ …",
    });
    checkDistribution(c, asSample(s));
    return;
  }
  if (auxiliary) return checkAuxiliary(c, guide, s);
  if (!latent || guide.part === "reverse") {
    report.error(
      "PPL516",
      place.name.span,
      `${name} is no ${guide.part === "guide" ? "latent variable of the model" : "aux of the guide"}`,
      {
        label: "a guide has distributions for these alone",
        notes: [
          guide.part === "reverse"
            ? "the latents' distributions stand in the guide"
            : guide.latents.size > 0
              ? `the model's latent variables are ${[...guide.latents.keys()].join(", ")}; write aux ${name} ~ … for a variable of the guide's own`
              : "the model has no latent variables",
        ],
      },
    );
    checkDistribution(c, asSample(s));
    return;
  }
  give(c, guide.given, place);
  const call = aboutElements(s.distribution.call, place);
  const d = checkDistribution(c, { ...asSample(s), distribution: { ...s.distribution, call } });
  c.session.root.set({ ...latent, loops: [], used: true, given: true });
  const element = infer(c, { kind: "name", name, span: place.span });
  const own = place.subscripts.length === 0 ? element : infer(c, asSample(s).target);
  if (s.type) declaredType(c, s.type, { latentBounds: true });
  if (!d) return;
  checkFit(c, asSample(s), own.shape, d, false);
  checkReach(c, s, latent, d);
}

const asSample = (s: SampleStatement | AuxStatement): SampleStatement => {
  if (s.kind === "sample") return s;
  const { place } = s;
  const name = { kind: "name" as const, name: place.name.name, span: place.name.span };
  const target =
    place.subscripts.length === 0 ? name : { kind: "index" as const, base: name, subscripts: place.subscripts, span: place.span };
  return { ...s, kind: "sample", target };
};

/** As a latent of the guide's own. */
function checkAuxiliary(c: Context, guide: GuideFacts, s: SampleStatement | AuxStatement): void {
  const place = s.place as Place;
  const name = place.name.name;
  if (guide.part === "guide") {
    checkLatent(c, asSample(s));
    const entry = c.session.root.here(name);
    if (entry) guide.auxiliaries.set(name, entry);
    isDrawable(c, s, c.session.distributions.get(s.distribution.call.callee.name)?.support.constraint.name);
    return;
  }
  give(c, guide.given, place);
  const drawn = guide.auxiliaries.get(name);
  const d = checkDistribution(c, asSample(s));
  if (drawn) c.session.root.set({ ...drawn, loops: [], used: true });
  if (!d || !drawn) return;
  checkFit(c, asSample(s), infer(c, asSample(s).target).shape, d, false);
  if (!sameKind(c, s, drawn, d, "in the guide")) return;
  const own = rangeOf(c, s, d);
  const { range } = drawn.type;
  if (own.lower <= range.lower && own.upper >= range.upper) return;
  c.session.report.error("PPL517", s.distribution.span, `${name} may be where ${d.name} gives it no density`, {
    label: `${d.name} is over numbers ${formatRange(own)}`,
    notes: ["the reverse needs a density wherever the guide draws"],
  });
}

const rangeOf = (c: Context, s: SampleStatement | AuxStatement, d: DistributionType): Range =>
  s.type ? declaredType(c, s.type, { latentBounds: true }).type.range : d.range;

/** A draw of q must be a value that the model gives a density to. */
function checkReach(c: Context, s: SampleStatement | AuxStatement, latent: Entry, d: DistributionType): void {
  const { report } = c.session;
  const { range } = latent.type;
  const name = latent.name;
  if (d.noDensity !== undefined) {
    report.error("PPL517", s.distribution.span, `${name} is latent, and ${d.name} is for observed numbers`, {
      label: d.noDensity,
    });
    return;
  }
  if (!sameKind(c, s, latent, d, "in the model") || !isDrawable(c, s, d.constraint?.name)) return;
  const own = rangeOf(c, s, d);
  if (own.lower >= range.lower && own.upper <= range.upper) return;
  report.error("PPL517", s.distribution.span, `${nameOf(c, s.distribution.call, d.name)} reaches beyond what ${name} may be`, {
    label: `the model gives ${name} a density at numbers ${formatRange(range)} alone`,
    notes: [
      range.lower === 0 && range.upper === Number.POSITIVE_INFINITY
        ? `use LogNormal or Gamma for it, or declare its values: ${name}: positive ~ …`
        : `use a distribution on that set, or declare it: ${name}: real<lo, hi> ~ …`,
    ],
  });
}

/** Integers or numbers, of one structure. */
function sameKind(c: Context, s: SampleStatement | AuxStatement, of: Entry, d: DistributionType, where: string): boolean {
  const { report, constraints } = c.session;
  const { name } = of;
  const { structure, dtype } = of.type;
  if (isUnknown(of.type)) return false;
  if (d.discrete !== (dtype === "int")) {
    report.error("PPL517", s.distribution.span, `${name} is ${dtype === "int" ? "an integer" : "a real number"} ${where}`, {
      label: `${d.name} gives ${d.discrete ? "integers" : "real numbers"}`,
    });
    return false;
  }
  if (structure === undefined || d.constraint?.name === structure) return true;
  report.error("PPL517", s.distribution.span, `${name} is ${constraints.get(structure)?.words ?? structure} ${where}`, {
    label: `${d.name} gives other values`,
    notes: [`use a distribution over it${c.guide?.part === "guide" ? `, or leave ${name} to rest ~ meanfield()` : ""}`],
  });
  return false;
}

/** Draws of independent numbers have no order and no sum: a type cannot bring them into one. */
function isDrawable(c: Context, s: SampleStatement | AuxStatement, drawn: string | undefined): boolean {
  const { report, constraints } = c.session;
  const structure = s.type && declaredType(c, s.type, { latentBounds: true }).type.structure;
  if (structure === undefined || drawn === structure) return true;
  report.error(
    "PPL517",
    s.type?.span ?? s.span,
    `a guide cannot draw ${structure} values from ${s.distribution.call.callee.name}`,
    {
      label: `this is ${constraints.get(structure)?.words ?? structure}`,
      notes: ["use a distribution over such values"],
    },
  );
  return false;
}

function checkRest(c: Context, guide: GuideFacts, s: SampleStatement): void {
  const { report } = c.session;
  const call = s.distribution.call;
  const family = call.callee.name;
  if (guide.part === "reverse" || c.loops.length > 0 || c.guarded || guide.rest) {
    report.error("PPL511", s.span, guide.rest ? "rest is given twice" : "rest stands inside of a block", {
      label: "once in the guide, it covers every latent that has no statement there",
    });
    return;
  }
  guide.rest = s;
  const rank = call.arguments[0]?.value;
  const wrong =
    !restFamilies.includes(family) ||
    call.arguments.length > (family === "lowrank" ? 1 : 0) ||
    (rank && !(rank.kind === "number" && rank.integer && rank.value >= 1));
  if (wrong)
    report.error("PPL516", call.span, "rest is left to a family of the engine's", {
      label: "it is meanfield(), fullrank() or lowrank(5)",
    });
}

function complete(c: Context, g: GuideStatement, { latents, given, rest }: GuideFacts): void {
  if (rest) return;
  const { report } = c.session;
  // Discrete latents of which it names none are summed out (rule 31).
  const isDiscrete = ([, { type }]: readonly [string, Entry]): boolean => type.dtype === "int";
  const isSummed = ![...latents].some(([name, entry]) => isDiscrete([name, entry]) && given.has(name));
  const missing = [...latents].filter((l) => !given.has(l[0]) && !(isSummed && isDiscrete(l))).map(([name]) => name);
  for (const name of missing) {
    const entry = latents.get(name) as Entry;
    report.error(
      "PPL515",
      { ...g.span, end: Math.min(g.span.end, g.span.start + "guide".length) },
      `the guide gives no distribution to ${name}`,
      {
        label: `${name} is a latent variable on ${report.line(entry.span, g.span)}`,
        notes: [`write ${name} ~ … in the guide, or rest ~ meanfield() for all that it leaves out`],
      },
    );
  }
}
