// Which TensorFlow packages load here. They are for networks, which later engines train; sampling needs none of them.

export interface Loaded {
  readonly name: string;
  readonly text: string;
}

/** The part of TensorFlow.js that the test below uses. */
interface TensorFlow {
  setBackend?(name: string): Promise<boolean>;
  ready?(): Promise<void>;
  /** Without advertisements on the console. */
  enableProdMode?(): void;
  add(a: unknown, b: unknown): { dataSync(): ArrayLike<number>; dispose(): void };
  tensor1d(values: readonly number[]): { dispose(): void };
  version_core?: string;
}

/** Each is tried by running an operation: an import alone proves nothing (the addon of tfjs-node fails at its first one on Node 23 and later). */
export async function tensorflowReport(): Promise<Loaded[]> {
  return [
    { name: "tensorflow", text: await attempt("@tensorflow/tfjs-node") },
    { name: "tfjs-wasm", text: await attempt("@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm", "wasm") },
    { name: "tfjs-cpu", text: await attempt("@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-cpu", "cpu") },
  ];
}

async function attempt(name: string, backend?: string, backendName?: string): Promise<string> {
  try {
    const util = (await import("node:util")).default as { isNullOrUndefined?: (x: unknown) => boolean };
    // tfjs-node calls a function that Node 23 took out of util (tensorflow/tfjs#8609).
    util.isNullOrUndefined ??= (x) => x === null || x === undefined;
    const module = (await import(name)) as TensorFlow & { default?: TensorFlow };
    const tf = module.default ?? module;
    tf.enableProdMode?.();
    if (backend !== undefined && backendName !== undefined) {
      await import(backend);
      await tf.setBackend?.(backendName);
      await tf.ready?.();
    }
    const [a, b] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
    const sum = tf.add(a, b);
    const [x, y] = Array.from(sum.dataSync());
    for (const t of [a, b, sum]) t.dispose();
    return x === 4 && y === 6
      ? `loads (${tf.version_core ?? "version unknown"}); no engine uses it yet`
      : `loads, and adds wrongly: ${x}, ${y}`;
  } catch (e) {
    const text = e instanceof Error ? e.message : String(e);
    return `does not load: ${text.split("\n")[0]}`;
  }
}
