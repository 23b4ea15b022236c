/** Says how far a run has come: in one line that is written over on a terminal, in a line for each step elsewhere. */

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export class Progress {
  readonly #output: Output;
  readonly #steps: number;
  readonly #now: () => number;
  readonly #beganAt: number;
  #done = 0;
  #step: { readonly what: string; readonly beganAt: number } | undefined;

  /** @param steps that there will be */
  constructor(output: Output, steps: number, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#steps = steps;
    this.#now = now;
    this.#beganAt = now();
  }

  /** A step begins. */
  begin(what: string): void {
    this.#done++;
    this.#step = { what, beganAt: this.#now() };
    if (this.#output.isTTY === true) this.tick();
    else this.#output.write(`[${this.#done}/${this.#steps}] ${this.#secondsSince(this.#beganAt)} s  ${what}\n`);
  }

  /** Shows on a terminal how long the step has taken so far. */
  tick(): void {
    if (this.#output.isTTY !== true || this.#step === undefined) return;
    const { what, beganAt } = this.#step;
    const seconds = `${this.#secondsSince(this.#beganAt)} s`;
    const line = `[${this.#done}/${this.#steps}] ${seconds}  ${what}, ${this.#secondsSince(beganAt)} s`;
    this.#output.write(`\r\u{1b}[K${line.slice(0, (this.#output.columns ?? WIDTH) - 1)}`);
  }

  /** Says something that stays. */
  say(text: string): void {
    this.#output.write(this.#output.isTTY === true ? `\r\u{1b}[K${text}\n` : `${text}\n`);
  }

  #secondsSince(time: number): number {
    return Math.round((this.#now() - time) / 1_000);
  }
}

const WIDTH = 80;
