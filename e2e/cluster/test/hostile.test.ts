// What strangers may do to a node of each role, while an innocent subscriber on its own connection must feel nothing.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";

import { NO_FILTER, serviceKey, frameFromMessage, messageFromFrame, type ServerMessage } from "@rollcall/core";
import { toBinary, create } from "@bufbuild/protobuf";
import {
  CONNECT_PATH,
  JOIN_PATH,
  LINK_PATH,
  RegistryService,
  WATCH_PATH,
  frameFromClientMessage,
  instanceFromBytes,
  serverMessageFromBytes,
} from "@rollcall/protocol";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { Innocent } from "../src/innocent.ts";
import {
  CONNECT_PROTO,
  closeOf,
  openSession,
  openSocket,
  openStream,
  sendBytes,
  sendOnStream,
} from "../src/raw-http.ts";
import type { RealNode } from "../src/real-cluster.ts";
import { machineTime } from "../src/recorded-views.ts";
import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 1, sessions: 2 });

const state: { innocent?: Innocent } = {};

beforeAll(async () => {
  state.innocent = await Innocent.start(fixture.cluster, "innocent");
});

/** Misbehaves towards a node; rejects when an innocent felt it or the node did not survive. */
async function expectUnharmed(nodes: readonly RealNode[], misbehaviour: () => Promise<void>): Promise<void> {
  await state.innocent!.during(misbehaviour);
  for (const { nodeId, address, program } of nodes) {
    expect(program.exit, nodeId).toBeUndefined();
    expect((await fetch(`http://${address}/readyz`)).status, nodeId).toBe(200);
    const faults = program.lines.filter(({ level }) => level === "error");
    expect(faults, `${nodeId} logs no fault of its own`).toEqual([]);
  }
}

const whole = frameFromMessage(Uint8Array.of(0x0a, 0x00));
const withFlag = (flag: number): Uint8Array => Uint8Array.from(whole, (byte, index) => (index === 0 ? flag : byte));

const malformedFrames: readonly (readonly [string, Uint8Array, string])[] = [
  ["an unknown flag", withFlag(0x80), "the flags 128"],
  ["a compressed frame nobody agreed on", withFlag(0x01), "compressed"],
  ["a length of four gigabytes", Uint8Array.of(0, 255, 255, 255, 255), "bytes, got 4294967295"],
  ["a frame cut off", whole.subarray(0, 6), "within a frame"],
  ["a header cut off", whole.subarray(0, 3), "within a frame"],
  ["a message that is none", frameFromMessage(Uint8Array.of(0xff, 0xff, 0xff)), "not a valid"],
];

const malformedAuthorities = ["a:b", "x:1.0", "[::", "a%b", "%zz", "a b"];

