// Draws of a chain as CSV in the format of CmdStan: comments, sampler columns, then parameters with column-major indices.
import type { Adaptation, Draws, RawChain } from "../../runtime/draws.ts";
import type { Column } from "../../runtime/target.ts";
import type { OptionValues } from "../engine.ts";
import { exactNumber } from "./number.ts";
import { definedElements, elementCount, elementIndices } from "./summary.ts";

export interface CsvFacts {
  readonly model: string;
  readonly engine: string;
  /** 1-based. */
  readonly chain: number;
  readonly seed: number;
  /** Of the engine, by their names; those that Stan has are written under its names. */
  readonly options: OptionValues;
  /** "2026-01-31 10:00:00 UTC", by whoever knows the time. */
  readonly started?: string;
  readonly version: string;
}

/** The text in pieces, so that a large file is never one string. `draws` and `warmup` have this chain at index `at`. */
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

/** CmdStan's tree of settings, which readers of its files look into: two blanks a level. */
function head({ model, engine, chain, seed, options, started, version }: CsvFacts): string {
  const own = (name: string) => options[name];
  const lines: string[] = [];
  const write = (level: number, name: string, value?: string | number | boolean) => {
    if (value === undefined) return;
    lines.push(`${"  ".repeat(level)}${name} = ${typeof value === "boolean" ? Number(value) : value}`);
  };
  const group = (level: number, name: string) => lines.push(`${"  ".repeat(level)}${name}`);
  // The version of the format.
  write(0, "stan_version_major", 2);
  write(0, "stan_version_minor", 36);
  write(0, "stan_version_patch", 0);
  write(0, "tilde_version", version);
  write(0, "model", model);
  write(0, "start_datetime", started);
  write(0, "method", "sample");
  group(1, "sample");
  write(2, "num_samples", own("draws"));
  write(2, "num_warmup", own("warmup"));
  write(2, "save_warmup", own("saveWarmup"));
  write(2, "thin", own("thin"));
  if (own("targetAccept") === undefined) write(2, "algorithm", engine);
  else {
    group(2, "adapt");
    write(3, "engaged", own("warmup") !== 0);
    for (const [name, option] of ADAPT) write(3, name, own(option));
    write(2, "algorithm", "hmc");
    group(3, "hmc");
    write(4, "engine", engine === "hmc" ? "static" : engine);
    if (own("maxDepth") !== undefined) {
      group(5, "nuts");
      write(6, "max_depth", own("maxDepth"));
    }
    if (own("integrationTime") !== undefined) {
      group(5, "static");
      write(6, "int_time", own("integrationTime"));
    }
    write(4, "metric", `${own("metric")}_e`);
    write(4, "metric_from", own("metricFrom"));
    write(4, "stepsize", own("stepSize"));
    write(4, "stepsize_jitter", own("stepSizeJitter"));
  }
  write(0, "id", chain);
  write(0, "init", own("init"));
  group(0, "random");
  write(1, "seed", seed);
  return lines.map((line) => `# ${line}\n`).join("");
}

/** Settings of the adaptation: Stan's names and ours. */
const ADAPT = [
  ["gamma", "gamma"],
  ["delta", "targetAccept"],
  ["kappa", "kappa"],
  ["t0", "t0"],
  ["init_buffer", "initBuffer"],
  ["term_buffer", "termBuffer"],
  ["window", "window"],
] as const;

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

const METRIC_TITLE: Readonly<Record<Adaptation["metric"], string>> = {
  unit: "No free parameters for unit metric",
  diag: "Diagonal elements of inverse mass matrix:",
  dense: "Elements of inverse mass matrix:",
};

function adaptationText({ stepSize, metric, inverseMetric }: Adaptation): string {
  const dimension = metric === "dense" ? Math.round(Math.sqrt(inverseMetric.length)) : inverseMetric.length;
  const lines = ["Adaptation terminated", `Step size = ${exactNumber(stepSize)}`, METRIC_TITLE[metric]];
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
