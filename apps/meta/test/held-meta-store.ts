import { applyChanges } from "../src/store/memory-meta-store.ts";
import type {
  Candidate,
  Leadership,
  MetaRecord,
  MetaStore,
  StoreListener,
  StoredControls,
} from "../src/store/meta-store.ts";

interface HeldWrite {
  readonly record: MetaRecord;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

/** A store whose writes take until the test says so, and whose leadership the test gives and takes. */
export class HeldMetaStore implements MetaStore, Leadership {
  /** What a restart would find. */
  record: MetaRecord | undefined;
  readonly controls = new Map<string, string>();
  controlsVersion = 0;
  closed = false;
  epoch = 0;
  listener: StoreListener | undefined;
  /** How often reading fails before it works. */
  readFailures = 0;
  #candidate: Candidate | undefined;
  #isLeading = false;
  #held: HeldWrite | undefined;
  #automatic = true;

  constructor(record?: MetaRecord) {
    this.record = record;
  }

  /** From now on each write waits for {@link finish} or {@link fail}. */
  hold(): void {
    this.#automatic = false;
  }

  get writing(): MetaRecord | undefined {
    return this.#held?.record;
  }

  finish(): void {
    const held = this.#take();
    this.record = held.record;
    held.done();
  }

  fail(message: string): void {
    this.#take().failed(new Error(message));
  }

  /** Elected at once, as the only meta there is; see {@link depose}. */
  stand(candidate: Candidate, listener: StoreListener): Promise<void> {
    this.listener = listener;
    this.#candidate = candidate;
    this.elect();
    return Promise.resolve();
  }

  elect(): void {
    this.epoch++;
    this.#isLeading = true;
    this.listener?.leaderChanged(this.#candidate);
    this.listener?.elected(this);
  }

  depose(why: string, leader?: Candidate): void {
    this.#isLeading = false;
    this.listener?.deposed(why);
    this.listener?.leaderChanged(leader);
  }

  isValid(): boolean {
    return this.listener === undefined || this.#isLeading;
  }

  read(): Promise<MetaRecord | undefined> {
    if (this.readFailures-- > 0) return Promise.reject(new Error("the store does not answer"));
    return Promise.resolve(this.record);
  }

  write(record: MetaRecord): Promise<void> {
    if (this.#held !== undefined) throw new Error("one write at a time");
    if (this.#automatic) {
      this.record = record;
      return Promise.resolve();
    }
    return new Promise((done, failed) => {
      this.#held = { record, done, failed };
    });
  }

  readControls(): Promise<StoredControls> {
    return Promise.resolve({ version: this.controlsVersion, records: this.controls });
  }

  writeControls(version: number, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    this.controlsVersion = version;
    applyChanges(this.controls, changes);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    this.#isLeading = false;
    return Promise.resolve();
  }

  #take(): HeldWrite {
    const held = this.#held;
    if (held === undefined) throw new Error("nothing is being written");
    this.#held = undefined;
    return held;
  }
}
