/** Real LevelDB folders, cut and changed at many places: never a start that fails, never a claim that nobody made. */

import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLog } from "@rollcall/core";
import { claimBlockFromBytes } from "@rollcall/protocol";
import { ClassicLevel } from "classic-level";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LevelWarmStore } from "../src/peers/level-warm-store.ts";
import type { LoadReport, StoredClaim, WarmBatch } from "../src/warm/warm-store.ts";
import {
  CLUSTER,
  claimOf,
  deletesOf,
  identityOf,
  keptLog,
  lineOf,
  linesOf,
  loadAll,
  putsOf,
  stored,
  versionAt,
  type LogLine,
} from "./warm-fixture.ts";

const SERVICES = 40;
/** What stands before a block. */
const DIGEST_BYTES = 8;
/** Each place in a file is two starts on a real disk, about 25 ms. */
const TIMEOUT_MS = 60_000;
const parent = mkdtempSync(join(tmpdir(), "rollcall-warm-damage-"));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** Batch after batch, and what was kept after each. */
interface Story {
  readonly batches: readonly WarmBatch[];
  /** By number of batches that are whole. */
  readonly states: readonly string[][];
  /** Every word that was ever written, as a line. */
  readonly words: ReadonlySet<string>;
}

function storyOf(rounds: number): Story {
  const held = new Map<string, StoredClaim>();
  const batches: WarmBatch[] = [];
  const states: string[][] = [[]];
  const words = new Set<string>();
  for (let round = 1; round <= rounds; round++) {
    const puts = Array.from({ length: SERVICES }, (_, n) =>
      stored(`default/default/service-${n}`, claimOf(`i-${(n * round) % 7}`, round)),
    );
    const deletes = round % 3 === 0 ? [...held.values()].filter((_, n) => n % 5 === 0) : [];
    for (const claim of deletes) held.delete(identityOf(claim));
    const batch = deletes.length > 0 ? deletesOf(deletes) : putsOf(puts, versionAt(round));
    if (deletes.length === 0) for (const claim of puts) held.set(identityOf(claim), claim);
    for (const claim of held.values()) words.add(lineOf(claim));
    batches.push(batch);
    states.push(linesOf(held.values()));
  }
  return { batches, states, words };
}

interface Seen {
  readonly claims: StoredClaim[];
  readonly report: LoadReport;
  readonly errors: readonly LogLine[];
}

async function written(name: string, story: Story): Promise<string> {
  const folder = join(parent, name);
  const store = await LevelWarmStore.open(folder, silentLog);
  for (const batch of story.batches) await store.write(batch);
  await store.close();
  return folder;
}

/** Takes a copy of the folder, damages that, and starts on it; then writes, closes and starts once more. */
async function startOn(original: string, damage: (folder: string) => void): Promise<Seen> {
  const life = mkdtempSync(join(parent, "life-"));
  const folder = join(life, "warm");
  cpSync(original, folder, { recursive: true });
  damage(folder);
  const log = keptLog();
  const store = await LevelWarmStore.open(folder, log);
  const { claims, report } = await loadAll(store);
  const newer = stored("default/default/newer", claimOf("newer"));
  await store.write(putsOf([newer]));
  await store.close();
  const next = await LevelWarmStore.open(folder, log);
  const later = await loadAll(next);
  await next.close();
  // What was set aside after it was read is not there the next time, unless it is written anew.
  const left = report.problem === undefined ? [...claims, newer] : [newer];
  expect(linesOf(later.claims)).toEqual(linesOf(left));
  rmSync(life, { recursive: true });
  return { claims, report, errors: log.lines.filter(({ level }) => level === "error") };
}

function fileIn(folder: string, kind: string): string {
  const names = readdirSync(folder).filter((name) => name.includes(kind));
  const largest = names.toSorted((a, b) => readFileSync(join(folder, b)).length - readFileSync(join(folder, a)).length);
  return join(folder, largest[0]!);
}

/** `count` places in a file of this length, evenly, with the first and last bytes among them. */
const placesIn = (length: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => Math.floor((n * (length - 1)) / (count - 1)));

const flipped =
  (kind: string, place: number, mask = 0xff) =>
  (folder: string): void => {
    const file = fileIn(folder, kind);
    const bytes = readFileSync(file);
    bytes[place]! ^= mask;
    writeFileSync(file, bytes);
  };

describe("a crash that cuts the log", { timeout: TIMEOUT_MS }, () => {
  const story = storyOf(9);

  test("anywhere leaves what was kept after some batch, exactly", async () => {
    const folder = await written("log", story);
    const length = readFileSync(fileIn(folder, ".log")).length;
    const batchesFound = new Set<number>();
    let before = 0;
    for (const place of placesIn(length, 40)) {
      const { claims, report, errors } = await startOn(folder, (copy) => truncateSync(fileIn(copy, ".log"), place));
      const lines = linesOf(claims).join("\n");
      const batches = story.states.findLastIndex((state) => state.join("\n") === lines);
      expect(batches, `cut at ${place} of ${length}`).toBeGreaterThanOrEqual(before);
      expect(report).toMatchObject({ damaged: 0, problem: undefined });
      expect(errors).toEqual([]);
      expect(report.clusterId).toBe(batches === 0 ? undefined : CLUSTER);
      before = batches;
      batchesFound.add(batches);
    }
    expect(batchesFound.size).toBeGreaterThan(5);
  });
});

