// What the draws of a run say about the coordinates of its latents, as advice: the statement to change, and what to write there.
import { CENTERING, lineOf } from "./centering-text.ts";
import type { Source } from "./dsl/diagnostics.ts";
import { elementDraws } from "./inference/centering/element-draws.ts";
import { MOST_ELEMENTS, type Observed, type Proposal, proposeCentering } from "./inference/centering/proposals.ts";
import type { Verdict } from "./inference/engine.ts";
import type { RunOutcome } from "./inference/run.ts";
import type { AffineLatent, Target } from "./runtime/target.ts";

/** More draws than that are thinned: they say no more. */
const MOST_DRAWS = 20_000;
const FEWEST_DRAWS = 50;

/** `target`: what the chains ran on. */
export async function centeringAdvice(
  target: Target,
  { chains, prepared }: RunOutcome,
  sources?: readonly Source[],
): Promise<Verdict[]> {
  const each = Math.min(...chains.map((c) => c.draws));
  if (target.affine.length === 0 || chains.length === 0 || each < FEWEST_DRAWS || !chains.every((c) => c.stats.divergent))
    return [];
  const by = Math.ceil((each * chains.length) / MOST_DRAWS);
  const kept = Array.from({ length: Math.floor(each / by) }, (_, i) => i * by);
  const draws = chains.flatMap(({ positions, dimension }) =>
    kept.map((d) => positions.slice(d * dimension, (d + 1) * dimension)),
  );
  const divergent = chains.flatMap((c) => kept.map((d) => c.stats.divergent[d] === 1));
  const elements = await elementDraws(target, draws, MOST_ELEMENTS);
  const ran = (latent: AffineLatent): Observed["ran"] => {
    if (latent.isNoncentered) return "noncentered";
    const chosen = prepared?.centering?.find((c) => c.span === latent.span)?.weights;
    // What the model calls centred has no other form to propose where it was run otherwise.
    return chosen?.some((w) => w !== 1) ? undefined : "centred";
  };
  const observed = target.affine.map((latent) => ({ latent, elements: elements.get(latent.slot) ?? [], ran: ran(latent) }));
  const usable = observed.filter((o) => o.elements.length > 0 && o.elements[0].scale.every((s) => s > 0));
  return proposeCentering(usable, divergent, chains.length).map((p) => verdictOf(p, sources));
}

function verdictOf({ latent, evidence }: Proposal, sources?: readonly Source[]): Verdict {
  const { span, statement, other, name } = latent;
  const text = sources?.[span.file]?.text.slice(span.start, span.end) ?? `${name} ~ ${statement}`;
  const line = lineOf(span, sources);
  const words = text.replace(statement, () => other).replace(/\s+/g, " ");
  const where = line === undefined ? name : `${name}, line ${line}`;
  return { what: CENTERING, level: "warn", value: line ?? Number.NaN, advice: `${where}: ${evidence}. Write ${words}` };
}
