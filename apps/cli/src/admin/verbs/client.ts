/** Which clients may register, and which are pushed anything. */

import { RegistryError, controlId, type ClientsOff } from "@rollcall/core";
import { Option } from "commander";

import { decides, takesBack, type Given, type VerbWords } from "../verb.ts";

interface ClientOptions {
  readonly name?: string | undefined;
  readonly only?: "register" | "subscribe" | undefined;
}

const args: NonNullable<VerbWords["args"]> = [
  ["[address]", 'an IP address, or a range such as "10.0.0.0/8", as session nodes see where clients come from'],
];

const byName = new Option("--name <name>", "instead of an address: the client of that id, or those of that name");

export const clientOff = decides<ClientOptions>(
  {
    name: "client off",
    summary: "hold back what clients register, and all pushes to them",
    args,
    options: [
      byName,
      new Option("--only <what>", "only what they register, or only what they subscribe to").choices([
        "register",
        "subscribe",
      ]),
    ],
    details: [
      "Their session nodes keep what they want, so that nobody has to do anything when they are switched on again. Deciding",
      "again about the same clients replaces what was decided before.",
    ].join("\n"),
    examples: [`client off 10.0.0.7 --reason "sends garbage" --wait`, "client off --name billing --only register"],
  },
  (given) => ({
    kind: "client off",
    clients: clientsOf(given),
    register: given.options.only !== "subscribe",
    subscribe: given.options.only !== "register",
  }),
);

export const clientOn = takesBack<ClientOptions>(
  {
    name: "client on",
    summary: "let clients register and be pushed again",
    args,
    options: [byName],
    examples: ["client on 10.0.0.7", "client on --name billing"],
  },
  (given) => controlId({ kind: "client off", clients: clientsOf(given), register: true, subscribe: true }),
);

function clientsOf({ args: [range], options: { name } }: Given<ClientOptions>): ClientsOff {
  if (name !== undefined && range === undefined) return { kind: "name", name };
  if (name === undefined && range !== undefined) return { kind: "address", range };
  throw new RegistryError("invalid_field", "give an address or a range, or --name and a name");
}
