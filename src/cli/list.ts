// ppl list: what the language and the engines offer, from their records.
import { functions, signatureOf } from "../dsl/check/functions/index.ts";
import { constraints } from "../dsl/constraints/index.ts";
import { distributions } from "../dsl/distributions/index.ts";
import { usageOf } from "../dsl/nets/define.ts";
import { nets } from "../dsl/nets/index.ts";
import { odeDoc, odeUsage } from "../dsl/ode-call.ts";
import type { Option } from "../inference/engine.ts";
import { engines } from "../inference/engines/index.ts";
import { flagOf } from "../inference/options.ts";
import { UsageError } from "../runtime/errors.ts";
import type { ExitCode } from "./main.ts";

const lists: Readonly<Record<string, () => string[]>> = {
  engines: () =>
    [...engines.values()].map((e) =>
      [
        `${e.name}: ${e.doc}`,
        ...Object.entries(e.options as Record<string, Option>).map(
          ([name, o]) => `  ${flagOf(name)} (${String(o.default)}): ${o.doc}`,
        ),
      ].join("\n"),
    ),
  distributions: () =>
    [...new Set(distributions.values())].map((d) => `${d.name}(${Object.keys(d.params).join(", ")}): ${d.doc}`),
  functions: () => [...functions.map((f) => `${signatureOf(f)}: ${f.doc}`), `${odeUsage}: ${odeDoc}`],
  networks: () => [...nets.values()].map((n) => `${usageOf(n)}: ${n.doc}`),
  types: () => [...constraints.values()].map((c) => `${c.name}: ${c.words}`),
};

export async function listCommand(what: string): Promise<ExitCode> {
  if (!Object.hasOwn(lists, what)) throw new UsageError(`ppl list takes ${Object.keys(lists).join(", ")}, not ${what}`);
  process.stdout.write(`${lists[what]().join("\n")}\n`);
  return 0;
}
