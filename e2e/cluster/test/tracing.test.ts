// One trace from `register()` to the subscriber's callback, through real processes that export to a real collector.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { ProgramGroup } from "../src/processes.ts";
import { RealCluster } from "../src/real-cluster.ts";
import { TraceCollector, type CollectedSpan } from "../src/trace-collector.ts";
import { until } from "../src/until.ts";

const exporter = new InMemorySpanExporter();
const tracer = trace.getTracer("test");
let collector: TraceCollector;
let cluster: RealCluster;

beforeAll(async () => {
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  collector = await TraceCollector.start();
  cluster = await RealCluster.start({ data: 2, sessions: 2, args: ["--otel-endpoint", collector.url] });
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
});

/** What was recorded of a trace, here and by the nodes. */
function spansOf(traceId: string): CollectedSpan[] {
  const ours = exporter.getFinishedSpans().map((span) => ({
    service: "us",
    name: span.name,
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? "",
  }));
  return [...ours, ...collector.spans].filter((span) => span.traceId === traceId);
}

/** From the root to the span of that name. */
function pathTo(name: string, spans: readonly CollectedSpan[]): string[] {
  const path: string[] = [];
  let span = spans.find((candidate) => candidate.name === name);
  while (span !== undefined) {
    const { parentSpanId } = span;
    path.unshift(`${span.service}: ${span.name}`);
    span = spans.find(({ spanId }) => spanId === parentSpanId);
  }
  return path;
}

const THROUGH_ALL_TIERS = [
  "us: deploy",
  "us: rollcall.client.register",
  "rollcall-session: rollcall.session.write",
  "rollcall-data: rollcall.data.apply",
  "rollcall-session: rollcall.session.push",
  "us: rollcall.client.apply",
  "us: in the callback",
];

test("a registration and the callback it leads to are one trace through all tiers", async () => {
  const { sessions } = cluster;
  const provider = cluster.openClient({ servers: [sessions[0]!.address] });
  const consumer = cluster.openClient({ servers: [sessions[1]!.address] });
  const subscription = consumer.subscribe("traced");
  await subscription.ready;
  subscription.onChange(({ instances }) => {
    if (instances.length > 0) tracer.startSpan("in the callback").end();
  });
  const traceId = await tracer.startActiveSpan("deploy", async (span) => {
    await provider.register({ service: "traced", address: "10.0.0.1:80" });
    span.end();
    return span.spanContext().traceId;
  });
  const path = await until(
    () => {
      const found = pathTo("in the callback", spansOf(traceId));
      return found.length === THROUGH_ALL_TIERS.length && found;
    },
    { what: "all spans of the trace", because: () => JSON.stringify(spansOf(traceId), undefined, 2) },
  );
  expect(path).toEqual(THROUGH_ALL_TIERS);
});

test("a call's traceparent is taken up, and the end of a registration is traced like its beginning", async () => {
  const address = cluster.sessions[0]!.address;
  const subscription = cluster.openClient().subscribe("traced-call");
  await subscription.ready;
  const call = (method: string, body: object) => {
    const span = tracer.startSpan(method);
    const { traceId, spanId } = span.spanContext();
    span.end();
    const answer = fetch(`http://${address}/rollcall.v1.RegistryService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent: `00-${traceId}-${spanId}-01` },
      body: JSON.stringify({ key: { service: "traced-call" }, ...body }),
    });
    return answer.then((response) => ({ ok: response.ok, traceId }));
  };
  const pathsOf = [
    await call("Register", { instance: { id: "i", address: "10.0.0.1:80" } }),
    await call("Unregister", { instanceId: "i" }),
  ];
  expect(pathsOf.map(({ ok }) => ok)).toEqual([true, true]);
  for (const [at, { traceId }] of pathsOf.entries()) {
    const path = await until(
      () => {
        const found = pathTo("rollcall.client.apply", spansOf(traceId));
        return found.length === 5 && found;
      },
      { what: "the push of the call", because: () => JSON.stringify(spansOf(traceId), undefined, 2) },
    );
    expect(path).toEqual([
      ["us: Register", "us: Unregister"][at],
      "rollcall-session: rollcall.session.write",
      "rollcall-data: rollcall.data.apply",
      "rollcall-session: rollcall.session.push",
      "us: rollcall.client.apply",
    ]);
  }
});

test("a push tells its age, and every hop's time is counted where both its ends are known", async () => {
  const consumer = cluster.openClient();
  const ages: (number | undefined)[] = [];
  consumer.on("pushed", ({ ageMs }) => void ages.push(ageMs));
  const subscription = consumer.subscribe("aged");
  await subscription.ready;
  await cluster.openClient().register({ service: "aged", address: "10.0.0.1:80" });
  await until(() => ages.length === 2, { what: "the push" });
  expect(ages[0]).toBeUndefined();
  expect(ages[1]).toBeGreaterThan(0);
  expect(subscription.current()?.ageMs).toBe(ages[1]);
  const counted = async (metric: string): Promise<number> => {
    const texts = await Promise.all(
      [...cluster.sessions, ...cluster.data].map(async ({ address }) =>
        (await fetch(`http://${address}/metrics`)).text(),
      ),
    );
    const lines = texts.flatMap((text) => text.split("\n")).filter((line) => line.startsWith(`${metric}_count `));
    return lines.reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
  };
  for (const metric of [
    "rollcall_session_push_age_seconds",
    "rollcall_session_push_receipt_seconds",
    "rollcall_data_notify_receipt_seconds",
  ])
    await until(async () => (await counted(metric)) > 0, { what: metric });
});

/** Says which modules are loaded, in a process that is about to become one of our programs. */
const TELL_MODULES = `
import { registerHooks } from "node:module";
registerHooks({
  load(url, context, next) {
    const name = /node_modules.(@opentelemetry.[^/]+)/.exec(url)?.[1];
    if (name !== undefined) process.stdout.write(JSON.stringify({ loaded: name }) + "\\n");
    return next(url, context);
  },
});
`;

/** Nobody has to be there: a node listens before it has joined anything. */
const NEEDS = { meta: [], data: ["--meta", "127.0.0.1:9"], session: ["--meta", "127.0.0.1:9"] };

test.each(["meta", "data", "session"] as const)(
  "a %s node loads no OpenTelemetry SDK until it is told where to export to",
  async (role) => {
    const folder = await mkdtemp(join(tmpdir(), "rollcall-modules-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const hook = join(folder, "tell-modules.mjs");
    await writeFile(hook, TELL_MODULES);
    const group = new ProgramGroup();
    onTestFinished(() => group[Symbol.asyncDispose]());
    const loadedWith = async (...args: string[]): Promise<ReadonlySet<unknown>> => {
      const program = group.start({
        name: role,
        script: `apps/${role}/src/main.ts`,
        args: ["--port", "0", ...NEEDS[role], ...args],
        folder,
        runner: ["env", `NODE_OPTIONS=--import=${hook}`],
      });
      await program.ready();
      await program.stop();
      return new Set(program.lines.flatMap(({ loaded }) => loaded ?? []));
    };
    expect(await loadedWith()).toEqual(new Set(["@opentelemetry/api"]));
    expect(await loadedWith("--otel-endpoint", collector.url)).toContain("@opentelemetry/sdk-trace");
  },
);
