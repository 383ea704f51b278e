// What is wrong with a fit and what to try, in words; and whether it is to be trusted.
import type { Verdict } from "../engine.ts";
import { FEWEST_DRAWS } from "./column.ts";
import type { SamplerReport } from "./sampler.ts";

/** Limits at which a warning is given, and those beyond which the result is not to be trusted (exit code 2). */
export const LIMITS = {
  rhatWarn: 1.01,
  rhatFail: 1.05,
  essPerChain: 100,
  divergentFail: 0.01,
  ebfmi: 0.3,
} as const;

export interface DiagnosedRow {
  readonly name: string;
  readonly mean: number;
  readonly essBulk: number;
  readonly essTail: number;
  readonly rhat: number;
}
export interface Diagnosed {
  readonly chains: number;
  readonly drawsPerChain: number;
  /** By column element. */
  readonly rows: readonly DiagnosedRow[];
  readonly sampler: SamplerReport;
  readonly maxDepth?: number;
  readonly targetAccept?: number;
  /** Of some divergences, how many began where the term of a site is not finite. */
  readonly located?: { readonly looked: number; readonly sites: ReadonlyMap<string, number> };
}

/** Warnings and failures only; an empty list means that nothing was found. */
export function adviseOnDraws(fit: Diagnosed): Verdict[] {
  return [
    ...divergenceAdvice(fit),
    ...depthAdvice(fit),
    ...energyAdvice(fit),
    ...lengthAdvice(fit),
    ...finiteAdvice(fit),
    ...rhatAdvice(fit),
    ...essAdvice(fit),
  ];
}

/** Without enough draws there are no diagnostics, and silence would read as their being fine. */
function lengthAdvice({ drawsPerChain }: Diagnosed): Verdict[] {
  if (drawsPerChain >= FEWEST_DRAWS) return [];
  return [
    {
      what: "draws",
      level: "warn",
      value: drawsPerChain,
      advice: `fewer than ${FEWEST_DRAWS} draws a chain: neither R-hat nor effective sample sizes can be computed. Draw more (--draws).`,
    },
  ];
}

function finiteAdvice({ rows }: Diagnosed): Verdict[] {
  const bad = rows.filter((row) => !Number.isFinite(row.mean));
  if (bad.length === 0) return [];
  return [
    {
      what: "not finite",
      level: "warn",
      value: bad.length,
      advice: `some draws of ${listNames(bad.map((row) => row.name))} are not finite numbers, so their means and errors are not either. Look at how the model computes them: an overflow, a logarithm of something negative, 0 / 0.`,
    },
  ];
}

function divergenceAdvice({ sampler, targetAccept, located }: Diagnosed): Verdict[] {
  const { divergences, transitions } = sampler;
  if (divergences === 0) return [];
  const share = divergences / transitions;
  const raise =
    targetAccept === undefined || targetAccept < 0.99
      ? `a target acceptance closer to 1 (--target-accept ${targetAccept !== undefined && targetAccept >= 0.95 ? 0.99 : 0.95})`
      : "smaller steps no longer help";
  return [
    {
      what: "divergences",
      level: share >= LIMITS.divergentFail ? "fail" : "warn",
      value: divergences,
      advice: `${divergences} of ${transitions} transitions (${percent(share)}) diverged: the steps are too large for some corner of the posterior, which is missing from the draws.${where(located)} Try ${raise}; if it does not help, reparameterise (noncentered for hierarchical scales) or give tighter priors.`,
    },
  ];
}

function where(located: Diagnosed["located"]): string {
  const sites = [...(located?.sites ?? [])].sort(([, a], [, b]) => b - a);
  if (located === undefined || sites.length === 0) return "";
  const counts = sites.slice(0, NAMED).map(([name, count]) => `${name} (${count})`);
  return ` Of ${located.looked} looked at, the trajectory left the support or overflowed in the term of ${counts.join(", ")}.`;
}

function depthAdvice({ sampler, maxDepth }: Diagnosed): Verdict[] {
  const { saturated, transitions } = sampler;
  if (saturated === 0 || maxDepth === undefined) return [];
  return [
    {
      what: "tree depth",
      level: "warn",
      value: saturated,
      advice: `${saturated} of ${transitions} transitions (${percent(saturated / transitions)}) reached the greatest tree depth, ${maxDepth}: they were cut short, which makes exploration slow but not wrong. Try --max-depth ${maxDepth + 2}, --metric dense for strong correlations, or another parameterisation.`,
    },
  ];
}

function energyAdvice({ sampler }: Diagnosed): Verdict[] {
  const worst = Math.min(...sampler.ebfmi.filter((value) => !Number.isNaN(value)), Number.POSITIVE_INFINITY);
  if (worst >= LIMITS.ebfmi) return [];
  const chains = sampler.ebfmi.flatMap((value, c) => (value < LIMITS.ebfmi ? [c + 1] : []));
  return [
    {
      what: "E-BFMI",
      level: "warn",
      value: worst,
      advice: `E-BFMI is ${worst.toFixed(2)} (below ${LIMITS.ebfmi}) in chain${chains.length > 1 ? "s" : ""} ${chains.join(", ")}: heavy tails or a funnel keep the chain from exploring all energies. Try another parameterisation (noncentered), priors with lighter tails, or a longer warm-up.`,
    },
  ];
}

function rhatAdvice({ rows, chains }: Diagnosed): Verdict[] {
  if (chains === 1)
    return [
      {
        what: "R-hat",
        level: "warn",
        value: Number.NaN,
        advice: "one chain cannot show that it has found the whole posterior. Run at least four (--chains 4).",
      },
    ];
  const bad = rows.filter((row) => row.rhat > LIMITS.rhatWarn).sort((a, b) => b.rhat - a.rhat);
  if (bad.length === 0) return [];
  const worst = bad[0];
  return [
    {
      what: "R-hat",
      level: worst.rhat > LIMITS.rhatFail ? "fail" : "warn",
      value: worst.rhat,
      advice: `R-hat exceeds ${LIMITS.rhatWarn} for ${listNames(bad.map((row) => row.name))}, largest ${worst.rhat.toFixed(2)} (${worst.name}): the chains do not agree. Run longer (--warmup, --draws); if they stay apart, the posterior has several modes: order exchangeable components (ordered), or give priors that tell them apart.`,
    },
  ];
}

function essAdvice({ rows, chains }: Diagnosed): Verdict[] {
  const limit = LIMITS.essPerChain * chains;
  const least = (row: DiagnosedRow) => Math.min(row.essBulk, row.essTail);
  const bad = rows.filter((row) => least(row) < limit).sort((a, b) => least(a) - least(b));
  if (bad.length === 0) return [];
  const worst = bad[0];
  return [
    {
      what: "ESS",
      level: "warn",
      value: least(worst),
      advice: `the effective sample size is below ${limit} (${LIMITS.essPerChain} a chain) for ${listNames(bad.map((row) => row.name))}, least ${Math.floor(least(worst))} (${worst.name}, ${worst.essBulk <= worst.essTail ? "bulk" : "tail"}): means and quantiles are rough, and R-hat is not reliable. Draw more (--draws).`,
    },
  ];
}

/** 0.28 %, not more digits than mean something. */
function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}

const NAMED = 5;
function listNames(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(", ");
  return names.length > NAMED ? `${shown} and ${names.length - NAMED} more` : shown;
}
