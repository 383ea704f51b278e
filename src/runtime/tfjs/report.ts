// What of TensorFlow loads on this machine, for people.
import { loadTfjs, type TfjsName, tfjsNames } from "./load.ts";

export interface Loaded {
  readonly name: TfjsName;
  readonly text: string;
}

/** Loading one includes a program that it has to run. */
export async function tfjsReport(): Promise<Loaded[]> {
  const report: Loaded[] = [];
  for (const name of tfjsNames) report.push({ name, text: await attempt(name) });
  return report;
}

const kinds: Readonly<Record<TfjsName, string>> = {
  tensorflow: "native kernels, float32",
  "tfjs-wasm": "one thread, float32",
  "tfjs-cpu": "plain JavaScript, float32, slow",
};
const remedies: Readonly<Record<TfjsName, string>> = {
  tensorflow: "for native speed: npm install @tensorflow/tfjs-node (4.22.0; it fetches a library of TensorFlow)",
  "tfjs-wasm": "npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0",
  "tfjs-cpu": "npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0",
};

async function attempt(name: TfjsName): Promise<string> {
  try {
    const backend = await loadTfjs(name);
    return `loads: version ${backend.version}, ${kinds[name]}`;
  } catch (e) {
    const text = (e instanceof Error ? e.message : String(e)).replace(`${name} does not load`, "does not load");
    return `${text}; ${remedies[name]}`;
  }
}
