// ppl doctor: what loads on this machine.
import { availableParallelism } from "node:os";
import { createBuilder } from "../runtime/ir/builder.ts";
import { packageVersion } from "../runtime/platform/version.ts";
import { tfjsReport } from "../runtime/tfjs/report.ts";
import { compileWasm, instantiate } from "../runtime/wasm/backend.ts";
import type { ExitCode } from "./main.ts";

export async function doctorCommand(): Promise<ExitCode> {
  const print = (what: string, text: string) => void process.stdout.write(`${what.padEnd(14)}${text}\n`);
  print("tilde", packageVersion());
  print("node", `${process.version} (${process.platform} ${process.arch})`);
  print("cores", String(availableParallelism()));
  print(
    "threads",
    typeof SharedArrayBuffer === "function"
      ? "chains run in parallel on worker threads"
      : "no SharedArrayBuffer: chains run one after the other",
  );
  const wasm = kernelTest();
  print("wasm", wasm.text);
  for (const { name, text } of await tfjsReport()) print(name, text);
  return wasm.ok ? 0 : 1;
}

/** Compiles and runs a small kernel: sum of squares of 1..5. */
function kernelTest(): { readonly ok: boolean; readonly text: string } {
  try {
    const began = performance.now();
    const b = createBuilder();
    const x = b.input("x", { shape: [5], dtype: "real" });
    const kernel = instantiate(compileWasm({ inputs: [x], outputs: [b.sum(b.square(x))], updates: [] }));
    kernel.inputs.x.set([1, 2, 3, 4, 5]);
    kernel.run();
    const [value] = kernel.outputs[0];
    return {
      ok: value === 55,
      text:
        value === 55
          ? `float64 SIMD kernels run; compiled in ${(performance.now() - began).toFixed(1)} ms`
          : `a kernel gives ${value} for 55: please report this`,
    };
  } catch (e) {
    return { ok: false, text: `does not run here: ${e instanceof Error ? e.message : String(e)}` };
  }
}
