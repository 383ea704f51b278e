// Draws of a chain as CSV in the format of CmdStan: comments, sampler columns, then parameters with column-major indices.
import type { Adaptation, Draws, RawChain } from "../../runtime/draws.ts";
import type { Column } from "../../runtime/target.ts";
import { exactNumber } from "./number.ts";
import { definedElements, elementCount, elementIndices } from "./summary.ts";

export interface CsvFacts {
  readonly model: string;
  readonly engine: string;
  /** 1-based. */
  readonly chain: number;
  readonly seed: number;
  /** As text, in the order in which they are written: num_warmup, num_samples, thin, … */
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** "2026-01-31 10:00:00 UTC", by whoever knows the time. */
  readonly started?: string;
  readonly version: string;
}

/** The text in pieces, so that a large file is never one string. `draws` has this chain at index `at`. */
export function* chainCsv(
  chain: RawChain,
  at: number,
  draws: Draws,
  facts: CsvFacts,
  warmup?: Draws,
): Generator<string, void, undefined> {
  yield head(facts);
  yield `${columnNames(Object.keys(chain.stats), draws.columns).join(",")}\n`;
  if (warmup !== undefined) yield* rows(warmup, at);
  if (chain.adaptation !== undefined) yield adaptationText(chain.adaptation);
  yield* rows(draws, at);
  yield elapsed(chain.seconds);
}

function head(facts: CsvFacts): string {
  const lines = [
    `tilde_version = ${facts.version}`,
    `model = ${facts.model}`,
    ...(facts.started === undefined ? [] : [`start_datetime = ${facts.started}`]),
    "method = sample",
    "  sample",
    ...Object.entries(facts.options).map(
      ([name, value]) => `    ${name} = ${typeof value === "boolean" ? Number(value) : value}`,
    ),
    `    algorithm = ${facts.engine}`,
    `id = ${facts.chain}`,
    "random",
    `  seed = ${facts.seed}`,
  ];
  return lines.map((line) => `# ${line}\n`).join("");
}

/** lp__, accept_stat__, … then theta.1, m.2.1: 1-based, first index fastest. */
export function columnNames(statistics: readonly string[], columns: readonly Column[]): string[] {
  return [
    ...statistics.map((name) => `${name}__`),
    ...columns.flatMap((column) =>
      columnMajor(column).map((element) => [column.name, ...elementIndices(column.shape, element)].join(".")),
    ),
  ];
}

/** Defined elements of a column, given by their row-major position, in column-major order. */
function columnMajor(column: Column): readonly number[] {
  const { shape } = column;
  const elements = definedElements(column);
  if (shape.length < 2) return elements;
  const key = (element: number): number => {
    let position = 0;
    for (let axis = shape.length - 1, stride = elementCount(column); axis >= 0; axis--) {
      stride /= shape[axis];
      position += (element % shape[axis]) * stride;
      element = Math.floor(element / shape[axis]);
    }
    return position;
  };
  return [...elements].sort((a, b) => key(a) - key(b));
}

const ROWS_A_PIECE = 64;
function* rows(draws: Draws, chain: number): Generator<string, void, undefined> {
  const { drawsPerChain } = draws;
  const first = chain * drawsPerChain;
  const statistics = Object.values(draws.stats);
  const columns = draws.columns.map((column) => ({
    values: draws.values[column.name],
    size: elementCount(column),
    elements: columnMajor(column),
  }));
  let piece = "";
  for (let draw = 0; draw < drawsPerChain; draw++) {
    const row = first + draw;
    let line = "";
    for (const values of statistics) line += `${line === "" ? "" : ","}${exactNumber(values[row])}`;
    for (const { values, size, elements } of columns) {
      const begin = row * size;
      for (let i = 0; i < elements.length; i++) line += `${line === "" ? "" : ","}${exactNumber(values[begin + elements[i]])}`;
    }
    piece += `${line}\n`;
    if ((draw + 1) % ROWS_A_PIECE === 0) {
      yield piece;
      piece = "";
    }
  }
  if (piece !== "") yield piece;
}

function adaptationText({ stepSize, metric, inverseMetric }: Adaptation): string {
  const dimension = metric === "dense" ? Math.round(Math.sqrt(inverseMetric.length)) : inverseMetric.length;
  const lines = ["Adaptation terminated", `Step size = ${exactNumber(stepSize)}`];
  if (metric !== "unit")
    lines.push(metric === "dense" ? "Elements of inverse mass matrix:" : "Diagonal elements of inverse mass matrix:");
  if (metric !== "unit")
    for (let row = 0; row * dimension < inverseMetric.length; row++)
      lines.push(Array.from(inverseMetric.subarray(row * dimension, (row + 1) * dimension), exactNumber).join(", "));
  return lines.map((line) => `# ${line}\n`).join("");
}

function elapsed({ warmup, sampling }: RawChain["seconds"]): string {
  const seconds = (value: number) => value.toFixed(3);
  return `# 
#  Elapsed Time: ${seconds(warmup)} seconds (Warm-up)
#                ${seconds(sampling)} seconds (Sampling)
#                ${seconds(warmup + sampling)} seconds (Total)
# 
`;
}
