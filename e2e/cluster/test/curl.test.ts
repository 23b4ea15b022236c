// With nothing but curl and a shell, as docs/api.md says.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

import { expect, onTestFinished, test } from "vitest";

import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

const SERVICE = "rollcall.v1.RegistryService";

const versions = [
  ["HTTP/1.1", "--http1.1"],
  ["HTTP/2", "--http2-prior-knowledge"],
] as const;

interface Answer {
  readonly status: number;
  readonly httpVersion: string;
  readonly body: unknown;
}

/** One call to the first session, or to `address`. */
async function curl(flag: string, method: string, request: object, address?: string): Promise<Answer> {
  const url = `http://${address ?? fixture.cluster.sessions[0]!.address}/${SERVICE}/${method}`;
  const { stdout } = await promisify(execFile)("curl", [
    flag,
    url,
    "--silent",
    "--show-error",
    "--max-time",
    "10",
    "--header",
    "Content-Type: application/json",
    "--data-binary",
    JSON.stringify(request),
    "--write-out",
    "\n%{http_code} %{http_version}",
  ]);
  const [status, httpVersion] = stdout.slice(stdout.lastIndexOf("\n") + 1).split(" ") as [string, string];
  return { status: Number(status), httpVersion, body: JSON.parse(stdout.slice(0, stdout.lastIndexOf("\n"))) };
}

/** The JSON messages that have come so far on a stream in Connect's framing. */
function messagesFrom(bytes: Buffer): unknown[] {
  const messages: unknown[] = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    messages.push(JSON.parse(bytes.toString("utf8", at + 5, end)));
    at = end;
  }
  return messages;
}

interface WatchMessage {
  readonly pushes: readonly { readonly instances?: readonly { readonly id: string }[]; readonly confirmed: boolean }[];
}

interface ServicesMessage {
  readonly servicesPushes: readonly { readonly services?: readonly { readonly service: string }[] }[];
}

/** `curl` in the background, watching a service; its messages as they come. */
function watchWithCurl(flag: string, service: string): () => WatchMessage[] {
  return streamWithCurl(flag, "Watch", { key: { service } }) as () => WatchMessage[];
}

/** `curl` in the background, with a request for a stream; its messages as they come. */
function streamWithCurl(flag: string, method: string, request: object): () => unknown[] {
  const body = JSON.stringify(request);
  const frame = Buffer.alloc(5 + Buffer.byteLength(body));
  frame.writeUInt32BE(frame.length - 5, 1);
  frame.write(body, 5);
  const watching = spawn("curl", [
    flag,
    `http://${fixture.cluster.sessions[1]!.address}/${SERVICE}/${method}`,
    "--silent",
    "--show-error",
    "--no-buffer",
    "--header",
    "Content-Type: application/connect+json",
    "--data-binary",
    "@-",
  ]);
  onTestFinished(() => void watching.kill("SIGKILL"));
  const chunks: Buffer[] = [];
  watching.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  watching.stdin.end(frame);
  return () => messagesFrom(Buffer.concat(chunks));
}

test.each(versions)("over %s it registers, renews, resolves, lists, watches and unregisters", async (name, flag) => {
  const service = `curl-${name.replace(/\W/g, "")}`;
  const key = { service };
  const messages = watchWithCurl(flag, service);
  const shown = (): string[] =>
    messages().flatMap(({ pushes }) =>
      pushes.map(({ instances = [] }) => instances.map((instance) => instance.id).join()),
    );
  await until(() => messages().length === 1, { what: "the first message of the watch" });

  const instance = { address: "10.0.0.1:8080", protocol: "http", metadata: { version: "1.2" } };
  const id = "http@10.0.0.1:8080";
  const registered = await curl(flag, "Register", { key, instance });
  expect(registered).toMatchObject({ status: 200, body: { instanceId: id, leaseMs: 15_000 } });
  expect(registered.httpVersion).toBe(name === "HTTP/2" ? "2" : "1.1");
  await until(() => shown().length === 2, { what: "the registration in the watch" });

  expect(await curl(flag, "Renew", { key, instanceId: id })).toMatchObject({ status: 200, body: {} });
  // A lease is no session's own: any of them renews it.
  expect(await curl(flag, "Renew", { key, instanceId: id }, fixture.cluster.sessions[1]!.address)).toMatchObject({
    status: 200,
  });
  const resolved = await curl(flag, "Resolve", { key, filter: { protocol: "http" } });
  expect(resolved).toMatchObject({ status: 200, body: { instances: [{ id, ...instance }] } });
  expect((await curl(flag, "Resolve", { key, filter: { protocol: "grpc" } })).body).not.toHaveProperty("instances");
  const listed = await curl(flag, "ListServices", {});
  expect((listed.body as { services: unknown[] }).services).toContainEqual({ key, instances: 1 });

  const { body: unregistered } = await curl(flag, "Unregister", { key, instanceId: id });
  expect(unregistered).toHaveProperty("version");
  await until(() => shown().length === 3, { what: "the end of the registration in the watch" });
  expect(shown()).toEqual(["", id, ""]);
  expect(messages().at(-1)?.pushes[0]?.confirmed).toBe(true);
  expect(await curl(flag, "Renew", { key, instanceId: id })).toMatchObject({
    status: 404,
    body: { code: "not_found", message: expect.stringContaining("register again") as string },
  });
});

