// ppl dump: the stages of the compiler, printed.

import { gradientProgram } from "../dsl/compile/target.ts";
import { loadModel } from "../load.ts";
import { createBuilder } from "../runtime/ir/builder.ts";
import { printProgram } from "../runtime/ir/print.ts";
import { printWasm } from "../runtime/wasm/print.ts";
import { type DataFlags, readAssignments, readData } from "./inputs.ts";
import type { ExitCode } from "./main.ts";

export async function dumpCommand(path: string, given: Record<string, unknown>): Promise<ExitCode> {
  const { stage, ...flags } = given as unknown as DataFlags & { readonly stage: "ast" | "model" | "ir" | "gradient" | "wasm" };
  const model = loadModel(path);
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  if (stage === "ast") {
    print(JSON.stringify(model.checked.statements, (key, value) => (key === "span" ? undefined : value), 2));
    return 0;
  }
  const { target } = await model.bindData((await readData(path, model, flags)).data, readAssignments(flags.set));
  if (stage === "model") {
    print(`dimension ${target.dimension}`);
    for (const s of target.layout) print(`coordinates ${s.offset}..${s.offset + s.size - 1}: ${s.name} [${s.shape.join(", ")}]`);
    for (const s of target.sites)
      print(`${s.role} ${s.name}: ${s.support || "data"} [${s.type.shape.join(", ")}]${plates(s.plates)}`);
    return 0;
  }
  const b = createBuilder();
  const q = b.input("q", { shape: [target.dimension], dtype: "real" });
  const density = target.logDensity(b, q);
  if (stage === "ir") print(printProgram({ inputs: [q], outputs: [density], updates: [] }));
  else {
    const program = gradientProgram(b, q, density);
    if (stage === "gradient") print(printProgram(program));
    else print(printWasm(program));
  }
  return 0;
}

const plates = (axes: readonly { readonly name: string; readonly size: number }[]): string =>
  axes.length === 0 ? "" : `, plates ${axes.map((a) => `${a.name} = ${a.size}`).join(", ")}`;
