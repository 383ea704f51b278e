// Ctrl-C.

/** The first Ctrl-C stops the run and keeps its draws; the second ends the process. */
export function onInterrupt(): { readonly signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write("\nstopping: what was drawn is kept (again to leave at once)\n");
    controller.abort();
  };
  process.on("SIGINT", listener);
  return { signal: controller.signal, done: () => void process.off("SIGINT", listener) };
}
