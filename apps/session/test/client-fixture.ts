import {
  ClientSwitches,
  DurationHistogram,
  NO_FILTER,
  RegistryError,
  ServiceEvents,
  messageFromFrame,
  noTracer,
  silentLog,
  type ClientHello,
  type ClientIdentity,
  type ClientMessage,
  type ClientOff,
  type Frame,
  type ServerHello,
  type SessionLoad,
  type Write,
  type WriteOutcome,
} from "@rollcall/core";
import {
  frameFromClientMessage,
  frameFromServerMessage,
  framesFromPush,
  framesFromServicesPush,
  isMarkedUnhealthy,
  serverMessageFromBytes,
} from "@rollcall/protocol";
import { SeededRandom, SimClock } from "@rollcall/testing";

import { ClientConnection } from "../src/connections/client-connection.ts";
import { ServiceLists } from "../src/lists/service-lists.ts";
import type { Registration } from "../src/registrations/registration.ts";
import { RestoreGate } from "../src/connections/restore-gate.ts";
import { PushSwitch } from "../src/pushes/push-switch.ts";
import { RegistrationStore } from "../src/registrations/registration-store.ts";
import { Barriers } from "../src/routing/barriers.ts";
import { Writer } from "../src/routing/writer.ts";
import { ClientLinks } from "../src/rpc/client-links.ts";
import { Interests } from "../src/views/interests.ts";
import { FakeStream, LeaderDatum, ORDERS, encoded, readInstance, slotTable, version } from "./fixture.ts";

export const GREETING: ServerHello = { nodeId: "session-1", clusterId: "c" };
export const GRACE_MS = 300;
export const SILENCE_GRACE_MS = 15_000;
export const CONNECTIONS_MAX = 10;
export const RESTORING_MAX = 3;

export const helloOf = (clientId: string, incarnation = 1): ClientHello => ({
  clientId,
  incarnation,
  agent: "test",
  moves: false,
});

/** What hears of the parts of a session. */
export interface BackendListener {
  readonly wake: (nodeId: string) => void;
  readonly written: (registration: Registration) => void;
}

/** Everything behind a client's connection, up to a leader in the hands of the test. */
export function startBackend({ wake, written }: BackendListener = { wake: () => {}, written: () => {} }) {
  const clock = new SimClock();
  const encodedPushes: string[] = [];
  const events = new ServiceEvents(() => clock.now());
  const writer = new Writer({ clock, wake, tableIsOld: () => {} });
  const registrations = new RegistrationStore(clock, writer, written);
  const ports = {
    clock,
    tracer: noTracer,
    pushAges: new DurationHistogram(),
    events,
    encodePush: (push: Parameters<typeof framesFromPush>[0]) => {
      encodedPushes.push(push.key.service);
      return framesFromPush(push);
    },
    readInstance,
    isUnhealthy: isMarkedUnhealthy,
  };
  const interests = new Interests(clock, ports, wake);
  const lists = new ServiceLists(clock, framesFromServicesPush, wake);
  const table = slotTable(1, "d-1");
  writer.adopt(table);
  const barriers = new Barriers(clock, wake);
  const pushes = new PushSwitch();
  interests.adopt(table);
  barriers.adopt(table);
  const leader = new LeaderDatum();
  let switches = new ClientSwitches([]);
  return {
    switchedOff: (client: ClientIdentity) => switches.of(client),
    /** Operators have decided this about clients, and nothing else. Connections are still to be told. */
    decide: (...decided: ClientOff[]) => void (switches = new ClientSwitches(decided)),
    clock,
    writer,
    registrations,
    interests,
    barriers,
    lists,
    pushes,
    leader,
    encodedPushes,
    events,
    settle: () => clock.runFor(0),
    takeWrites: (): Write[] => writer.take("d-1"),
    answer: (outcome: WriteOutcome = { kind: "applied", version: version(7) }): Write[] => {
      const writes = writer.take("d-1");
      for (const { sequence } of writes) writer.settle({ sequence, outcome });
      return writes;
    },
    /** What the leader holds now reaches the session. */
    notify: async () => {
      const held = interests.use(ORDERS);
      interests.notified("d-1", (held.held && leader.datum.delta(held.held, NO_FILTER, true)) ?? leader.snapshot);
      interests.release(held);
      await clock.runFor(0);
    },
  };
}

