// What inference gives back to the user: draws on the model's scale, their summary, verdicts, and files.

import { centeringAdvice } from "./centering-advice.ts";
import { centeringText } from "./centering-text.ts";
import type { Source } from "./dsl/diagnostics.ts";
import { adviseOnDraws, type Diagnosed } from "./inference/diagnostics/advice.ts";
import { type SamplerReport, samplerReport } from "./inference/diagnostics/sampler.ts";
import type { ChosenCentering, OptionValues, Result, Verdict } from "./inference/engine.ts";
import { type FinishOptions, finishDraws } from "./inference/report/finish.ts";
import { type SummaryJson, summaryJson } from "./inference/report/json.ts";
import { elementName, type SummaryRow, summarize, summarizeIndependent } from "./inference/report/summary.ts";
import { pointTable, summaryTable } from "./inference/report/text.ts";
import type { RunOutcome } from "./inference/run.ts";
import { trainingTrace } from "./inference/vi/bound-name.ts";
import type { Draws, RawChain } from "./runtime/draws.ts";
import { UsageError } from "./runtime/errors.ts";
import type { DiscreteOutput, Target } from "./runtime/target.ts";

/** Draws of one name: chains x draws x its own axes, row-major. */
export interface NamedDraws {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** What a run was made with; written to run.json. */
export interface Provenance {
  readonly engine: string;
  readonly options: OptionValues;
  readonly seed: number;
  readonly chains: number;
  readonly seconds: Readonly<Record<string, number>>;
  /** Where training ran; what was accepted or judged, on wasm. */
  readonly backend?: string;
  /** The model's text, imports included. */
  readonly sources?: readonly Source[];
  /** Consts that were set. */
  readonly set?: Readonly<Record<string, number>>;
  /** Steps of the optimiser in the run that this one went on from. */
  readonly resumedSteps?: number;
}

/** A tensor that was learnt, with who reads it. */
export interface LearntTensor extends NamedDraws {
  readonly name: string;
  /** Who reads it: model, guide or both have parameters; a family of the engine's is written in units of an origin; a start is for other engines. */
  readonly owner: "model" | "guide" | "both" | "family" | "origin" | "start";
}
/** Whether it is a parameter of model or guide, in constrained values. */
export const isParameter = ({ owner }: Pick<LearntTensor, "owner">): boolean =>
  owner === "model" || owner === "guide" || owner === "both";

/** What another run needs beside what was learnt, to go on from this one. */
export interface Unfinished {
  /** Latents with the shapes of their coordinates: an approximation of theirs fits no others. */
  readonly latents: readonly string[];
  /** What the optimiser stopped with, by name: moments, streams of noise, and where it is on its way. */
  readonly training: Readonly<Record<string, Float64Array>>;
}

/** One chain with its draws on the model's scale, and those of its warm-up when they were asked for; both have it at index `at`. */
export interface ChainRecord {
  readonly chain: RawChain;
  readonly at: number;
  readonly draws: Draws;
  readonly warmup?: Draws;
}

export interface FinishedDraws {
  readonly draws: Draws;
  readonly warmup?: Draws;
  readonly records: readonly ChainRecord[];
}

export class Fit {
  /** Name of the model. */
  readonly model: string;
  /** Curves of the run by name: the loss of an optimiser. */
  readonly traces: Readonly<Record<string, Float64Array>>;
  readonly provenance: Provenance;
  readonly chains: readonly RawChain[];
  /** Rectangular: of chains that were interrupted at different lengths, those and as much of them as keep the most draws. */
  readonly allDraws: Draws;
  /** Draws of the warm-up, when they were asked for; rectangular likewise. */
  readonly warmup: Draws | undefined;
  /** Every chain that has draws, in full, as it is saved. */
  readonly records: readonly ChainRecord[];
  readonly sampler: SamplerReport;
  readonly interrupted: boolean;
  /** Whether the draws are those of Markov chains: others are independent, and have no R-hat and no autocorrelation. */
  readonly areChains: boolean;
  /** Of log p(data), where the engine estimates it. */
  readonly evidence: { readonly mean: number; readonly se: number } | undefined;
  /** Numbers that tell of the fit, by name: elbo, k_hat, effective_draws; iwae and weighted_elbo where these were maximised. */
  readonly figures: Readonly<Record<string, number>>;
  /** Sentences, or small tables, about what the result has and lacks. */
  readonly notes: readonly string[];
  /** Coordinates that were chosen for latents, where `centering` is auto. */
  readonly centering: readonly ChosenCentering[];
  /** Evaluations of the log density that choosing them took. */
  readonly preparation: number;
  /** What was learnt beside the latents: constrained values of params, by name. */
  readonly parameters: Readonly<Record<string, NamedDraws>>;
  /** All that was learnt, parameters of networks, of the guide and of the engine's own family included: what guide.json tells of. */
  readonly learnt: readonly LearntTensor[];
  /** What the option `resume` goes on from, beside what was learnt. */
  readonly unfinished: Unfinished;
  /** Steps of the optimiser, those of runs that it went on from included. */
  readonly steps: number;
  /** Whether the result is a single point, which `allDraws` has as its one draw: an optimum, without spread or diagnostics. */
  readonly isPoint: boolean;
  /** What is wrong with the result, and what to try; empty if nothing is. */
  readonly verdicts: readonly Verdict[];
  readonly #rows: SummaryRow[];

