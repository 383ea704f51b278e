// Which elements of a latent, or of an auxiliary variable, the statements of a guide give: each once, and all that there are.
import { compareDimensions } from "../dimensions.ts";
import type { Place } from "../language/ast.ts";
import { addWriter, placeFacts, shapeOfElements } from "./arrays.ts";
import type { Context } from "./context.ts";
import { insideLoop, repeatedPlace } from "./lets.ts";
import type { Entry } from "./scope.ts";
import { formatSymbolicShape, unknownType, type ValueType } from "./value-type.ts";

/** Notes what one statement gives, in an entry of the guide's own. */
export function give(c: Context, given: Map<string, Entry>, place: Place): void {
  const { report } = c.session;
  const name = place.name.name;
  const entry = given.get(name) ?? newEntry(place);
  given.set(name, entry);
  const isWhole = place.subscripts.length === 0;
  if (isWhole && c.loops.length > 0) return insideLoop(c, "~", place);
  const before = isWhole && entry.elements ? entry.elements.writers[0]?.span : entry.given ? entry.span : undefined;
  // The arms of an `if` may give the same.
  if (before && !(entry.guarded && c.guarded)) {
    report.error("PPL504", place.span, `${name} has a ~ already`, {
      label: `on ${report.line(before, place.span)}`,
      notes: [`every element has exactly one ~ in a ${c.guide?.part ?? "guide"}`],
    });
    return;
  }
  if (c.guarded) entry.guarded = true;
  if (isWhole) {
    entry.given = true;
    return;
  }
  const facts = placeFacts(c, place);
  const repeated = c.loops.find((l) => !facts.varies.has(l.key));
  if (repeated) repeatedPlace(c, place, repeated.name);
  addWriter(c, entry, facts, place.span);
  if (entry.elements) entry.elements.trailing = [];
}

const newEntry = (place: Place): Entry => ({
  kind: "latent",
  name: place.name.name,
  span: place.name.span,
  type: unknownType,
  used: true,
  loops: [],
});

/** The elements given against those that there are, as far as sizes tell; holes, and what stands under conditions, bind sees. */
export function checkSizes(c: Context, given: Entry, whole: ValueType): void {
  const { elements, name } = given;
  if (!elements || !whole.shape || elements.writers.some((w) => w.guarded)) return;
  const own = shapeOfElements(elements);
  const all = whole.shape.slice(0, elements.rank);
  if (!own?.some((size, axis) => size && all[axis] && compareDimensions(size, all[axis]) === "different")) return;
  c.session.report.error("PPL515", elements.writers[0].span, `elements ${formatSymbolicShape(own)} of ${name} are given here`, {
    label: `${name} has ${formatSymbolicShape(all)}`,
    notes: ["every element has one ~; sizes of different names are different sizes, even where the data make them equal"],
  });
}
