// Runs an engine over a target: chains on threads or interleaved here, with the same bits either way.
import type { Backend } from "../runtime/backend.ts";
import type { RawChain } from "../runtime/draws.ts";
import { InternalError, UsageError } from "../runtime/errors.ts";
import type { LogDensity, Target } from "../runtime/target.ts";
import { type ChainOrder, chainContext, type WorkerData, type WorkerMessage } from "./chain-protocol.ts";
import type { Engine, Failure, OptionValues, Prepared, Progress, Result, Resume, RunEngineContext, Start } from "./engine.ts";
import { type AnyChainEngine, chainEngines } from "./engines/chain-engines.ts";
import { refuseDiscrete } from "./engines/refuse.ts";
import { resolveOptions } from "./options.ts";
import { Patience } from "./patience.ts";

export interface RunSettings {
  /** Of an engine whose unit is a chain; default 4. */
  readonly chains?: number;
  readonly seed: number;
  /** At most so many worker threads; default: the cores of the machine. 1 runs everything on this thread. */
  readonly threads?: number;
  /** Stops at the next transition; what was drawn is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (at: Progress) => void;
  /** Where an engine that trains does so; wasm if absent. */
  readonly backend?: Backend;
  /** By chain, or what makes them for the coordinates that the chains have; absent: the engine finds its own. */
  readonly starts?: readonly (Start | undefined)[] | ((target: Target) => Promise<readonly (Start | undefined)[]>);
  /** What an engine that trains goes on from. */
  readonly resume?: Resume;
  /** Whether chains go to worker threads. "auto": when they take long enough to be worth it. */
  readonly workers?: "auto" | "always" | "never";
}
export interface RunOutcome {
  /** Chains in order, of an engine whose unit is a chain, or the one chain of an engine that draws. */
  readonly chains: readonly RawChain[];
  /** Results in order of chain; one for an engine whose unit is a run. */
  readonly results: readonly Result[];
  /** The first chain that could not run. */
  readonly failure?: Failure & { readonly chain: number };
  readonly interrupted: boolean;
  /** Worker threads used; 0: none but this. */
  readonly threads: number;
  /** What the chains ran on, where it is not what was given: the same model in other coordinates. */
  readonly prepared?: Prepared;
}

/** Settings and options are checked, these against the engine's schema; a mistake throws a UsageError. A refusal is a failure of the outcome,
 *  and so is a chain that cannot run, which ends the others. */
export async function runEngine(
  target: Target,
  engine: Engine,
  options: Readonly<Record<string, unknown>>,
  settings: RunSettings,
): Promise<RunOutcome> {
  checkInteger("seed", settings.seed, 0, LARGEST_SEED);
  checkInteger("chains", settings.chains, 1, MOST_CHAINS);
  checkInteger("threads", settings.threads, 1, MOST_THREADS);
  const resolved = resolveOptions(engine, options);
  const refusal = refuseDiscrete(engine, target) ?? engine.refuse?.(target);
  if (refusal !== undefined)
    return { chains: [], results: [], failure: { reason: refusal, chain: 1 }, interrupted: false, threads: 0 };
  const { signal } = settings;
  const contextOf = (start: Start | undefined): RunEngineContext => ({
    ...chainContext(
      settings.seed,
      { chain: 1, start },
      () => signal?.aborted === true,
      (at) => settings.onProgress?.(at),
    ),
    breathe: breather(),
    ...(settings.chains === undefined ? {} : { chains: settings.chains }),
    ...(settings.threads === undefined ? {} : { threads: settings.threads }),
    ...(settings.resume ? { resume: settings.resume } : {}),
    ...(settings.backend ? { backend: settings.backend } : {}),
  });
  if (engine.unit === "chain") {
    const prepared = await engine.prepare?.(target, resolved, contextOf(undefined));
    const own = prepared?.target ?? target;
    const ran = await runChains(own, engine, resolved, settings, await startsFor(own, settings));
    return prepared ? { ...ran, prepared } : ran;
  }
  const [start] = (await startsFor(target, settings)) ?? [];
  return outcome([await engine.run(target, resolved, contextOf(start))], signal?.aborted === true, 0);
}

const startsFor = async (target: Target, { starts }: RunSettings): Promise<readonly (Start | undefined)[] | undefined> =>
  typeof starts === "function" ? starts(target) : starts;

export const DEFAULT_CHAINS = 4;
export const LARGEST_SEED = 4_294_967_295;
export const MOST_CHAINS = 10_000;
export const MOST_THREADS = 1024;

function checkInteger(name: string, value: number | undefined, low: number, high: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= low && value <= high))
    throw new UsageError(`${name} must be an integer from ${low} to ${high}, not ${value}`);
}

/** `options` resolved. Chain c, from 1, draws from the stream "chain c" of the seed. */
async function runChains(
  target: Target,
  engine: AnyChainEngine,
  options: OptionValues,
  settings: RunSettings,
  starts: readonly (Start | undefined)[] | undefined,
): Promise<RunOutcome> {
  const chains = settings.chains ?? DEFAULT_CHAINS;
  const orders: ChainOrder[] = Array.from({ length: chains }, (_, c) => ({ chain: c + 1, start: starts?.[c] }));
  const threads = await threadsFor(engine, chains, settings);
  const patience =
    threads > 0
      ? new Patience(threads, {
          work: (await import("../runtime/platform/threads.ts")).processorTime,
          time: () => performance.now(),
        })
      : undefined;
  const density = await target.density();
  let here: Result[] | undefined;
  try {
    if (settings.workers !== "always") here = await runHere(density, engine, options, orders, settings, patience);
  } finally {
    density.dispose();
  }
  if (here !== undefined) return outcome(here, settings.signal?.aborted === true, 0);
  const image = await target.image();
  const data: Omit<WorkerData, "stop"> = { image, engine: engine.name, options, seed: settings.seed };
  return outcome(await runOnThreads(data, orders, settings, threads), settings.signal?.aborted === true, threads);
}

