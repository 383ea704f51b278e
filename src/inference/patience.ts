// When chains that run on the calling thread are given to threads.

/** Milliseconds that have passed, and those of them in which a processor worked for this process. */
export interface Clocks {
  readonly time: () => number;
  readonly work: () => number;
}

/** Decides once, when chains have run here for a while, whether they are given to threads, from their beginning. Costs are measured in
 *  work: on a machine that others use too, threads are as slow to start as everything else. */
export class Patience {
  readonly #threads: number;
  readonly #clocks: Clocks;
  readonly #began: { readonly time: number; readonly work: number };
  #middle: { readonly time: number; readonly share: number } | undefined;
  #isOver = false;

  constructor(threads: number, clocks: Clocks) {
    this.#threads = threads;
    this.#clocks = clocks;
    this.#began = { time: clocks.time(), work: clocks.work() };
  }

  /** `share` of all transitions is done. True: threads, though they begin anew, will be done sooner. */
  isOver(share: number): boolean {
    const work = this.#clocks.work() - this.#began.work;
    if (this.#isOver || work < LONG / 2) return false;
    const time = this.#clocks.time();
    if (this.#middle === undefined) {
      // Until here it was slow, its code being compiled.
      this.#middle = { time, share };
      return false;
    }
    if (work < LONG) return false;
    this.#isOver = true;
    const slowness = Math.max(1, (time - this.#began.time) / work);
    const speed = (share - this.#middle.share) / (time - this.#middle.time);
    return 1 - share > 1 / this.#threads + speed * slowness * THREAD_START;
  }
}
/** Milliseconds of work after which Patience decides. */
const LONG = 250;
/** What starting the threads costs, in milliseconds of work, until their code is as fast as what runs here already. */
const THREAD_START = 250;
