// The command line: which commands there are, and what becomes of what they throw.
import { Command, CommanderError, Option } from "commander";
import { backendNames } from "../backends.ts";
import type { Engine, Option as EngineOption } from "../inference/engine.ts";
import { engines } from "../inference/engines/index.ts";
import { flagOf } from "../inference/options.ts";
import { DEFAULT_CHAINS, LARGEST_SEED } from "../inference/run.ts";
import { usualRowEvaluation } from "../inference/vi/evaluate-rows.ts";
import { UsageError } from "../runtime/errors.ts";
import { packageVersion } from "../runtime/platform/version.ts";
import { discreteOutputs } from "../runtime/target.ts";

/** Numbers of the model that ppl report draws. */
export const USUAL_PLOTS = 40;
/** Draws of ppl simulate that are summarised where nothing is written. */
export const USUAL_DRAWS = 1000;

/** 0 done, 1 a mistake in the model, the data or the command, 2 ran but is not to be trusted, 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

export async function main(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = 0;
  const program = commandLine((c) => {
    code = c;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (e) {
    return failed(e);
  }
}

function failed(e: unknown): ExitCode {
  if (e instanceof CommanderError) return e.exitCode === 0 ? 0 : 1;
  if (e instanceof UsageError || (e instanceof Error && e.name === "ModelError")) {
    process.stderr.write(`${e instanceof UsageError ? "error: " : ""}${e.message}\n`);
    return 1;
  }
  const text = e instanceof Error ? (e.stack ?? e.message) : String(e);
  process.stderr.write(
    `This is a fault of Tilde's, not of your model. Please report it, with the model and this text:\n${text}\n`,
  );
  return 1;
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** Commands and flags, those of the engines from their records. */
export function commandLine(finish: (code: ExitCode) => void): Command {
  const program = new Command("ppl")
    .description("Tilde: probabilistic models, compiled in the process to float64 WebAssembly")
    .version(packageVersion(), "-V, --version")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text) })
    .showSuggestionAfterError();
  const command = (name: string, doc: string): Command => program.command(name).description(doc).exitOverride();
  const withData = (c: Command): Command =>
    c
      .option(
        "--data <file>",
        "data file: .json, .csv, .npy, .npz, .bits or idx3-ubyte, each also with .gz; NAME=FILE names the variable of a file with one array; may be repeated (default: MODEL.data.json beside the model)",
        collect,
      )
      .option(
        "--columns <name=count>",
        "numbers in a row of a .bits file, where the model's type does not say it; may be repeated",
        collect,
      )
      .option("--rows <name=first..last>", "take these rows of the data only: of all variables of the size, or of the variable's")
      .option("--subset <name=count>", "take so many rows at random, without repetition")
      .option("--subset-seed <n>", "seed of --subset (default: 1, so that runs see the same rows)")
      .option("--set <name=value>", "value of a const of the model; may be repeated", collect);

  const run = withData(
    command("run", "sample or fit a model, print the summary, save draws").argument("<model>", "file of the model (.ppl)"),
  )
    .option(
      "--params <folder>",
      "params and networks as the run saved in this folder learnt them: the latents are inferred given them",
    )
    .option("--resume <folder>", "go on training from what the run saved in this folder learnt")
    .option("--sample-params", "params are latents: each has its ~, or a flat prior")
    .option("--engine <name>", `auto, ${[...engines.keys()].join(", ")}`, "auto")
    .option("--chains <n>", `number of chains (default: ${DEFAULT_CHAINS})`)
    .option("--seed <n>", `seed, an integer from 0 to ${LARGEST_SEED} (default: drawn, printed and stored)`)
    .option("--backend <name>", `where training runs: ${backendNames.join(", ")}`, "auto")
    .addOption(
      new Option(
        "--discrete <what>",
        "what is saved of discrete latents that are summed out: nothing, a joint draw of them for each draw of the others, their best values together, or the probability of every value of each",
      )
        .choices(discreteOutputs)
        .default("draw"),
    )
    .option("--threads <n>", "worker threads at most (default: cores of the machine)")
    .addOption(new Option("--out <dir>", "folder for draws and summary (default: ppl-runs/MODEL/TIME)").conflicts("save"))
    .option("--no-save", "write no files")
    .option("--json", "print summary.json's object on stdout and nothing else")
    .option("--quiet", "print nothing but errors")
    .option("--all", "print every row of the summary")
    .addOption(new Option("--progress <how>", "progress on stderr").choices(["auto", "plain", "json", "none"]).default("auto"));
  for (const [name, users] of engineOptions()) {
    run.addOption(engineFlag(name, users));
    const isOn = users.some((engine) => engine.options[name].default === true);
    if (isOn) run.addOption(new Option(`--no-${flagOf(name).slice(2)}`, "not that").helpGroup(headingOf(users)));
  }
  run.action(async (model: string, options: Record<string, unknown>) =>
    finish(await (await import("./run.ts")).runCommand(model, options)),
  );

  withData(command("check", "check a model, and its data if given; all errors in one run").argument("<model>")).action(
    async (model: string, options: Record<string, unknown>) =>
      finish(await (await import("./check.ts")).checkCommand(model, options)),
  );
  withData(
    command(
      "simulate",
      "read a model forwards: draws of the latents from their priors and of what is observed given them; prior predictive summaries, or data sets to fit",
    ).argument("<model>", "file of the model (.ppl); what it observes need not be in the data"),
  )
    .option("--size <name=count>", "a size, or another single number of the data; may be repeated", collect)
    .option("--latents <file>", "values of latents that are not drawn from their priors: JSON, as for a data file")
    .option("--params <folder>", "params and networks as the run saved in this folder learnt them")
    .option("--sample-params", "params are latents: each is drawn from its ~")
    .option("--draws <n>", `number of draws (default: ${USUAL_DRAWS}; 1 with --out FILE.json)`)
    .option("--seed <n>", `seed, an integer from 0 to ${LARGEST_SEED} (default: drawn and printed)`)
    .option(
      "--out <path>",
      "FILE.json: a data set for ppl run --data, with the latents it was made with in FILE.latents.json; or a folder: such files for each draw, and all draws in chain-1.csv",
    )
    .option("--json", "print the summary as JSON on stdout and nothing else")
    .option("--quiet", "print nothing but errors")
    .option("--all", "print every row of the summary")
    .addOption(new Option("--progress <how>", "progress on stderr").choices(["auto", "plain", "json", "none"]).default("auto"))
    .action(async (model: string, options: Record<string, unknown>) =>
      finish(await (await import("./simulate.ts")).simulateCommand(model, options)),
    );
  command("format", "print a model in canonical form")
    .argument("<model>")
    .option("--write", "rewrite the file")
    .action(async (model: string, options: { write?: boolean }) =>
      finish(await (await import("./check.ts")).formatCommand(model, options)),
    );
  withData(command("dump", "print a stage of the compiler").argument("<model>"))
    .addOption(new Option("--stage <stage>", "which").choices(["ast", "model", "ir", "gradient", "wasm"]).default("model"))
    .action(async (model: string, options: Record<string, unknown>) =>
      finish(await (await import("./dump.ts")).dumpCommand(model, options)),
    );
  command("list", "engines, distributions, functions, networks or types")
    .argument("<what>", "engines, distributions, functions, networks or types")
    .action(async (what: string) => finish(await (await import("./list.ts")).listCommand(what)));
  command("summary", "summary of a run's folder, or of Stan CSV files, as stansummary prints it")
    .argument("<paths...>")
    .option("--sig-figs <n>", "significant digits (default: 2)")
    .option("--json", "print JSON, with numbers in full")
    .action(async (paths: string[], options: { json?: boolean; sigFigs?: string }) =>
      finish(await (await import("./summary.ts")).summaryCommand(paths, options)),
    );
  command("diagnose", "what is wrong with a run, and what to try")
    .argument("<paths...>")
    .action(async (paths: string[]) => finish(await (await import("./summary.ts")).diagnoseCommand(paths)));
  command("report", "one page of a run: what was run, what is wrong with it, the summary, every chain's draws, the model")
    .argument("<folder>", "folder of a run")
    .option("--out <file>", "where to write it (default: report.html in the folder)")
    .option("--plots <n>", `numbers of the model that are drawn (default: ${USUAL_PLOTS})`)
    .action(async (folder: string, options: Record<string, unknown>) =>
      finish(await (await import("./report.ts")).reportCommand(folder, options)),
    );
  withData(
    command(
      "compare",
      "models fitted to the same observations: expected log predictive densities by leave-one-out cross-validation, their differences, stacking weights",
    ).argument("<folders...>", "folders of runs, two or more; their models and data are read where they were"),
  )
    .option("--json", "print JSON, with numbers in full")
    .action(async (folders: string[], options: Record<string, unknown>) =>
      finish(await (await import("./compare.ts")).compareCommand(folders, options)),
    );
  withData(
    command(
      "evaluate",
      "a fitted model on data, those it was fitted to or others: log-likelihoods of rows, active units, pictures",
    ).argument("<model>", "folder of a run, or file of the model (.ppl) with --params"),
  )
    .option("--params <folder>", "what the run saved in this folder learnt (default: of the run given)")
    .addOption(
      new Option(
        "--estimator <name>",
        "of log p(x) of each row: importance weights of the guide's draws, or annealed importance sampling (default: iwae with a guide, else ais; none with --pictures)",
      ).choices(["iwae", "ais"]),
    )
    .option("--samples <n>", `iwae: draws of each row (default: ${usualRowEvaluation.samples})`)
    .option("--chains <n>", `ais: chains of each row (default: ${usualRowEvaluation.chains})`)
    .option("--temperatures <n>", `ais: temperatures (default: ${usualRowEvaluation.temperatures})`)
    .option("--leapfrog <n>", `ais: leapfrog steps at each (default: ${usualRowEvaluation.leapfrog})`)
    .addOption(
      new Option("--from <start>", "ais: where the chains begin (default: the guide, if there is one)").choices([
        "guide",
        "prior",
      ]),
    )
    .option("--backend <name>", backendNames.join(", "), "auto")
    .option("--seed <n>", `seed, an integer from 0 to ${LARGEST_SEED} (default: drawn and printed)`)
    .option("--out <file>", "write the log-likelihood of each row as CSV")
    .option(
      "--pictures <folder>",
      "write reconstructions, samples of the prior, latents and the curve of training: pictures.html and its parts",
    )
    .option(
      "--image <height>x<width>",
      "how the numbers of a row lie; NAME=HEIGHTxWIDTH where several variables are observed (default: a square)",
    )
    .option("--labels <file>", "a data file with an integer for each row: colours of the latents")
    .option("--json", "print JSON on stdout and nothing else")
    .option("--quiet", "print nothing but errors")
    .addOption(new Option("--progress <how>", "progress on stderr").choices(["auto", "plain", "json", "none"]).default("auto"))
    .action(async (model: string, options: Record<string, unknown>) =>
      finish(await (await import("./evaluate.ts")).evaluateCommand(model, options)),
    );
  command("doctor", "what loads on this machine, and what does not and why").action(async () =>
    finish(await (await import("./doctor.ts")).doctorCommand()),
  );
  return program;
}