const garbage: readonly (readonly [string, string | Uint8Array])[] = [
  ["words", "hello, is anybody there?\r\n\r\n"],
  ["zeros", new Uint8Array(1_000)],
  ["a preface and then noise", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${randomBytes(500).toString("latin1")}`],
  ["half a preface and then words", "PRI * HTTP/1.1\r\n\r\n"],
  ["a TLS hello", Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03)],
  ["headers without end", `GET / HTTP/1.1\r\n${"X: y\r\n".repeat(10_000)}`],
  ["a request of a version to come", "GET / HTTP/9.9\r\n\r\n"],
  ["a negative length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"],
  ["two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
];

const roles = [
  ["session", [CONNECT_PATH, WATCH_PATH], "/rollcall.v1.RegistryService/Resolve"],
  ["data", [LINK_PATH], "/grpc.health.v1.Health/Check"],
  ["meta", [JOIN_PATH], "/rollcall.v1.MetaService/GetCluster"],
] as const;

/** The status of a call with an empty request; undefined when it was refused. */
async function statusOf(session: ClientHttp2Session, path: string): Promise<number | undefined> {
  const call = openStream(session, path, { "content-type": "application/json" });
  let status: number | undefined;
  call.once("response", (headers) => (status = Number(headers[":status"])));
  call.resume();
  call.end("{}");
  await closeOf(call);
  return status;
}

describe.each(roles)("a %s node", (role, streamPaths, callPath) => {
  const node = (): RealNode =>
    role === "meta" ? fixture.cluster.meta : fixture.cluster[role === "data" ? role : "sessions"][0]!;

  test.each(malformedFrames)("survives %s, and says what is wrong with it", async (_, bytes, words) => {
    await expectUnharmed([node()], async () => {
      for (const path of streamPaths) {
        for (const contentType of [CONNECT_PROTO, "application/grpc"]) {
          const { status, text } = await sendOnStream(node().address, path, bytes, { "content-type": contentType });
          expect(status).toBe(200);
          expect(text, contentType).toContain(words);
        }
      }
    });
  });

  test("survives a malformed authority on every version", async () => {
    const { address } = node();
    await expectUnharmed([node()], async () => {
      for (const authority of malformedAuthorities) {
        const head = `POST ${callPath} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n`;
        const answer = await sendBytes(address, `${head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
        expect(answer, authority).toMatch(/^HTTP\/1\.1 400/);
        for (const path of [callPath, ...streamPaths]) {
          const headers = { ":authority": authority, "content-type": "application/json" };
          const { status } = await sendOnStream(address, path, Buffer.from("{}"), headers);
          // Some of these are refused by HTTP/2 itself, with a reset and no status.
          expect([400, 404, undefined], `${authority} ${path}`).toContain(status);
        }
      }
    });
  });

  test.each(garbage)("survives %s instead of a request", async (_, bytes) => {
    await expectUnharmed([node()], async () => {
      const answer = await sendBytes(node().address, bytes);
      expect(answer).not.toMatch(/^HTTP\/1\.1 (2|5)/);
    });
  });

  test("survives noise on connections and on streams", async () => {
    const { address } = node();
    await expectUnharmed([node()], async () => {
      const session = openSession(address);
      onTestFinished(() => session.destroy());
      const kinds = [
        CONNECT_PROTO,
        "application/grpc",
        "application/connect+json",
        "application/grpc-web+proto",
        "application/json",
      ];
      const streams = Array.from({ length: 200 }, async (_, count) => {
        const path = count % 2 === 0 ? streamPaths[0] : callPath;
        const request = openStream(session, path, { "content-type": kinds[count % kinds.length] });
        request.resume();
        const closed = closeOf(request);
        request.end(randomBytes(count * 5));
        await closed;
      });
      const connections = Array.from({ length: 50 }, (_, count) =>
        sendBytes(address, Buffer.concat([randomBytes(count * 10 + 1), Buffer.from("\r\n\r\n")])),
      );
      await Promise.all([...streams, ...connections]);
    });
  });

  test("survives a thousand cancelled streams on one connection, which goes on working", async () => {
    const { address } = node();
    await expectUnharmed([node()], async () => {
      const session = openSession(address);
      onTestFinished(() => session.destroy());
      await once(session, "remoteSettings");
      for (let burst = 0; burst < 2; burst++) {
        const streams = Array.from({ length: 500 }, () => openStream(session, streamPaths[0]));
        const closed = streams.map((stream) => closeOf(stream));
        for (const stream of streams) stream.close(8);
        await Promise.all(closed);
      }
      // While it still clears up, the node may refuse a call; it must not lose the connection.
      const answer = await until(() => statusOf(session, callPath), { what: "an answer on the same connection" });
      expect(answer).toBe(role === "session" ? 400 : 200);
      expect(session.destroyed).toBe(false);
    });
  });
});

// A megabyte of nothing: items cost two bytes each, so half a million of them are within the size of a message.
test.each([
  ["registers", 2],
  ["unregisters", 3],
  ["subscribes", 4],
  ["unsubscribes", 5],
])("a message of half a million empty %s is refused, and costs nobody anything", async (_, field) => {
  const hello = messageFromFrame(
    frameFromClientMessage({ hello: { clientId: "hostile", incarnation: 1, agent: "", moves: false } }),
  );
  const items = new Uint8Array(1_000_000);
  for (let at = 0; at < items.length; at += 2) items[at] = (field << 3) | 2;
  const body = frameFromMessage(Buffer.concat([hello, items]));
  const session = fixture.cluster.sessions[0]!;
  await expectUnharmed([session], async () => {
    const { text } = await sendOnStream(session.address, CONNECT_PATH, body, { "content-type": CONNECT_PROTO });
    expect(text).toContain("message may be at most 10000 items, got 500000");
  });
});

