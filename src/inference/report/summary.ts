// The summary of draws: one row a scalar, with its Monte Carlo errors.
import type { Draws } from "../../runtime/draws.ts";
import type { Column } from "../../runtime/target.ts";
import { DrawnScalar, squaresAround } from "../diagnostics/column.ts";
import { essOf, essTail, isUsable, splitScores } from "../diagnostics/ess.ts";
import { mcseMean, mcseSd } from "../diagnostics/mcse.ts";
import { createScoreTable, type ScoreTable } from "../diagnostics/normal-scores.ts";
import { quantile } from "../diagnostics/quantile.ts";
import { largerRhat, rhatFolded, rhatOf } from "../diagnostics/rhat.ts";

export interface SummaryRow {
  /** As in the model: "theta[1,2]". */
  readonly name: string;
  readonly mean: number;
  readonly sd: number;
  readonly mcseMean: number;
  readonly mcseSd: number;
  readonly q5: number;
  readonly q50: number;
  readonly q95: number;
  readonly essBulk: number;
  readonly essTail: number;
  /** NaN for a single chain or a constant. */
  readonly rhat: number;
}

/** Rows in the order of the columns, elements row-major, only those that are defined. */
export function summarize(draws: Draws): SummaryRow[] {
  const { chains, drawsPerChain } = draws;
  const half = Math.floor(drawsPerChain / 2);
  const table = createScoreTable(2 * chains * half);
  return draws.columns.flatMap((column) => {
    const values = draws.values[column.name];
    const size = elementCount(column);
    return definedElements(column).map((element) =>
      summarizeScalar(elementName(column, element), scalarOf(values, chains, drawsPerChain, size, element), table),
    );
  });
}

/** Rows of draws that are no chain but independent, or worth `effective` independent ones: their order says nothing. */
export function summarizeIndependent(draws: Draws, effective: number): SummaryRow[] {
  const total = draws.chains * draws.drawsPerChain;
  return draws.columns.flatMap((column) => {
    const size = elementCount(column);
    return definedElements(column).map((element) => {
      const x = scalarOf(draws.values[column.name], draws.chains, draws.drawsPerChain, size, element);
      const squares = squaresAround(x.mean, x.values);
      const variance = squares / (total - 1);
      const sd = total > 1 ? Math.sqrt(variance) : Number.NaN;
      let fourth = 0;
      for (const v of x.values) fourth += (v - x.mean) * (v - x.mean) * (v - x.mean) * (v - x.mean);
      // To first order var(s) = (μ4 - σ⁴) / 4σ²n.
      const spread = Math.max(0, fourth / total - variance * variance) / (4 * variance);
      return {
        name: elementName(column, element),
        mean: x.mean,
        sd,
        mcseMean: sd / Math.sqrt(effective),
        mcseSd: sd === 0 ? 0 : Math.sqrt(spread / effective),
        q5: quantile(x, 0.05),
        q50: quantile(x, 0.5),
        q95: quantile(x, 0.95),
        essBulk: Number.NaN,
        essTail: Number.NaN,
        rhat: Number.NaN,
      };
    });
  });
}

/** One element of a column as a contiguous array. */
export function scalarOf(values: Float64Array, chains: number, draws: number, size: number, element: number): DrawnScalar {
  if (size === 1) return new DrawnScalar(chains, draws, values);
  const own = new Float64Array(chains * draws);
  for (let i = 0, at = element; i < own.length; i++, at += size) own[i] = values[at];
  return new DrawnScalar(chains, draws, own);
}

export function summarizeScalar(name: string, x: DrawnScalar, table?: ScoreTable): SummaryRow {
  const { values, mean } = x;
  const sd = values.length > 1 ? Math.sqrt(squaresAround(mean, values) / (values.length - 1)) : Number.NaN;
  const quantiles = { q5: quantile(x, 0.05), q50: quantile(x, 0.5), q95: quantile(x, 0.95) };
  if (!isUsable(x)) {
    const nothing = Number.NaN;
    return {
      name,
      mean,
      sd,
      mcseMean: nothing,
      mcseSd: nothing,
      ...quantiles,
      essBulk: nothing,
      essTail: nothing,
      rhat: nothing,
    };
  }
  const scores = splitScores(x, table ?? createScoreTable(x.split.values.length));
  const folded = rhatFolded(x, table);
  const bulk = rhatOf(scores);
  return {
    name,
    mean,
    sd,
    mcseMean: mcseMean(x),
    mcseSd: mcseSd(x),
    ...quantiles,
    essBulk: essOf(scores),
    essTail: essTail(x),
    rhat: x.chains < 2 ? Number.NaN : largerRhat(bulk, folded),
  };
}

export function elementCount(column: Pick<Column, "shape">): number {
  return column.shape.reduce((product, size) => product * size, 1);
}

export function definedElements(column: Column): readonly number[] {
  return column.defined ?? Array.from({ length: elementCount(column) }, (_, i) => i);
}

/** 1-based indices of a row-major element. */
export function elementIndices(shape: readonly number[], element: number): number[] {
  const indices: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    indices.unshift((element % shape[axis]) + 1);
    element = Math.floor(element / shape[axis]);
  }
  return indices;
}

export function elementName(column: Pick<Column, "name" | "shape">, element: number): string {
  return column.shape.length === 0 ? column.name : `${column.name}[${elementIndices(column.shape, element).join(",")}]`;
}
