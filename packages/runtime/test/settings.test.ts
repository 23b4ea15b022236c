import { describe, expect, test } from "vitest";
import { z } from "zod";

import { defineServerSettings, defineSettings, loadSettings, setting } from "@rollcall/runtime";

const definition = defineSettings({
  port: setting(z.int().min(0).max(65_535), { describe: "Where to listen.", placeholder: "port", default: 7400 }),
  leaseMs: setting(z.int().min(1_000), { describe: "How long a lease lasts.", unit: "ms", default: 3_000 }),
  peers: setting(z.array(z.string().min(1)), {
    describe: "Others.",
    allowed: "names, separated by commas",
    default: [],
  }),
  insecure: setting(z.boolean(), { describe: "Be careless.", default: false }),
  level: setting(z.enum(["debug", "info"]), { describe: "How much to say.", default: "info" }),
  name: setting(z.string().min(1).optional(), { describe: "Who this is." }),
});

interface Sources {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: unknown;
}

function load({ args = [], env = {}, file }: Sources) {
  const readFile = (path: string) => {
    if (file === undefined) throw new Error(`ENOENT: ${path}`);
    return typeof file === "string" ? file : JSON.stringify(file);
  };
  return loadSettings(definition, { args, env, readFile });
}

function valuesOf(sources: Sources) {
  const loaded = load(sources);
  if (loaded.kind !== "settings") throw new Error("expected settings");
  return loaded.value;
}

test("without anything said, the defaults hold", () => {
  expect(valuesOf({})).toEqual({
    port: 7400,
    leaseMs: 3_000,
    peers: [],
    insecure: false,
    level: "info",
    name: undefined,
  });
});

test("a flag wins over the environment, that over the file, that over the default", () => {
  const file = { port: 1, leaseMs: 1_001, level: "debug" };
  const env = { ROLLCALL_PORT: "2", ROLLCALL_LEASE_MS: "1002" };
  const args = ["--config", "settings.json", "--port", "3"];
  expect(valuesOf({ args, env, file })).toMatchObject({ port: 3, leaseMs: 1_002, level: "debug", insecure: false });
});

test("the file may be named by the environment", () => {
  expect(valuesOf({ env: { ROLLCALL_CONFIG: "settings.json" }, file: { port: 1 } })).toMatchObject({ port: 1 });
});

describe.each<[string, Sources, object]>([
  ["a value after a space", { args: ["--port", "1"] }, { port: 1 }],
  ["a value after =", { args: ["--port=1"] }, { port: 1 }],
  ["a value with = in it", { args: ["--name=a=b"] }, { name: "a=b" }],
  ["a switch", { args: ["--insecure", "--port", "1"] }, { insecure: true, port: 1 }],
  ["a switch with a value", { args: ["--insecure=false"] }, { insecure: false }],
  ["a switch turned off", { args: ["--no-insecure"], env: { ROLLCALL_INSECURE: "true" } }, { insecure: false }],
  ["a list with commas", { args: ["--peers", "a, b"] }, { peers: ["a", "b"] }],
  ["a list said several times", { args: ["--peers", "a", "--peers", "b,c"] }, { peers: ["a", "b", "c"] }],
  ["a list in the file", { args: ["--config=f"], file: { peers: ["a"] } }, { peers: ["a"] }],
  ["an empty variable, which is none", { env: { ROLLCALL_PORT: "" } }, { port: 7400 }],
  ["a switch in the environment", { env: { ROLLCALL_INSECURE: "true" } }, { insecure: true }],
])("%s", (_, sources, values) => {
  test("is understood", () => expect(valuesOf(sources)).toMatchObject(values));
});

describe.each<[string, Sources, string]>([
  ["a flag that is mistyped", { args: ["--prot", "1"] }, "there is no flag --prot, did you mean --port?"],
  ["a flag that is nothing like any", { args: ["--xylophone"] }, "there is no flag --xylophone; --help lists them all"],
  ["a word without a flag", { args: ["serve"] }, '"serve" belongs to no flag'],
  ["a flag without its value", { args: ["--port", "--insecure"] }, "--port needs a value"],
  [
    "a number that is none",
    { args: ["--port", "http"] },
    'port must be a whole number from 0 to 65535, got "http" (from the flag --port)',
  ],
  [
    "a number out of range",
    { env: { ROLLCALL_LEASE_MS: "10" } },
    "leaseMs must be a whole number from 1000, got 10 (from the environment variable ROLLCALL_LEASE_MS)",
  ],
  [
    "what Kubernetes makes of a service called like us",
    { env: { ROLLCALL_PORT: "tcp://10.0.0.1:7400" } },
    'port must be a whole number from 0 to 65535, got "tcp://10.0.0.1:7400" (from the environment variable ROLLCALL_PORT)',
  ],
  [
    "a choice that is none",
    { args: ["--level=loud"] },
    'level must be one of debug, info, got "loud" (from the flag --level)',
  ],
  ["a switch that is neither", { args: ["--insecure=maybe"] }, 'insecure must be true or false, got "maybe"'],
  [
    "a key in the file that is mistyped",
    { args: ["--config=f.json"], file: { leasMs: 1 } },
    'the file f.json has a setting "leasMs" that does not exist, did you mean leaseMs?',
  ],
  [
    "a value of the wrong type in the file",
    { args: ["--config=f.json"], file: { port: "1" } },
    'port must be a whole number from 0 to 65535, got "1" (from the file f.json)',
  ],
  ["a file that is not there", { args: ["--config=f.json"] }, "the file f.json of --config cannot be read: ENOENT"],
  ["a file that is not JSON", { args: ["--config=f.json"], file: "{" }, "the file f.json of --config cannot be read"],
  [
    "a file that is a list",
    { args: ["--config=f.json"], file: [] },
    "the file f.json of --config must be a JSON object",
  ],
])("%s", (_, sources, message) => {
  test("is refused by name", () => {
    expect(() => load(sources)).toThrow(
      expect.objectContaining({ reason: "invalid_field", message: expect.stringContaining(message) as string }),
    );
  });
});

