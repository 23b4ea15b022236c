/** `rollcall session`, `rollcall data`, `rollcall meta`: this process as one node of a cluster. */

import type { Command } from "commander";

const roles = {
  session: {
    description: "run a session node, which holds client connections",
    main: async () => (await import("@rollcall/session/main")).main,
  },
  data: {
    description: "run a data node, which stores services by slot",
    main: async () => (await import("@rollcall/data/main")).main,
  },
  meta: {
    description: "run a meta node, which knows who is in the cluster",
    main: async () => (await import("@rollcall/meta/main")).main,
  },
} as const;

/** Everything after the command belongs to the node, `--help` included: it knows its settings. */
export function addNodes(program: Command): void {
  for (const [name, { description, main }] of Object.entries(roles)) {
    program
      .command(name)
      .description(description)
      .usage("[settings]")
      .argument("[settings...]")
      .allowUnknownOption()
      .passThroughOptions()
      .helpOption(false)
      .action(async (settings: readonly string[]) => (await main())(settings));
  }
}
