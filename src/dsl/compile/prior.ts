// The prior of a latent: its distribution with what its declared type and the branch around it do to it.
import type { Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Applied } from "../distributions/applied.ts";
import { truncated } from "../distributions/modifiers/index.ts";
import { logDensityInside } from "../distributions/modifiers/sides.ts";
import type { SampleStatement } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { dependsOnLatents } from "./known.ts";
import { numbersIn } from "./likelihood.ts";
import { at, bindCodes, reject } from "./rejection.ts";
import { eventOf, exchangeable, type Meeting } from "./support.ts";
import { addTerm, readsGiven, type Walk } from "./walk.ts";

/** What the distribution of a statement is needed for: its prefixes, its place in the text. */
export type Drawn = Pick<SampleStatement, "distribution" | "span">;
export const isUnnormalized = (s: Drawn): boolean => s.distribution.prefix.includes("unnormalized");

/** The distribution with what the bounds of the declared type do to it (language.md rule 11). */
function limit(c: Context, s: Drawn, d: Applied, meeting: Meeting): Applied {
  const { lower, upper } = meeting.truncate;
  if ((!lower && !upper) || isUnnormalized(s)) return d;
  const limited = truncated(c.b, d, { lower, upper });
  if (limited.normalised || isConstant(limited)) return limited;
  return reject(
    bindCodes.normaliser,
    s.span,
    `the normaliser of ${d.name} truncated to its type has no closed form and depends on latents`,
    {
      notes: [`write unnormalized ${d.name}(…) to restrict it without renormalising, as Stan does`],
    },
  );
}

/** What is drawn: the law of x, which an unnormalized one of constant arguments has all the same. */
export function limitForDraws(c: Context, s: Drawn, d: Applied, meeting: Meeting): Applied {
  const { lower, upper } = meeting.truncate;
  if (!isUnnormalized(s) || (!lower && !upper)) return limit(c, s, d, meeting);
  const limited = truncated(c.b, d, { lower, upper });
  if (isConstant(limited)) return limited;
  return reject(
    bindCodes.notYet,
    s.span,
    `draws of an unnormalized ${d.name} whose normaliser depends on latents are not built yet`,
  );
}

/** Whether data alone decide on it, be they different in each row. */
const isConstant = (d: Applied): boolean => !d.arguments.some((a) => dependsOnLatents(a.value));

export function addPrior(
  w: Walk,
  c: Context,
  s: SampleStatement,
  name: string,
  d: Applied,
  meeting: Meeting,
  element: Shape,
  /** Whether its coordinates are others than its values. */
  isShifted: boolean,
): void {
  const isMerged = w.source.kind === "coordinates" && w.source.merged && !readsGiven(w, name);
  if (w.source.kind === "draws" || (isMerged && isShifted)) return;
  const { value, unnormalised } = logPrior(c, s, name, d, meeting, element);
  const { when: _, ...everywhere } = c;
  const own = c.when ? besideBranch(c, c.when, s, meeting, value) : value;
  addTerm(w, everywhere, s.span, name, "prior", own, [s.target, ...numbersIn(c, s.distribution.call)], unnormalised);
}

/** log p of what stands left of ~, on what type and support leave; `unnormalised`: why it does not integrate to 1. */
export function logPrior(
  c: Context,
  s: SampleStatement,
  name: string,
  d: Applied,
  meeting: Meeting,
  element: Shape,
): { readonly value: Value; readonly unnormalised?: string } {
  const limited = limit(c, s, d, meeting);
  const density = at(s.span, () => logDensityInside(c.b, limited, evaluate(c, s.target), meeting.beyond));
  for (const note of limited.notes) c.session.notes.add(note);
  const constant = meeting.structural && !isUnnormalized(s) ? structuralConstant(c, s, name, d, meeting, element) : 0;
  const value = constant ? c.b.add(c.b.sum(density), c.b.constant(constant)) : density;
  const isCut = meeting.truncate.lower !== undefined || meeting.truncate.upper !== undefined || meeting.structural;
  const unnormalised = !limited.normalised
    ? `${d.name} has no normaliser`
    : constant === undefined || (isCut && isUnnormalized(s))
      ? `${d.name} is not renormalised on the type of ${name}`
      : undefined;
  return { value, ...(unnormalised ? { unnormalised } : {}) };
}

/** A latent of a branch that is not taken is its least value: it counts once, and moves nothing. */
function besideBranch(c: Context, when: Value, s: SampleStatement, meeting: Meeting, density: Value): Value {
  const { b } = c;
  const { lower } = meeting.bounds;
  if (!meeting.constraint.discrete || !lower)
    return reject(
      bindCodes.notYet,
      s.span,
      "a latent in a branch that a discrete latent chooses takes values between known bounds",
      {
        label: meeting.constraint.discrete ? "has no least value" : "is continuous",
        notes: ["give it outside of the if"],
      },
    );
  const isLeast = b.eq(evaluate(c, s.target), lower);
  return b.select(when, density, b.select(isLeast, b.constant(0), b.constant(Number.NEGATIVE_INFINITY)));
}

/** log of what a type that ties elements together renormalises by: log K! for ordered types under one iid law; otherwise it is left out,
 *  undefined, if it is constant, and an error if it depends on latents. */
function structuralConstant(
  c: Context,
  s: SampleStatement,
  name: string,
  d: Applied,
  meeting: Meeting,
  element: Shape,
): number | undefined {
  const object = eventOf(meeting.constraint, element, s.span);
  const symmetry = exchangeable(d) ? meeting.constraint.logSymmetry?.(object) : undefined;
  if (symmetry !== undefined) return (symmetry * sizeOf(element)) / sizeOf(object);
  if (!isConstant(d)) {
    reject(
      bindCodes.normaliser,
      s.span,
      `${d.name} restricted to ${meeting.constraint.words} has no closed normaliser, and it depends on latents`,
      {
        notes: [`write unnormalized ${d.name}(…) to restrict it without renormalising`],
      },
    );
  }
  c.session.notes.add(`${name}: the constant that renormalises ${d.name} on ${meeting.constraint.words} is left out`);
  return undefined;
}