describe("bytes that changed", { timeout: TIMEOUT_MS }, () => {
  const story = storyOf(9);
  const full = story.states.at(-1)!;
  let inLog: string;
  let inTable: string;

  beforeAll(async () => {
    inLog = await written("flips-log", story);
    inTable = await written("flips-table", story);
    // The next life makes a table of the log of the one before.
    const store = await LevelWarmStore.open(inTable, silentLog);
    await store.close();
  });

  /** What was loaded was written once, whatever is missing. Is anything missing or older, and was that told? */
  function expectNothingWrong({ claims, report, errors }: Seen, at: string): "complete" | "told" | "silent" {
    for (const claim of claims) expect(story.words, at).toContain(lineOf(claim));
    expect(new Set(claims.map(identityOf)).size, at).toBe(claims.length);
    expect(report.claims, at).toBe(claims.length);
    for (const { fields } of errors) expect(fields["setAside"], at).toMatch(/warm\.damaged-1$/);
    if (errors.length > 0) return "told";
    return JSON.stringify(linesOf(claims)) === JSON.stringify(full) ? "complete" : "silent";
  }

  async function flipAll(original: string, kind: string, count: number) {
    const length = readFileSync(fileIn(original, kind)).length;
    const outcomes = { complete: 0, told: 0, silent: 0 };
    for (const place of placesIn(length, Math.min(count, length))) {
      for (const mask of [0xff, 0x01]) {
        const at = `${kind} at ${place} of ${length}, mask ${mask}`;
        outcomes[expectNothingWrong(await startOn(original, flipped(kind, place, mask)), at)]++;
      }
    }
    return outcomes;
  }

  /** LevelDB's own assertions would end the process here, were tables not checked before. */
  test("in a table are told of, wherever they are", async () => {
    const outcomes = await flipAll(inTable, ".ldb", 30);
    expect(outcomes.told).toBeGreaterThan(50);
    expect(outcomes.told + outcomes.complete).toBe(60);
  });

  test("at the end of a table are told of, or mean nothing", async () => {
    const { length } = readFileSync(fileIn(inTable, ".ldb"));
    for (let place = length - 48; place < length; place += 3) {
      const seen = await startOn(inTable, flipped(".ldb", place));
      expect(["told", "complete"]).toContain(expectNothingWrong(seen, `${place} of ${length}`));
    }
  });

  test("in the log lose what was written with them, as a crash does, and nothing else goes wrong", async () => {
    const outcomes = await flipAll(inLog, ".log", 20);
    expect(outcomes.silent).toBeGreaterThan(0);
  });

  test.each(["CURRENT", "MANIFEST"])("in %s are told of", async (kind) => {
    const outcomes = await flipAll(inTable, kind, 20);
    expect(outcomes).toMatchObject({ silent: 0, complete: 0 });
  });

  test.each(["CURRENT", "MANIFEST", ".ldb"])("in all of %s, or none left, are no reason not to start", async (kind) => {
    const cuts = [0, 0.5, 0.99].map((share) => (file: string) => {
      truncateSync(file, Math.floor(readFileSync(file).length * share));
    });
    const fills = [Buffer.alloc(5_000, 0x5a), Buffer.from("MANIFEST-999999\n")].map((content) => (file: string) => {
      writeFileSync(file, content);
    });
    for (const [n, damage] of [...cuts, ...fills, (file: string) => rmSync(file)].entries()) {
      const seen = await startOn(inTable, (folder) => damage(fileIn(folder, kind)));
      expect(expectNothingWrong(seen, `${kind}, damage ${n}`)).toBe("told");
    }
  });

  test("in a table that a crash left unfinished mean nothing", async () => {
    const seen = await startOn(inTable, (folder) => {
      const table = readFileSync(fileIn(folder, ".ldb"));
      writeFileSync(join(folder, "000999.ldb"), table.subarray(0, table.length / 2));
    });
    expect(expectNothingWrong(seen, "unfinished")).toBe("complete");
  });

  test("one block that is damaged is left out, counted and named, and all others are taken", async () => {
    // Plain bytes are put where LevelDB itself finds nothing wrong.
    const folder = join(parent, "entry");
    cpSync(inTable, folder, { recursive: true });
    const options = { keyEncoding: "buffer", valueEncoding: "buffer", compression: false } as const;
    const level = new ClassicLevel<Buffer, Buffer>(folder, options);
    const entries = await level.iterator({ gte: Buffer.from([1]) }).all();
    const putsIn = (value: Buffer) => claimBlockFromBytes(Buffer.from(value.subarray(DIGEST_BYTES))).puts;
    const [key, value] = entries.findLast(([, block]) => putsIn(block).length > 0)!;
    const damaged = new Set(putsIn(value).map(({ keyText, claim }) => lineOf(stored(keyText, claim))));
    expect(full.filter((line) => damaged.has(line)).length).toBeGreaterThan(0);
    value[value.length - 1]! ^= 1;
    await level.put(key, value);
    await level.close();
    const seen = await startOn(folder, () => {});
    expect(seen.report.damaged).toBe(1);
    expect(expectNothingWrong(seen, "a block")).toBe("told");
    const lines = new Set(seen.claims.map(lineOf));
    expect(full.filter((line) => !lines.has(line) && !damaged.has(line))).toEqual([]);
    expect(full.filter((line) => damaged.has(line) && lines.has(line))).toEqual([]);
    expect(seen.report.problem).toMatch(/1 blocks left out; first damage: slot \d+: an entry whose digest/);
    expect(seen.errors).toHaveLength(1);
  });
});
