// Whether the statements of a guide, or of its reverse, give every element of what they must: the checker has seen names and sizes, data decide on
// branches, on missing entries and on elements that exist.
import { shapeOf } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { GuideWalk } from "./guide.ts";
import { bindCodes, reject } from "./rejection.ts";
import type { PieceArray } from "./scope.ts";

/** What must be given: all elements of a shape, or the `defined` ones, row-major and ascending. */
interface Whole {
  readonly name: string;
  readonly shape: Shape;
  readonly defined: readonly number[] | undefined;
}

export function checkComplete(w: GuideWalk, wholes: readonly Whole[]): void {
  for (const whole of wholes) {
    const { name, shape } = whole;
    const site = w.sites.get(name);
    if (!site) refuseMissing(w, name);
    const array = w.elements.get(name);
    const own = array ? shapeOf(array.whole(w.context.b)) : (w.wholes.get(name) ?? shape);
    if (own.join() !== shape.join())
      reject(bindCodes.coverage, site.span, `the ${w.part} gives ${name} the shape [${own.join(", ")}]`, {
        label: `${name} has shape [${shape.join(", ")}]`,
        notes: [`a ${w.part} covers every element of what it names`],
      });
    checkElements(w, whole, elementsOf(array));
  }
}

function refuseMissing({ context: { model }, part }: GuideWalk, name: string): never {
  const block = model.statements.find((s) => s.kind === part);
  const isData = model.symbols.get(name)?.kind === "data";
  return reject(
    bindCodes.coverage,
    block?.span ?? { file: 0, start: 0, end: 0 },
    isData
      ? `${name} has missing entries, which are latent, and the guide gives them no distribution`
      : `the ${part} gives no distribution to ${name} with these data`,
    part === "guide" ? { notes: ["write rest ~ meanfield() for all that the guide leaves out"] } : {},
  );
}

/** The elements that have been given, where these are not all. */
export function elementsOf(array: PieceArray | undefined): readonly number[] | undefined {
  if (!array) return undefined;
  const places = array.defined();
  if (places.length === sizeOf(array.extents)) return undefined;
  const each = sizeOf(array.elementShape);
  return places.flatMap((p) => Array.from({ length: each }, (_, i) => p * each + i));
}

function checkElements(w: GuideWalk, { name, shape, defined }: Whole, given: readonly number[] | undefined): void {
  if (!defined && !given) return;
  const [needed, there] = [defined, given].map((d) => new Set(d ?? Array.from({ length: sizeOf(shape) }, (_, i) => i)));
  const difference = (a: ReadonlySet<number>, b: ReadonlySet<number>) => [...a].find((place) => !b.has(place));
  const [lacking, surplus] = [difference(needed, there), difference(there, needed)];
  const at = lacking ?? surplus;
  if (at === undefined) return;
  const element = `${name}[${stridesOf(shape).map((stride, k) => (Math.floor(at / stride) % shape[k]) + 1)}]`;
  const span = w.sites.get(name)?.span ?? { file: 0, start: 0, end: 0 };
  if (lacking !== undefined) reject(bindCodes.coverage, span, `the ${w.part} gives no distribution to ${element}`);
  reject(bindCodes.coverage, span, `the ${w.part} gives a distribution to ${element}, which is not there`, {
    label: w.part === "guide" ? "the model has no ~ for it" : "the guide has no ~ for it",
  });
}
