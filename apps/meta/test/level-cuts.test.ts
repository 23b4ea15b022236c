// A folder of LevelDB as a crash leaves it: its log cut off at any byte of the last thousand writes. A sample by default;
// every single byte takes a while:
//   META_CUTS=all npx vitest --run --project @rollcall/meta level-cuts

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { epoch } from "@rollcall/core";
import { SeededRandom } from "@rollcall/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FILE_NAME } from "../src/peers/acknowledged-file.ts";
import { LevelMetaStore } from "../src/peers/level-meta-store.ts";
import type { MetaRecord } from "../src/store/meta-store.ts";
import { grown } from "./meta-store-contract.ts";

const EVERY_BYTE = process.env["META_CUTS"] === "all";
const WRITES = 1_000;
/** After so many the store is opened anew, with which LevelDB begins another log. */
const WRITES_PER_LOG = 50;
/** So many write the whole cluster, which LevelDB splits over the blocks of its log; the others a control record. */
const WRITES_PER_CLUSTER_RECORD = 40;
const CUTS_PER_LOG = 25;
const LOST = "it has lost what was acknowledged";
const SEED = 20_260_101;

interface State {
  readonly version: number;
  readonly controlsVersion: number;
  readonly controls: ReadonlyMap<string, string>;
}

/** A moment at which a write was acknowledged: what there has to be from then on. */
interface Moment {
  readonly logBytes: number;
  readonly acknowledged: Buffer;
  readonly state: State;
}

/** The writes into one log. */
interface Story {
  /** The folder after the last of them. */
  readonly folder: string;
  readonly log: string;
  readonly moments: readonly Moment[];
}

/** Folders are made, read once and thrown away: memory will do where there is a file system of it. */
const root = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "rollcall-cuts-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const random = new SeededRandom(SEED);
const stories: Story[] = [];

const logOf = (folder: string): string => {
  const logs = readdirSync(folder).filter((name) => name.endsWith(".log"));
  expect(logs).toHaveLength(1);
  return logs[0]!;
};

beforeAll(async () => {
  const folder = join(root, "store");
  let controls = new Map<string, string>();
  let [version, controlsVersion] = [0, 0];
  for (let written = 0; written < WRITES;) {
    const store = await LevelMetaStore.open(folder);
    const log = logOf(folder);
    const moments: Moment[] = [];
    const note = (): void => {
      const [logBytes, acknowledged] = [statSync(join(folder, log)).size, readFileSync(join(folder, FILE_NAME))];
      moments.push({ logBytes, acknowledged, state: { version, controlsVersion, controls } });
    };
    note();
    for (const end = written + WRITES_PER_LOG; written < end; written++) {
      if (written % WRITES_PER_CLUSTER_RECORD === 0) {
        await store.write(clusterAt(++version));
      } else {
        const id = `static/${Math.floor(random.next() * 200)}`;
        const text = random.next() < 0.2 ? undefined : "x".repeat(Math.floor(random.next() * 120));
        controls = new Map(controls);
        if (text === undefined) controls.delete(id);
        else controls.set(id, text);
        await store.writeControls(++controlsVersion, new Map([[id, text]]));
      }
      note();
    }
    const kept = join(root, `story-${stories.length}`);
    cpSync(folder, kept, { recursive: true });
    rmSync(join(kept, "LOCK"));
    stories.push({ folder: kept, log, moments });
    await store.close();
  }
}, 120_000);

/** A record that cannot be taken for another one. */
function clusterAt(version: number): MetaRecord {
  return { ...grown, version, table: { ...grown.table, epoch: epoch(version) } };
}

async function open(folder: string): Promise<State | string> {
  let store: LevelMetaStore | undefined;
  try {
    store = await LevelMetaStore.open(folder);
    const record = await store.read();
    const { version, records } = await store.readControls();
    expect(record).toEqual(record && clusterAt(record.version));
    return { version: record?.version ?? 0, controlsVersion: version, controls: records };
  } catch (thrown) {
    return String(thrown);
  } finally {
    await store?.close();
  }
}

/** The folder of a story with its log cut off, and the other file as it was then. */
function cutAt({ folder, log }: Story, bytes: number, acknowledged: Buffer): string {
  const cut = join(root, "cut");
  rmSync(cut, { recursive: true, force: true });
  cpSync(folder, cut, { recursive: true });
  truncateSync(join(cut, log), bytes);
  writeFileSync(join(cut, FILE_NAME), acknowledged);
  return cut;
}

/** Every byte of the writes, or some at random; the ends of writes are always among them. */
function cutsOf({ moments }: Story): number[] {
  const [from, to] = [moments[0]!.logBytes, moments.at(-1)!.logBytes];
  if (EVERY_BYTE) return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  const ends = moments.map(({ logBytes }) => logBytes).filter(() => random.next() < 0.1);
  return [...ends, ...Array.from({ length: CUTS_PER_LOG }, () => from + Math.floor(random.next() * (to - from + 1)))];
}

test.for(Array.from({ length: WRITES / WRITES_PER_LOG }, (_, number) => number))(
  "log %i cut at any byte: everything that was acknowledged is there, and nothing else",
  { timeout: EVERY_BYTE ? 3_600_000 : 60_000 },
  async (number) => {
    const story = stories[number]!;
    const { moments } = story;
    const wrong: object[] = [];
    for (const bytes of cutsOf(story)) {
      const { acknowledged, state } = moments.findLast(({ logBytes }) => logBytes <= bytes)!;
      const seen = await open(cutAt(story, bytes, acknowledged));
      if (!sameState(seen, state)) wrong.push({ bytes, seen, state });
    }
    expect(wrong).toEqual([]);
  },
);

test("a log in which a bit is another one is refused, unless everything is there all the same", async () => {
  const wrong: object[] = [];
  for (const story of stories) {
    const { moments, folder, log } = story;
    const { acknowledged, state } = moments.at(-1)!;
    for (const at of cutsOf(story).slice(0, 8)) {
      const bytes = readFileSync(join(folder, log));
      bytes[at % bytes.length]! ^= 1 << Math.floor(random.next() * 8);
      const damaged = cutAt(story, bytes.length, acknowledged);
      writeFileSync(join(damaged, log), bytes);
      const seen = await open(damaged);
      if (!sameState(seen, state) && !isRefused(seen)) wrong.push({ at, seen, state });
    }
  }
  expect(wrong).toEqual([]);
}, 60_000);

test("a log that has lost what was acknowledged is refused, however much is missing", async () => {
  const wrong: object[] = [];
  for (const story of stories) {
    const { moments } = story;
    const { logBytes, acknowledged } = moments.at(-1)!;
    const cuts = [...cutsOf(story).slice(0, 5), moments.at(-2)!.logBytes, logBytes - 1];
    for (const bytes of cuts.filter((cut) => cut < logBytes)) {
      const seen = await open(cutAt(story, bytes, acknowledged));
      if (!isRefused(seen)) wrong.push({ bytes, seen });
    }
  }
  expect(wrong).toEqual([]);
}, 60_000);

const isRefused = (seen: State | string): boolean => typeof seen === "string" && seen.includes(LOST);

function sameState(seen: State | string, { version, controlsVersion, controls }: State): boolean {
  return (
    typeof seen !== "string" &&
    seen.version === version &&
    seen.controlsVersion === controlsVersion &&
    seen.controls.size === controls.size &&
    [...controls].every(([id, text]) => seen.controls.get(id) === text)
  );
}
