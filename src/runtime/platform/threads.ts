// Worker threads of Node.
import { availableParallelism } from "node:os";
import { parentPort, Worker, workerData } from "node:worker_threads";

/** A thread, seen from the one that started it. Messages are structured clones. */
export interface Thread {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** The thread died: of an exception, or of memory. */
  onFailure(listener: (error: Error) => void): void;
  terminate(): Promise<unknown>;
}

export function startThread(module: URL, data: unknown): Thread {
  const worker = new Worker(module, { workerData: data });
  let isOver = false;
  return {
    send: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on("message", listener),
    onFailure(listener) {
      worker.on("error", listener);
      worker.on("exit", (code) => {
        if (!isOver && code !== 0) listener(new Error(`a sampling thread ended with code ${code}`));
      });
    },
    terminate() {
      isOver = true;
      return worker.terminate();
    },
  };
}

export function coreCount(): number {
  return availableParallelism();
}

/** Milliseconds of processor time that this process has had, all its threads together. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The other end, inside the thread. */
export interface Parent {
  readonly data: unknown;
  send(message: unknown, transfer: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: unknown) => void): void;
}

export function parentOfThread(): Parent {
  if (parentPort === null) throw new Error("not inside a worker thread");
  const port = parentPort;
  return {
    data: workerData,
    send: (message, transfer) => port.postMessage(message, [...transfer]),
    onMessage: (listener) => void port.on("message", listener),
  };
}
