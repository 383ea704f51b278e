// What `ppl diagnose` says, in the words of CmdStan's diagnose, with what was found chain by chain.
import type { SamplerReport } from "../diagnostics/sampler.ts";
import type { SummaryRow } from "./summary.ts";

export interface DiagnoseInput {
  readonly sampler: SamplerReport;
  readonly rows: readonly SummaryRow[];
  readonly chains: number;
  readonly maxDepth?: number;
}

/** Stan's limits: R-hat that prints as more than 1.01, a draw's worth in a thousand transitions. */
const RHAT = 1.01499;
const ESS_PER_TRANSITION = 0.001;
const EBFMI = 0.3;
/** ArviZ's: fewer effective draws a chain make R-hat itself unreliable. */
const ESS_PER_CHAIN = 100;

export function diagnoseText({ sampler, rows, chains, maxDepth }: DiagnoseInput): {
  readonly text: string;
  readonly hasProblems: boolean;
} {
  const blocks: string[] = [];
  let hasProblems = false;
  const block = (lines: readonly string[], isFine: boolean) => {
    blocks.push(lines.join("\n"));
    hasProblems ||= !isFine;
  };
  const { transitions, divergences, saturated } = sampler;
  const share = (count: number) => `${count} of ${transitions} (${((100 * count) / transitions).toFixed(2)}%)`;

  if (maxDepth !== undefined)
    block(
      saturated === 0
        ? ["Checking sampler transitions treedepth.", "Treedepth satisfactory for all transitions."]
        : [
            "Checking sampler transitions treedepth.",
            `${share(saturated)} transitions hit the maximum treedepth limit of ${maxDepth}, or 2^${maxDepth} leapfrog steps.`,
            "Trajectories that are prematurely terminated due to this limit will result in slow exploration.",
            "For optimal performance, increase this limit.",
          ],
      saturated === 0,
    );
  block(
    divergences === 0
      ? ["Checking sampler transitions for divergences.", "No divergent transitions found."]
      : [
          "Checking sampler transitions for divergences.",
          `${share(divergences)} transitions ended with a divergence.`,
          "These divergent transitions indicate that HMC is not fully able to explore the posterior distribution.",
          "Try increasing adapt delta closer to 1.",
          "If this doesn't remove all divergences, try to reparameterize the model.",
        ],
    divergences === 0,
  );
  const low = sampler.ebfmi.flatMap((value, c) => (value < EBFMI ? [`chain ${c + 1}: E-BFMI = ${value.toFixed(2)}`] : []));
  if (sampler.ebfmi.length > 0)
    block(
      low.length === 0
        ? ["Checking E-BFMI - sampler transitions HMC potential energy.", "E-BFMI satisfactory."]
        : [
            "Checking E-BFMI - sampler transitions HMC potential energy.",
            ...low.map((line) => `  ${line}`),
            `E-BFMI values are below the nominal threshold of ${EBFMI.toFixed(2)} which suggests that HMC may have trouble exploring the target distribution.`,
            "If possible, try to reparameterize the model.",
          ],
      low.length === 0,
    );
  const least = (row: SummaryRow) => Math.min(row.essBulk, row.essTail);
  const rare = rows.filter((row) => least(row) / transitions < ESS_PER_TRANSITION).map(({ name }) => name);
  const unknown = rows.filter((row) => Number.isNaN(least(row))).map(({ name }) => name);
  const few = rows.filter((row) => least(row) < ESS_PER_CHAIN * chains).map(({ name }) => name);
  block(
    [
      ...(rare.length === 0
        ? []
        : [
            `The following parameters had fewer than ${ESS_PER_TRANSITION} effective draws per transition:`,
            `  ${rare.join(", ")}`,
            "Such low values indicate that the effective sample size estimators may be biased high and actual performance may be substantially lower than quoted.",
          ]),
      ...(few.length === 0
        ? []
        : [`The following parameters had fewer than ${ESS_PER_CHAIN} effective draws per chain:`, `  ${few.join(", ")}`]),
      ...(unknown.length === 0
        ? []
        : ["Effective sample size could not be computed for the following parameters:", `  ${unknown.join(", ")}`]),
      ...(rare.length + few.length + unknown.length === 0
        ? ["Rank-normalized split effective sample size satisfactory for all parameters."]
        : []),
    ],
    rare.length + few.length + unknown.length === 0,
  );
  const apart = rows.filter(({ rhat }) => rhat > RHAT).map(({ name }) => name);
  // A constant has none, and is no reason to worry; that nothing has one is.
  const hasRhat = rows.length === 0 || rows.some(({ rhat }) => !Number.isNaN(rhat));
  block(
    apart.length === 0
      ? [
          hasRhat
            ? "Rank-normalized split R-hat values satisfactory for all parameters."
            : "Rank-normalized split R-hat could not be computed: it takes at least two chains.",
        ]
      : [
          "The following parameters had rank-normalized split R-hat greater than 1.01:",
          `  ${apart.join(", ")}`,
          "Such high values indicate incomplete mixing and biased estimation.",
          "You should consider regularizing your model with additional prior information or a more effective parameterization.",
        ],
    apart.length === 0 && hasRhat,
  );
  blocks.push(hasProblems ? "Processing complete." : "Processing complete, no problems detected.");
  return { text: blocks.join("\n\n"), hasProblems };
}
