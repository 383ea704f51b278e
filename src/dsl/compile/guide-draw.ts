// Draws of a guide, as programs of noise.
import type { Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Axis, NoiseSource } from "../../runtime/target.ts";
import type { Applied } from "../distributions/applied.ts";
import type { NoiseSpec } from "../distributions/define.ts";
import { distributions } from "../distributions/index.ts";
import type { AuxStatement, SampleStatement } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { bindCodes, reject } from "./rejection.ts";
import { rowShape } from "./rows.ts";
import { drawOf, overRowsOf } from "./staged.ts";
import { tableDraw } from "./table-draw.ts";
import { axesOf } from "./walk.ts";

/** A draw of a guide's site over the rows at hand. `isScored`: it has no path to the parameters, or another draw of its name has none. */
export function drawSite(
  c: Context,
  d: Applied,
  element: Shape,
  noise: NoiseSource,
  s: SampleStatement | AuxStatement,
  isScored: boolean,
): Drawn {
  const over = overRowsOf(c, d, element);
  const draw = over.draw ?? over.attempts ?? tableDraw(c.b, over);
  if (!draw)
    return reject(bindCodes.notYet, s.distribution.span, `a guide cannot draw from ${d.name} yet`, {
      label: "its draws are no function of noise",
      notes: [drawable(d)],
    });
  const shape = [...rowShape(c.rows), ...element];
  const axes: readonly Axis[] = axesOf(c, []);
  const asked = (n: NoiseSpec): Value => noise.noise(n.kind, n.shape, axes);
  // What has a score has no path: proposals move with the parameters, but what is accepted does not follow them.
  if (isScored || draw.gradient === "score") return { x: c.b.stopGradient(drawOf(c.b, draw, shape, asked)) };
  return draw.buildWithDensity?.(c.b, draw.noise(shape).map(asked), shape) ?? { x: drawOf(c.b, draw, shape, asked) };
}

/** What a guide can draw of that kind, in a sentence. */
function drawable(d: Applied): string {
  const { discrete } = d.support.constraint;
  const names = [...distributions.values()]
    .filter((r) => (r.draw || r.attempts) && r.event === d.event && r.support.constraint.discrete === discrete)
    .map((r) => r.name);
  const kind = discrete ? "integers" : ["numbers", "vectors", "matrices"][d.event];
  const also = discrete
    ? "any distribution over few integers"
    : d.event === 1
      ? "mixtures and flows of them"
      : "mixtures of them";
  if (names.length === 0) return `a guide draws no ${kind}: leave the variable to rest ~ meanfield()`;
  return `of ${kind}, a guide draws ${[...new Set(names)].sort().join(", ")}; and ${also}`;
}

/** A draw, with its log density over the rows where that came with it. */
interface Drawn {
  readonly x: Value;
  readonly logDensity?: Value;
}
