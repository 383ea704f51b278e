// What the addon of tfjs-node needs of the process it is loaded into.

/** tfjs-node calls a function that Node 23 took out of util (tensorflow/tfjs#8609); and TensorFlow greets on stderr unless told not to. */
export async function beforeTensorflow(): Promise<void> {
  const util = (await import("node:util")).default as { isNullOrUndefined?: (x: unknown) => boolean };
  util.isNullOrUndefined ??= (x) => x === null || x === undefined;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
}
