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

  /** @param steps that there will be */
  constructor(output: Output, steps: number, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#steps = steps;
    this.#now = now;
    this.#beganAt = now();
  }

  /** A step begins. */
  begin(what: string): void {
    const seconds = Math.round((this.#now() - this.#beganAt) / 1_000);
    const line = `[${++this.#done}/${this.#steps}] ${seconds} s  ${what}`;
    if (this.#output.isTTY === true)
      this.#output.write(`\r\u{1b}[K${line.slice(0, (this.#output.columns ?? WIDTH) - 1)}`);
    else this.#output.write(`${line}\n`);
  }

  /** Says something that stays. */
  say(text: string): void {
    this.#output.write(this.#output.isTTY === true ? `\r\u{1b}[K${text}\n` : `${text}\n`);
  }
}

const WIDTH = 80;
