// From the positions of chains to draws on the constrained scale.
import type { Draws, RawChain } from "../../runtime/draws.ts";
import { stream } from "../../runtime/numeric/random.ts";
import type { Column, DiscreteOutput, Finisher, Target } from "../../runtime/target.ts";
import { largestRectangle } from "./rectangle.ts";
import { elementCount } from "./summary.ts";

export interface FinishOptions {
  /** Of the run: predictions and discrete draws of chain c come from its own stream, so one more chain changes no other. */
  readonly seed: number;
  readonly part?: "draws" | "warmup";
  /** What becomes of discrete latents that were summed out; default: joint draws. */
  readonly discrete?: DiscreteOutput;
}

/** Interrupted chains may differ in length: those are kept, cut to one length, that have the most draws together. */
export async function finishDraws(target: Target, chains: readonly RawChain[], options: FinishOptions): Promise<Draws> {
  const part = options.part ?? "draws";
  const all = chains.flatMap((chain) => {
    const own = part === "draws" ? chain : chain.warmup;
    return own === undefined ? [] : [{ ...own, chain: chain.chain, dimension: chain.dimension }];
  });
  const { kept, length: drawsPerChain } = largestRectangle(all.map(({ draws }) => draws));
  const parts = kept.map((c) => all[c]);
  const total = parts.length * drawsPerChain;
  let columns: readonly Column[] | undefined;
  let values: Float64Array[] = [];
  for (const [c, { chain, dimension, positions }] of parts.entries()) {
    const finisher = await target.finisher(stream(options.seed, `chain ${chain}`).split(`finish ${part}`), options.discrete);
    if (columns === undefined) {
      columns = finisher.columns;
      values = columns.map((column) => new Float64Array(total * elementCount(column)));
    }
    finishChain(finisher, positions, dimension, drawsPerChain, c * drawsPerChain, values);
    finisher.dispose();
  }
  if (columns === undefined) {
    const finisher = await target.finisher(stream(options.seed, "no chain"), options.discrete);
    columns = finisher.columns;
    values = columns.map(() => new Float64Array(0));
    finisher.dispose();
  }
  return {
    chains: parts.length,
    drawsPerChain,
    columns,
    values: Object.fromEntries(columns.map((column, i) => [column.name, values[i]])),
    stats: stackStats(parts, drawsPerChain),
  };
}

function finishChain(
  finisher: Finisher,
  positions: Float64Array,
  dimension: number,
  draws: number,
  firstRow: number,
  values: readonly Float64Array[],
): void {
  const row = new Float64Array(finisher.width);
  const sizes = finisher.columns.map(elementCount);
  for (let draw = 0; draw < draws; draw++) {
    finisher.finish(positions.subarray(draw * dimension, (draw + 1) * dimension), row);
    for (let i = 0, at = 0; i < sizes.length; i++) {
      const size = sizes[i];
      const column = values[i];
      const begin = (firstRow + draw) * size;
      for (let k = 0; k < size; k++) column[begin + k] = row[at++];
    }
  }
}

function stackStats(chains: readonly Pick<RawChain, "stats">[], draws: number): Record<string, Float64Array> {
  const stacked: Record<string, Float64Array> = {};
  for (const name of Object.keys(chains[0]?.stats ?? {})) {
    const all = new Float64Array(chains.length * draws);
    chains.forEach(({ stats }, c) => {
      all.set(stats[name].subarray(0, draws), c * draws);
    });
    stacked[name] = all;
  }
  return stacked;
}