export type Backend = ReturnType<typeof startBackend>;

export function connect(backend: Backend, clientId = "client-1") {
  const stream = new FakeStream();
  const state = { isRestored: false };
  const connection = new ClientConnection(helloOf(clientId), GREETING, {
    clock: backend.clock,
    stream,
    address: "10.0.0.9:1",
    pushes: backend.pushes,
    switchedOff: backend.switchedOff,
    encode: frameFromServerMessage,
    registrations: backend.registrations,
    interests: backend.interests,
    lists: backend.lists,
    receipts: "given",
    tracer: noTracer,
    receiptTimes: new DurationHistogram(),
    barriers: backend.barriers,
    events: backend.events,
    sessions: () => undefined,
    restored: () => (state.isRestored = true),
  });
  return {
    connection,
    state,
    ...talking(stream, backend, (message) => connection.receive({ ...NOTHING, ...message })),
  };
}

export function startLinks({ connectionsMax = CONNECTIONS_MAX, restoringMax = RESTORING_MAX } = {}) {
  const backend = startBackend();
  const state: { greeting: ServerHello | undefined; sessions: readonly SessionLoad[] } = {
    greeting: GREETING,
    sessions: [],
  };
  const gate = new RestoreGate(backend.clock, { restoringMax, queueMax: restoringMax });
  const links = new ClientLinks(
    { connectionGraceMs: GRACE_MS, silenceGraceMs: SILENCE_GRACE_MS, connectionsMax },
    {
      clock: backend.clock,
      random: new SeededRandom(1),
      gate,
      sessions: () => frameFromServerMessage({ sessions: state.sessions }),
      log: silentLog,
      registrations: backend.registrations,
      interests: backend.interests,
      tracer: noTracer,
      receiptTimes: new DurationHistogram(),
      barriers: backend.barriers,
      events: backend.events,
      lists: backend.lists,
      pushes: backend.pushes,
      switchedOff: backend.switchedOff,
      hello: () => state.greeting,
    },
  );
  const open = () => {
    const stream = new FakeStream();
    links.handler(stream, { address: "10.0.0.9:1" });
    const receive = (bytes: Uint8Array): void => {
      if (stream.closedWith !== undefined) return;
      try {
        stream.listener!.message(bytes);
      } catch (thrown) {
        if (!(thrown instanceof RegistryError)) throw thrown;
        stream.close(thrown);
      }
    };
    const send = (message: Partial<ClientMessage>) => receive(messageFromFrame(frameFromClientMessage(message)));
    return {
      ...talking(stream, backend, send),
      receive,
      /** The other side, or the network, ends the link. */
      end: (error?: RegistryError) => {
        stream.closedWith ??= error ?? "in order";
        stream.listener!.closed(error);
      },
    };
  };
  return { ...backend, links, gate, open, state };
}

const NOTHING: ClientMessage = {
  hello: undefined,
  registers: [],
  unregisters: [],
  subscribes: [],
  unsubscribes: [],
  receipts: [],
  barriers: [],
  servicesSubscribes: [],
  servicesUnsubscribes: [],
  servicesReceipts: [],
};

function talking(stream: FakeStream, { clock }: Backend, send: (message: Partial<ClientMessage>) => void) {
  return {
    stream,
    say: (message: Partial<ClientMessage>) => send(message),
    heard: async () => {
      await clock.runFor(0);
      return stream.heard(serverMessageFromBytes);
    },
    frames: async (): Promise<Frame[]> => {
      await clock.runFor(0);
      return stream.frames.splice(0);
    },
  };
}

export function registerItem(sequence: number, counter: number, id = "i-1", incarnation = 1) {
  const { bytes } = encoded(id, { zone: `z${counter}` });
  return { sequence, key: ORDERS, version: { incarnation, counter }, instanceId: id, instance: bytes };
}

export const unregisterItem = (sequence: number, counter: number, id = "i-1") => ({
  sequence,
  key: ORDERS,
  version: { incarnation: 1, counter },
  instanceId: id,
});