test("connections that dawdle are cut off, and nobody waits for them", async () => {
  const { cluster } = fixture;
  const nodes = [cluster.meta, cluster.data[0]!, cluster.sessions[0]!];
  const openings = ["G", "GET / HTTP/1.1\r\nX: ", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"];
  // In HTTP/2 a connection that sends bytes is alive; it is its streams that have to say something in time.
  const closing = openings.slice(0, 2);
  await expectUnharmed(nodes, async () => {
    const startedAt = machineTime();
    const ends = nodes.flatMap(({ address }) =>
      openings.flatMap((opening) =>
        Array.from({ length: 10 }, async () => {
          const socket = openSocket(address);
          onTestFinished(() => void socket.destroy());
          socket.resume();
          socket.write(opening);
          const dripping = setInterval(() => socket.write("x"), 500);
          const closed = closeOf(socket).finally(() => clearInterval(dripping));
          onTestFinished(() => clearInterval(dripping));
          if (closing.includes(opening)) await closed;
        }),
      ),
    );
    const silent = openSession(cluster.sessions[0]!.address);
    onTestFinished(() => silent.destroy());
    const speechless = openStream(silent, CONNECT_PATH);
    const said: Buffer[] = [];
    speechless.on("data", (chunk: Buffer) => said.push(chunk));
    await Promise.all([...ends, once(speechless, "end")]);
    expect(Buffer.concat(said).toString("utf8")).toContain("has not said hello within 10000 ms");
    expect(machineTime() - startedAt).toBeLessThan(14_000);
  });
});

/** Resident memory of a node's process, in MiB. */
function residentMb({ program }: RealNode): number {
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(program.pid)]).toString()) / 1_024;
}

test("clients that never read hold up nobody while a service changes two thousand times", async () => {
  const { cluster } = fixture;
  const [session] = cluster.sessions as [RealNode];
  const key = { service: "flood" };
  const providers = Array.from({ length: 4 }, () => fixture.client());
  const payload = new Uint8Array(randomBytes(16_000));
  const registrations = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      providers[index % 4]!.register({ ...key, id: `i${index}`, address: "10.0.0.1:80", payload }),
    ),
  );
  // More than the window of a stream: whoever does not read stops the first push in the middle.
  const [deaf, slow] = [openSession(session.address), openSession(session.address)];
  onTestFinished(() => {
    deaf.destroy();
    slow.destroy();
  });
  const subscribes = [{ key: serviceKey(key), filter: NO_FILTER, held: undefined }];
  const hello = { clientId: "deaf", incarnation: 1, agent: "", moves: false };
  openStream(deaf, CONNECT_PATH).write(frameFromClientMessage({ hello, subscribes }));
  const { input } = RegistryService.method.watch;
  const watching = openStream(slow, WATCH_PATH);
  watching.end(frameFromMessage(toBinary(input, create(input, { key }))));
  await once(watching, "response");

  const before = residentMb(session);
  const rounds = 100;
  await expectUnharmed([session], async () => {
    for (let round = 1; round <= rounds; round++)
      await Promise.all(
        registrations.map((registration) => registration.update({ metadata: { round: String(round) } })),
      );
  });
  const grownMb = residentMb(session) - before;
  // oxlint-disable-next-line no-console -- a figure for whoever reads the run
  console.log(`${rounds * registrations.length} changes unread: the session grew by ${grownMb.toFixed(0)} MiB`);
  // Each of the changes as a snapshot would be 640 MB.
  expect(grownMb).toBeLessThan(150);

  // Whoever begins to read is soon up to date, without all that was in between.
  const chunks: Buffer[] = [];
  watching.on("data", (chunk: Buffer) => chunks.push(chunk));
  const snapshots = (): ServerMessage[] => messagesFrom(Buffer.concat(chunks)).map(serverMessageFromBytes);
  const newest = await until(() => snapshots()[1], { what: "the newest snapshot, after the first" });
  const shown = newest.pushes.flatMap(({ instances }) => instances.map(({ bytes }) => instanceFromBytes(bytes)));
  expect(shown.map(({ metadata }) => metadata["round"])).toEqual(Array.from({ length: 20 }, () => String(rounds)));
  expect(snapshots()).toHaveLength(2);
});

/** The messages in frames without flags. */
function messagesFrom(bytes: Buffer): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === 0;) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    messages.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return messages;
}
