/** Instances that are listed because an operator has put them. */

import {
  idFromAddress,
  instanceFromInput,
  serviceKey,
  staticInstanceId,
  type Instance,
  type StaticInstance,
} from "@rollcall/core";
import { Option } from "commander";

import { dim } from "../../output/table.ts";
import { probeFromOptions, probeOptions, type ProbeOptions } from "../../registry/probe-option.ts";
import { pair, wholeNumber } from "../../registry/settings.ts";
import { jsonFromRecord, recordsTable } from "../record-text.ts";
import { decides, takesBack, type Verb } from "../verb.ts";

interface KeyOptions {
  readonly namespace?: string | undefined;
  readonly group?: string | undefined;
}

interface PutOptions extends KeyOptions, ProbeOptions {
  readonly id?: string | undefined;
  readonly protocol?: string | undefined;
  readonly weight?: number | undefined;
  readonly zone?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const keyOptions: readonly Option[] = [
  new Option("--namespace <name>", 'namespace of the service (default "default")'),
  new Option("--group <name>", 'group of the service (default "default")'),
];

export const staticPut = decides<PutOptions>(
  {
    name: "static put",
    summary: "list an instance that nobody registers",
    args: [
      ["<service>", "of which service"],
      ["<address>", "host:port that others reach the instance by"],
    ],
    options: [
      ...keyOptions,
      new Option("--id <id>", "identity of the instance within the service (default made of protocol and address)"),
      new Option("--protocol <name>", 'what the address speaks, such as http or grpc (default "tcp")'),
      new Option("--weight <number>", "share of traffic, 0 to 10000 (default 100)").argParser(wholeNumber),
      new Option("--zone <name>", "where it runs"),
      new Option("--metadata <key=value>", "metadata, repeatable").argParser(pair),
      ...probeOptions,
    ],
    details: [
      "It is listed until `static remove`, over restarts of everything. With --probe it is marked while it cannot take",
      "work, and left out of what consumers see unless they ask for that, too. Without, it is taken for healthy.",
      "Putting the same id again replaces it. A client that registers the id itself is shown in its place while it lives.",
    ].join("\n"),
    examples: [
      "static put orders 10.0.0.7:8080 --protocol http --probe http/healthz",
      "static put mail 10.0.0.9:25 --id mail-1 --probe tcp --probe-interval 30000",
      "static put rates 10.0.0.5:9000 --probe grpc:rates.Rates --expires 2h",
    ],
  },
  ({ args: [service, address], options }): StaticInstance => ({
    kind: "static instance",
    key: serviceKey({ ...options, service: service! }),
    instance: instanceFromOptions(address!, options),
  }),
);

export const staticRemove = takesBack<KeyOptions>(
  {
    name: "static remove",
    summary: "list it no longer",
    args: [
      ["<service>", "of which service"],
      ["<instance>", "its id, as `static list` shows it"],
    ],
    options: keyOptions,
    examples: ["static remove mail mail-1", "static remove orders http@10.0.0.7:8080 --wait"],
  },
  ({ args: [service, id], options }) =>
    staticInstanceId({ key: serviceKey({ ...options, service: service! }), instance: { id: id! } }),
);

export const staticList: Verb = {
  name: "static list",
  summary: "show the instances that operators have put",
  args: [["[service]", "only of services whose name begins so"]],
  examples: ["static list", "static list orders --json"],
  decides: false,
  expires: false,
  async run({ args: [service = ""] }, operator) {
    const { records, version } = await operator.list("static/");
    const found = records.filter(
      ({ control }) => control.kind === "static instance" && control.key.service.startsWith(service),
    );
    const { stdout } = operator.ports;
    return {
      json: { version, records: found.map(jsonFromRecord) },
      text: found.length === 0 ? `${dim("nothing was put", stdout)}\n` : recordsTable(found, stdout),
    };
  },
};

function instanceFromOptions(address: string, options: PutOptions): Instance {
  const { id, protocol, weight, zone, metadata } = options;
  const given = Object.entries({ id, protocol, weight, zone, metadata, probe: probeFromOptions(options) });
  const known = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  const instance = instanceFromInput({ ...known, address }, () => "x");
  return { ...instance, id: id ?? idFromAddress(instance.protocol, address) };
}