/** Options of all engines by name; one that several share is one flag. */
function engineOptions(): Map<string, Engine[]> {
  const all = new Map<string, Engine[]>();
  for (const engine of engines.values())
    for (const name of Object.keys(engine.options)) all.set(name, [...(all.get(name) ?? []), engine]);
  return all;
}

/** A flag takes the same kind of value wherever it is one; what it means there is said for each engine that means something of its own. */
function engineFlag(name: string, users: readonly Engine[]): Option {
  const option: EngineOption = users[0].options[name];
  const what =
    option.type === "boolean"
      ? ""
      : option.type === "choice"
        ? ` <${option.choices.join("|")}>`
        : option.type === "string"
          ? " <text>"
          : " <n>";
  return new Option(`${flagOf(name)}${what}`, `${meanings(name, users)}${defaults(name, users)}`).helpGroup(headingOf(users));
}

/** Flags stand with those of the same engines. */
const headingOf = (users: readonly Engine[]): string => `Options of ${users.map((engine) => engine.name).join(", ")}:`;

/** What the option does; one after the other where engines mean different things. */
function meanings(name: string, users: readonly Engine[]): string {
  const byDoc = new Map<string, string[]>();
  for (const { name: engine, options } of users) {
    const { doc } = options[name] as EngineOption;
    byDoc.set(doc, [...(byDoc.get(doc) ?? []), engine]);
  }
  if (byDoc.size === 1) return [...byDoc.keys()][0];
  return [...byDoc].map(([doc, engines]) => `${doc} [${engines.join(", ")}]`).join("; ");
}

/** " (default: 1000)", or for each default the engines that have it. */
function defaults(name: string, users: readonly Engine[]): string {
  const byDefault = new Map<unknown, string[]>();
  for (const { name: engine, options } of users) {
    const { default: value, type } = options[name] as EngineOption;
    if (type === "boolean" || value === "") continue;
    byDefault.set(value, [...(byDefault.get(value) ?? []), engine]);
  }
  if (byDefault.size === 0) return "";
  const texts = [...byDefault].map(([value, engines]) => `${value}${byDefault.size === 1 ? "" : ` of ${engines.join(", ")}`}`);
  return ` (default: ${texts.join("; ")})`;
}
