// The examples as a newcomer runs them: real processes beside a real registry.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";

const WAIT_MS = 15_000;

/** A process and everything it has said. */
class Script {
  readonly child: ChildProcess;
  output = "";

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    }
  }

  /** Waits until what it has said from `from` on matches. */
  says(what: RegExp, from = 0): Promise<RegExpExecArray> {
    return vi.waitFor(
      () => {
        const found = what.exec(this.output.slice(from));
        if (found === null) throw new Error(`nothing like ${String(what)} in:\n${this.output}`);
        return found;
      },
      { timeout: WAIT_MS, interval: 10 },
    );
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, "exit");
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

function node(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Script {
  return new Script(process.execPath, ["--conditions=@rollcall/source", path(script), ...args], env);
}

function example(name: string): Script {
  const script = node(`../src/${name}.ts`, [], {
    ROLLCALL_SERVER: registry.server,
    SERVICE: "greetings",
    EVERY_MS: "20",
  });
  onTestFinished(async () => void (await script.end("SIGKILL")));
  return script;
}

const registry: { dev?: Script; server: string } = { server: "" };

beforeAll(async () => {
  registry.dev = node("../../../apps/cli/src/main.ts", ["dev", "--port", "0"]);
  [, registry.server = ""] = await registry.dev.says(/--server (\S+)/);
}, WAIT_MS);

afterAll(async () => void (await registry.dev?.end("SIGTERM")));

test("the consumer calls the providers in turn, and only those that are there", { timeout: 60_000 }, async () => {
  const [one, two] = [example("provider"), example("provider")];
  const [, first] = await one.says(/^(\S+) is registered/m);
  const [, second] = await two.says(/^(\S+) is registered/m);
  const consumer = example("consumer");
  await consumer.says(/greetings has 2 instances/);
  await consumer.says(new RegExp(`hello from ${first!}`));
  await consumer.says(new RegExp(`hello from ${second!}`));

  await one.end("SIGKILL");
  await consumer.says(/greetings has 1 instances/);
  const from = consumer.output.length;
  await consumer.says(new RegExp(`(hello from ${second!}[^]*){3}`), from);
  expect(consumer.output.slice(from)).not.toContain(first!);

  expect(await two.end("SIGTERM")).toBe(0);
  await consumer.says(/greetings has 0 instances/);
  expect(consumer.output.slice(from)).not.toContain("fetch failed");
  expect(await consumer.end("SIGTERM")).toBe(0);
});

test("curl alone registers, renews, resolves, lists, watches and unregisters", { timeout: 30_000 }, async () => {
  const curl = new Script("sh", [path("../src/curl.sh"), registry.server, "by-curl"]);
  const [code] = (await once(curl.child, "close")) as [number];
  const sections = Object.fromEntries(
    curl.output
      .split(/^# /m)
      .slice(1)
      .map((part) => [part.slice(0, part.search(/[,:\n]/)), part]),
  );
  expect(code, curl.output).toBe(0);
  expect(sections["register"]).toMatch(/"instanceId":"http@127\.0\.0\.1:8080","leaseMs":5000/);
  expect(sections["renew"]).toMatch(/^\{\}$/m);
  expect(sections["resolve"]).toContain(`"address":"127.0.0.1:8080"`);
  expect(sections["services"]).toContain(`{"key":{"service":"by-curl"},"instances":1}`);
  expect(sections["watch"]).toContain(`"confirmed":true`);
  expect(sections["unregister"]).toMatch(/"version":\{[^}]*\}\}\n\{"version":\{[^}]*\},"confirmed":true\}\n$/);
});
