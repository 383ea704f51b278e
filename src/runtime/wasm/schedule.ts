// The order of the work: sinks become batches that share a loop nest, each after what it reads.
import { InternalError } from "../errors.ts";
import type { Value } from "../ir/graph.ts";
import type { Report } from "./analyse.ts";
import { keyOf } from "./indices.ts";

export type Batch = readonly Report[];

/** Sinks with equal keys may share a loop nest. */
export function nestKey({ sink, variables }: Report): string {
  if (sink.kind === "routine") return `routine ${sink.id}`;
  return variables
    .map((v) => v.id)
    .sort((a, b) => a - b)
    .join();
}

interface Job {
  readonly report: Report;
  readonly key: string;
  /** Jobs that must be done before, with those that may also be part of the same batch marked. */
  readonly needs: Map<Job, "before" | "together">;
  readonly ancestors: Set<Job>;
  done: boolean;
}

/** List scheduling: always the nest whose work, still waiting for others, would gain least from being put off. */
export function schedule(
  reports: readonly Report[],
  inMemory: (v: Value) => boolean,
  naturalKeys: (r: Report) => ReadonlySet<string>,
): Batch[] {
  const jobs = link(reports, inMemory, naturalKeys);
  const batches: Batch[] = [];
  const waiting = new Set(jobs);
  while (waiting.size > 0) {
    const byKey = new Map<string, Job[]>();
    for (const job of waiting) {
      if (![...job.needs].every(([need, how]) => need.done || (how === "together" && need.key === job.key))) continue;
      const list = byKey.get(job.key);
      if (list === undefined) byKey.set(job.key, [job]);
      else list.push(job);
    }
    let best: { ready: readonly Job[]; loss: number } | null = null;
    for (const [key, candidates] of byKey) {
      const ready = settle(candidates);
      if (ready.length === 0) continue;
      const chosen = new Set(ready);
      let loss = 0;
      for (const job of waiting) {
        if (job.key === key && !chosen.has(job) && !ready.some((r) => job.ancestors.has(r))) loss++;
      }
      if (best === null || loss < best.loss) best = { ready, loss };
      if (loss === 0) break;
    }
    if (best === null) throw new InternalError("the sinks wait for one another");
    for (const job of best.ready) {
      job.done = true;
      waiting.delete(job);
    }
    batches.push(best.ready.map((job) => job.report));
  }
  return batches;
}

/** Of jobs of one key, those whose companions are all among them. */
function settle(candidates: readonly Job[]): readonly Job[] {
  let ready = candidates;
  for (;;) {
    const present = new Set(ready);
    const next = ready.filter((job) => [...job.needs.keys()].every((need) => need.done || present.has(need)));
    if (next.length === ready.length) return ready;
    ready = next;
  }
}

function link(
  reports: readonly Report[],
  inMemory: (v: Value) => boolean,
  naturalKeys: (r: Report) => ReadonlySet<string>,
): Job[] {
  const producers = new Map<Value, Job[]>();
  const jobs = reports.map(
    (report): Job => ({ report, key: nestKey(report), needs: new Map(), ancestors: new Set(), done: false }),
  );
  const produce = (v: Value, job: Job): void => {
    const list = producers.get(v);
    if (list === undefined) producers.set(v, [job]);
    else list.push(job);
  };
  for (const job of jobs) {
    const { sink } = job.report;
    if (sink.kind === "routine") for (const v of sink.results) produce(v, job);
    else if (sink.kind !== "write" && (sink.kind !== "store" || !sink.copy)) produce(sink.value, job);
  }
  for (const job of jobs) {
    for (const v of job.report.reads) {
      if (!inMemory(v)) throw new InternalError("a sink waits for a value that is not in memory");
      for (const need of producers.get(v) ?? [])
        job.needs.set(need, isSamePlace(job, need, v, naturalKeys) ? "together" : "before");
    }
  }
  // Sinks are numbered in any order: ancestors by depth-first search.
  const visited = new Set<Job>();
  const visit = (root: Job): void => {
    const stack: [Job, Iterator<Job>][] = [[root, root.needs.keys()]];
    visited.add(root);
    while (stack.length > 0) {
      const [job, rest] = stack[stack.length - 1];
      const { value: need, done } = rest.next();
      if (done) {
        stack.pop();
        for (const n of job.needs.keys()) {
          job.ancestors.add(n);
          for (const a of n.ancestors) job.ancestors.add(a);
        }
      } else if (!visited.has(need)) {
        visited.add(need);
        stack.push([need, need.needs.keys()]);
      }
    }
  };
  for (const job of jobs) if (!visited.has(job)) visit(job);
  return jobs;
}

/** The reader wants the value just where its store sink computes it, point by point: in one pass it need not be read back. */
function isSamePlace(reader: Job, store: Job, v: Value, naturalKeys: (r: Report) => ReadonlySet<string>): boolean {
  const { sink } = store.report;
  if (sink.kind !== "store" || sink.copy || reader.key !== store.key || reader === store) return false;
  if (reader.report.elsewhere.has(v)) return false;
  const natural = naturalKeys(store.report);
  for (const load of reader.report.loads.values()) if (load.value === v && !natural.has(keyOf(load.at))) return false;
  return true;
}