test("a setting that has no default must be given", () => {
  const required = defineSettings({ token: setting(z.string().min(1), { describe: "Secret." }) });
  expect(() => loadSettings(required, { args: [], env: {}, readFile: () => "" })).toThrow(
    'token must be given, text that is not empty: --token, ROLLCALL_TOKEN or "token" in the file of --config',
  );
});

test("variables of our prefix that are no setting are told, not refused", () => {
  const loaded = load({
    env: { ROLLCALL_PROT: "1", ROLLCALL_PORT: "1", PATH: "x", ROLLCALL_SERVICE_HOST: "10.0.0.1" },
  });
  expect(loaded).toMatchObject({ kind: "settings", unusedVariables: ["ROLLCALL_PROT", "ROLLCALL_SERVICE_HOST"] });
});

test("--help describes every setting, whatever else is wrong", () => {
  const loaded = load({ args: ["--help", "--nonsense"] });
  expect(loaded).toMatchInlineSnapshot(`
    {
      "kind": "help",
      "text": "Settings. A flag wins over its environment variable, that over the file.

      --port <port>                 Where to listen. A whole number from 0 to 65535. Default 7400. Variable ROLLCALL_PORT.
      --lease-ms <ms>               How long a lease lasts. A whole number from 1000. Default 3000 ms. Variable ROLLCALL_LEASE_MS.
      --peers <value>               Others. Names, separated by commas. Default none. Variable ROLLCALL_PEERS.
      --insecure                    Be careless. True or false. Default false. Variable ROLLCALL_INSECURE.
      --level <value>               How much to say. One of debug, info. Default info. Variable ROLLCALL_LEVEL.
      --name <value>                Who this is. Text that is not empty. Default none. Variable ROLLCALL_NAME.
      --config <file>               JSON file with settings, by their names in camelCase. Variable ROLLCALL_CONFIG.
      --help                        This text.
    ",
    }
  `);
});

describe("a server's settings", () => {
  const server = defineServerSettings(
    { port: 7401 },
    { slots: setting(z.int(), { describe: "Slots.", default: 256 }) },
    ({ slots, port }) => {
      if (slots === port) throw new Error("own rule");
    },
  );
  const loadServer = (...args: string[]) => loadSettings(server, { args, env: {}, readFile: () => "" });

  test("come with those of every server", () => {
    expect(loadServer("--meta", "a:1,[::1]:2")).toMatchObject({
      value: {
        host: "127.0.0.1",
        port: 7401,
        meta: ["a:1", "[::1]:2"],
        insecure: false,
        slots: 256,
        advertise: undefined,
      },
    });
  });

  test("keep their own rules", () => {
    expect(() => loadServer("--slots", "7401")).toThrow("own rule");
  });

  test.each(["127.0.0.1", "127.1.2.3", "::1", "localhost"])("allow %s, which only this machine reaches", (host) => {
    expect(loadServer("--host", host)).toMatchObject({ value: { host } });
  });

  test.each(["0.0.0.0", "::", "10.0.0.1", "example.com", "127.0.0.1.example.com"])(
    "refuse %s unless told to be careless",
    (host) => {
      expect(() => loadServer("--host", host)).toThrow(expect.objectContaining({ reason: "invalid_field" }));
      expect(() => loadServer("--host", host)).toThrow("--insecure");
      expect(loadServer("--host", host, "--insecure", "--advertise", "a:1")).toMatchObject({ value: { host } });
    },
  );

  test.each(["0.0.0.0", "::"])("refuse %s when nobody could dial it", (host) => {
    expect(() => loadServer("--host", host, "--insecure")).toThrow("--advertise");
  });

  test.each(["a", "a:b", "a:1/x", "http://a:1", "::1:1", "a b:1"])("refuse the address %j", (address) => {
    expect(() => loadServer("--meta", address)).toThrow("meta must be host:port");
  });
});
