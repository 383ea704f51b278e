// Progress on stderr: a bar a chain on a terminal, lines when piped, JSON lines when asked for.
import type { MultiBar, SingleBar } from "cli-progress";
import type { Progress } from "../inference/engine.ts";

export interface ProgressView {
  readonly update: (at: Progress) => void;
  stop(): void;
}

export function startProgress(how: "auto" | "plain" | "json" | "none", chains: number): ProgressView {
  const mode = how === "auto" ? (process.stderr.isTTY ? "bar" : "plain") : how;
  if (mode === "json") return { update: (at) => void process.stderr.write(`${JSON.stringify(at)}\n`), stop: () => {} };
  if (mode === "plain") return plain(chains);
  return mode === "bar" ? bars(chains) : { update: () => {}, stop: () => {} };
}

/** Every chain's tenths, for runs that last; a run of less than a second prints nothing. */
function plain(chains: number): ProgressView {
  const began = performance.now();
  const said = new Map<number, number>();
  return {
    update(at) {
      const tenth = Math.floor((10 * at.done) / Math.max(1, at.total));
      if (performance.now() - began < 1000 || tenth <= (said.get(at.chain) ?? -1)) return;
      said.set(at.chain, tenth);
      process.stderr.write(
        `${who(at, chains)}${at.phase} ${at.done}/${at.total}${at.divergences > 0 ? `, ${at.divergences} divergences` : ""}${at.bound === undefined ? "" : `, ${boundWords(at)}`}\n`,
      );
    },
    stop() {},
  };
}

/** Of which chain it is, where there are several. A fit that they start from is none of them. */
const who = ({ chain, phase }: Progress, chains: number): string =>
  chains > 1 && phase !== "training" ? `chain ${chain}: ` : "";

const boundWords = ({ bound = Number.NaN }: Progress): string => `bound ${Number(bound.toPrecision(6))}`;

/** What stands right of the phase. */
const aside = (at: Progress): string => (at.bound === undefined ? `${at.divergences} divergences` : boundWords(at));

/** cli-progress is loaded once a run has lasted long enough to need it. */
function bars(chains: number): ProgressView {
  const began = performance.now();
  let multi: MultiBar | undefined;
  let stopped = false;
  const own = new Map<number, SingleBar>();
  let loading = false;
  const latest = new Map<number, Progress>();
  const payload = (at: Progress) => ({ who: who(at, chains), phase: at.phase, aside: aside(at) });
  const show = (at: Progress): void => {
    if (!multi) return;
    const bar = own.get(at.chain) ?? multi.create(at.total, 0, payload(at));
    own.set(at.chain, bar);
    bar.setTotal(at.total);
    bar.update(at.done, payload(at));
  };
  const load = async (): Promise<void> => {
    const { default: progress } = await import("cli-progress");
    if (stopped) return;
    multi = new progress.MultiBar(
      {
        format: "{who}{bar} {percentage}% {phase} | {aside} | {eta_formatted} left",
        hideCursor: true,
        clearOnComplete: true,
        stream: process.stderr,
      },
      progress.Presets.shades_classic,
    );
    for (const at of latest.values()) show(at);
  };
  return {
    update(at) {
      latest.set(at.chain, at);
      if (!loading && performance.now() - began > 300) {
        loading = true;
        void load();
      }
      show(at);
    },
    stop() {
      stopped = true;
      multi?.stop();
    },
  };
}