test.each(versions)("over %s it watches which services there are", async (name, flag) => {
  const prefix = `curl-list-${name.replace(/\W/g, "")}.`;
  const messages = streamWithCurl(flag, "WatchServices", { prefix }) as () => ServicesMessage[];
  const shown = (): string[] =>
    messages().flatMap(({ servicesPushes }) =>
      servicesPushes.map(({ services = [] }) => services.map(({ service }) => service).join()),
    );
  await until(() => shown().length === 1, { what: "the first list" });
  const instance = { id: "a", address: "10.0.0.1:8080" };
  await curl(flag, "Register", { key: { service: `${prefix}a` }, instance });
  await until(() => shown().length === 2, { what: "the service" });
  await curl(flag, "Register", { key: { service: "curl-listed-elsewhere" }, instance });
  await curl(flag, "Unregister", { key: { service: `${prefix}a` }, instanceId: "a" });
  await until(() => shown().length === 3, { what: "its end" });
  expect(shown()).toEqual(["", `${prefix}a`, ""]);
});

test.each(versions)("over %s a lease that nobody renews ends", async (name, flag) => {
  const key = { service: `lease-${name.replace(/\W/g, "")}` };
  const messages = watchWithCurl(flag, key.service);
  const instance = { id: "short", address: "10.0.0.1:8080" };
  const { body } = await curl(flag, "Register", { key, instance, leaseMs: 1_000 });
  expect(body).toMatchObject({ instanceId: "short", leaseMs: 1_000 });
  await until(() => messages().at(-1)?.pushes[0]?.instances?.length === 1, { what: "the instance" });
  await until(() => messages().at(-1)?.pushes[0]?.instances === undefined, { what: "its end", withinMs: 3_000 });
  expect((await curl(flag, "Renew", { key, instanceId: "short" })).status).toBe(404);
});

test("every example of docs/api.md works as it is printed", async () => {
  const text = await readFile(new URL("../../../docs/api.md", import.meta.url), "utf8");
  const [calls, watch] = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, script]) => script!);
  const place = (script: string): string => script.replaceAll("127.0.0.1:9600", fixture.cluster.sessions[0]!.address);
  expect(calls).toContain("127.0.0.1:9600");
  const { stdout } = await promisify(execFile)("sh", ["-euc", place(calls!)]);
  const answers = stdout.replaceAll("}{", "}\n{").split("\n");
  expect(JSON.parse(answers[0]!)).toMatchObject({ instanceId: "http@10.0.0.1:8080", leaseMs: 15_000 });
  expect(JSON.parse(answers[1]!)).toEqual({});
  for (const resolved of answers.slice(2, 5))
    expect(JSON.parse(resolved)).toHaveProperty("instances", [expect.objectContaining({ address: "10.0.0.1:8080" })]);
  expect(JSON.parse(answers[5]!)).toHaveProperty("services");
  expect(JSON.parse(answers[6]!)).toHaveProperty("version");

  const settings = place(calls!)
    .split("\n")
    .filter((line) => /^[A-Z]=/.test(line))
    .join("\n");
  // Its own group, so that curl ends with its shell.
  const shell = spawn("sh", ["-euc", `${settings}\n${watch}`], { detached: true });
  onTestFinished(() => {
    if (shell.exitCode === null) process.kill(-shell.pid!, "SIGKILL");
  });
  const [chunk] = (await once(shell.stdout, "data")) as [Buffer];
  expect(messagesFrom(chunk)).toMatchObject([{ pushes: [{ key: { service: "orders" }, confirmed: true }] }]);
});

test("pages answer over both versions", async () => {
  const { cluster } = fixture;
  for (const { address } of [cluster.meta, ...cluster.data, ...cluster.sessions]) {
    for (const [, flag] of versions) {
      const page = async (path: string): Promise<string> =>
        (await promisify(execFile)("curl", ["--silent", "--fail", flag, `http://${address}${path}`])).stdout;
      expect(await page("/healthz")).toBe("alive\n");
      expect(JSON.parse(await page("/readyz"))).toEqual({ ready: true, reasons: [] });
    }
  }
});