  constructor(
    model: string,
    provenance: Provenance,
    outcome: RunOutcome,
    {
      draws,
      warmup,
      records,
      located,
      centering = [],
    }: FinishedDraws & Pick<Diagnosed, "located"> & { readonly centering?: readonly Verdict[] },
    learnt: readonly LearntTensor[] = [],
    unfinished: Unfinished = { latents: [], training: {} },
  ) {
    this.model = model;
    this.traces = Object.assign({}, ...outcome.results.map((r) => r.traces));
    this.provenance = provenance;
    this.chains = outcome.chains;
    this.allDraws = draws;
    this.warmup = warmup;
    this.records = records;
    this.interrupted = outcome.interrupted;
    this.isPoint = outcome.results.some((r) => r.point);
    this.areChains = outcome.chains.some((c) => c.stats.energy);
    const [first] = outcome.results;
    this.evidence = first?.evidence;
    this.figures = first?.figures ?? {};
    this.centering = outcome.prepared?.centering ?? [];
    this.preparation = outcome.prepared?.evaluations ?? 0;
    this.notes = [
      ...(outcome.prepared?.notes ?? []),
      ...this.centering.map((c) => centeringText(c, provenance.sources)),
      ...outcome.results.flatMap((r) => r.notes ?? []),
    ];
    this.learnt = learnt;
    this.unfinished = unfinished;
    this.parameters = Object.fromEntries(learnt.filter(isParameter).map(({ name, shape, values }) => [name, { shape, values }]));
    const trained = trainingTrace(Object.keys(this.traces));
    this.steps = (provenance.resumedSteps ?? 0) + (trained === undefined ? 0 : this.traces[trained].length);
    const maxDepth = Number(provenance.options.maxDepth);
    this.sampler = samplerReport(outcome.chains, Number.isFinite(maxDepth) ? maxDepth : undefined);
    const total = draws.chains * draws.drawsPerChain;
    this.#rows =
      total === 0
        ? []
        : this.areChains
          ? summarize(draws)
          : summarizeIndependent(draws, Math.min(total, first?.effectiveDraws ?? total));
    const targetAccept = Number(provenance.options.targetAccept);
    const advised = this.areChains
      ? adviseOnDraws({
          chains: draws.chains,
          drawsPerChain: draws.drawsPerChain,
          rows: this.#rows,
          sampler: this.sampler,
          ...(located ? { located } : {}),
          ...(Number.isFinite(maxDepth) ? { maxDepth } : {}),
          ...(Number.isFinite(targetAccept) ? { targetAccept } : {}),
        })
      : [];
    this.verdicts = [...outcome.results.flatMap((r) => r.verdicts), ...advised, ...centering];
  }

  /** One row a scalar: mean, sd, Monte Carlo errors, quantiles, effective sample sizes, R-hat. */
  summary(): readonly SummaryRow[] {
    return this.#rows;
  }

