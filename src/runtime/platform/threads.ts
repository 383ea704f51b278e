// Worker threads of Node.
import { availableParallelism } from "node:os";
import { parentPort, Worker, workerData } from "node:worker_threads";

/** A thread, seen from the one that started it. Messages are structured clones. */
export interface Thread {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** The thread died: of an exception, or of memory. */
  onFailure(listener: (error: Error) => void): void;
  /** Ends the thread in a moment, and does not keep the process waiting for it. */
  retire(): void;
}

/** Milliseconds in which V8 finishes what it compiles in the background for a thread that has nothing more to do: Node 20 aborts the process
 *  when the thread ends before (an assertion in NodePlatform::ForIsolate). */
const GRACE = 250;

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
    retire() {
      isOver = true;
      worker.unref();
      setTimeout(() => void worker.terminate(), GRACE).unref();
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