function outcome(results: readonly Result[], interrupted: boolean, threads: number): RunOutcome {
  const failed = results.findIndex(({ failure }) => failure !== undefined);
  const failure = results[failed]?.failure;
  return {
    chains: results.flatMap(({ chain, chains }) => chains ?? chain ?? []),
    results,
    failure: failure === undefined ? undefined : { ...failure, chain: failed + 1 },
    interrupted,
    threads,
  };
}

const isNode = (): boolean => typeof process === "object" && typeof process.versions?.node === "string";

/** Worker threads that may be used: none outside Node, on one core, or for an engine that threads do not know. */
async function threadsFor(engine: AnyChainEngine, chains: number, settings: RunSettings): Promise<number> {
  if (settings.workers === "never" || !isNode() || !chainEngines.includes(engine)) return 0;
  const { coreCount } = await import("../runtime/platform/threads.ts");
  const threads = Math.min(chains, settings.threads ?? coreCount());
  return settings.workers === "always" ? Math.max(1, threads) : threads > 1 ? threads : 0;
}

/** Milliseconds that one chain runs before the next one's turn. */
const SLICE = 15;
/** After transition i of a slice: seldom, for it costs more than a small one, but soon, for a large one may last a second. */
const looksAtClock = (i: number): boolean => (i & 7) === 0 || i === 1 || i === 2 || i === 4;

/** All chains on this thread, in turns, so that progress is shared and an interruption finds them alike. Undefined when patience
 *  is over: a chain's bits do not depend on where it runs. */
async function runHere(
  density: LogDensity,
  engine: AnyChainEngine,
  options: OptionValues,
  orders: readonly ChainOrder[],
  settings: RunSettings,
  patience: Patience | undefined,
): Promise<Result[] | undefined> {
  const done = orders.map(() => 0);
  const clocks: { ran: number; resumed: number | undefined }[] = orders.map(() => ({ ran: 0, resumed: undefined }));
  const { signal } = settings;
  const stop = () => signal?.aborted === true;
  const runs = orders.map((order, c) => {
    const context = chainContext(settings.seed, order, stop, (at) => settings.onProgress?.(at));
    const progress = (at: Progress) => {
      done[c] = at.done / at.total;
      context.progress(at);
    };
    // Its own clock, that stands still while others run.
    const now = () => clocks[c].ran + (clocks[c].resumed === undefined ? 0 : performance.now() - clocks[c].resumed);
    return engine.run(density, options, { ...context, progress, now });
  });
  const results: (Result | undefined)[] = orders.map(() => undefined);
  while (results.includes(undefined)) {
    for (let c = 0; c < runs.length; c++) {
      if (results[c] !== undefined) continue;
      const resumed = performance.now();
      const end = resumed + SLICE;
      clocks[c].resumed = resumed;
      let step = runs[c].next();
      for (let i = 1; !step.done && !(looksAtClock(i) && performance.now() > end); i++) step = runs[c].next();
      clocks[c] = { ran: clocks[c].ran + performance.now() - resumed, resumed: undefined };
      if (step.done) results[c] = step.value;
      if (step.done && step.value.failure !== undefined) {
        for (const run of runs) run.return(ABANDONED);
        return orders.map((_, at) => results[at] ?? ABANDONED);
      }
      await breathe();
      const share = done.reduce((sum, part, at) => sum + (results[at] === undefined ? part : 1), 0) / done.length;
      if (!stop() && patience?.isOver(share)) {
        for (const run of runs) run.return(ABANDONED);
        return undefined;
      }
    }
  }
  return results.flatMap((result) => result ?? []);
}
const ABANDONED: Result = { verdicts: [], traces: {} };

/** `breathe`, once a slice. */
export function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < SLICE) return;
    await breathe();
    last = performance.now();
  };
}

/** Lets signals and output through. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

async function runOnThreads(
  data: Omit<WorkerData, "stop">,
  orders: readonly ChainOrder[],
  settings: RunSettings,
  threads: number,
): Promise<Result[]> {
  const { startThread } = await import("../runtime/platform/threads.ts");
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const { signal } = settings;
  const abort = () => Atomics.store(stop, 0, 1);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  const results: Result[] = [];
  const waiting = [...orders];
  const workers = Array.from({ length: threads }, () => startThread(workerModule(), { ...data, stop } satisfies WorkerData));
  try {
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            const next = () => {
              const order = waiting.shift();
              if (order === undefined) resolve();
              else worker.send(order);
            };
            worker.onFailure(reject);
            worker.onMessage((received) => {
              // worker.ts sends nothing else.
              const message = received as WorkerMessage;
              if (message.type === "progress") settings.onProgress?.(message.at);
              else {
                if (message.type === "done") results[message.chain - 1] = message.result;
                if (message.type === "done" && message.result.failure !== undefined) abort();
                next();
              }
            });
          }),
      ),
    );
  } finally {
    signal?.removeEventListener("abort", abort);
    for (const worker of workers) worker.retire();
  }
  if (orders.some(({ chain }) => results[chain - 1] === undefined))
    throw new InternalError("a sampling thread ended without a result");
  return results;
}

/** The built module; sources under test use it too. */
function workerModule(): URL {
  return import.meta.url.endsWith(".ts")
    ? new URL("../../dist/inference/worker.js", import.meta.url)
    : new URL("./worker.js", import.meta.url);
}