  /** The summary as an aligned table of at most `rows` rows; of an optimum, its values alone. What was learnt beside the latents follows. */
  table(rows?: number): string {
    const learnt = Object.entries(this.parameters)
      .filter(isForReading)
      .flatMap(([name, { shape, values }]) =>
        Array.from(values, (mean, element) => ({ name: elementName({ name, shape }, element), mean })),
      );
    return [
      ...(this.#rows.length === 0
        ? []
        : [this.isPoint ? pointTable(this.#rows, rows) : summaryTable(this.#rows, rows, this.areChains)]),
      ...(learnt.length === 0 ? [] : [pointTable(learnt, rows, "learnt")]),
    ].join("\n\n");
  }

  /** Draws of a latent, quantity or prediction, by its name in the model. */
  draws(name: string): NamedDraws {
    const column = this.allDraws.columns.find((c) => c.name === name);
    if (!column) {
      const names = this.allDraws.columns.map((c) => c.name);
      throw new UsageError(
        `there are no draws of ${name}${names.length > 0 ? `; there are ${names.join(", ")}` : ", nor of anything else in this fit"}`,
      );
    }
    return { shape: [this.allDraws.chains, this.allDraws.drawsPerChain, ...column.shape], values: this.allDraws.values[name] };
  }

  /** 0 done, 2 not to be trusted, 130 interrupted: as `ppl run` exits. */
  get exitCode(): 0 | 2 | 130 {
    if (this.interrupted) return 130;
    return this.verdicts.some((v) => v.level === "fail") ? 2 : 0;
  }

  /** The object of summary.json. */
  toJSON(): SummaryJson {
    const { engine, seconds } = this.provenance;
    return summaryJson(
      {
        engine,
        chains: this.allDraws.chains,
        draws: this.allDraws.drawsPerChain,
        divergences: this.sampler.divergences,
        logDensityEvaluations: this.chains.reduce((n, c) => n + c.evaluations, this.preparation),
        seconds,
        ...(this.evidence ? { evidence: this.evidence } : {}),
        ...(Object.keys(this.figures).length > 0 ? { figures: this.figures } : {}),
        ...(this.notes.length > 0 ? { notes: this.notes } : {}),
        ...(Object.entries(this.parameters).some(isForReading) ? { parameters: this.#learnt() } : {}),
      },
      this.#rows,
      this.areChains,
    );
  }

  #learnt(): Record<string, number | Float64Array> {
    return Object.fromEntries(
      Object.entries(this.parameters)
        .filter(isForReading)
        .map(([name, { shape, values }]) => [name, shape.length === 0 ? values[0] : values]),
    );
  }

  /** Writes run.json, summary.json and Stan CSV files, one a chain, into a folder (made when it is not there). Node only. */
  async save(folder: string): Promise<void> {
    const { saveFit } = await import("./save.ts");
    await saveFit(folder, this);
  }
}

/** Elements of a param that table and summary.json have. */
const MOST_LEARNT = 1000;
/** Tensors of networks, which have a point in their names, are for guide.json. */
const isForReading = ([name, { values }]: [string, NamedDraws]): boolean => values.length <= MOST_LEARNT && !name.includes(".");

/** From the outcome of a run to a Fit; the optimum of an engine that gives a point counts as its one draw. */
export async function finishFit(
  model: Target,
  provenance: Provenance,
  ran: RunOutcome,
  discrete: DiscreteOutput = "draw",
): Promise<Fit> {
  const learnt = learntIn(model, ran.results[0]);
  const own = ran.prepared?.target ?? model;
  const values = learnt.filter(isParameter).map((t): [string, Float64Array] => [t.name, t.values]);
  // Draws are finished with the values that they were made with.
  const target = values.length > 0 ? own.fix(Object.fromEntries(values)) : own;
  const outcome = ran.chains.length > 0 ? ran : { ...ran, chains: ran.results.flatMap(pointAsChain) };
  const some = ran.results[0]?.draws;
  const finished: FinishedDraws = some
    ? { draws: some, records: [] }
    : await finishAll(target, { seed: provenance.seed, discrete }, outcome.chains);
  const isChain = ran.chains.length > 0 && ran.chains.every((c) => c.stats.energy);
  const centering = isChain ? await centeringAdvice(target, ran, provenance.sources) : [];
  return new Fit(target.name, provenance, outcome, { ...finished, centering, located: locate(target, outcome.chains) }, learnt, {
    latents: latentsOf(model),
    training: ran.results[0]?.training ?? {},
  });
}

/** "theta [8]", by the shape of its coordinates, or of its values where it is discrete. */
export const latentsOf = ({ layout, discrete }: Target): string[] => [
  ...layout.map((s) => `${s.name} [${s.unconstrained.join(", ")}]`),
  ...discrete.map((s) => `${s.name} [${s.shape.join(", ")}]`),
];

/** Parameters of the target in its order, then what the engine's own family learnt, then where another run may start. */
function learntIn(target: Target, result: Result | undefined): LearntTensor[] {
  const fitted = result?.fitted ?? {};
  const own = target.parameters.flatMap(({ name, readBy, shape }): LearntTensor[] =>
    fitted[name] ? [{ name, owner: readBy, shape, values: fitted[name] }] : [],
  );
  const names = new Set(own.map((t) => t.name));
  const others = Object.entries(fitted)
    .filter(([name]) => !names.has(name))
    .map(([name, values]): LearntTensor => {
      const shape = result?.fittedShapes?.[name] ?? [values.length];
      return { name, owner: "family", shape, values };
    });
  if (!result?.fitted) return [...own, ...others];
  const { start, origin } = result;
  return [
    ...own,
    ...others,
    ...vectors("start", { position: start?.position, scale: start?.scale }),
    ...vectors("origin", { position: origin?.position, scale: origin?.scale, factor: origin?.factor }),
  ];
}

/** "start position" and so on: those that are there. */
function vectors(owner: "start" | "origin", parts: Readonly<Record<string, Float64Array | undefined>>): LearntTensor[] {
  return Object.entries(parts).flatMap(([part, values]) =>
    values ? [{ name: `${owner} ${part}`, owner, shape: [values.length], values }] : [],
  );
}

/** Divergences looked at: evaluating the terms one by one takes longer than a transition. */
const MOST_LOCATED = 8;

/** The sites whose terms are not finite where divergences began; nothing when none is, for most are of the energy alone. */
function locate(target: Target, chains: readonly RawChain[]): Diagnosed["located"] {
  // In turn from each chain.
  const most = chains.reduce((n, { divergences }) => Math.max(n, divergences.length), 0);
  const positions = Array.from({ length: most }, (_, i) => chains.flatMap(({ divergences }) => divergences[i] ?? []))
    .flat()
    .slice(0, MOST_LOCATED);
  const sites = new Map<string, number>();
  for (const q of positions)
    for (const site of new Set(target.blame(q).culprits.map((culprit) => culprit.site)))
      sites.set(site, (sites.get(site) ?? 0) + 1);
  return sites.size === 0 ? undefined : { looked: positions.length, sites };
}

async function finishAll(target: Target, options: FinishOptions, all: readonly RawChain[]): Promise<FinishedDraws> {
  const finish = (chains: readonly RawChain[]) => finishDraws(target, chains, options);
  const finishWarmup = async (chains: readonly RawChain[]) =>
    chains.some((chain) => chain.warmup) ? finishDraws(target, chains, { ...options, part: "warmup" }) : undefined;
  const draws = await finish(all);
  const warmup = await finishWarmup(all);
  if (all.every((chain) => chain.draws === draws.drawsPerChain)) {
    return { draws, warmup, records: draws.drawsPerChain === 0 ? [] : all.map((chain, at) => ({ chain, at, draws, warmup })) };
  }
  // Interrupted at different lengths: a chain's draws do not depend on the others, so each is finished once more, whole.
  const records: ChainRecord[] = [];
  for (const chain of all)
    if (chain.draws > 0) records.push({ chain, at: 0, draws: await finish([chain]), warmup: await finishWarmup([chain]) });
  return { draws, warmup, records };
}

function pointAsChain({ point }: Result, i: number): RawChain[] {
  if (!point) return [];
  const { position, logDensity, evaluations } = point;
  return [
    {
      chain: i + 1,
      dimension: position.length,
      draws: 1,
      positions: position,
      stats: { lp: Float64Array.of(logDensity) },
      seconds: { warmup: 0, sampling: 0 },
      evaluations,
      interrupted: false,
      divergences: [],
    },
  ];
}
